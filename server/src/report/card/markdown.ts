// Markdown whose text can't become markup: names, notes and labels come from users. CommonMark with the tables of GitHub
// Flavored Markdown, which model hubs and forges render.
import { allowedInXml } from "@slipway/core/picture";

/** Characters that begin markup, HTML or an entity; a backslash before any ASCII punctuation makes it plain (CommonMark 2.4). */
const MARKUP = /[\\`*_[\]<>|~&#!$]/g;
/** GitHub makes links of bare addresses; with the backslash it does not, and it looks the same. */
const BARE_ADDRESS = /(https?|ftp)(?=:\/\/)|(www)(?=\.)/gi;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f\u0085\u2028\u2029\ufffe\uffff]+/g;

/** Text within a line. */
export function plain(text: string): string {
  return allowedInXml(text.replaceAll(CONTROL, " "))
    .replaceAll(MARKUP, (found) => `\\${found}`)
    .replaceAll(BARE_ADDRESS, (found) => `${found}\\`);
}

/** Text as code; in tables, too. */
export function code(text: string): string {
  const one = allowedInXml(text.replaceAll(CONTROL, " ")).replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...one.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = longest > 0 || one.trim() === "" ? " " : "";
  return `${fence}${space}${one}${space}${fence}`;
}

/**
 * A table.
 * @param alignment a letter per column, "l" or "r"
 * @param rows cells as Markdown: made by `plain` or `code`
 */
export function table(head: readonly string[], alignment: string, rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = Array.from(alignment).map((letter) => (letter === "r" ? "---:" : "---"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

export function list(items: readonly string[], otherwise: string): string {
  return items.length === 0 ? otherwise : items.map((item) => `- ${item}`).join("\n");
}
