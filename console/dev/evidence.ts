// What the fixture's server knows of its versions: evidence of every form a page has to show, its report, and policies.
import { LOANS_INSPECTION } from "./inspection.ts";
import type {
  DatasetView,
  MeasurementView,
  PolicyVerdictView,
  PolicyView,
  ReportView,
  VersionView,
} from "slipway/client";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

type Evidence = ReportView["evidence"][number];
type Value = Evidence["values"][string];

const CODE = { slipway: "0.1.0", node: "24.21.0", backend: "ONNX Runtime 1.30.0" };
const MACHINE = {
  fingerprint: "5d".repeat(32),
  name: "vega",
  facts: { processor: "AMD EPYC 7B13", cores: 4, memoryBytes: 16_500_000_000 },
};
const DATASET = { name: "digits", split: "held-out", hash: "1c".repeat(32) };

const counted = (value: number, unit: string, method = "counted"): Value => ({
  value,
  reason: null,
  unit,
  interval: null,
  method,
  count: null,
});
const estimated = (value: number, lower: number, upper: number, unit: string, method: string): Value => ({
  value,
  reason: null,
  unit,
  interval: { lower, upper, level: 0.95 },
  method,
  count: 500,
});

function evidence(
  id: string,
  kind: string,
  facts: Partial<Evidence> & Pick<Evidence, "values" | "measuredAt">,
): Evidence {
  return {
    id,
    kind,
    schema: 1,
    dataset: null,
    machine: null,
    settings: {},
    method: "Read off the stored files; nothing is run.",
    code: CODE,
    hash: id.repeat(64).slice(0, 64),
    standing: "current",
    reason: null,
    ...facts,
  };
}

function qualityOf(number: number, now: number): Evidence {
  const accuracy = number === 2 ? 0.994 : 0.988;
  const recalls = Object.fromEntries(
    Array.from({ length: 10 }, (_, digit) => [
      [`recall[${digit}]`, estimated(digit === 8 ? 0.96 : 1, digit === 8 ? 0.865 : 0.929, 1, "1", "Wilson")] as const,
      [`precision[${digit}]`, counted(1, "1", "hits over predictions")] as const,
    ]).flat(),
  );
  return evidence(`quality-${number}`, "quality", {
    measuredAt: now - 40 * MINUTE,
    values: {
      rows: counted(500, "1"),
      accuracy: estimated(accuracy, accuracy - 0.0115, accuracy + 0.004, "1", "Wilson"),
      auc: {
        value: null,
        reason: "only one class has labels",
        unit: "1",
        interval: null,
        method: "one against the rest",
        count: 500,
      },
      "log-loss": estimated(0.015, 0.009, 0.024, "1", "bootstrap, percentile"),
      ...recalls,
    },
    dataset: DATASET,
    machine: MACHINE,
    settings: { task: "classification", scores: "logits" },
    method: "500 rows, 10 classes; scores taken as logits.",
  });
}

function sizeOf(number: number, now: number, ageMs: number, standing: Evidence["standing"]): Evidence {
  return evidence(`size-${number}-${ageMs}`, "size", {
    measuredAt: now - ageMs,
    standing,
    reason: standing === "stale" ? "It was measured 45 days ago." : null,
    values: {
      file: counted(number === 2 ? 142_336 : 88_120, "B", "bytes of all files"),
      parameters: counted(number === 2 ? 35_306 : 21_840, "1", "elements of stored tensors"),
    },
  });
}

/** Newest first. */
function evidenceOf({ name, number }: VersionView, now: number): readonly Evidence[] {
  if (name !== "digits") return [];
  const size = sizeOf(number, now, number === 2 ? 50 * MINUTE : 45 * DAY, number === 2 ? "current" : "stale");
  return [qualityOf(number, now), size, ...(number === 2 ? [sizeOf(2, now, DAY, "superseded")] : [])];
}

