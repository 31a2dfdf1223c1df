// Measured numbers as people read them: in a fitting multiple of their unit, with as many digits as their interval bears.
import type { MeasuredValue } from "../api.ts";

export interface Scale {
  /** A value in the evidence's unit, times this, is in `unit`. */
  readonly factor: number;
  /** Empty for ratios and counts. */
  readonly unit: string;
}

/** From the largest multiple on: how many of the unit one is. The first that a number reaches is taken. */
const MULTIPLES: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  B: [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
    [1, "B"],
  ],
  MAC: [
    [1e9, "GMAC"],
    [1e6, "MMAC"],
    [1, "MAC"],
  ],
  FLOP: [
    [1e9, "GFLOP"],
    [1e6, "MFLOP"],
    [1, "FLOP"],
  ],
  ms: [
    [1e4, "s"],
    [0.1, "ms"],
    [0, "µs"],
  ],
  J: [
    [0.1, "J"],
    [0, "mJ"],
  ],
};
const OF_MULTIPLE: Readonly<Record<string, number>> = { "ms s": 1e-3, "ms µs": 1e3, "J mJ": 1e3 };

/** The multiple of a unit in which a number of this size is said. */
export function scaleFor(unit: string, size: number): Scale {
  if (unit === "1") return { factor: 1, unit: "" };
  const fitting = MULTIPLES[unit]?.find(([from]) => Math.abs(size) >= from);
  if (fitting === undefined) return { factor: 1, unit };
  const [from, name] = fitting;
  if (name === unit) return { factor: 1, unit };
  return { factor: OF_MULTIPLE[`${unit} ${name}`] ?? 1 / from, unit: name };
}

const SIGNIFICANT = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/**
 * A number to four digits, or, with the half-width of its interval, to the second digit that this leaves uncertain; whole
 * numbers whole.
 */
export function digitsText(value: number, halfWidth: number | null = null): string {
  if (halfWidth !== null && halfWidth > 0) {
    const decimals = Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(halfWidth))));
    return new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(
      value,
    );
  }
  if (Number.isInteger(value) || Math.abs(value) >= 1e4) return WHOLE.format(value);
  // Short of all is never written as all: 0.99998.
  if (value < 1 && value > 0.9995)
    return String(Number(value.toPrecision(Math.min(12, 1 - Math.floor(Math.log10(1 - value))))));
  return Math.abs(value) < 1e-4
    ? value
        .toExponential(2)
        .replace("e-", " × 10⁻")
        .replace(/⁻(\d+)$/, superscript)
    : SIGNIFICANT.format(value);
}

function superscript(_: string, digits: string): string {
  return `⁻${digits.replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? digit)}`;
}

export interface MeasuredText {
  /** null where it is undefined. */
  readonly value: string | null;
  /** `0.972 to 0.989`; null without one. */
  readonly interval: string | null;
  readonly unit: string;
}

/** A measured value in words. */
export function measuredText({ value, unit, interval }: MeasuredValue): MeasuredText {
  if (value === null) return { value: null, interval: null, unit: unit === "1" ? "" : unit };
  const scale = scaleFor(unit, value);
  const halfWidth = interval === null ? null : ((interval.upper - interval.lower) / 2) * scale.factor;
  const say = (number: number): string => digitsText(number * scale.factor, halfWidth);
  return {
    value: say(value),
    interval: interval === null ? null : `${say(interval.lower)} to ${say(interval.upper)}`,
    unit: scale.unit,
  };
}

/** A difference of two values in the multiple of their unit that the larger has, with its sign. */
export function differenceText(difference: number, unit: string, size: number): string {
  const scale = scaleFor(unit, size);
  const text = digitsText(Math.abs(difference) * scale.factor);
  const sign = difference === 0 ? "±" : difference > 0 ? "+" : "−";
  return `${sign}${text}${scale.unit === "" ? "" : ` ${scale.unit}`}`;
}

/** A difference as a share of what it is held against, with its sign: `−4.3 %`. */
export function relativeText(relative: number): string {
  const percent = Number(Math.abs(100 * relative).toPrecision(2));
  return `${relative > 0 ? "+" : "−"}${digitsText(percent)} %`;
}

/** `95 %`. */
export function levelText(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}
