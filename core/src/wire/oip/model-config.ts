// A deployment as Triton's ModelConfig in JSON: the names of model_config.proto in snake case, enums by name, and every
// primitive field printed even where it has its default, as Triton's own answer does; perf_analyzer and others read it.
import { DTYPES, type DType, type Port, type Signature } from "#tensor";
import { dims, PLATFORM } from "./metadata.ts";

/** What a deployment is, as far as a ModelConfig can say it. */
export interface ModelConfigFacts {
  readonly name: string;
  readonly signature: Signature;
  /** Most rows the runner puts in one run; 0 for a model served unbatched, whose shapes then include every axis. */
  readonly maxBatchRows: number;
  readonly instances: number;
  readonly priorityLevels: number;
  readonly maxQueueRequests: number;
  readonly defaultTimeoutMs: number;
}

/** ModelConfig.data_type of each element type; TYPE_INVALID where it has none. */
function dataType(dtype: DType): string {
  if (dtype === "string") return "TYPE_STRING";
  const { oip } = DTYPES[dtype];
  return oip === null ? "TYPE_INVALID" : `TYPE_${oip}`;
}

/** The model configuration of a deployment. */
export function modelConfig(facts: ModelConfigFacts): Record<string, unknown> {
  const { name, signature, maxBatchRows } = facts;
  // A row that is a single value would have no dims at all, which a ModelConfig can't say and perf_analyzer can't fill: such
  // a model is shown as one whose rows are an axis like any other, which its requests may be just so.
  const isBatched = maxBatchRows > 0 && signature.inputs.every((port) => dims(port.type).length !== 1);
  return {
    name,
    platform: PLATFORM,
    backend: "onnxruntime",
    runtime: "",
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: isBatched ? maxBatchRows : 0,
    input: signature.inputs.map((port) => ({
      name: port.name,
      data_type: portType(port),
      format: "FORMAT_NONE",
      dims: portDims(port, isBatched),
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: port.isOptional === true,
      is_non_linear_format_io: false,
    })),
    output: signature.outputs.map((port) => ({
      name: port.name,
      data_type: portType(port),
      dims: portDims(port, isBatched),
      label_filename: "",
      is_shape_tensor: false,
      is_non_linear_format_io: false,
    })),
    batch_input: [],
    batch_output: [],
    optimization: {
      priority: "PRIORITY_DEFAULT",
      input_pinned_memory: { enable: false },
      output_pinned_memory: { enable: false },
      gather_kernel_buffer_threshold: 0,
      eager_batching: true,
    },
    ...(isBatched ? { dynamic_batching: dynamicBatching(facts) } : {}),
    instance_group: [
      {
        name: `${name}_0`,
        kind: "KIND_CPU",
        count: facts.instances,
        gpus: [],
        secondary_devices: [],
        profile: [],
        passive: false,
        host_policy: "",
      },
    ],
    default_model_filename: "model.onnx",
    cc_model_filenames: {},
    metric_tags: {},
    parameters: {},
    model_warmup: [],
  };
}

function dynamicBatching(facts: ModelConfigFacts): Record<string, unknown> {
  return {
    preferred_batch_size: [],
    max_queue_delay_microseconds: 0,
    preserve_ordering: false,
    priority_levels: facts.priorityLevels,
    default_priority_level: Math.ceil(facts.priorityLevels / 2),
    default_queue_policy: {
      timeout_action: "REJECT",
      default_timeout_microseconds: facts.defaultTimeoutMs * 1000,
      allow_timeout_override: true,
      max_queue_size: facts.maxQueueRequests,
    },
    priority_queue_policy: {},
  };
}

function portType({ type }: Port): string {
  return type.kind === "tensor" ? dataType(type.dtype) : "TYPE_INVALID";
}

/** Axis lengths; a batched model's leave out the batch axis. */
function portDims({ type }: Port, isBatched: boolean): number[] {
  return isBatched ? dims(type).slice(1) : dims(type);
}
