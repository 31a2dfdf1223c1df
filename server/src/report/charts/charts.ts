// The charts there are, as one table: from which evidence each is drawn, and what it needs there. A measurement that keeps
// more in its details gets more pictures, and nothing here has to know which did.
import type { Comparison } from "../comparison.ts";
import type { ReportEvidence } from "../evidence.ts";
import type { AbsentChart, Chart, ChartContext, ChartKind } from "./chart.ts";
import { classRecalls } from "./classes.ts";
import { activationLiveness, operatorWork, parametersByType } from "./compute.ts";
import { confusionMatrix } from "./confusion.ts";
import { precisionRecallCurve, rocCurve } from "./curves.ts";
import { latencyByDevice } from "./devices.ts";
import { pairedDifferences } from "./differences.ts";
import { latencyBySetting, latencyDistribution, latencyStages } from "./latency.ts";
import { memoryOverTime } from "./memory.ts";
import { operatorTime, slowestNodes } from "./operators.ts";
import { qualityTask } from "./quality-details.ts";
import { reliabilityDiagram } from "./reliability.ts";
import { modelSize } from "./size.ts";
import { sliceQuality } from "./slices.ts";
import { confidenceHistogram, predictedOverActual, residualHistogram } from "./spread.ts";
import { throughputOverLatency } from "./throughput.ts";
import { figuresOfBoth } from "./versions.ts";

/** By name, in the order in which a report shows them. */
export const CHART_KINDS = {
  confusion: {
    evidence: ["quality"],
    task: "classification",
    about:
      "Which class was answered for which label: counts, shaded by the share of the label; of more than 40 classes, the pairs confused most.",
    draw: confusionMatrix,
  },
  recall: {
    evidence: ["quality"],
    task: "classification",
    about: "Recall of each class with its interval; of more than 30 classes, the worst.",
    draw: classRecalls,
  },
  reliability: {
    evidence: ["quality"],
    task: "classification",
    about: "How often answers were right by their confidence, with intervals and counts.",
    draw: reliabilityDiagram,
  },
  confidence: {
    evidence: ["quality"],
    task: "classification",
    about: "How sure a classifier was where it was right, and where it was wrong.",
    draw: confidenceHistogram,
  },
  roc: {
    evidence: ["quality"],
    task: "classification",
    about: "True over false positives over all thresholds: of two classes, or of each of up to 20 against the rest.",
    draw: rocCurve,
  },
  "precision-recall": {
    evidence: ["quality"],
    task: "classification",
    about: "Precision over recall, likewise.",
    draw: precisionRecallCurve,
  },
  residuals: { evidence: ["quality"], task: "regression", about: "Errors of a regressor.", draw: residualHistogram },
  predictions: {
    evidence: ["quality"],
    task: "regression",
    about: "What a regressor predicted over what was so.",
    draw: predictedOverActual,
  },
  slices: {
    evidence: ["quality"],
    about: "The first figure of rows that share a value of a column, with intervals.",
    draw: sliceQuality,
  },
  differences: {
    evidence: ["comparison"],
    about: "A paired comparison: each figure less that of the other version, with intervals.",
    draw: pairedDifferences,
  },
  latency: {
    evidence: ["latency"],
    about: "How long requests took: their distribution with its percentiles.",
    draw: latencyDistribution,
  },
  stages: {
    evidence: ["latency"],
    about: "The mean request by what happens to it; needs stages, which requests over HTTP do not have.",
    draw: latencyStages,
  },
  settings: {
    evidence: ["latency"],
    about: "Median and p99 with intervals, by rows, threads and runners, where several were measured.",
    draw: latencyBySetting,
  },
  throughput: {
    evidence: ["throughput", "latency"],
    about:
      "Rows a second over the 99th percentile of latency, setting by setting, with the front nothing beats at both.",
    draw: throughputOverLatency,
  },
  "operator-time": {
    evidence: ["operators"],
    about: "Time of a run by operator, as the engine's profiler told it.",
    draw: operatorTime,
  },
  "node-time": { evidence: ["operators"], about: "Time of a run by node, the slowest first.", draw: slowestNodes },
  memory: {
    evidence: ["memory"],
    about: "Resident memory of a runner over time, while the model runs.",
    draw: memoryOverTime,
  },
  devices: {
    evidence: ["fit"],
    about: "How long a run takes on each device, measured or estimated, and whether the model fits it.",
    draw: latencyByDevice,
  },
  work: { evidence: ["compute"], about: "Multiply-accumulates by operator.", draw: operatorWork },
  activations: {
    evidence: ["compute"],
    about: "Bytes of intermediate values alive at once, node after node.",
    draw: activationLiveness,
  },
  parameters: {
    evidence: ["compute"],
    about: "Stored numbers by element type, where there are several.",
    draw: parametersByType,
  },
  size: { evidence: ["size"], about: "The model's files, the weights in them, and both compressed.", draw: modelSize },
} as const satisfies Record<string, ChartKind>;

export type ChartKindName = keyof typeof CHART_KINDS;

/** So many the command line shows of evidence's hashes, too. */
const HASH_DIGITS = 12;

export interface EvidenceCharts {
  readonly charts: readonly Chart[];
  /** What evidence of the right kind has no picture of, and why. */
  readonly absent: readonly AbsentChart[];
}

/** Everything that can be drawn from evidence, in the table's order. */
export function chartsOf(evidence: readonly ReportEvidence[], context: ChartContext): EvidenceCharts {
  const charts: Chart[] = [];
  const absent: AbsentChart[] = [];
  for (const [kind, { evidence: kinds, task, draw }] of Object.entries<ChartKind>(CHART_KINDS)) {
    const isMeant = (one: ReportEvidence) =>
      kinds.includes(one.kind) && (task ?? qualityTask(one)) === qualityTask(one);
    for (const one of evidence.filter(isMeant)) {
      const drawn = draw(one, context);
      const of = { kind, evidenceId: one.id };
      if ("why" in drawn) absent.push({ ...of, why: drawn.why });
      else charts.push({ ...drawn, ...of, id: `${kind}-${one.hash.slice(0, HASH_DIGITS)}` });
    }
  }
  return { charts, absent };
}

/** The chart of two versions beside each other, by the name it has as a kind and as a picture. */
export const BOTH = "versions";

/** As `chartsOf`, of a comparison. */
export function chartsOfBoth(comparison: Comparison): EvidenceCharts {
  const drawn = figuresOfBoth(comparison);
  const of = { kind: BOTH, evidenceId: null };
  if ("why" in drawn) return { charts: [], absent: [{ ...of, why: drawn.why }] };
  return { charts: [{ ...drawn, ...of, id: BOTH }], absent: [] };
}
