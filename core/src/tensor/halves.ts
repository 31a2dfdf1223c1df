// Conversions between 16-bit floats, kept as raw bits, and numbers.
// IEEE 754-2019 binary16, and bfloat16 (the upper half of binary32); both round to nearest, ties to even.

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The number that binary16 bits stand for. */
export function numberFromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The binary16 bits nearest to a number. */
export function float16FromNumber(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  const exponent = exponentOf(magnitude);
  const fraction = roundToEven((magnitude / 2 ** exponent - 1) * 1024);
  // A fraction that rounds up to 1024 carries into the exponent, which addition does by itself.
  return sign | (((exponent + 15) << 10) + fraction);
}

/** The number that bfloat16 bits stand for. */
export function numberFromBfloat16(bits: number): number {
  u32[0] = bits << 16;
  return f32[0]!;
}

/** The bfloat16 bits nearest to a number. */
export function bfloat16FromNumber(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  f32[0] = value;
  const bits = u32[0]!;
  // Rounding once from binary64 needs care: a value that binary32 rounded onto the halfway point was not there before.
  const lower = bits & 0xffff;
  let upper = bits >>> 16;
  if (lower > 0x8000) upper++;
  else if (lower === 0x8000) {
    const rounded = Math.abs(f32[0]);
    const exact = Math.abs(value);
    if (exact > rounded || (exact === rounded && (upper & 1) === 1)) upper++;
  }
  return upper & 0xffff;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** floor(log2(value)) of a normal positive number, exactly. */
function exponentOf(value: number): number {
  let exponent = Math.floor(Math.log2(value));
  if (2 ** exponent > value) exponent--;
  else if (2 ** (exponent + 1) <= value) exponent++;
  return exponent;
}
