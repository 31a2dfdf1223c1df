// Units of measured values, and of the numbers people write in policies: each belongs to a quantity with one base unit, and
// only values of the same quantity are compared.

export type Quantity = "ratio" | "time" | "bytes" | "rate" | "energy" | "power" | "multiply-accumulates" | "operations";

export interface Unit {
  readonly name: string;
  readonly quantity: Quantity;
  /** How many of the quantity's base unit one of these is; where it is less than one, how many of these the base unit is. */
  readonly factor: number;
  readonly isFraction: boolean;
}

const whole = (quantity: Quantity, factor: number) => ({ quantity, factor, isFraction: false });
/** 0.95 is 95 / 100, and not 95 * 0.01, which is a little more. */
const fraction = (quantity: Quantity, factor: number) => ({ quantity, factor, isFraction: true });

/** The base unit has factor 1. Prefixes of bytes as IEC 80000-13 has them: kB is 1000 bytes, KiB is 1024. */
const UNITS: Readonly<Record<string, Omit<Unit, "name">>> = {
  "1": whole("ratio", 1),
  "%": fraction("ratio", 100),
  ns: fraction("time", 1e6),
  us: fraction("time", 1000),
  µs: fraction("time", 1000),
  ms: whole("time", 1),
  s: whole("time", 1000),
  min: whole("time", 60_000),
  h: whole("time", 3_600_000),
  d: whole("time", 86_400_000),
  B: whole("bytes", 1),
  kB: whole("bytes", 1e3),
  MB: whole("bytes", 1e6),
  GB: whole("bytes", 1e9),
  KiB: whole("bytes", 2 ** 10),
  MiB: whole("bytes", 2 ** 20),
  GiB: whole("bytes", 2 ** 30),
  "/s": whole("rate", 1),
  J: whole("energy", 1),
  mJ: fraction("energy", 1000),
  W: whole("power", 1),
  MAC: whole("multiply-accumulates", 1),
  MMAC: whole("multiply-accumulates", 1e6),
  GMAC: whole("multiply-accumulates", 1e9),
  FLOP: whole("operations", 1),
  MFLOP: whole("operations", 1e6),
  GFLOP: whole("operations", 1e9),
};

/** The unit of that name; undefined where there is none. */
export function unitNamed(name: string): Unit | undefined {
  return Object.hasOwn(UNITS, name) ? { name, ...UNITS[name]! } : undefined;
}

/** A number in a unit, in its quantity's base unit. */
export function toBase(value: number, { factor, isFraction }: Unit): number {
  return isFraction ? value / factor : value * factor;
}

/** A number in the base unit, in another unit of the quantity. */
export function fromBase(value: number, { factor, isFraction }: Unit): number {
  return isFraction ? value * factor : value / factor;
}

/** Every unit there is, for messages. */
export function unitNames(): readonly string[] {
  return Object.keys(UNITS).filter((name) => name !== "1");
}
