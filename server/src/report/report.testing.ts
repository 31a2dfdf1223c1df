// Evidence and reports for tests: one of every kind there are charts of, and names that try to become markup.
import type { JsonObject, MeasuredValue } from "#registry";
import type { ReportEvidence } from "./evidence.ts";
import { buildLineage } from "./lineage/lineage.ts";
import { REPORT_SCHEMA, type Report, type StandingEvidence } from "./report.ts";
import { standingOf } from "./standing.ts";
import { summarise } from "./summary.ts";

/** 2026-11-25 12:00 UTC. */
export const NOW = Date.UTC(2026, 10, 25, 12);
export const CODE = { slipway: "1.2.3", node: "24.0.0", backend: "onnxruntime-node 1.30.0" };
/** Closes tags, attributes, comments, Markdown and YAML, and has what XML forbids. */
export const HOSTILE = `</style></script><img src=x onerror=alert(1)>"'\`&|[a](javascript:alert(1))--> {{x}} ]]>\n# h\u0000\u202e https://evil.example`;

export function value(of: number | null, more: Partial<MeasuredValue> = {}): MeasuredValue {
  const reason = of === null ? "no row has label 3" : null;
  return { value: of, reason, unit: "1", interval: null, method: "counted", count: null, ...more };
}

export function evidence(
  kind: string,
  values: ReportEvidence["values"],
  details: JsonObject,
  more: Partial<ReportEvidence> = {},
): ReportEvidence {
  return {
    id: `01${kind.toUpperCase()}`,
    kind,
    schema: 1,
    measuredAt: NOW - 60_000,
    values,
    details,
    dataset: null,
    machine: null,
    settings: {},
    method: "As the test says.",
    code: CODE,
    hash: Buffer.from(kind.padEnd(32, "0")).toString("hex").slice(0, 64),
    ...more,
  };
}

const TEST_ROWS = { name: "digits", split: "test", hash: "d".repeat(64) };
const MACHINE = { fingerprint: "0123456789abcdef", name: "pi5", facts: { cpu: "Cortex-A76", cores: 4 } };

/** [classes, classes]: `right` of each label's rows on the diagonal, one on the next class. */
export function confusionOf(classes: number, right = 48): number[] {
  return Array.from({ length: classes ** 2 }, (_, at) => {
    const [label, predicted] = [Math.floor(at / classes), at % classes];
    return label === predicted ? right : predicted === (label + 1) % classes ? 2 : 0;
  });
}

/** As quality@2 keeps it. */
export function classifierEvidence(classes = 10, more: Partial<ReportEvidence> = {}): ReportEvidence {
  const recall = (label: number) =>
    value(0.96, { interval: { lower: 0.9 - label / 1000, upper: 0.99, level: 0.95 }, count: 50 });
  const curve = (of: number) => ({
    class: of,
    name: null,
    roc: [
      [null, 0, 0],
      [0.8, 0.02 * (of + 1), 0.9],
      [0.1, 1, 1],
    ],
    precisionRecall: [
      [null, 0, 1],
      [0.8, 0.9, 0.95],
      [0.1, 1, 0.5],
    ],
  });
  return evidence(
    "quality",
    {
      rows: value(50 * classes),
      accuracy: value(0.96, {
        interval: { lower: 0.94, upper: 0.975, level: 0.95 },
        method: "Wilson",
        count: 50 * classes,
      }),
      auc: value(0.998, {
        interval: { lower: 0.99, upper: 0.9995, level: 0.95 },
        method: "DeLong",
        count: 50 * classes,
      }),
      f1: value(null),
      "calibration-error": value(0.012),
      ...Object.fromEntries(
        Array.from({ length: Math.min(classes, 100) }, (_, label) => [`recall[${label}]`, recall(label)]),
      ),
    },
    {
      task: "classification",
      classes,
      confusion: classes <= 200 ? confusionOf(classes) : null,
      confusions: [{ label: 3, predicted: 5, weight: 7 }],
      labelled: Array.from({ length: classes }, () => 50),
      classNames: null,
      reliability: {
        of: "top-label",
        bins: [
          {
            lower: 0.5,
            upper: 0.6,
            rows: 20,
            weight: 20,
            confidence: 0.55,
            accuracy: 0.5,
            interval: { lower: 0.3, upper: 0.7, level: 0.95 },
          },
          { lower: 0.9, upper: 1, rows: 480, weight: 480, confidence: 0.98, accuracy: 0.97, interval: null },
        ],
      },
      curves: classes > 20 ? [] : Array.from({ length: classes === 2 ? 1 : classes }, (_, of) => curve(of)),
      confidence: {
        right: { lower: 0, upper: 1, counts: [0, 0, 1, 4, 475] },
        wrong: { lower: 0, upper: 1, counts: [0, 0, 12, 6, 2] },
      },
    },
    { schema: 2, dataset: TEST_ROWS, ...more },
  );
}

