// Two versions side by side, differences marked.
import type { AbsentChart } from "../charts/chart.ts";
import type { ComparedValue, ComparedVerdict, Comparison } from "../comparison.ts";
import { exactText, intervalText, numberText, shareText, unitText } from "../numbers.ts";
import { subjectText } from "../report.ts";
import { html, type HtmlValue, type Markup } from "./html.ts";
import type { DrawnChart } from "./page.ts";
import { chartFigure, dataTable, mark, type Tone } from "./parts.ts";

const MARKS: Readonly<Record<ComparedVerdict, readonly [Tone, string]>> = {
  better: ["good", "▲ better"],
  worse: ["bad", "▼ worse"],
  different: ["warn", "≠ different"],
  equal: ["quiet", "= equal"],
  undecided: ["quiet", "~ undecided"],
  incomparable: ["quiet", "– not comparable"],
};

export function comparisonSection(
  { first, second, values, paired, facts }: Comparison,
  charts: readonly DrawnChart[],
  absent: readonly AbsentChart[],
): Markup {
  const [one, other] = [subjectText(first), subjectText(second)];
  const alone = values.filter((value) => value.first === null || value.second === null);
  const both = values.filter((value) => value.first !== null && value.second !== null);
  const parts = both.filter(({ metric }) => metric.includes("["));
  const whole = both.filter(({ metric }) => !metric.includes("["));
  const columns = [
    { name: "What", isHead: true },
    { name: one, isNumber: true },
    { name: other, isNumber: true },
    { name: "Difference", isNumber: true },
    { name: "Verdict" },
  ];
  const factColumns = [{ name: "What differs", isHead: true }, { name: one }, { name: other }];
  const pairs = paired.map(
    ({ where, sentences }) =>
      html`<h3>Paired${where === "" ? "" : `, ${where}`}</h3><ul class="plain">${sentences.map((line) => html`<li>${line}</li>`)}</ul>`,
  );
  // Pictures are numbered through the page, and those of both come first.
  const figures = charts.flatMap(({ chart, svg }, index) =>
    chart.evidenceId === null ? [chartFigure(chart, svg, index + 1)] : [],
  );
  const missing = absent.filter(({ evidenceId }) => evidenceId === null).map(({ kind, why }) => `${kind}, ${why}`);
  const pictures =
    figures.length > 0
      ? html`<div class="charts">${figures}</div>`
      : html`<p class="small quiet">No chart: ${missing.join("; ")}.</p>`;
  return html`${pairs}<p>${other} held against ${one}: “better” and “worse” are said only where intervals are apart or numbers are counted. Where they overlap, a paired comparison on the same rows can still find a difference.</p>${pictures}${
    whole.length === 0
      ? html`<p class="quiet">Nothing was measured of both.</p>`
      : dataTable(`${one} and ${other}, values`, columns, whole.map(row))
  }${parts.length === 0 ? null : html`<details><summary>${parts.length} more, by part</summary>${dataTable(`${one} and ${other}, by part`, columns, parts.map(row))}</details>`}${alone.length === 0 ? null : html`<details><summary>${alone.length} that only one of them has</summary>${dataTable(`${one} and ${other}, of one alone`, columns, alone.map(row))}</details>`}${
    facts.length === 0
      ? html`<p>Model, signature and processing are the same.</p>`
      : dataTable(
          `${one} and ${other}, what differs`,
          factColumns,
          facts.map((fact) => [fact.name, fact.first, fact.second]),
        )
  }`;
}

function row(value: ComparedValue): readonly HtmlValue[] {
  const { kind, metric, where, verdict, reason, difference, relative, unit } = value;
  const sign = difference !== null && difference > 0 ? "+" : "";
  const share =
    relative === null || difference === 0 ? "" : ` (${relative > 0 ? "+" : "\u2212"}${shareText(Math.abs(relative))})`;
  return [
    html`${kind}.${metric}${where === "" ? null : html`<br><span class="small quiet">${where}</span>`}`,
    sideText(value.first),
    sideText(value.second),
    difference === null ? "–" : `${sign}${numberText(difference)}${unitText(unit)}${share}`,
    html`${mark(...MARKS[verdict])}${reason === null ? null : html`<br><span class="small quiet">${reason}</span>`}`,
  ];
}

function sideText(value: ComparedValue["first"]): HtmlValue {
  if (value === null) return "–";
  if (value.value === null) return "undefined";
  const interval = intervalText(value);
  return html`${exactText(value.value, value.unit)}${interval === null ? null : html`<br><span class="small quiet">${interval}</span>`}`;
}
