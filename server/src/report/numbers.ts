// Numbers as reports write them: five significant digits, thousands set apart, units as people say them.
import type { MeasuredValue } from "#registry";

/** A narrow space that no line breaks at. */
const THIN = "\u202f";
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
/** Units that numbers of this size are written with: 5.31 M MAC. */
const COUNTED = new Set(["MAC", "FLOP"]);

/** `12 345`, `0.99364`, `1.2e-7`. */
export function numberText(value: number): string {
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(5));
  const text = rounded.toString().replace("-", "\u2212");
  return text.includes("e")
    ? text
    : text.replace(/^(\u2212?)(\d+)/, (_, sign: string, whole: string) => sign + grouped(whole));
}

/** `138 KiB`, `5.31 M MAC`, `12.3 ms`, `0.994`: what a glance takes in. */
export function amountText(value: number, unit: string): string {
  if (unit === "B") return bytesText(value);
  if (COUNTED.has(unit)) return `${prefixedText(value)}${THIN}${unit}`;
  if (unit === "1" && !Number.isInteger(value)) return numberText(significant(value, 1));
  return `${shortText(value)}${unitText(unit)}`;
}

/** Every digit a report gives, with its unit. */
export function exactText(value: number, unit: string): string {
  return `${numberText(value)}${unitText(unit)}`;
}

/** `0.97 to 0.98`; null where there is no interval. */
export function intervalText({ interval, unit }: Pick<MeasuredValue, "interval" | "unit">): string | null {
  return interval === null ? null : `${numberText(interval.lower)} to ${numberText(interval.upper)}${unitText(unit)}`;
}

/** `95 %`; short of all it is never written as all: `99.998 %`. */
export function shareText(share: number): string {
  return `${significant(100 * share, 100)}${THIN}%`;
}

/** A unit as it follows a number; nothing for ratios and counts. */
export function unitText(unit: string): string {
  if (unit === "1") return "";
  return unit === "/s" ? unit : `${THIN}${unit}`;
}

/** `40 s`, `3 h`, `12 days`. */
export function ageText(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1000, "second"],
  ];
  const [size, name] = units.find(([one]) => ms >= one) ?? units.at(-1)!;
  const count = Math.max(0, Math.floor(ms / size));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** `2026-11-25 20:27 UTC`: a report is read elsewhere. */
export function momentText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (Math.abs(amount) >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${shortText(amount)}${THIN}${BYTE_UNITS[unit]}`;
}

function prefixedText(value: number): string {
  const prefixes: readonly (readonly [number, string])[] = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  const found = prefixes.find(([size]) => Math.abs(value) >= size * 0.9995);
  return found === undefined ? shortText(value) : `${shortText(value / found[0])}${THIN}${found[1]}`;
}

/** Three significant digits, or all of a whole number. */
function shortText(value: number): string {
  return numberText(
    Number.isInteger(value) || Math.abs(value) >= 999.5 ? Math.round(value) : Number(value.toPrecision(3)),
  );
}

/** Three significant digits; more where fewer would make `whole` of what is less: 0.99998 is not 1. */
function significant(value: number, whole: number): number {
  for (let digits = 3; digits < 12; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (rounded !== whole || value >= whole) return rounded;
  }
  return value;
}

function grouped(digits: string): string {
  return digits.length <= 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, THIN);
}