export function regressorEvidence(): ReportEvidence {
  return evidence(
    "quality",
    { mae: value(1.2), rmse: value(1.9), r2: value(0.83), "mean-error": value(-0.1) },
    {
      task: "regression",
      residuals: { lower: -4, upper: 4, counts: [1, 4, 20, 30, 8, 2] },
      predictedVersusActual: {
        bins: 4,
        actual: [0, 40],
        predicted: [2, 38],
        cells: [
          [0, 0, 10],
          [1, 1, 14],
          [2, 2, 9],
          [3, 2, 4],
          [3, 3, 7],
        ],
      },
      slices: {
        metric: "mae",
        level: 0.95,
        columns: {
          region: [
            {
              value: "north",
              rows: 40,
              estimate: { value: 1, lower: 0.8, upper: 1.2 },
              verdict: "no difference shown",
            },
            { value: "south", rows: 38, estimate: { value: 1.9, lower: 1.5, upper: 2.3 }, verdict: "worse" },
            { value: null, rows: 3, estimate: null, verdict: "undecided" },
          ],
        },
      },
    },
    { id: "01REGRESSION", schema: 2, dataset: { ...TEST_ROWS, name: "houses" } },
  );
}

const percentile = (estimate: number) => ({ estimate, lower: estimate * 0.97, upper: estimate * 1.05 });

export function latencyEvidence(): ReportEvidence {
  const point = (name: string, batch: number, ms: number) => ({
    name,
    settings: { batch, threads: 2, instances: 1 },
    count: 4000,
    p50: percentile(ms),
    p90: percentile(ms * 1.3),
    p99: { ...percentile(ms * 2), upper: null },
    mean: { estimate: ms * 1.1, lower: ms, upper: ms * 1.2 },
    stages: { queueMs: 0.01, inputMs: 0.02, inferMs: ms * 0.8, outputMs: 0.01, outsideMs: ms * 0.2 },
    histogram: [
      { fromMs: 0, toMs: ms * 0.9, count: 100 },
      { fromMs: ms * 0.9, toMs: ms * 1.1, count: 3000 },
      { fromMs: ms * 1.1, toMs: ms * 2.5, count: 900 },
    ],
  });
  const interval = { lower: 0.4, upper: 0.44, level: 0.95 };
  return evidence(
    "latency",
    { p50: value(0.42, { unit: "ms", interval, count: 4000 }), p99: value(0.84, { unit: "ms", count: 4000 }) },
    { points: [point("", 1, 0.42), point("[batch=8]", 8, 2.1), point("[batch=8,threads=1]", 8, 3.3)], warnings: [] },
    { machine: MACHINE },
  );
}

export function operatorsEvidence(): ReportEvidence {
  const node = (name: string, operator: string, meanUs: number) => ({ name, operator, meanUs, share: meanUs / 400 });
  return evidence(
    "operators",
    { run: value(0.4, { unit: "ms" }) },
    {
      operators: [
        { operator: "Conv", provider: "CPUExecutionProvider", nodes: 2, meanUs: 350, share: 0.875 },
        { operator: "Gemm", provider: "CPUExecutionProvider", nodes: 1, meanUs: 50, share: 0.125 },
      ],
      nodes: [node("/conv1", "Conv", 200), node("/conv1", "Conv", 150), node("", "Gemm", 50)],
      nodesLeftOut: 0,
    },
    { machine: MACHINE },
  );
}

export function memoryEvidence(): ReportEvidence {
  return evidence(
    "memory",
    { peak: value(6e6, { unit: "B" }), base: value(60e6, { unit: "B" }) },
    {
      series: [
        [0, 62e6],
        [5, 66e6],
        [10, 65e6],
      ],
    },
    { machine: MACHINE },
  );
}

