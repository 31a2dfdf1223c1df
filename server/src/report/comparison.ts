// Two versions side by side: the same measurement, on the same data and machine, of one and of the other. What is judged is
// only what can be: intervals that are apart, or numbers that were counted. Overlapping intervals decide nothing; a paired
// comparison on the same rows sees much smaller differences than two intervals can show.
import { z } from "zod";
import type { MeasuredValue } from "#registry";
import { datasetText } from "./evidence.ts";
import { type Report, type ReportSubject, type StandingEvidence, subjectText } from "./report.ts";

export type ComparedVerdict =
  /** The second is on the good side, or the bad one, by more than both intervals. */
  | "better"
  | "worse"
  /** It differs by more than both intervals, and nobody said which side is good. */
  | "different"
  | "equal"
  /** The intervals overlap, or an estimate has none: the numbers alone decide nothing. */
  | "undecided"
  /** It was not measured of both, or not on the same. */
  | "incomparable";

export interface ComparedValue {
  readonly kind: string;
  readonly metric: string;
  readonly unit: string;
  readonly first: MeasuredValue | null;
  readonly second: MeasuredValue | null;
  /** second − first; null where one has no value. */
  readonly difference: number | null;
  /** difference / |first|; null where that is undefined. */
  readonly relative: number | null;
  readonly verdict: ComparedVerdict;
  /** Why it is undecided or incomparable. */
  readonly reason: string | null;
  /** "on digits/test, on the machine pi5"; empty where it is about the model alone. */
  readonly where: string;
}

/** A paired comparison that was measured: both versions on the same rows. */
export interface PairedFinding {
  readonly evidenceId: string;
  readonly where: string;
  /** In plain words, the verdict first. */
  readonly sentences: readonly string[];
}

export interface Comparison {
  readonly first: Pick<ReportSubject, "name" | "number">;
  readonly second: Pick<ReportSubject, "name" | "number">;
  readonly values: readonly ComparedValue[];
  /** Which see smaller differences than two intervals can show. */
  readonly paired: readonly PairedFinding[];
  /** What differs beside the numbers: signature, processing, operator sets. */
  readonly facts: readonly ComparedFact[];
}

export interface ComparedFact {
  readonly name: string;
  readonly first: string;
  readonly second: string;
}

const PAIRED = "comparison";
const PAIRED_DETAILS = z.object({
  summary: z.array(z.string()).min(1),
  against: z.object({ name: z.string(), number: z.number(), modelHash: z.string() }),
});

/** Which side is good, by metric; others are only said to differ. */
const HIGHER_IS_BETTER =
  /^(accuracy|balanced-accuracy|f1|f1-micro|f1-weighted|precision|precision-weighted|auc|auc-pr|matthews|r2|rate|capacity|goodput|top-\d+|recall)$/;
const LOWER_IS_BETTER =
  /^(file|gzip|weights|parameters|macs|flops|activations|log-loss|brier|calibration-error|mae|rmse|mape|median-error|p\d+(\.\d+)?|mean|max|peak|resident|loaded|run|node-time|energy|cold-start|load)$/;

/** @param first what the second is held against */
export function compareReports(first: Report, second: Report): Comparison {
  // What compares two versions already is not compared once more.
  const standing = (report: Report) =>
    report.evidence.filter(({ standing: how, kind }) => how !== "superseded" && kind !== PAIRED);
  const firsts = standing(first);
  const used = new Set<string>();
  const values: ComparedValue[] = [];
  for (const other of standing(second)) {
    const match = firsts.find((one) => !used.has(one.id) && isSameQuestion(one, other));
    const near = match ?? firsts.find((one) => one.kind === other.kind && !used.has(one.id));
    if (match !== undefined) used.add(match.id);
    values.push(
      ...compareEvidence(
        match,
        other,
        match === undefined && near !== undefined ? unlikeness(near, other) : null,
        second,
        first,
      ),
    );
  }
  for (const one of firsts) {
    if (used.has(one.id)) continue;
    const near = standing(second).find(({ kind }) => kind === one.kind);
    if (near === undefined) values.push(...onlyFirst(one, second));
  }
  const paired = pairedFindings(first, second);
  return { first: first.subject, second: second.subject, values, paired, facts: factsThatDiffer(first, second) };
}

function pairedFindings({ subject, model }: Report, second: Report): readonly PairedFinding[] {
  return second.evidence.flatMap((one) => {
    if (one.kind !== PAIRED || one.standing === "superseded") return [];
    const { data } = PAIRED_DETAILS.safeParse(one.details);
    if (data === undefined) return [];
    const { name, number, modelHash } = data.against;
    const isMeant = name === subject.name && number === subject.number && modelHash === model.hash;
    return isMeant ? [{ evidenceId: one.id, where: whereOf(one), sentences: data.summary }] : [];
  });
}

/** The same kind, on the same data, on machines that are alike, at the same settings. */
function isSameQuestion(one: StandingEvidence, other: StandingEvidence): boolean {
  return one.kind === other.kind && unlikeness(one, other) === null;
}