export const DATASETS: readonly DatasetView[] = [
  {
    name: "written",
    number: 2,
    hash: "d".repeat(64),
    manifest: {
      format: "images",
      rows: 500,
      columns: [{ name: "image", type: "image" }],
      splits: { dev: 100, test: 400 },
      source: null,
      licence: null,
      files: [],
      fileCount: 500,
      sizeBytes: 400_000,
      hash: "d".repeat(64),
      inspection: null,
    },
    description: { name: "written", files: "/data/written" },
    createdAt: 1_790_000_000_000,
  },
  {
    name: "loans",
    number: 1,
    hash: "e".repeat(64),
    manifest: {
      format: "csv",
      rows: 600,
      columns: LOANS_INSPECTION.columns.map(({ name, type }) => ({ name, type })),
      splits: { train: 480, test: 120 },
      source: "made up",
      licence: "CC0-1.0",
      files: [],
      fileCount: 1,
      sizeBytes: 33_700,
      hash: "e".repeat(64),
      inspection: LOANS_INSPECTION,
    },
    description: { name: "loans", files: "/data/loans.csv" },
    createdAt: 1_789_000_000_000,
  },
];

export const MEASUREMENTS: readonly MeasurementView[] = [
  {
    name: "size",
    about: "How large the model is: its files, what is left of them compressed, its parameters and nodes.",
    needsRows: false,
    needsRival: false,
    isTimed: false,
    options: { type: "object", properties: {}, additionalProperties: false },
  },
  {
    name: "compute",
    about: "What one run computes and holds.",
    needsRows: false,
    needsRival: false,
    isTimed: true,
    options: {
      type: "object",
      properties: {
        shapes: {
          type: "object",
          properties: {
            symbols: {
              type: "object",
              additionalProperties: { type: "integer" },
              default: {},
              description: "lengths of axes the model leaves open, by name",
            },
          },
          default: { symbols: {} },
        },
        runs: { type: "integer", minimum: 1, maximum: 100, default: 10, description: "how often it is run" },
        form: { enum: ["fast", "exact"], type: "string", default: "fast", description: "how it is counted" },
      },
    },
  },
  {
    name: "quality",
    about: "What a classifier's answers are worth on labelled rows: accuracy, F1, AUC, calibration and more.",
    needsRows: true,
    needsRival: false,
    isTimed: false,
    options: { type: "object", properties: {} },
  },
];

/** As the server's: what was measured last, and only what a page needs of the rest. */
export function reportOf(
  version: VersionView,
  against: VersionView | null,
  policies: readonly PolicyView[],
  now: number,
): ReportView {
  const known = evidenceOf(version, now);
  const { model, name, number, note, source, createdAt } = version;
  const policy = policies.find(({ endpoint }) => endpoint === name);
  return {
    schema: 1,
    madeAt: now,
    code: CODE,
    subject: { name, number, note, source, createdAt },
    model: {
      ...model,
      signature: { inputs: [...model.signature.inputs], outputs: [...model.signature.outputs] },
    },
    processing: { before: [], after: [] },
    classes: null,
    summary: { known: [], unknown: [], stale: [] },
    gates: [
      {
        endpoint: name,
        isLive: number === 2,
        judged: policy === undefined ? null : judge(policy.requirements, version, now),
      },
    ],
    evidence: [...known],
    unmeasured: MEASUREMENTS.filter((one) => !known.some(({ kind }) => kind === one.name)).map((one) => ({
      kind: one.name,
      about: one.about,
      command: `slipway measure ${name}@${number} ${one.name}`,
    })),
    lineage: { nodes: [], edges: [], omittedNodes: 0 },
    charts: known.filter(({ kind }) => kind === "quality").map(({ id }) => chartOf(id)),
    absentCharts: known
      .filter(({ kind }) => kind === "quality")
      .map(({ id }) => ({ kind: "slices", evidenceId: id, why: "no columns were sliced by" })),
    comparison: against === null ? null : comparisonOf(against, version, now),
  };
}

function chartOf(evidenceId: string): ReportView["charts"][number] {
  return {
    id: `recalls-${evidenceId}`,
    kind: "recalls",
    evidenceId,
    title: "Recall by class",
    caption: "Of the rows with a label, the share that was answered with it.",
    description: "Recall of ten classes: all 1 but class 8, which has 0.96.",
    isWide: false,
    table: {
      columns: [
        { name: "class", unit: null },
        { name: "recall", unit: "1" },
      ],
      rows: [
        ["7", 1],
        ["8", 0.96],
      ],
      omittedRows: 8,
    },
  };
}

