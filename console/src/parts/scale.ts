// Round numbers for the axes of plots.

/** The smallest of 1, 2, 5 × 10ⁿ that is no smaller, so that the scale moves seldom and its labels are round. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5]) if (value <= step * power * 1.000001) return step * power;
  return 10 * power;
}

/** Round numbers from `from` to `to`, a few more or less than wanted; whole ones where `isWhole`. */
export function ticksBetween(from: number, to: number, wanted: number, isWhole = false): readonly number[] {
  if (!(to > from)) return [from];
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const apart = (step: number): number => Math.abs(Math.log(step / rough));
  const fitting = [1, 2, 5, 10].map((one) => one * power).reduce((a, b) => (apart(b) < apart(a) ? b : a));
  const step = isWhole ? Math.max(1, fitting) : fitting;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** Round numbers of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few; linear ones below a decade. */
export function logTicksBetween(from: number, to: number): readonly number[] {
  const decades = Math.log10(to / from);
  if (decades < 1) return ticksBetween(from, to, 5);
  const steps = decades < 3 ? [1, 2, 5] : [1];
  const first = Math.floor(Math.log10(from));
  const powers = Array.from({ length: Math.ceil(Math.log10(to)) - first + 1 }, (_, at) => first + at);
  return powers
    .flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
    .filter((tick) => tick >= from * 0.999999 && tick <= to * 1.000001);
}
