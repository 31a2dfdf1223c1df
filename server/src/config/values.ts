// Values of settings as people write them: text from flags and the environment, sizes such as 4GiB, durations such as
// 30s, and back again for messages and docs.
import type { SettingKey, ValueKind } from "./keys.ts";

export type Reading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false /** What is taken, for people: "a whole number from 1 to 64". */; readonly expected: string };

const BYTE_UNITS: readonly (readonly [name: string, bytes: number])[] = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["B", 1],
];
const TIME_UNITS: readonly (readonly [name: string, ms: number])[] = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];
const TRUE: ReadonlySet<string> = new Set(["true", "yes", "on", "1"]);
const FALSE: ReadonlySet<string> = new Set(["false", "no", "off", "0"]);

/** Reads a setting from text: a flag's argument or an environment variable. */
export function valueFromText(setting: SettingKey, text: string): Reading {
  if (setting.isNullable && (text === "" || text === "null")) return { ok: true, value: null };
  return checked(setting, fromText(setting.kind, text));
}

/** Reads a setting from what a YAML or JSON file holds. */
export function valueFromData(setting: SettingKey, data: unknown): Reading {
  const { kind } = setting;
  const { type } = kind;
  if (typeof data === "string" && (type === "integer" || type === "boolean")) return valueFromText(setting, data);
  if (
    kind.type === "map" &&
    kind.holds === "text" &&
    typeof data === "object" &&
    data !== null &&
    !Array.isArray(data)
  ) {
    // The engine's entries are text, but `1` is how people write "1".
    const entries = Object.entries(data).map(([key, value]) => [key, isScalar(value) ? String(value) : value]);
    return checked(setting, Object.fromEntries(entries));
  }
  return checked(setting, data);
}

function checked(setting: SettingKey, value: unknown): Reading {
  const result = value === undefined ? undefined : setting.schema.safeParse(value);
  if (result?.success === true) return { ok: true, value: result.data };
  return { ok: false, expected: expectation(setting) };
}

/** The value, or undefined where the text can't be one. */
function fromText(kind: ValueKind, text: string): unknown {
  switch (kind.type) {
    case "integer":
      if (kind.unit === "bytes") return amountFromText(text, BYTE_UNITS);
      if (kind.unit === "ms") return amountFromText(text, TIME_UNITS);
      return /^-?\d+$/.test(text) ? Number(text) : undefined;
    case "boolean": {
      const word = text.toLowerCase();
      return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
    }
    case "list":
      return text.split(",").map((item) => item.trim());
    case "map":
      return kind.holds === "text" ? mapFromText(text) : numbersFromText(text);
    case "text":
    case "path":
    case "choice":
      return text;
  }
}

/** `a=1,b=2` */
function mapFromText(text: string): Record<string, string> | undefined {
  const map: Record<string, string> = {};
  for (const item of text.split(",")) {
    if (item.trim() === "") continue;
    const at = item.indexOf("=");
    if (at <= 0) return undefined;
    map[item.slice(0, at).trim()] = item.slice(at + 1).trim();
  }
  return map;
}

/** `a=1,b=-0.5` */
function numbersFromText(text: string): Record<string, number> | undefined {
  const map = mapFromText(text);
  if (map === undefined || Object.values(map).includes("")) return undefined;
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, Number(value)]));
}

/** A plain number, or one with a unit; undefined where it is not a whole number of the smallest unit. */
function amountFromText(text: string, units: readonly (readonly [string, number])[]): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, digits, name] = match;
  const unit = name === "" ? 1 : units.find(([known]) => known.toLowerCase() === name!.toLowerCase())?.[1];
  if (unit === undefined) return undefined;
  const amount = Number(digits) * unit;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/**
 * A duration as people write it, in milliseconds: `20ms`, `30s`, `1.5min`, `2h`; a plain number counts milliseconds.
 * Undefined where it is not one.
 */
export function durationFromText(text: string): number | undefined {
  return amountFromText(text, TIME_UNITS);
}

/** What a setting takes, for people. */
export function expectation(setting: SettingKey): string {
  const text = expectationOf(setting.kind);
  return setting.isNullable ? `${text}, or null` : text;
}

function expectationOf(kind: ValueKind): string {
  switch (kind.type) {
    case "integer": {
      const range = `from ${amountText(kind, kind.min)} to ${amountText(kind, kind.max)}`;
      if (kind.unit === "bytes") return `a size such as 64MiB, ${range}`;
      if (kind.unit === "ms") return `a duration such as 30s, ${range}`;
      return `a whole number ${range}`;
    }
    case "boolean":
      return "true or false";
    case "text":
      return "text";
    case "path":
      return "a path";
    case "choice":
      return kind.options.length === 2 ? kind.options.join(" or ") : `one of ${kind.options.join(", ")}`;
    case "list":
      return "a list with at least one item (in text: a,b)";
    case "map":
      if (kind.holds === "numbers") return "numbers by name (in text: input_ids=1,…)";
      return "entries of keys such as session.disable_prepacking (in text: session.disable_prepacking=1,…)";
  }
}

/** A value of a setting as people write it; the text reads back as the same value. */
export function textFromValue(kind: ValueKind, value: unknown): string {
  if (value === null) return "null";
  if (kind.type === "integer") return amountText(kind, Number(value));
  if (kind.type === "list") return (value as readonly string[]).join(",");
  if (kind.type === "map") {
    return Object.entries(value as Record<string, string | number>)
      .map(([key, entry]) => `${key}=${entry}`)
      .join(",");
  }
  return `${value as string | boolean}`;
}

function amountText(kind: ValueKind & { type: "integer" }, amount: number): string {
  if (kind.unit === null || amount === 0) return String(amount);
  const units = kind.unit === "bytes" ? BYTE_UNITS.slice(0, 4) : TIME_UNITS;
  const unit = units.find(([, size]) => amount % size === 0);
  return unit === undefined ? String(amount) : `${amount / unit[1]}${unit[0]}`;
}

function isScalar(value: unknown): value is number | boolean {
  return typeof value === "number" || typeof value === "boolean";
}