export function fitEvidence(): ReportEvidence {
  const fit = (device: string, verdict: string, found: number | null, lower: number | null, upper: number | null) => ({
    device,
    verdict,
    checks: [
      { question: "memory", found: 1, lower: 1, upper: 1, limit: 2 },
      { question: "latency", found, lower, upper, limit: 10 },
    ],
  });
  return evidence(
    "fit",
    { "fits[pi5]": value(1), "latency[pi5]": value(3, { unit: "ms" }) },
    {
      summary: ["this-machine: fits."],
      fits: [
        fit("this-machine", "fits", 0.5, 0.5, 0.9),
        fit("pi5", "fits", 3, 1.5, 6),
        fit("microcontroller", "does-not-fit", 900, 0, 2000),
        fit("browser", "unknown", null, null, null),
      ],
    },
    { machine: MACHINE },
  );
}

export function comparisonEvidence(): ReportEvidence {
  const interval = { lower: -0.001, upper: 0.013, level: 0.95 };
  return evidence(
    "comparison",
    {
      "accuracy.difference": value(0.006, { interval }),
      "f1.difference": value(0.004, { interval: { ...interval, lower: 0.001 } }),
    },
    {
      against: { name: "digits", number: 2, modelHash: "b".repeat(64), processingHash: "none" },
      summary: ["No difference from digits@2 is shown: accuracy is 0.994 against 0.988."],
    },
    { dataset: TEST_ROWS },
  );
}

export function sizeEvidence(bytes = 141_476): ReportEvidence {
  return evidence(
    "size",
    {
      file: value(bytes, { unit: "B" }),
      weights: value(bytes - 3000, { unit: "B" }),
      gzip: value(bytes - 9000, { unit: "B" }),
    },
    { files: [{ name: "model.onnx", sizeBytes: bytes, gzipBytes: bytes - 9000 }] },
  );
}

export function computeEvidence(): ReportEvidence {
  return evidence(
    "compute",
    { macs: value(5_310_432, { unit: "MAC" }), activations: value(103_488, { unit: "B" }) },
    {
      operators: [
        { operator: "Conv", nodes: 5, macs: 5_300_000, flops: 10_600_000 },
        { operator: "Gemm", nodes: 1, macs: 10_432, flops: 20_864 },
        { operator: "Relu", nodes: 5, macs: 0, flops: 30_000 },
      ],
      liveBytes: [3136, 103_488, 50_176, 25_088],
      nodes: [{ place: "Conv 1" }, { place: "Relu 2" }, { place: "Conv 3" }, { place: "Gemm 4" }],
      peakNode: "Relu 2",
      parametersByDType: [
        { dtype: "float32", tensors: 10, count: 34_570, sizeBytes: 138_280 },
        { dtype: "int64", tensors: 2, count: 8, sizeBytes: 64 },
      ],
    },
  );
}

/** One of every kind. */
export function everyEvidence(): readonly ReportEvidence[] {
  return [
    classifierEvidence(),
    regressorEvidence(),
    comparisonEvidence(),
    latencyEvidence(),
    operatorsEvidence(),
    memoryEvidence(),
    fitEvidence(),
    computeEvidence(),
    sizeEvidence(),
  ];
}

/** digits@3, with what is said. */
export function reportOf(kept: readonly ReportEvidence[], more: Partial<Report> = {}): Report {
  const found: readonly StandingEvidence[] = standingOf(kept, { now: NOW, code: CODE });
  const subject = { name: "digits", number: 3, note: null, source: "model.onnx", createdAt: NOW - 86_400_000 };
  const version = { ...subject, ...more.subject, tenant: "default", modelHash: "a".repeat(64), processing: null };
  const unmeasured = [{ kind: "energy", about: "Joules of a run.", command: "slipway measure digits@3 energy" }];
  const gates = more.gates ?? [];
  return {
    schema: REPORT_SCHEMA,
    madeAt: NOW,
    code: CODE,
    subject,
    model: {
      hash: "a".repeat(64),
      sizeBytes: 141_476,
      files: [{ path: "model.onnx", hash: "a".repeat(64), sizeBytes: 141_476 }],
      signature: {
        inputs: [{ name: "image", type: "float32[N, 1, 28, 28]", isOptional: false }],
        outputs: [{ name: "logits", type: "float32[N, 10]", isOptional: false }],
      },
      opsets: [{ domain: "", version: 17 }],
      producer: "pytorch 2.15.0",
      parameterCount: 34_570,
      operators: [{ name: "Conv", count: 5 }],
      warnings: [],
    },
    processing: { before: ["decode-image: channels grey"], after: ["softmax: output logits"] },
    classes: null,
    summary: summarise(found, unmeasured, gates),
    gates,
    evidence: found,
    unmeasured,
    lineage: buildLineage({ subject: version, versions: [version], evidence: found, deployments: [] }),
    ...more,
  };
}
