// What a report comes to, for whoever asked for its file: the summary in sentences, and where the rest is.
import type { ReportView } from "slipway/client";
import { versionText } from "./endpoint-text.ts";
import { wrapped } from "./text.ts";

const WIDTH = 108;

export function reportText(
  { subject, summary, gates, comparison, absentCharts }: ReportView,
  file: string,
  pictures: readonly string[],
): string {
  const known = summary.known.length === 0 ? ["Nothing was measured yet."] : summary.known;
  const lines = [
    ...section("Known", known),
    ...section("Not known", summary.unknown),
    ...section("Stale", summary.stale),
    ...(comparison === null ? [] : section(`Beside ${versionText(comparison.first)}`, compared(comparison))),
    ...section(
      "Launch policy",
      gates.map(({ endpoint, judged }) => {
        if (judged === null) return `${endpoint}: ungated.`;
        const met = judged.requirements.filter(({ verdict }) => verdict === "yes").length;
        const passes = judged.verdict === "yes" ? "passes" : "does not pass";
        return `${endpoint}: ${versionText(subject)} ${passes}; ${met} of ${judged.requirements.length} requirements are met.`;
      }),
    ),
    ...section(
      "No chart",
      absentCharts.map(({ kind, why }) => `${kind}: ${why}.`),
    ),
  ];
  const count = pictures.length === 0 ? "" : `, and ${pictures.length} pictures`;
  return [...lines, `Written to ${file}${count}.`].join("\n");
}

function section(title: string, sentences: readonly string[]): readonly string[] {
  if (sentences.length === 0) return [];
  const lines = sentences.flatMap((sentence) =>
    wrapped(sentence, WIDTH).map((line, index) => `${index === 0 ? "- " : "  "}${line}`),
  );
  return [title, ...lines, ""];
}

function compared({ values, paired }: NonNullable<ReportView["comparison"]>): readonly string[] {
  const of = (verdict: string) =>
    values.filter((value) => value.verdict === verdict && !value.metric.includes("[")).map(nameOf);
  const verdicts = ["better", "worse", "different", "equal", "undecided", "incomparable"];
  const counted = verdicts.flatMap((verdict) => {
    const found = of(verdict);
    return found.length === 0 ? [] : [`${verdict}: ${found.join(", ")}`];
  });
  return [...paired.flatMap(({ sentences }) => sentences), ...counted];
}

function nameOf({ kind, metric }: { readonly kind: string; readonly metric: string }): string {
  return `${kind}.${metric}`;
}
