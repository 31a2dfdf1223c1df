// An encoder as an ONNX model: standard operators and ai.onnx.ml's LabelEncoder, so that any ONNX Runtime encodes rows as
// training did. Arithmetic is float32, one rounding an operation, but for moments, whose seconds need float64.
import { float, type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import {
  type CategoryEncoding,
  categoryPlaces,
  CYCLES,
  type Cycle,
  type NumberEncoding,
  ROBUST_LIMIT,
  type TimeEncoding,
  type UsedColumn,
} from "./encoding.ts";
import { blocksOf } from "./features.ts";

const FEATURES_OUTPUT = "features";

/** @param columns those that become features, at least one, in the order of the inputs */
export function encoderModel(columns: readonly UsedColumn[], width: number): Model {
  const g = graphBuilder({ name: "encoder", opset: 17, opsets: { "ai.onnx.ml": 2 } });
  for (const { name, input } of columns) g.input(name, input, ["N"]);
  const { numbers, indicators, categories, times } = blocksOf(columns);
  const one = g.values("int64", [1], [1]);
  const made: string[] = [];
  if (numbers.length > 0) made.push(...numberFeatures(g, numbers, indicators, one));
  for (const { name, encoding } of categories) made.push(categoryFeatures(g, name, encoding as CategoryEncoding));
  for (const { name, encoding } of times) made.push(...timeFeatures(g, name, encoding as TimeEncoding, one));
  const features = made.length === 1 ? made[0]! : g.op("Concat", made, { axis: 1 });
  // A column may be called so, and then its input is.
  let output = FEATURES_OUTPUT;
  while (columns.some(({ name }) => name === output)) output += "_";
  g.output(output, features, "float32", ["N", width]);
  return g.model();
}

/** All numeric columns side by side, scaled, and which of those that may be missing are. */
function numberFeatures(
  g: GraphBuilder,
  numbers: readonly UsedColumn[],
  indicators: readonly UsedColumn[],
  one: string,
): string[] {
  const encodings = numbers.map(({ encoding }) => encoding as NumberEncoding);
  const row = (valueOf: (encoding: NumberEncoding) => number) =>
    g.values("float32", encodings.map(valueOf), [1, encodings.length]);
  const single = numbers.map(({ name }) => g.op("Unsqueeze", [name, one]));
  const raw = single.length === 1 ? single[0]! : g.op("Concat", single, { axis: 1 });
  const isMissing = g.op("IsNaN", [raw]);
  const filled = g.op("Where", [isMissing, row(({ imputed }) => imputed), raw]);
  const centred = g.op("Sub", [filled, row(({ centre }) => centre)]);
  const scaled = g.op("Div", [centred, row(({ scale }) => scale)]);
  const made = [encodings.some(({ scaler }) => scaler === "robust") ? limited(g, scaled, encodings) : scaled];
  if (indicators.length > 0) {
    const flags = g.op("Cast", [isMissing], { to: 1 });
    const places = indicators.map((column) => numbers.indexOf(column));
    made.push(g.op("Gather", [flags, g.values("int64", places)], { axis: 1 }));
  }
  return made;
}

/** Columns that are scaled robustly, cut off; the bounds of others are the largest numbers there are. */
function limited(g: GraphBuilder, scaled: string, encodings: readonly NumberEncoding[]): string {
  const most = encodings.map(({ scaler }) => (scaler === "robust" ? ROBUST_LIMIT : LARGEST));
  const bound = (sign: 1 | -1) =>
    g.values(
      "float32",
      most.map((value) => sign * value),
      [1, most.length],
    );
  return g.op("Max", [g.op("Min", [scaled, bound(1)]), bound(-1)]);
}

/** Of float32. */
const LARGEST = 3.4028234663852886e38;

function categoryFeatures(g: GraphBuilder, name: string, encoding: CategoryEncoding): string {
  const { kept, hasMissing } = encoding;
  const { other, missing, width } = categoryPlaces(encoding);
  // An index beyond the last feature lights none of them.
  const unseen = other ?? width;
  const places = kept.map((_, place) => place);
  const indices = isNumbers(kept)
    ? numberPlaces(g, name, kept, unseen, missing)
    : g.op(
        "LabelEncoder",
        [name],
        {
          keys_strings: hasMissing ? [...kept, ""] : kept,
          values_int64s: hasMissing ? [...places, missing!] : places,
          default_int64: unseen,
        },
        { domain: "ai.onnx.ml" },
      );
  const depth = g.values("int64", [width], []);
  return g.op("OneHot", [indices, depth, g.values("float32", [0, 1])], { axis: -1 });
}

/** NaN is no key that could be found, so missing numbers are told apart by IsNaN. */
function numberPlaces(
  g: GraphBuilder,
  name: string,
  kept: readonly number[],
  unseen: number,
  missing: number | null,
): string {
  const found = g.op(
    "LabelEncoder",
    [name],
    { keys_floats: float(kept), values_int64s: kept.map((_, place) => place), default_int64: unseen },
    { domain: "ai.onnx.ml" },
  );
  return g.op("Where", [g.op("IsNaN", [name]), g.values("int64", [missing ?? unseen], []), found]);
}

function isNumbers(values: readonly number[] | readonly string[]): values is readonly number[] {
  return typeof values[0] === "number";
}

function timeFeatures(g: GraphBuilder, name: string, encoding: TimeEncoding, one: string): string[] {
  const { imputed, centre, scale, cycles, hasMissing } = encoding;
  const number = (value: number) => g.values("float64", [value], []);
  const isMissing = g.op("IsNaN", [name]);
  const filled = g.op("Where", [isMissing, number(imputed), name]);
  const trend = g.op("Div", [g.op("Sub", [filled, number(centre)]), number(scale)]);
  const turns = cycles.flatMap((cycle) => cycleFeatures(g, filled, isMissing, cycle, number));
  const columns = [trend, ...turns].map((value) => g.op("Unsqueeze", [g.op("Cast", [value], { to: 1 }), one]));
  if (hasMissing) columns.push(g.op("Unsqueeze", [g.op("Cast", [isMissing], { to: 1 }), one]));
  return columns;
}

/** Sine and cosine of where in a cycle a moment is; 0, the middle of the circle, where it is missing. */
function cycleFeatures(
  g: GraphBuilder,
  seconds: string,
  isMissing: string,
  cycle: Cycle,
  number: (value: number) => string,
): string[] {
  const { seconds: length, start } = CYCLES[cycle];
  const turns = g.op("Div", [g.op("Sub", [seconds, number(start)]), number(length)]);
  const angle = g.op("Mul", [g.op("Sub", [turns, g.op("Floor", [turns])]), number(2 * Math.PI)]);
  // ONNX Runtime has no cosine of float64.
  const ahead = g.op("Add", [angle, number(Math.PI / 2)]);
  return [angle, ahead].map((one) => g.op("Where", [isMissing, number(0), g.op("Sin", [one])]));
}
