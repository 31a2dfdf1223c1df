// The order of rows by a number of each. Ranking metrics spend their time here, and a sort with a comparison costs them ten
// times as much as sorting digits does.

/** Fewer rows than this are sorted by comparing: counting digits has a fixed cost. */
const FEW = 256;
/** Digits of 11 and 10 bits, from the lowest: three in each half of a double. */
const BUCKETS = 2048;
const SHIFTS = [0, 11, 22] as const;

/**
 * The rows of a weight above 0, the highest value first; among equals in any order.
 * @param values [rows], not NaN; infinities count
 * @param weights [rows]
 */
export function descendingOrder(values: Float64Array, weights: Float64Array): Uint32Array {
  let order: Uint32Array = new Uint32Array(values.length);
  let length = 0;
  for (let row = 0; row < values.length; row++) if (weights[row]! > 0) order[length++] = row;
  order = order.subarray(0, length);
  // Of equal infinities the difference is NaN, which a sort takes for equal.
  if (order.length < FEW) return order.sort((a, b) => values[b]! - values[a]!);
  const halves = fallingKeys(values);
  let spare: Uint32Array = new Uint32Array(order.length);
  for (const half of halves) {
    for (const shift of SHIFTS) {
      if (sortedByDigit(order, spare, half, shift)) [order, spare] = [spare, order];
    }
  }
  return order;
}

/**
 * Unsigned keys that fall as values rise, as low and high halves: the bits of a double compare like whole numbers, apart from
 * the sign, with which larger bits are lower values already.
 */
function fallingKeys(values: Float64Array): readonly [Uint32Array, Uint32Array] {
  const words = new Uint32Array(Float64Array.from(values).buffer);
  const isLittle = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  const low = new Uint32Array(values.length);
  const high = new Uint32Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const [lower, upper] = [words[2 * row + (isLittle ? 0 : 1)]!, words[2 * row + (isLittle ? 1 : 0)]!];
    const isNegative = upper >>> 31 === 1;
    low[row] = isNegative ? lower : ~lower;
    high[row] = isNegative ? upper : upper ^ 0x7fffffff;
  }
  return [low, high];
}

/** Writes `order` into `into`, stably sorted by one digit of the keys; false, and nothing done, where all have the same. */
function sortedByDigit(order: Uint32Array, into: Uint32Array, keys: Uint32Array, shift: number): boolean {
  const starts = new Uint32Array(BUCKETS);
  // By index: an iterator costs several times as much here.
  for (let place = 0; place < order.length; place++) starts[(keys[order[place]!]! >>> shift) & (BUCKETS - 1)]! += 1;
  if (starts[(keys[order[0]!]! >>> shift) & (BUCKETS - 1)] === order.length) return false;
  let start = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = starts[bucket]!;
    starts[bucket] = start;
    start += count;
  }
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    const bucket = (keys[row]! >>> shift) & (BUCKETS - 1);
    into[starts[bucket]!] = row;
    starts[bucket]! += 1;
  }
  return true;
}
