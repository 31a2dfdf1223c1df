// Numbers as people read them: fixed digits where they stand in columns, units where they stand alone.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const TWO = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** What stands where there is no number. */
export const NONE = "–";

type Maybe = number | null | undefined;

export function wholeText(value: Maybe): string {
  return value === null || value === undefined ? NONE : WHOLE.format(value);
}

/** Events a second, or another small quantity: a decimal below ten. */
export function rateText(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  return value > 0 && value < 9.95 ? ONE.format(value) : WHOLE.format(value);
}

/** Milliseconds without their unit, to about three digits. */
export function msText(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  if (value < 9.995) return TWO.format(value);
  return value < 99.95 ? ONE.format(value) : WHOLE.format(value);
}

/** Megabytes (10⁶ bytes) without their unit. */
export function megabytesText(bytes: Maybe): string {
  if (bytes === null || bytes === undefined) return NONE;
  const megabytes = bytes / 1e6;
  return megabytes < 99.95 ? ONE.format(megabytes) : WHOLE.format(megabytes);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes with their unit: `142 kB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? WHOLE.format(value) : ONE.format(value)} ${BYTE_UNITS[unit]}`;
}

/** A version as every part of Slipway writes it: `digits@2`. */
export function versionText({ name, number }: { readonly name: string; readonly number: number }): string {
  return `${name}@${number}`;
}

/** What a number of the configuration amounts to, by the unit its key ends in; null where that says nothing more. */
export function amountText(key: string, value: unknown): string | null {
  if (typeof value !== "number" || value < 1000) return null;
  if (key.endsWith("Ms")) return durationText(value);
  if (!key.endsWith("Bytes")) return null;
  const power = Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${Number((value / 2 ** (10 * power)).toPrecision(3))} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** A share of one: `98.2 %`. */
export function percentText(share: number): string {
  return `${ONE.format(share * 100)} %`;
}

/** `1 request`, `2 requests`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${WHOLE.format(count)} ${Math.round(count) === 1 ? noun : plural}`;
}

/** A duration in its largest fitting unit: `41 s`, `3 min`, `5 h`, `12 d`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const TIME = new Intl.DateTimeFormat("en-CA", {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** A moment in the reader's time zone: `2026-03-01 14:05:09`. */
export function timeText(atMs: number): string {
  return TIME.format(atMs).replace(",", "");
}

/** A value of the configuration as it would be written: `80`, `"127.0.0.1"` without quotes, `[cpu]`, `none`. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return value === "" ? '""' : value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return JSON.stringify(value);
}
