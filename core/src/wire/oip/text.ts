// JSON text of names and tensor data, for answers.
import { SlipwayError } from "#base";
import { DTYPES, type DType, type Tensor } from "#tensor";

/** Most values an answer prints as text; one value takes up to 25 characters, and an engine's strings have a limit. */
const LARGEST_TEXT_VALUES = 2 ** 24;

// oxlint-disable-next-line no-control-regex -- these are the characters JSON has to escape
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A JSON string. */
export function quoted(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/**
 * The number as the shortest decimal that reads back as the same binary64; NaN, Infinity and -Infinity stand bare, as
 * Triton writes them. An FP32 is widened first: its text is up to 17 digits where 9 would do for a reader of FP32, but
 * every reader, of whatever width, then has the very number the model computed. Negative zero has a point, since Python
 * takes "-0" for a whole number, which has no such zero.
 */
export function numberText(value: number): string {
  return value === 0 && Object.is(value, -0) ? "-0.0" : String(value);
}

/**
 * The elements of a tensor as one flat JSON array.
 * @throws SlipwayError PARAMETER_INVALID for a type without a JSON form, or more values than text is made for
 */
export function dataText(tensor: Tensor, name: string): string {
  const { data, dtype } = tensor;
  requireJsonForm(name, dtype);
  if (data.length > LARGEST_TEXT_VALUES) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `Output "${name}" has ${data.length} values, too many for JSON; ask for it with the parameter binary_data: true.`,
    );
  }
  if (dtype === "string") return `[${(data as readonly string[]).map(quoted).join()}]`;
  if (dtype === "bool") return `[${Array.from(data as Uint8Array, (value) => value !== 0).join()}]`;
  if (dtype === "float32" || dtype === "float64") return floatsText(data as Float32Array | Float64Array);
  return `[${(data as Int32Array).join()}]`;
}

/**
 * Refuses an output whose elements JSON has no form for in the Open Inference Protocol.
 * @throws SlipwayError PARAMETER_INVALID
 */
export function requireJsonForm(name: string, dtype: DType): void {
  const { oip } = DTYPES[dtype];
  if (oip !== null && dtype !== "float16" && dtype !== "bfloat16") return;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `Output "${name}" is ${oip ?? dtype}, which has no JSON form; ask for it with the parameter binary_data: true.`,
  );
}

function floatsText(data: Float32Array | Float64Array): string {
  if (data.length === 0) return "[]";
  let text = `[${numberText(data[0]!)}`;
  for (let i = 1; i < data.length; i++) text += `,${numberText(data[i]!)}`;
  return `${text}]`;
}
