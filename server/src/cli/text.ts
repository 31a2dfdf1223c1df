// Numbers and tables as the CLI prints them: units people read at a glance, columns that line up.

/** `0.123 ms`, `12.3 ms`, `1.23 s`, `2 min 5 s`, `3 d 4 h`: three significant digits below a minute. */
export function duration(ms: number): string {
  if (ms === 0) return "0 ms";
  if (Math.abs(ms) < 999.5) return `${significant(ms)} ms`;
  if (ms < 59_950) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

/** `512 B`, `1.5 KiB`, `4 GiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1023.5 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 ? amount : significant(amount)} ${units[unit]}`;
}

/** `12 345`, `3.4`: thousands set apart, three significant digits below a thousand. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 999.5) return significant(value);
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `2026-11-24 14:03:07` in the local time zone. */
export function moment(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

function significant(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  const rounded = value.toFixed(Math.min(digits, 6));
  return rounded.includes(".") ? rounded.replace(/\.?0+$/, "") : rounded;
}

/**
 * Rows as lines with aligned columns, two spaces apart.
 * @param alignment a letter per column, "l" or "r"; columns beyond it are left-aligned
 */
export function columns(rows: readonly (readonly string[])[], alignment = ""): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const space = " ".repeat(widths[index]! - width(cell));
        return alignment[index] === "r" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** A table with a head; numbers belong in right-aligned columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], alignment = ""): string[] {
  return columns([head.map((name) => name.toUpperCase()), ...rows], alignment);
}

/** Characters, not code units. */
function width(cell: string): number {
  return Array.from(cell).length;
}

/** Breaks prose into lines of at most `limit` characters. */
export function wrapped(prose: string, limit: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of prose.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > limit) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
