// Every piece of evidence: its numbers with intervals, units and methods, its charts, and where it comes from.
import type { JsonObject, MeasuredValue } from "#registry";
import type { AbsentChart } from "../charts/chart.ts";
import { datasetText } from "../evidence.ts";
import { ageText, exactText, intervalText, momentText, numberText, shareText } from "../numbers.ts";
import type { Report, StandingEvidence } from "../report.ts";
import { html, type HtmlValue, type Markup } from "./html.ts";
import type { DrawnChart } from "./page.ts";
import { ownSummary } from "../summary.ts";
import { chartFigure, dataTable, mark } from "./parts.ts";

const COLUMNS = [
  { name: "What", isHead: true },
  { name: "Value", isNumber: true },
  { name: "Interval", isNumber: true },
  { name: "Of", isNumber: true },
  { name: "Method" },
];

export function evidenceSection(report: Report, charts: readonly DrawnChart[], absent: readonly AbsentChart[]): Markup {
  const { evidence, madeAt } = report;
  if (evidence.length === 0) {
    return html`<p>Nothing was measured yet. The next section has the commands that measure.</p>`;
  }
  const standing = evidence.filter((one) => one.standing !== "superseded");
  const old = evidence.filter((one) => one.standing === "superseded");
  const numbered = charts.map((drawn, index) => ({ ...drawn, number: index + 1 }));
  return html`${standing.map((one) => oneEvidence(one, madeAt, numbered, absent))}${superseded(old)}`;
}

function oneEvidence(
  one: StandingEvidence,
  now: number,
  charts: readonly (DrawnChart & { readonly number: number })[],
  absent: readonly AbsentChart[],
): Markup {
  const { kind, values, method, reason, standing } = one;
  const data = datasetText(one);
  const own = charts.filter(({ chart }) => chart.evidenceId === one.id);
  const all = Object.entries(values);
  const [parts, whole] = [all.filter(([name]) => name.includes("[")), all.filter(([name]) => !name.includes("["))];
  const where = data === null ? null : html` on <span class="name">${data}</span>`;
  const stale = standing === "stale" ? html`<p>${mark("warn", "Stale.")} ${reason ?? ""}</p>` : null;
  const missing = absent
    .filter(({ evidenceId }) => evidenceId === one.id)
    .map(({ kind: chart, why }) => `${chart}, ${why}`);
  const figures = own.map(({ chart, svg, number }) => chartFigure(chart, svg, number));
  return html`<section aria-labelledby="evidence-${one.id}"><h3 id="evidence-${one.id}">${titled(kind)}${where}</h3>${stale}<p>${method}</p>${ownSummary(one.details).map((line) => html`<p class="quiet">${line}</p>`)}${dataTable(`${kind}, values of evidence ${one.hash.slice(0, 8)}`, COLUMNS, whole.map(valueRow))}${
    parts.length === 0
      ? null
      : html`<details><summary>${parts.length} more, by part</summary>${dataTable(`${kind} by part, evidence ${one.hash.slice(0, 8)}`, COLUMNS, parts.map(valueRow))}</details>`
  }${figures.length === 0 ? null : html`<div class="charts">${figures}</div>`}${missing.length === 0 ? null : html`<p class="small quiet">No chart: ${missing.join("; ")}.</p>`}${origin(one, now)}</section>`;
}

function valueRow([name, value]: readonly [string, MeasuredValue]): readonly HtmlValue[] {
  const { unit, interval, count, method, reason } = value;
  const level = interval === null ? "" : `, ${shareText(interval.level)} interval`;
  return [
    name,
    value.value === null ? html`<span class="quiet">undefined</span>` : exactText(value.value, unit),
    intervalText(value) ?? "–",
    count === null ? "–" : numberText(count),
    value.value === null ? (reason ?? "") : `${method}${level}`,
  ];
}

function origin(one: StandingEvidence, now: number): Markup {
  const { measuredAt, machine, dataset, code, settings, hash, schema, kind } = one;
  const parts = [
    `Measured ${momentText(measuredAt)}, ${ageText(now - measuredAt)} before this report`,
    machine === null ? "on no machine in particular" : `on the machine ${machine.name} (${factsText(machine.facts)})`,
    ...(dataset === null ? [] : [`data ${dataset.hash.slice(0, 16)}`]),
    Object.entries(code)
      .map(([name, version]) => (name === "backend" ? version : `${name} ${version}`))
      .join(", "),
    ...(Object.keys(settings).length === 0 ? [] : [`settings ${JSON.stringify(settings)}`]),
  ];
  return html`<p class="origin">${parts.join("; ")}. Form ${kind}@${schema}. Evidence <code>${hash}</code></p>`;
}

function superseded(old: readonly StandingEvidence[]): Markup | null {
  if (old.length === 0) return null;
  const rows = old.map((one) => [
    one.kind,
    datasetText(one) ?? "–",
    momentText(one.measuredAt),
    html`<code>${one.hash.slice(0, 16)}</code>`,
  ]);
  const columns = [{ name: "What", isHead: true }, { name: "Data" }, { name: "Measured" }, { name: "Evidence" }];
  return html`<details><summary>${old.length} older findings, each superseded by a newer one</summary>${dataTable("Superseded evidence", columns, rows)}</details>`;
}

function factsText(facts: JsonObject): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function titled(kind: string): string {
  return kind[0]!.toUpperCase() + kind.slice(1);
}
