// A report as one HTML file: nothing is fetched, nothing runs in it, and it says so to the browser. Everything that people
// named is escaped (see html.ts).
import type { AbsentChart, Chart } from "../charts/chart.ts";
import type { Comparison } from "../comparison.ts";
import { momentText } from "../numbers.ts";
import { type Report, subjectText } from "../report.ts";
import { comparisonSection } from "./comparison-section.ts";
import { evidenceSection } from "./evidence-section.ts";
import { gateSection } from "./gate-section.ts";
import { html, Markup } from "./html.ts";
import { listOf } from "./parts.ts";
import { lineageSection, modelSection, unmeasuredSection } from "./sections.ts";
import { STYLE } from "./style.ts";

export interface DrawnChart {
  readonly chart: Chart;
  /** As `drawChart` drew it for a page. */
  readonly svg: string;
}

export interface PageContent {
  readonly report: Report;
  /** In the report's order. */
  readonly charts: readonly DrawnChart[];
  readonly absentCharts: readonly AbsentChart[];
  /** As `drawLineage` drew it for a page. */
  readonly lineage: string;
  /** Beside another version; null without. */
  readonly comparison: Comparison | null;
}

/** What browsers are told to allow: the file's own style, and nothing else. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

export function renderPage({ report, charts, absentCharts, lineage, comparison }: PageContent): string {
  const { subject, summary, madeAt, code } = report;
  const name = subjectText(subject);
  const sections: readonly Section[] = [
    ...(comparison === null
      ? []
      : [
          {
            id: "comparison",
            title: `Beside ${subjectText(comparison.first)}`,
            body: comparisonSection(comparison, charts, absentCharts),
          },
        ]),
    { id: "policy", title: "Launch policy", body: gateSection(report) },
    { id: "evidence", title: "Evidence", body: evidenceSection(report, charts, absentCharts) },
    { id: "missing", title: "What was not measured", body: unmeasuredSection(report) },
    { id: "model", title: "The model", body: modelSection(report) },
    { id: "lineage", title: "Where it comes from", body: lineageSection(report, lineage) },
  ];
  const about = [subject.note, `Registered ${momentText(subject.createdAt)} from ${subject.source}.`].filter(
    (text) => text !== null,
  );
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="generator" content="Slipway ${code["slipway"] ?? ""}"><title>${name} – report</title><style>${new Markup(STYLE)}</style></head>
<body><header><h1><span class="name">${name}</span></h1>${about.map((text) => html`<p class="quiet" dir="auto">${text}</p>`)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
<main><section class="summary" aria-label="Summary"><div><h2>What is known</h2>${listOf(summary.known, "Nothing was measured yet.")}</div><div><h2>What is not known</h2>${listOf(summary.unknown, "All that can be measured was.")}</div><div><h2>What is stale</h2>${listOf(summary.stale, "Nothing is.")}</div></section>
${sections.map(({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}" tabindex="-1">${title}</h2>${body}</section>\n`)}</main>
<footer><p>Made ${momentText(madeAt)} by Slipway ${code["slipway"] ?? ""} from the registry's evidence. Each piece of evidence has a SHA-256 over all of it: a number that was changed afterwards no longer fits its hash.</p></footer></body></html>
`;
  return page.text;
}
