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
  ];
  const count = pictures.length === 0 ? "" : `, and ${pictures.length} pictures`;
  const absent = [...new Set(absentCharts.map(({ kind }) => kind))];
  const none = absent.length === 0 ? "" : ` There is no chart of ${absent.join(", ")}; the page says why.`;
  return [...lines, ...wrapped(`Written to ${file}${count}.${none}`, WIDTH)].join("\n");
}

function section(title: string, sentences: readonly string[]): readonly string[] {
  if (sentences.length === 0) return [];
  const lines = sentences.flatMap((sentence) =>
    wrapped(sentence, WIDTH).map((line, index) => `${index === 0 ? "- " : "  "}${line}`),
  );
  return [title, ...lines, ""];
}

function compared({ first, values, paired }: NonNullable<ReportView["comparison"]>): readonly string[] {
  const whole = values.filter(({ metric }) => !metric.includes("["));
  const both = whole.filter((value) => value.first !== null && value.second !== null);
  const verdicts = ["better", "worse", "different", "equal", "undecided", "incomparable"] as const;
  const counted = verdicts.flatMap((verdict) => {
    const found = both.filter((value) => value.verdict === verdict).map(nameOf);
    return found.length === 0 ? [] : [`${verdict}: ${found.join(", ")}`];
  });
  const kinds = (side: "first" | "second") => [
    ...new Set(whole.filter((value) => value[side] === null).map(({ kind }) => kind)),
  ];
  const alone = [
    [`not measured of ${versionText(first)}, or not on the same`, kinds("first")],
    [`measured of ${versionText(first)} alone`, kinds("second")],
  ] as const;
  return [
    ...paired.flatMap(({ sentences }) => sentences),
    ...counted,
    ...alone.flatMap(([text, found]) => (found.length === 0 ? [] : [`${text}: ${found.join(", ")}`])),
  ];
}

function nameOf({ kind, metric }: { readonly kind: string; readonly metric: string }): string {
  return `${kind}.${metric}`;
}
