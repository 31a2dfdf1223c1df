// The classification extension: instead of its numbers, an output's best classes as "score:index[:label]".
import { SlipwayError } from "#base";
import { bestIndices, DTYPES, type NamedTensor, numberFromBfloat16, numberFromFloat16 } from "#tensor";
import { numberText } from "./text.ts";

/**
 * The best `count` classes of each row, best first; of equal scores the lower index, NaN last. The first axis is the
 * rows, everything after it the classes; a tensor of one axis is a single row.
 * @param labels the names of the classes by index; null where there are none
 * @returns a string tensor [rows, count], or [count] for a single axis; count is at most the number of classes
 * @throws SlipwayError PARAMETER_INVALID where the output is not numbers
 */
export function classify(output: NamedTensor, count: number, labels: readonly string[] | null): NamedTensor {
  const { name, shape, data, dtype } = output;
  if (dtype === "string" || DTYPES[dtype].bits < 8 || DTYPES[dtype].lanes !== 1) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `Output "${name}" is ${DTYPES[dtype].oip ?? dtype}; classification needs numbers.`,
    );
  }
  const rows = shape.length > 1 ? shape[0]! : 1;
  const classes = rows === 0 ? 0 : data.length / rows;
  const kept = Math.min(count, classes);
  const scores = scoresOf(output);
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const offset = row * classes;
    for (const index of bestIndices(scores, offset, offset + classes, kept)) {
      const label = labels?.[index];
      texts.push(`${numberText(scores[offset + index]!)}:${index}${label === undefined ? "" : `:${label}`}`);
    }
  }
  return { name, dtype: "string", shape: shape.length > 1 ? [rows, kept] : [kept], data: texts };
}

function scoresOf({ dtype, data }: NamedTensor): ArrayLike<number> {
  if (dtype === "float16") return Float64Array.from(data as Uint16Array, numberFromFloat16);
  if (dtype === "bfloat16") return Float64Array.from(data as Uint16Array, numberFromBfloat16);
  if (dtype === "int64" || dtype === "uint64") return Float64Array.from(data as BigInt64Array as never, Number);
  return data as Float32Array;
}
