// HTML from a template in which every value is escaped unless it is HTML made the same way: names, notes and labels come from
// users, and none of them may become markup.
import { escaped } from "@slipway/core/picture";

/** Markup made by `html`, or drawn by us. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = string | number | Markup | null | readonly HtmlValue[];

/** `html\`<p>${name}</p>\``: values are escaped, lists joined, null left out. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup {
  return new Markup(parts.map((part, index) => part + textOf(values[index] ?? null)).join(""));
}

function textOf(value: HtmlValue): string {
  if (value === null) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(textOf).join("");
  return escaped(String(value));
}
