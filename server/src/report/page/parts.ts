// The pieces sections are made of: tables that scroll on small screens, marks, a chart with its numbers.
import type { Chart, ChartTable } from "../charts/chart.ts";
import { numberText } from "../numbers.ts";
import { html, type HtmlValue, Markup } from "./html.ts";

export interface Column {
  readonly name: string;
  readonly isNumber?: boolean;
  /** Its cells name their rows. */
  readonly isHead?: boolean;
}

/** A table in a box that scrolls sideways where it has to, by keyboard too. */
export function dataTable(label: string, columns: readonly Column[], rows: readonly (readonly HtmlValue[])[]): Markup {
  const head = columns.map(({ name, isNumber }) => html`<th scope="col"${classOf(isNumber)}>${name}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, index) => {
      const { isNumber, isHead } = columns[index]!;
      return isHead === true ? html`<th scope="row">${cell}</th>` : html`<td${classOf(isNumber)}>${cell}</td>`;
    });
    return html`<tr>${cells}</tr>`;
  });
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function classOf(isNumber: boolean | undefined): Markup {
  return isNumber === true ? html` class="number"` : html``;
}

export type Tone = "good" | "warn" | "bad" | "quiet";

/** A word that says how something is; its colour says it a second time. */
export function mark(tone: Tone, text: string): Markup {
  return html`<span class="mark ${tone}">${text}</span>`;
}

/** @param svg as `drawChart` drew it for a page */
export function chartFigure(chart: Chart, svg: string, number: number): Markup {
  const id = `chart-${number}`;
  const picture = svg.replace(/^<svg/, `<svg role="img" aria-labelledby="${id}-title ${id}-text"`);
  return html`<figure class="${chart.isWide ? "wide" : ""}"><figcaption><h4 id="${id}-title">${chart.title}</h4><p class="small quiet">${chart.caption}</p></figcaption><div class="scroll" role="region" tabindex="0" aria-label="${`${chart.title}, picture ${number}`}">${new Markup(picture)}</div><p class="small" id="${id}-text">${chart.description}</p><details><summary>The numbers</summary>${chartTable(chart.table, `${chart.title}, numbers of picture ${number}`)}</details></figure>`;
}

function chartTable({ columns, rows, omittedRows }: ChartTable, label: string): Markup {
  const head = columns.map(({ name, unit }, index): Column => {
    const title = unit === null || unit === "1" ? name : `${name} (${unit})`;
    return { name: title, isNumber: unit !== null, isHead: index === 0 && unit === null };
  });
  const body = rows.map((row) => row.map((cell) => (typeof cell === "number" ? numberText(cell) : cell)));
  const rest = omittedRows === 0 ? null : html`<p class="small quiet">${omittedRows} more rows are left out here.</p>`;
  return html`${dataTable(label, head, body)}${rest}`;
}

/** Facts as names and what they are. */
export function facts(list: readonly (readonly [string, HtmlValue])[]): Markup {
  return html`<dl class="facts">${list.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

export function listOf(items: readonly HtmlValue[], otherwise: string): Markup {
  if (items.length === 0) return html`<p class="quiet">${otherwise}</p>`;
  return html`<ul class="plain">${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}
