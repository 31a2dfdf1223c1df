// What records are, and how they become a model's inputs: what images and instances have in common.
import { SlipwayError } from "#base";
import type { NamedTensor, Port, Signature, Tensor, TensorType } from "#tensor";
import { elementOf, type JsonValue } from "./elements.ts";
import type { Processing } from "./schema.ts";
import type { Refuse } from "./values.ts";

/**
 * What a caller sends for one answer: an image's pixels as its decoder gave them, uint8 [height, width, channels] with 1
 * (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels; or a JSON value.
 */
export type InputRecord =
  | { readonly kind: "image"; readonly pixels: Tensor }
  | { readonly kind: "instance"; readonly value: JsonValue };

/** One record as the model's inputs, without the batch axis where the model has one. */
type PrepareRecord = (record: InputRecord, refuse: Refuse) => NamedTensor[];

/** How records become inputs. */
export interface InputPlan {
  readonly takes: InputRecord["kind"];
  /** Whether records are rows of the inputs' first axis. */
  readonly isBatched: boolean;
  readonly batchSize: number | null;
  readonly prepare: PrepareRecord;
}

/** The input that the steps fill: the named one, or the only one that has to be given. */
export function targetInput({ input }: Processing, { inputs }: Signature): Port {
  const names = inputs.map((port) => port.name).join(", ");
  if (input !== null) {
    const named = inputs.find((port) => port.name === input);
    if (named === undefined) {
      throw new SlipwayError("PROCESSING_INVALID", `Processing: the model has no input "${input}"; it has ${names}.`);
    }
    return named;
  }
  const required = inputs.filter((port) => port.isOptional !== true);
  if (required.length !== 1) {
    throw new SlipwayError(
      "PROCESSING_INVALID",
      `Processing: "input" has to name the input that the steps fill; the model has ${names}.`,
    );
  }
  return required[0]!;
}

/** The type of a port that records can fill or be answered from. */
export function tensorType({ name, type }: Port, whose: "input" | "output"): TensorType {
  if (type.kind === "tensor" && elementOf(type.dtype) !== undefined) return type;
  const what = type.kind === "tensor" ? type.dtype : `a ${type.kind}`;
  throw new SlipwayError("PROCESSING_INVALID", `Processing: the ${whose} "${name}" is ${what}, which JSON can't hold.`);
}
