// The charts there are, as one table: from which evidence each is drawn, and what it needs there. A measurement that keeps
// more in its details gets more pictures, and nothing here has to know which did.
import type { ReportEvidence } from "../evidence.ts";
import type { AbsentChart, Chart, ChartContext, ChartKind } from "./chart.ts";
import { classRecalls } from "./classes.ts";
import { activationLiveness, operatorWork, parametersByType } from "./compute.ts";
import { confusionMatrix } from "./confusion.ts";
import { precisionRecallCurve, rocCurve } from "./curves.ts";
import { reliabilityDiagram } from "./reliability.ts";
import { modelSize } from "./size.ts";

/** By name, in the order in which a report shows them. */
export const CHART_KINDS = {
  confusion: {
    evidence: ["quality"],
    about:
      "Which class was answered for which label: counts, shaded by the share of the label; of more than 40 classes, the pairs confused most.",
    draw: confusionMatrix,
  },
  recall: {
    evidence: ["quality"],
    about: "Recall of each class with its interval; of more than 30 classes, the worst.",
    draw: classRecalls,
  },
  reliability: {
    evidence: ["quality"],
    about: "How often answers were right by their confidence, with intervals and counts.",
    draw: reliabilityDiagram,
  },
  roc: { evidence: ["quality"], about: "True over false positives, for two classes.", draw: rocCurve },
  "precision-recall": {
    evidence: ["quality"],
    about: "Precision over recall, for two classes.",
    draw: precisionRecallCurve,
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
  for (const [kind, { evidence: kinds, draw }] of Object.entries<ChartKind>(CHART_KINDS)) {
    for (const one of evidence.filter((each) => kinds.includes(each.kind))) {
      const drawn = draw(one, context);
      const of = { kind, evidenceId: one.id };
      if ("why" in drawn) absent.push({ ...of, why: drawn.why });
      else charts.push({ ...drawn, ...of, id: `${kind}-${one.hash.slice(0, HASH_DIGITS)}` });
    }
  }
  return { charts, absent };
}
