// What the administration API shows of a report; see views.ts for all else.
import { z } from "zod";
import { EvidenceView, ModelView, PolicyVerdictView, PortView } from "./views.ts";

const Timestamp = z.number().describe("milliseconds since the Unix epoch");
const ReportPort = PortView.pick({ name: true, type: true, isOptional: true });

const StandingEvidenceView = EvidenceView.omit({ details: true }).extend({
  standing: z.enum(["current", "stale", "superseded"]).describe("superseded: a newer one says the same of the same"),
  reason: z.string().nullable().describe("Why it may no longer hold"),
});
const LineageView = z.object({
  nodes: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(["source", "model", "transform", "version", "dataset", "evidence", "deployment"]),
      label: z.string(),
      detail: z.string(),
      isSubject: z.boolean().describe("Whether the report is about it"),
    }),
  ),
  edges: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      kind: z.enum(["imported", "transformed", "versioned", "measured", "used", "deployed"]),
    }),
  ),
  omittedNodes: z.number(),
});
const ChartView = z.object({
  id: z.string().describe("For getChart, with .svg or .png behind it"),
  kind: z.string().describe("confusion, reliability, roc, …"),
  evidenceId: z.string().nullable().describe("null where it is of two versions"),
  title: z.string(),
  caption: z.string().describe("What it shows and how it was computed"),
  description: z.string().describe("The same for those who can't see it"),
  isWide: z.boolean().describe("It needs a page's whole width"),
  table: z.object({
    columns: z.array(z.object({ name: z.string(), unit: z.string().nullable().describe("null for text") })),
    rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
    omittedRows: z.number(),
  }),
});
const MeasuredValueView = EvidenceView.shape.values.valueType;
const ComparisonView = z.object({
  first: z.object({ name: z.string(), number: z.number().int() }).describe("What the second is held against"),
  second: z.object({ name: z.string(), number: z.number().int() }),
  values: z.array(
    z.object({
      kind: z.string(),
      metric: z.string(),
      unit: z.string(),
      first: MeasuredValueView.nullable(),
      second: MeasuredValueView.nullable(),
      difference: z.number().nullable().describe("second − first"),
      relative: z.number().nullable().describe("difference / |first|"),
      verdict: z
        .enum(["better", "worse", "different", "equal", "undecided", "incomparable"])
        .describe("better, worse and different only where intervals are apart or numbers are counted"),
      reason: z.string().nullable(),
      where: z.string().describe("On which data and machine"),
    }),
  ),
  paired: z
    .array(z.object({ evidenceId: z.string(), where: z.string(), sentences: z.array(z.string()) }))
    .describe("Paired comparisons that were measured, which see smaller differences"),
  facts: z.array(z.object({ name: z.string(), first: z.string(), second: z.string() })).describe("What else differs"),
});
export const ReportView = z.object({
  schema: z.number().int(),
  madeAt: Timestamp,
  code: z.record(z.string(), z.string()).describe("Versions of what runs now"),
  subject: z.object({
    name: z.string(),
    number: z.number().int(),
    note: z.string().nullable(),
    source: z.string(),
    createdAt: Timestamp,
  }),
  model: ModelView.pick({ hash: true, sizeBytes: true, files: true, opsets: true, producer: true }).extend({
    signature: z.object({ inputs: z.array(ReportPort), outputs: z.array(ReportPort) }),
    parameterCount: z.number(),
    operators: z.array(z.object({ name: z.string(), count: z.number() })),
    warnings: z.array(z.string()),
  }),
  processing: z.object({ before: z.array(z.string()), after: z.array(z.string()) }).describe("The steps, in words"),
  classes: z.array(z.string()).nullable().describe("Names of the classes by index"),
  summary: z.object({ known: z.array(z.string()), unknown: z.array(z.string()), stale: z.array(z.string()) }),
  gates: z.array(
    z.object({
      endpoint: z.string(),
      isLive: z.boolean().describe("Whether the endpoint serves this version now"),
      judged: PolicyVerdictView.nullable().describe("null where no policy stands there"),
    }),
  ),
  evidence: z.array(StandingEvidenceView).describe("Newest first; details are with listEvidence"),
  unmeasured: z.array(z.object({ kind: z.string(), about: z.string(), command: z.string() })),
  lineage: LineageView,
  charts: z.array(ChartView).describe("Of both versions first, then of evidence that nothing newer supersedes"),
  absentCharts: z.array(z.object({ kind: z.string(), evidenceId: z.string().nullable(), why: z.string() })),
  comparison: ComparisonView.nullable(),
});

export type ReportView = z.infer<typeof ReportView>;
