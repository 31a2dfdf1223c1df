// A report as one HTML file. Everything that people named is escaped (see html.ts).
import type { AbsentChart, Chart } from "../charts/chart.ts";
import type { Comparison } from "../comparison.ts";
import { momentText } from "../numbers.ts";
import { type Report, subjectText } from "../report.ts";
import { comparisonSection } from "./comparison-section.ts";
import { evidenceSection } from "./evidence-section.ts";
import { gateSection } from "./gate-section.ts";
import { documentText, type PageSection } from "./document.ts";
import { html } from "./html.ts";
import { listOf } from "./parts.ts";
import { lineageSection, modelSection, unmeasuredSection } from "./sections.ts";

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

export function renderPage({ report, charts, absentCharts, lineage, comparison }: PageContent): string {
  const { subject, summary, madeAt, code } = report;
  const name = subjectText(subject);
  const sections: readonly PageSection[] = [
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
  return documentText({
    title: `${name} – report`,
    generator: `Slipway ${code["slipway"] ?? ""}`,
    heading: name,
    about,
    summary: html`<section class="summary" aria-label="Summary"><div><h2>What is known</h2>${listOf(summary.known, "Nothing was measured yet.")}</div><div><h2>What is not known</h2>${listOf(summary.unknown, "All that can be measured was.")}</div><div><h2>What is stale</h2>${listOf(summary.stale, "Nothing is.")}</div></section>`,
    sections,
    footer: `Made ${momentText(madeAt)} by Slipway ${code["slipway"] ?? ""} from the registry's evidence. Each piece of evidence has a SHA-256 over all of it: a number that was changed afterwards no longer fits its hash.`,
  });
}
