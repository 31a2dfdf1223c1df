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
  const scales = call.hasInput(2) ? call.storedNumbers(2) : null;
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

function alongAxis(
  call: OperatorCall,
  gradient: string,
  matrix: Float64Array,
  { axis, rank, input, output }: { axis: number; rank: number; input: number; output: number },
): string {
  const { e } = call;
  if (isRepetition(matrix, input, output)) {
    // Each element was repeated: its gradient is the sum over its copies. [.., input, copies, ..]
    const before = Array.from({ length: axis }, () => 0);
    const lengths = Array.from({ length: rank }, (_, at) => (at < axis ? 0 : at === axis ? input : null));
    const shape = lengths.every((length) => length !== null)
      ? e.ints([...before, input, output / input])
      : e.concat([e.ints([...before, input, output / input]), tailOf(call, gradient, axis + 1)], 0);
    return e.sum(e.reshape(gradient, shape), [axis + 1], false);
  }
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

/** The lengths of the axes of a value from one on, int64. */
function tailOf(call: OperatorCall, value: string, first: number): string {
  return call.e.op("Shape", [value], { start: first });
}

/** Whether each element is repeated a whole number of times, one after the other. */
function isRepetition(matrix: Float64Array, input: number, output: number): boolean {
  if (output % input !== 0) return false;
  const copies = output / input;
  return matrix.every((weight, at) => weight === (Math.floor(Math.floor(at / input) / copies) === at % input ? 1 : 0));
}

export const RESIZING: Readonly<Record<string, OperatorGradient>> = { Resize: resize };
