// Resizing as what it is, a linear map along each axis: its matrix, after the definition of the operator Resize.

export interface InterpolationMode {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinates: string;
  readonly nearest: string;
  /** The coefficient a of the cubic kernel. */
  readonly cubicA: number;
  /** Whether weights of places outside are given to those inside. */
  readonly excludesOutside: boolean;
}

/**
 * The weights with which each element of the input takes part in each of the output, [output, input], row by row.
 * @param scale output lengths per input length, as the operator is given it
 * @returns null for a mode there is no such matrix for here
 */
export function interpolationMatrix(
  mode: InterpolationMode,
  input: number,
  output: number,
  scale: number,
): Float64Array | null {
  const matrix = new Float64Array(output * input);
  for (let row = 0; row < output; row++) {
    const at = coordinateOf(mode.coordinates, row, input, output, scale);
    if (at === null) return null;
    const weights = weightsAt(mode, at, input);
    if (weights === null) return null;
    for (const [place, weight] of weights) {
      const inside = Math.min(Math.max(place, 0), input - 1);
      matrix[row * input + inside]! += weight;
    }
  }
  return matrix;
}

/** Where in the input an element of the output lies. Source: ONNX, operator Resize, coordinate_transformation_mode. */
function coordinateOf(name: string, row: number, input: number, output: number, scale: number): number | null {
  const halfPixel = (row + 0.5) / scale - 0.5;
  switch (name) {
    case "half_pixel":
      return halfPixel;
    case "pytorch_half_pixel":
      return output > 1 ? halfPixel : 0;
    case "half_pixel_symmetric": {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + halfPixel;
    }
    case "align_corners":
      return output > 1 ? (row * (input - 1)) / (output - 1) : 0;
    case "asymmetric":
      return row / scale;
    default:
      return null;
  }
}

type Weights = readonly (readonly [place: number, weight: number])[];

function weightsAt(mode: InterpolationMode, at: number, input: number): Weights | null {
  const below = Math.floor(at);
  const part = at - below;
  switch (mode.mode) {
    case "nearest": {
      const place = nearestTo(mode.nearest, at);
      return place === null ? null : [[place, 1]];
    }
    case "linear":
      return [
        [below, 1 - part],
        [below + 1, part],
      ];
    case "cubic": {
      const taps = cubicWeights(part, mode.cubicA).map((weight, tap) => [below - 1 + tap, weight] as const);
      if (!mode.excludesOutside) return taps;
      const inside = taps.filter(([place]) => place >= 0 && place < input);
      const total = inside.reduce((sum, [, weight]) => sum + weight, 0);
      return inside.map(([place, weight]) => [place, weight / total] as const);
    }
  }
}

function nearestTo(name: string, at: number): number | null {
  switch (name) {
    case "round_prefer_floor":
      return Math.ceil(at - 0.5);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    default:
      return null;
  }
}

/** Weights of the four places around, the part `t` past the second. Source: Keys 1981, IEEE TASSP 29(6), equation 4. */
function cubicWeights(t: number, a: number): readonly number[] {
  const near = (d: number): number => (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  const far = (d: number): number => a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}
