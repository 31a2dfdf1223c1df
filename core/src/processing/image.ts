// How an image becomes a model's input: the declared steps, then the input's datatype.
import { SlipwayError } from "#base";
import { createData, type NamedTensor, type Signature, type Tensor, type TensorType } from "#tensor";
import { type InputPlan, type InputRecord, targetInput, tensorType } from "./inputs.ts";
import { isComputable, type JsonValue, writeNumbers } from "./elements.ts";
import { tensorFromNested } from "./nested.ts";
import type { Processing } from "./schema.ts";
import { applySteps, inferSteps } from "./steps.ts";
import { type Refuse, shapeText, type Values } from "./values.ts";

/** @throws SlipwayError PROCESSING_INVALID */
export function planImage(processing: Processing, signature: Signature): InputPlan {
  const port = targetInput(processing, signature);
  const others = signature.inputs.filter((other) => other !== port && other.isOptional !== true);
  if (others.length > 0) {
    throw new SlipwayError(
      "PROCESSING_INVALID",
      `Processing: an image fills one input; "${others[0]!.name}" would stay empty.`,
    );
  }
  const { dtype, shape: dims } = tensorType(port, "input");
  if (!isComputable(dtype)) {
    throw new SlipwayError("PROCESSING_INVALID", `Processing: the input "${port.name}" is ${dtype}, not numbers.`);
  }
  const made = inferSteps(processing.before, { stage: "arranged", shape: [] }).shape;
  const isBatched = dims === null || dims.length === made.length + 1;
  if (!isBatched && dims.length !== made.length) {
    throw mismatch(port.name, made, dims, "has another number of axes");
  }
  const wanted = isBatched ? dims?.slice(1) : dims;
  wanted?.forEach((length, axis) => {
    const has = made[axis];
    if (typeof length === "number" && typeof has === "number" && has !== length) {
      throw mismatch(port.name, made, dims ?? [], `differs on axis ${axis} of a record: ${has} and ${length}`);
    }
  });
  const first = isBatched ? dims?.[0] : 1;
  return {
    takes: "image",
    isBatched,
    batchSize: typeof first === "number" ? first : null,
    prepare: (record, refuse) => {
      const values = applySteps(processing.before, valuesFromImage(record, refuse), refuse);
      const misfit = wanted?.findIndex((length, axis) => typeof length === "number" && values.shape[axis] !== length);
      if (misfit !== undefined && misfit >= 0) {
        refuse(`the image becomes ${shapeText(values.shape)}; the model takes ${shapeText(wanted ?? [])}`);
      }
      const data = createData(dtype, values.data.length);
      writeNumbers(dtype, values.data, data);
      const tensor: NamedTensor = { name: port.name, dtype, shape: values.shape, data };
      return [tensor];
    },
  };
}

function mismatch(
  name: string,
  made: readonly (number | null)[],
  dims: NonNullable<TensorType["shape"]>,
  problem: string,
): SlipwayError {
  return new SlipwayError(
    "PROCESSING_INVALID",
    `Processing: what the steps make of a record, ${shapeText(made)}, ${problem}; ` +
      `the input "${name}" takes ${shapeText(dims)}, the batch first.`,
  );
}

function valuesFromImage(record: InputRecord, refuse: Refuse): Values {
  const { dtype, shape, data } = record.kind === "image" ? record.pixels : pixelsFromJson(record.value, refuse);
  const [height, width, channels] = shape;
  if (dtype !== "uint8" || shape.length !== 3 || channels! < 1 || channels! > 4) {
    refuse(`the pixels are ${dtype}${shapeText(shape)}; an image is uint8[height, width, 1 to 4 channels]`);
  }
  if (height === 0 || width === 0) refuse(`the image has no pixels: it is ${height} by ${width}`);
  const bytes = data as Uint8Array;
  // Decoders may give a subclass whose slice() is a view, as Node's Buffer is.
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** Pixels that came as lists, [height][width] of grey or [height][width][channels]. */
function pixelsFromJson(value: JsonValue, refuse: Refuse): Tensor {
  if (!Array.isArray(value)) refuse("it is no image; this version takes images, or lists of their pixels");
  const pixels = tensorFromNested(value, "uint8", null, "the image", refuse);
  return pixels.shape.length === 2 ? { ...pixels, shape: [...pixels.shape, 1] } : pixels;
}