/** Why two findings of a kind can't be held against each other; null where they can. */
function unlikeness(one: StandingEvidence, other: StandingEvidence): string | null {
  if (datasetText(one) !== datasetText(other)) {
    return `measured on ${datasetText(one) ?? "no data"} and on ${datasetText(other) ?? "no data"}`;
  }
  if (one.dataset?.hash !== other.dataset?.hash) return `${datasetText(one)} held other rows`;
  if (one.machine?.fingerprint !== other.machine?.fingerprint) {
    return `measured on the machines ${one.machine?.name ?? "none"} and ${other.machine?.name ?? "none"}, which are not alike`;
  }
  if (JSON.stringify(one.settings) !== JSON.stringify(other.settings)) return "measured with other settings";
  return null;
}

function compareEvidence(
  one: StandingEvidence | undefined,
  other: StandingEvidence,
  unlike: string | null,
  { subject }: Report,
  { subject: before }: Report,
): readonly ComparedValue[] {
  return Object.entries(other.values).map(([metric, second]) => {
    const first = one?.values[metric] ?? null;
    const common = { kind: other.kind, metric, unit: second.unit, first, second, where: whereOf(other) };
    const reason = unlike ?? (first === null ? `not measured of ${subjectText(before)}` : null);
    if (first === null || reason !== null) {
      return { ...common, difference: null, relative: null, verdict: "incomparable" as const, reason };
    }
    return { ...common, ...judged(metric, first, second, subjectText(subject)) };
  });
}

function onlyFirst(one: StandingEvidence, { subject }: Report): readonly ComparedValue[] {
  return Object.entries(one.values).map(([metric, first]) => ({
    kind: one.kind,
    metric,
    unit: first.unit,
    first,
    second: null,
    difference: null,
    relative: null,
    verdict: "incomparable" as const,
    reason: `not measured of ${subjectText(subject)}`,
    where: whereOf(one),
  }));
}

type Judged = Pick<ComparedValue, "difference" | "relative" | "verdict" | "reason">;

function judged(metric: string, first: MeasuredValue, second: MeasuredValue, subject: string): Judged {
  if (first.unit !== second.unit) {
    return {
      difference: null,
      relative: null,
      verdict: "incomparable",
      reason: `in ${first.unit} and in ${second.unit}`,
    };
  }
  if (first.value === null || second.value === null) {
    const reason = first.value === null ? first.reason : second.reason;
    return { difference: null, relative: null, verdict: "incomparable", reason: `undefined: ${reason}` };
  }
  const difference = second.value - first.value;
  const relative = first.value === 0 ? null : difference / Math.abs(first.value);
  const verdictOf = (): Pick<Judged, "verdict" | "reason"> => {
    const isExact =
      first.interval === null && second.interval === null && first.count === null && second.count === null;
    if (isExact) return { verdict: difference === 0 ? "equal" : sided(metric, difference), reason: null };
    if (first.interval === null || second.interval === null)
      return { verdict: "undecided", reason: "it has no interval" };
    const isApart = first.interval.upper < second.interval.lower || second.interval.upper < first.interval.lower;
    if (isApart) return { verdict: sided(metric, difference), reason: null };
    return { verdict: "undecided", reason: `the intervals overlap; a paired comparison of ${subject} may still tell` };
  };
  return { difference, relative, ...verdictOf() };
}

function sided(metric: string, difference: number): ComparedVerdict {
  const side = goodSide(metric);
  if (side === null) return "different";
  return difference > 0 === (side === "higher") ? "better" : "worse";
}

/** Which side of a metric is good; null where nobody said. recall[3] and p99[batch=8] have that of recall and p99. */
export function goodSide(selected: string): "higher" | "lower" | null {
  const metric = selected.replace(/\[.*$/s, "");
  return HIGHER_IS_BETTER.test(metric) ? "higher" : LOWER_IS_BETTER.test(metric) ? "lower" : null;
}

function whereOf(one: StandingEvidence): string {
  const data = datasetText(one);
  return [data === null ? null : `on ${data}`, one.machine === null ? null : `on the machine ${one.machine.name}`]
    .filter((part) => part !== null)
    .join(", ");
}

function factsThatDiffer(first: Report, second: Report): readonly ComparedFact[] {
  const facts: readonly (readonly [string, (report: Report) => string])[] = [
    ["model", ({ model }) => model.hash.slice(0, 12)],
    ["inputs", ({ model }) => model.signature.inputs.map(({ name, type }) => `${name} ${type}`).join("; ")],
    ["outputs", ({ model }) => model.signature.outputs.map(({ name, type }) => `${name} ${type}`).join("; ")],
    ["steps before", ({ processing }) => processing.before.join("; ") || "none"],
    ["steps after", ({ processing }) => processing.after.join("; ") || "none"],
    [
      "operator sets",
      ({ model }) => model.opsets.map(({ domain, version }) => `${domain || "ai.onnx"} ${version}`).join(", "),
    ],
    ["operators", ({ model }) => model.operators.map(({ name, count }) => `${name} ${count}`).join(", ")],
    ["source", ({ subject }) => subject.source],
  ];
  return facts
    .map(([name, say]) => ({ name, first: say(first), second: say(second) }))
    .filter((fact) => fact.first !== fact.second);
}
