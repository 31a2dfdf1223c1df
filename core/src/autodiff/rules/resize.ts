// The gradient of Resize: along each axis the transpose of the matrix that interpolates.
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import { type InterpolationMode, interpolationMatrix } from "./interpolation.ts";

const resize = rule(
  "dX = Mᵀ · G along each axis, M the matrix of the interpolation",
  (call) => [() => throughAxes(call), null, null, null],
  "not with antialias, a cropping transformation, or lengths that are open",
);

function throughAxes(call: OperatorCall): string {
  if (call.int("antialias", 0) !== 0) throw call.unavailable("smooths by antialias, which has no gradient here");
  const output = call.e.axesOf(call.y());
  const rank = call.rank();
  const axes =
    call.ints("axes")?.map((axis) => call.axis(axis, rank)) ?? Array.from({ length: rank }, (_, axis) => axis);
  const scales = call.hasInput(2) ? call.storedNumbers(2) : keptScales(call, axes);
  const mode: InterpolationMode = {
    mode: call.string("mode", "nearest") as InterpolationMode["mode"],
    coordinates: call.string("coordinate_transformation_mode", "half_pixel"),
    nearest: call.string("nearest_mode", "round_prefer_floor"),
    cubicA: call.float("cubic_coeff_a", -0.75),
    excludesOutside: call.int("exclude_outside", 0) !== 0,
  };
  let gradient = call.g;
  for (const [index, axis] of axes.entries()) {
    const [from, to] = [call.axes()?.[axis], output?.[axis]];
    const scale = scales?.[index];
    // An axis that is left as it is may be as open as it likes.
    if (scale === 1 || (from === to && from !== null && scale === undefined)) continue;
    if (scale !== undefined && repeatsAtAnyLength(mode, scale)) {
      gradient = sumOfCopies(call, gradient, axis, scale);
      continue;
    }
    const input = call.fixed(axis);
    if (typeof to !== "number")
      throw call.unavailable(`makes an axis ${axis} whose length is open; give it a fixed one`);
    const matrix = interpolationMatrix(mode, input, to, scale ?? to / input);
    if (matrix === null)
      throw call.unavailable(
        `maps coordinates by "${mode.coordinates}" and "${mode.nearest}", which has no gradient here`,
      );
    gradient = alongAxis(call, gradient, matrix, { axis, rank, input, output: to });
  }
  return gradient;
}

/** The scales that sizes become where the ratio of the sides is kept: one for all axes. null where each axis has its own. */
function keptScales(call: OperatorCall, axes: readonly number[]): readonly number[] | null {
  const policy = call.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch" || !call.hasInput(3)) return null;
  const sizes = call.storedInts(3);
  if (sizes === null) throw call.unavailable("keeps the ratio of sides whose lengths are open; give it fixed ones");
  const scales = axes.map((axis, index) => sizes[index]! / call.fixed(axis));
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return scales.map(() => scale);
}

function alongAxis(
  call: OperatorCall,
  gradient: string,
  matrix: Float64Array,
  { axis, rank, input, output }: { axis: number; rank: number; input: number; output: number },
): string {
  const { e } = call;
  if (isRepetition(matrix, input, output)) return sumOfCopies(call, gradient, axis, output / input);
  if (axis === rank - 1) return e.matMul(gradient, e.values(Array.from(matrix), [output, input]));
  const transposed = Array.from(
    { length: input * output },
    (_, at) => matrix[(at % output) * input + Math.floor(at / output)]!,
  );
  if (axis === rank - 2) return e.matMul(e.values(transposed, [input, output]), gradient);
  const swap = Array.from({ length: rank }, (_, at) => (at === axis ? rank - 1 : at === rank - 1 ? axis : at));
  const product = e.matMul(e.transpose(gradient, swap), e.values(Array.from(matrix), [output, input]));
  return e.transpose(product, swap);
}

/** Each element was repeated along an axis: its gradient is the sum over its copies. */
function sumOfCopies(call: OperatorCall, gradient: string, axis: number, copies: number): string {
  const { e } = call;
  // [.., length, copies, ..]: 0 keeps the lengths before.
  const before = Array.from({ length: axis }, () => 0);
  const tail = e.op("Shape", [gradient], { start: axis + 1 });
  const shape = e.concat([e.ints(before), e.lengthOf(call.x(), axis), e.ints([copies]), tail], 0);
  return e.sum(e.reshape(gradient, shape), [axis + 1], false);
}

/** A length to see the pattern at. */
const SEEN_LENGTH = 7;

/** Whether an axis, however long, has each of its elements repeated. */
function repeatsAtAnyLength(mode: InterpolationMode, scale: number): boolean {
  if (mode.mode !== "nearest" || !Number.isInteger(scale) || mode.coordinates === "align_corners") return false;
  const output = SEEN_LENGTH * scale;
  const matrix = interpolationMatrix(mode, SEEN_LENGTH, output, scale);
  return matrix !== null && isRepetition(matrix, SEEN_LENGTH, output);
}

/** Whether each element is repeated a whole number of times, one after the other. */
function isRepetition(matrix: Float64Array, input: number, output: number): boolean {
  if (output % input !== 0) return false;
  const copies = output / input;
  return matrix.every((weight, at) => weight === (Math.floor(Math.floor(at / input) / copies) === at % input ? 1 : 0));
}

export const RESIZING: Readonly<Record<string, OperatorGradient>> = { Resize: resize };