function comparisonOf(first: VersionView, second: VersionView, now: number): NonNullable<ReportView["comparison"]> {
  const find = (version: VersionView, kind: string) => evidenceOf(version, now).find((one) => one.kind === kind);
  const pairs = ["quality", "size"].flatMap((kind) => {
    const [one, other] = [find(first, kind), find(second, kind)];
    const metrics = new Set([...Object.keys(one?.values ?? {}), ...Object.keys(other?.values ?? {})]);
    return [...metrics].map((metric) => ({ kind, metric, one: one?.values[metric], other: other?.values[metric] }));
  });
  return {
    first: { name: first.name, number: first.number },
    second: { name: second.name, number: second.number },
    values: pairs.map(({ kind, metric, one, other }) => {
      const [a, b] = [one?.value ?? null, other?.value ?? null];
      const difference = a === null || b === null ? null : b - a;
      return {
        kind,
        metric,
        unit: one?.unit ?? other?.unit ?? "1",
        first: one ?? null,
        second: other ?? null,
        difference,
        relative: difference === null || a === null || a === 0 ? null : difference / Math.abs(a),
        verdict:
          difference === null ? "incomparable" : difference === 0 ? "equal" : kind === "size" ? "worse" : "undecided",
        reason: kind === "quality" ? "the intervals overlap" : null,
        where: kind === "quality" ? "on digits/held-out" : "",
      };
    }),
    paired: [
      {
        evidenceId: "p",
        where: "on digits/held-out",
        sentences: ["Of 500 rows, 5 are right in digits@2 alone, and 2 in digits@1 alone."],
      },
    ],
    facts: [{ name: "parameters", first: "21 840", second: "35 306" }],
  };
}

export const POLICIES = (now: number): PolicyView[] => [
  {
    endpoint: "digits",
    requirements: [
      "size <= 100 kB",
      "quality.accuracy.lower >= 0.98 on digits/held-out",
      "fresh within 30d",
      "latency.p99 <= 5 ms",
    ],
    changedAt: now - 2 * DAY,
  },
];

/** The line that can't be read; -1 where all can. */
export function faultyLine(requirements: readonly string[]): number {
  return requirements.findIndex(
    (line) => !/^fresh within \d+d$|^[a-z0-9.-]+ (<=|>=|<|>) [\d.]+/.test(line) || /bananas/.test(line),
  );
}

/** Enough of the gate for a page: size and accuracy are known of digits, nothing else is. */
export function judge(requirements: readonly string[], version: VersionView, now: number): PolicyVerdictView {
  const known = evidenceOf(version, now);
  const judged = requirements
    .filter((line) => !line.startsWith("fresh"))
    .map((requirement): PolicyVerdictView["requirements"][number] => {
      const [, kind = "", needed = "0", unit = ""] = /^([a-z0-9]+)\S* \S+ ([\d.]+) ?(kB|ms)?/.exec(requirement) ?? [];
      const of = known.find((one) => one.kind === kind);
      const found =
        kind === "size" ? (of?.values["file"]?.value ?? 0) / 1000 : (of?.values["accuracy"]?.interval?.lower ?? 0);
      const margin = kind === "size" ? Number(needed) - found : found - Number(needed);
      const common = { requirement, needed: Number(needed), unit: unit === "" ? "1" : unit };
      if (of === undefined) {
        const remedy = `slipway measure ${version.name}@${version.number} ${kind}`;
        return {
          ...common,
          verdict: "unknown",
          found: null,
          margin: null,
          evidenceId: null,
          text: `"${kind}" was not measured.`,
          remedy,
        };
      }
      return {
        ...common,
        verdict: margin >= 0 ? "yes" : "no",
        found,
        margin,
        evidenceId: of.id,
        text: margin >= 0 ? `${kind} is ${found}.` : `${kind} is ${found}: wrong by ${-margin}.`,
        remedy: margin >= 0 ? null : "Deploy a version that changes it, or change the policy.",
      };
    });
  const verdicts = judged.map(({ verdict }) => verdict);
  return {
    verdict: verdicts.includes("no") ? "no" : verdicts.includes("unknown") ? "unknown" : "yes",
    requirements: judged,
  };
}
