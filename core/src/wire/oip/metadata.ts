// What the server and its models say of themselves in the Open Inference Protocol: metadata, repository index, health.
import { DTYPES, type Signature, typeText, type ValueType } from "#tensor";

/** The extensions that are really there; clients decide by this list. */
export const EXTENSIONS = [
  "binary_tensor_data",
  "classification",
  "model_configuration",
  "model_repository",
  "parameters",
  "schedule_policy",
  "statistics",
] as const;

/** The platform Triton names ONNX Runtime models by, which its clients look for. */
export const PLATFORM = "onnxruntime_onnx";

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export function serverMetadata(name: string, version: string): ServerMetadata {
  return { name, version, extensions: EXTENSIONS };
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1 for a variable axis. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** A model's metadata from its signature. */
export function modelMetadata(name: string, versions: readonly string[], signature: Signature): ModelMetadata {
  const describe = ({ name, type }: Signature["inputs"][number]): TensorMetadata => ({
    name,
    datatype: datatypeText(type),
    shape: dims(type),
  });
  return {
    name,
    versions,
    platform: PLATFORM,
    inputs: signature.inputs.map(describe),
    outputs: signature.outputs.map(describe),
  };
}

/** The protocol's datatype; for a type it has none for, the type as people write it. */
function datatypeText(type: ValueType): string {
  return (type.kind === "tensor" ? DTYPES[type.dtype].oip : null) ?? typeText(type);
}

/** Axis lengths, -1 where variable; none where the rank is unknown or the value is no tensor. */
export function dims(type: ValueType): number[] {
  if (type.kind !== "tensor" || type.shape === null) return [];
  return type.shape.map((length) => (typeof length === "number" ? length : -1));
}

export type RepositoryState = "UNKNOWN" | "READY" | "UNAVAILABLE" | "LOADING" | "UNLOADING";

/** A line of the repository index. A model that is not loaded has only its name. */
export interface RepositoryEntry {
  readonly name: string;
  readonly version?: string;
  readonly state?: RepositoryState;
  readonly reason?: string;
}
