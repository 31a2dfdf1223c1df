// Times as people write them, as seconds since the Unix epoch.

/**
 * ISO 8601: a date, or a date and a time of day, with an offset from UTC or without one; and, as DuckDB reads files, slashes for hyphens
 * and days and months of one digit.
 */
const FORM =
  /^\s*(?<year>\d{4})(?<between>[-/])(?<month>\d\d?)\k<between>(?<day>\d\d?)(?:[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?<fraction>\.\d{1,9})?)?\s*(?<offset>Z|[+-]\d\d(?::?\d\d)?)?)?\s*$/i;

/**
 * Seconds since 1970-01-01 00:00 UTC of a text such as 2026-11-26, 2026-11-26T08:30 or 2026-11-26 08:30:15.5+01:00; what has no
 * offset is taken to be UTC. null for any other text, and for a day or hour that there is not.
 */
export function secondsOfTime(text: string): number | null {
  const found = FORM.exec(text)?.groups;
  if (found === undefined) return null;
  const number = (name: string): number => Number(found[name] ?? 0);
  const [year, month, day] = [number("year"), number("month"), number("day")];
  const [hour, minute, second] = [number("hour"), number("minute"), number("second")];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    return null;
  const offset = offsetSeconds(found["offset"] ?? "Z");
  if (offset === null) return null;
  const ofDay = hour * 3600 + minute * 60 + second + number("fraction");
  return daysBefore(year, month, day) * 86_400 + ofDay - offset;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01 to a date. Source: H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil. */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const days = ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear;
  return era * 146_097 + days - 719_468;
}

function offsetSeconds(text: string): number | null {
  if (/^z$/i.test(text)) return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", ""));
  if (hours > 15 || minutes > 59) return null;
  return (text.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}
