// The raw binary request: a body that is nothing but the bytes of a model's one input.
import { SlipwayError } from "#base";
import { byteLength, elementCount, type NamedTensor, type Signature } from "#tensor";
import { dataFromBinary } from "./binary.ts";
import { type InferRequest, NO_PARAMETERS } from "./request.ts";

/**
 * Decodes a raw binary request (`Inference-Header-Content-Length: 0`): the whole body is the model's one input. Its
 * shape comes from the signature, whose one variable axis takes what the size gives; where two are variable, the first
 * is the batch and counts 1. A string input gets the body as one element, without its length before it.
 * @throws SlipwayError REQUEST_MALFORMED where the model has several inputs or too many variable axes;
 *   INPUT_DATA_MISMATCH where the size does not fit
 */
export function decodeRawRequest(body: Uint8Array, signature: Signature): InferRequest {
  const required = signature.inputs.filter((port) => port.isOptional !== true);
  const port = required.length === 0 && signature.inputs.length === 1 ? signature.inputs[0] : required[0];
  if (port === undefined || required.length > 1 || port.type.kind !== "tensor" || port.type.shape === null) {
    return rawRefused("this model does not have exactly one input that is a tensor of known rank");
  }
  const { dtype } = port.type;
  let shape = port.type.shape.map((length) => (typeof length === "number" ? length : -1));
  const variable = shape.flatMap((length, axis) => (length < 0 ? [axis] : []));
  if (variable.length > 2 || (variable.length === 2 && variable[0] !== 0)) {
    return rawRefused(`input "${port.name}" has ${variable.length} variable axes besides a batch`);
  }
  let input: Pick<NamedTensor, "shape" | "data">;
  if (dtype === "string") {
    shape = shape.map((length) => (length < 0 ? 1 : length));
    if (elementCount(shape) !== 1) return rawRefused(`input "${port.name}" takes several strings`);
    const prefixed = new Uint8Array(body.length + 4);
    new DataView(prefixed.buffer).setUint32(0, body.length, true);
    prefixed.set(body, 4);
    input = { shape, data: dataFromBinary(dtype, shape, prefixed, `input "${port.name}"`) };
  } else {
    const last = variable.at(-1);
    if (variable.length === 2) shape[0] = 1;
    if (last !== undefined) {
      const width = byteLength(dtype, elementCount(shape.map((length, axis) => (axis === last ? 1 : length))));
      shape[last] = width === 0 ? 0 : Math.floor(body.length / width);
    }
    input = { shape, data: dataFromBinary(dtype, shape, body, `input "${port.name}"`) };
  }
  return {
    id: null,
    parameters: NO_PARAMETERS,
    inputs: [{ name: port.name, dtype, ...input }],
    outputs: null,
    isBinaryDefault: true,
  };
}

function rawRefused(why: string): never {
  throw new SlipwayError(
    "REQUEST_MALFORMED",
    `Inference-Header-Content-Length is 0, but ${why}; send the JSON that describes the inputs first.`,
  );
}
