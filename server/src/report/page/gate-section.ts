// What launch policies say of the version: each requirement, what was found, what is missing, what to do.
import { numberText, unitText } from "../numbers.ts";
import type { Report, ReportGate } from "../report.ts";
import { html, type Markup } from "./html.ts";
import { dataTable, mark, type Tone } from "./parts.ts";

const TONES: Readonly<Record<"yes" | "no" | "unknown", readonly [Tone, string]>> = {
  yes: ["good", "✓ met"],
  no: ["bad", "✗ not met"],
  unknown: ["warn", "? unknown"],
};

export function gateSection({ gates }: Report): Markup {
  if (gates.length === 0) return html`<p>No launch policy stands before any endpoint this version could serve.</p>`;
  return html`${gates.map(oneGate)}`;
}

function oneGate({ endpoint, isLive, judged }: ReportGate): Markup {
  const live = isLive ? " It is live there now." : "";
  if (judged === null) {
    return html`<h3>Endpoint <span class="name">${endpoint}</span></h3><p>Ungated: no launch policy stands before it.${live}</p>`;
  }
  const { verdict, requirements } = judged;
  const met = requirements.filter((one) => one.verdict === "yes").length;
  const whole =
    verdict === "yes" ? mark("good", "It passes") : mark(verdict === "no" ? "bad" : "warn", "It does not pass");
  const rows = requirements.map((one) => [
    html`<code>${one.requirement}</code>`,
    mark(...TONES[one.verdict]),
    one.found === null ? "–" : `${numberText(one.found)}${unitText(one.unit)}`,
    html`${one.text}${one.remedy === null ? null : html`<br><span class="quiet small">${one.remedy}</span>`}`,
  ]);
  return html`<h3>Endpoint <span class="name">${endpoint}</span></h3><p>${whole}: ${met} of ${requirements.length} requirements are met.${live}</p>${dataTable(
    `Requirements of ${endpoint}`,
    [{ name: "Requirement", isHead: true }, { name: "" }, { name: "Found", isNumber: true }, { name: "Why" }].map(
      (column) => (column.name === "" ? { name: "Verdict" } : column),
    ),
    rows,
  )}`;
}
