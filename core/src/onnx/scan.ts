// Examining a model without running it: what it is, what it refers to, what will not run, and whether it may be served.
import { SlipwayError } from "#base";
import {
  type ByteSource,
  describeNode,
  type Initializer,
  initializerElementCount,
  initializerSizeBytes,
  type Model,
  nodesOfModel,
  requireFilled,
  signatureFromModel,
  tensorsOfModel,
  verifyModel,
} from "#graph";
import type { DType, Signature } from "#tensor";
import { type ExternalFile, externalFilesOf } from "./external-data.ts";
import { UNSAFE_OPERATORS } from "./operators.ts";
import { modelFromBytes, type ReadOptions } from "./read.ts";
import { type ScanWarning, warningsOf } from "./warnings.ts";

/** What is known of a model from its file alone; plain data that survives JSON. */
export interface ModelScan {
  readonly signature: Signature;
  readonly irVersion: number;
  /** Operator sets the model imports; the ONNX domain is "". */
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producerName: string;
  readonly producerVersion: string;
  /** The producer's own version of the model, a 64-bit integer in decimal. */
  readonly modelVersion: string;
  readonly docString: string;
  /** The model's `metadata_props`. */
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Bytes of the ONNX file, without external data. */
  readonly sizeBytes: number;
  /** Elements of all stored tensors but those of int64, bool and string: shapes, indices and vocabularies are none. */
  readonly parameterCount: number;
  /** Stored tensors: initializers and constants, in bodies and functions too. */
  readonly tensorCount: number;
  /** Bytes their elements take, with external data; strings count the bytes of the file. */
  readonly tensorBytes: number;
  /** Files the weights lie in, besides the model's own; each location is safe as a relative path. */
  readonly externalFiles: readonly ExternalFile[];
  /** Nodes, in bodies and functions too. */
  readonly nodeCount: number;
  /** Operators by how often they appear, most frequent first. */
  readonly operators: readonly OperatorCount[];
  /** How deep bodies of control flow are nested; 0 without any. */
  readonly bodyDepth: number;
  readonly functionCount: number;
  /** What will not run, or not well. */
  readonly warnings: readonly ScanWarning[];
}

export interface OperatorCount {
  readonly domain: string;
  readonly opType: string;
  readonly count: number;
}

/**
 * Examines an ONNX file, reading its structure once and none of its weights.
 * @param bytes the file in memory, or a source that reads it (see `modelFromBytes`)
 * @throws SlipwayError MODEL_MALFORMED (not a readable model), MODEL_INVALID (breaks a rule of ONNX), MODEL_UNSAFE
 *   (refers outside itself, or holds what a served model may not), MODEL_UNSUPPORTED (types nothing here can hold),
 *   MODEL_TOO_LARGE (over a limit)
 */
export function scanModel(bytes: Uint8Array | ByteSource, options: ReadOptions = {}): ModelScan {
  const model = modelFromBytes(bytes, options);
  const sizeBytes = bytes instanceof Uint8Array ? bytes.byteLength : bytes.sizeBytes;
  return examine(model, sizeBytes);
}

function examine(model: Model, sizeBytes: number): ModelScan {
  verifyModel(model);
  const signature = signatureFromModel(model);
  const externalFiles = externalFilesOf(model);
  return {
    signature,
    irVersion: model.irVersion,
    opsets: Array.from(model.opsets, ([domain, version]) => ({ domain, version })),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    modelVersion: String(model.modelVersion),
    docString: model.docString,
    metadata: Array.from(model.metadata, ([key, value]) => ({ key, value })),
    sizeBytes,
    ...measureTensors(model),
    externalFiles,
    ...countNodes(model),
    functionCount: model.functions.length,
    warnings: warningsOf(model, signature),
  };
}

const NO_PARAMETERS: ReadonlySet<DType> = new Set(["int64", "bool", "string"]);

function measureTensors(model: Model): Pick<ModelScan, "parameterCount" | "tensorCount" | "tensorBytes"> {
  let parameterCount = 0;
  let tensorCount = 0;
  let tensorBytes = 0;
  for (const { tensor } of tensorsOfModel(model)) {
    tensorCount++;
    requireFilled(tensor);
    if (!NO_PARAMETERS.has(tensor.dtype)) parameterCount += initializerElementCount(tensor);
    tensorBytes += initializerSizeBytes(tensor) ?? stringBytes(tensor);
  }
  return { parameterCount, tensorCount, tensorBytes };
}

function stringBytes(tensor: Initializer): number {
  return tensor.data.kind === "deferred" ? tensor.data.sizeBytes : 0;
}

function countNodes(model: Model): Pick<ModelScan, "nodeCount" | "operators" | "bodyDepth"> {
  const counts = new Map<string, { domain: string; opType: string; count: number }>();
  let nodeCount = 0;
  let bodyDepth = 0;
  for (const { node, depth } of nodesOfModel(model)) {
    const { domain, opType } = node;
    const reason = domain.startsWith("com.microsoft") ? UNSAFE_OPERATORS.get(opType) : undefined;
    if (reason !== undefined) {
      throw new SlipwayError("MODEL_UNSAFE", `The model holds ${describeNode(node)}, which is refused: ${reason}.`);
    }
    nodeCount++;
    bodyDepth = Math.max(bodyDepth, depth);
    const key = `${domain}:${opType}`;
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, { domain, opType, count: 1 });
    else entry.count++;
  }
  const operators = Array.from(counts.values()).sort(
    (a, b) => b.count - a.count || (a.opType < b.opType ? -1 : a.opType > b.opType ? 1 : 0),
  );
  return { nodeCount, operators, bodyDepth };
}
