// What the fixture's server holds: models, versions and endpoints as the administration API shows them.
import { readFileSync } from "node:fs";
import type {
  ConfigView,
  DecisionView,
  DeploymentView,
  EndpointView,
  JobView,
  ModelView,
  PolicyView,
  RunView,
  StatusView,
  VersionView,
} from "slipway/client";
import { POLICIES } from "./evidence.ts";
import { JOBS } from "./jobs.ts";
import { RUN_JOBS, RUNS } from "./runs.ts";
import type { Load } from "./traffic.ts";

export type ScenarioName = "well" | "trouble" | "empty";

export interface Scenario {
  status: StatusView;
  versions: VersionView[];
  decisions: DecisionView[];
  config: ConfigView;
  loads: Load[];
  jobs: JobView[];
  runs: RunView[];
  policies: PolicyView[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const digitsProcessing: unknown = JSON.parse(
  readFileSync(new URL("../../examples/digits/processing.json", import.meta.url), "utf8"),
);

type Shape = (number | string | null)[];
const OIP: Readonly<Record<string, string>> = { float32: "FP32", int64: "INT64", string: "BYTES", float16: "FP16" };
const port = (name: string, dtype: string, shape: Shape, isOptional = false) => ({
  name,
  type: `${dtype}[${shape.map((axis) => axis ?? "?").join(", ")}]`,
  datatype: OIP[dtype] ?? null,
  shape,
  isOptional,
});

function model(digit: string, now: number, facts: Partial<ModelView>): ModelView {
  const hash = digit.repeat(64);
  const sizeBytes = facts.sizeBytes ?? 142_336;
  return {
    hash,
    sizeBytes,
    files: [{ path: "model.onnx", hash, sizeBytes }],
    mainFile: "model.onnx",
    importedAt: now - 2 * DAY,
    signature: { inputs: [], outputs: [] },
    irVersion: 10,
    opsets: [{ domain: "", version: 20 }],
    producer: "pytorch 2.11.0",
    parameterCount: 35_306,
    operators: [],
    warnings: [],
    ...facts,
  };
}

function deployment(
  now: number,
  facts: Pick<DeploymentView, "id" | "endpoint" | "name" | "number"> & Partial<DeploymentView>,
): DeploymentView {
  return {
    state: "ready",
    reason: null,
    isLive: true,
    createdAt: now - 3 * HOUR,
    settings: {},
    queuedRequests: 0,
    queuedBytes: 0,
    inFlight: 1,
    executor: executor(now, {}),
    ...facts,
  };
}

type Executor = NonNullable<DeploymentView["executor"]>;

function executor(now: number, facts: Partial<Executor>): Executor {
  return {
    state: "ready",
    reason: null,
    backend: "ONNX Runtime 1.30.0, cpu",
    intraOpThreads: 2,
    batching: { mode: "dynamic", maxRows: 32, reason: null, padAxis: null },
    runners: [
      {
        id: 1,
        pid: 48_213,
        state: "ready",
        residentBytes: 87_400_000,
        startedAtMs: now - 3 * HOUR,
        runs: 184_202,
        inFlight: 1,
      },
    ],
    deaths: [],
    deathsByCause: {},
    containment: [
      "Own process, ended by SIGKILL",
      "Empty working directory and scrubbed environment",
      "Data segment limited to 4 GiB; resident memory watched",
      "Own network namespace: no network",
    ],
    loadMs: 214,
    ...facts,
  };
}

function endpoint(now: number, name: string, live: DeploymentView | null, facts: Partial<EndpointView>): EndpointView {
  return {
    name,
    state: live === null ? "unloaded" : "ready",
    reason: null,
    live,
    previous: null,
    deployments: live === null ? [] : [live],
    changedAt: now - 3 * HOUR,
    ...facts,
  };
}

function versionsAt(now: number): VersionView[] {
  const digits = {
    inputs: [port("image", "float32", ["N", 1, 28, 28])],
    outputs: [port("logits", "float32", ["N", 10])],
  };
  const operators = [
    { name: "Conv", count: 5 },
    { name: "Relu", count: 5 },
    { name: "MaxPool", count: 3 },
    { name: "Gemm", count: 1 },
    { name: "Flatten", count: 1 },
  ];
  const sentiment = {
    inputs: [
      port("input_ids", "int64", ["batch", "sequence"]),
      port("attention_mask", "int64", ["batch", "sequence"]),
      port("token_type_ids", "int64", ["batch", "sequence"], true),
    ],
    outputs: [port("logits", "float32", ["batch", 2])],
  };
  return [
    {
      name: "digits",
      number: 2,
      model: model("3f", now, { hash: "3f".repeat(32), signature: digits, operators }),
      processing: digitsProcessing,
      source: "examples/digits/model.onnx",
      note: "Trained with thicker strokes",
      createdAt: now - 4 * HOUR,
    },
    {
      name: "digits",
      number: 1,
      model: model("8", now, { signature: digits, operators, parameterCount: 21_840, sizeBytes: 88_120 }),
      processing: digitsProcessing,
      source: "examples/digits/model.onnx",
      note: null,
      createdAt: now - 2 * DAY,
    },
    {
      name: "sentiment",
      number: 1,
      model: model("c", now, {
        signature: sentiment,
        parameterCount: 66_955_010,
        sizeBytes: 267_954_880,
        operators: [
          { name: "MatMul", count: 48 },
          { name: "Add", count: 63 },
          { name: "LayerNormalization", count: 13 },
          { name: "Gelu", count: 6 },
          { name: "Softmax", count: 6 },
        ],
        warnings: ["The output `logits` is not normalised; callers have to apply a softmax themselves."],
      }),
      processing: null,
      source: "uploads/sentiment.onnx",
      note: null,
      createdAt: now - 9 * DAY,
    },
  ];
}

function endpointsAt(now: number, name: ScenarioName): EndpointView[] {
  if (name === "empty") return [];
  const digits = endpoint(now, "digits", deployment(now, { id: "d2", endpoint: "digits", name: "digits", number: 2 }), {
    previous: { deploymentId: "d1", name: "digits", number: 1 },
  });
  const isBroken = name === "trouble";
  const reason = "3 distinct inputs killed its runner within 10 minutes; release it once you know why";
  const sentimentLive = deployment(now, {
    id: "s1",
    endpoint: "sentiment",
    name: "sentiment",
    number: 1,
    state: isBroken ? "not-ready" : "ready",
    reason: isBroken ? reason : null,
    settings: { runtime: { instances: 2, maxBatchRows: 8 } },
    executor: executor(now, {
      state: isBroken ? "quarantined" : "ready",
      reason: isBroken ? reason : null,
      intraOpThreads: 1,
      batching: {
        mode: "off",
        maxRows: 1,
        reason: "the rows of a batch changed each other's answers in the check at load",
        padAxis: null,
      },
      runners: isBroken
        ? []
        : [1, 2].map((id) => ({
            id,
            pid: 48_300 + id,
            state: "ready" as const,
            residentBytes: 412_000_000 + id * 1_700_000,
            startedAtMs: now - id * HOUR,
            runs: 6_120 * id,
            inFlight: id - 1,
          })),
      deaths: [
        {
          atMs: now - 26 * MINUTE,
          cause: "memory",
          text: "The runner held 4.3 GB, over its limit of 4.3 GB, while running one request alone.",
          inputFingerprint: "9b1d0c77e2f4a6b8",
        },
        {
          atMs: now - 4 * MINUTE,
          cause: "run-timeout",
          text: "A run of 1 row took longer than 30 s and was ended.",
          inputFingerprint: "52aa10f39c00d1e7",
        },
      ],
    }),
  });
  const sentiment = endpoint(now, "sentiment", sentimentLive, {
    state: isBroken ? "not-ready" : "ready",
    reason: isBroken ? reason : null,
    changedAt: now - 9 * DAY,
  });
  return [digits, sentiment];
}

const DECISIONS = (now: number): DecisionView[] => [
  {
    at: now - 3 * HOUR,
    actor: "cli",
    kind: "deployed",
    subject: "digits",
    text: "digits serves digits@2, before digits@1",
  },
  { at: now - 4 * HOUR, actor: "cli", kind: "imported", subject: "digits", text: "digits@2 from model.onnx" },
  {
    at: now - 2 * DAY,
    actor: "console",
    kind: "released",
    subject: "sentiment",
    text: "sentiment@1 left quarantine",
  },
  { at: now - 9 * DAY, actor: "cli", kind: "deployed", subject: "sentiment", text: "sentiment serves sentiment@1" },
];

const CONFIG: ConfigView = {
  file: "slipway.yaml",
  keys: [
    ["dataDir", ".slipway", "default", "Directory that holds everything Slipway stores"],
    [
      "memoryBudgetBytes",
      0,
      "default",
      "Memory all runners together may need when loading; 0 takes 80 % of this machine's",
    ],
    ["server.host", "127.0.0.1", "default", "Address of the inference listener"],
    ["server.port", 8100, "flag --port", "Port of the inference listener; 0 takes a free one"],
    ["server.maxBodyBytes", 67_108_864, "default", "Largest request body, also after decompression"],
    ["runtime.instances", 2, "slipway.yaml", "Runner processes of a deployment"],
    ["runtime.executionProviders", ["cpu"], "default", "ONNX Runtime execution providers, most preferred first"],
    [
      "runtime.padAxis",
      null,
      "default",
      "Axis of the inputs that may be padded to batch requests of different length; null never pads",
    ],
    ["queue.maxRequests", 4096, "environment SLIPWAY_QUEUE_MAX_REQUESTS", "Requests that may wait for one deployment"],
    ["log.level", "info", "default", "Least severe line that is written"],
  ].map(([key, value, source, description]) => ({
    key: String(key),
    value,
    source: String(source),
    description: String(description),
  })),
};

/** A server in a known condition. */
export function createScenario(name: ScenarioName, now: number): Scenario {
  const endpoints = endpointsAt(now, name);
  const isEmpty = name === "empty";
  const loads: Load[] = [
    {
      endpoint: "digits",
      version: "2",
      rate: 86,
      inferMs: 2.1,
      maxRows: 32,
      residentBytes: 86_000_000,
      failures: name === "trouble" ? { DEADLINE_EXCEEDED: 0.02 } : {},
    },
    {
      endpoint: "sentiment",
      version: "1",
      rate: name === "trouble" ? 0 : 14,
      inferMs: 21,
      maxRows: 1,
      residentBytes: name === "trouble" ? 0 : 826_000_000,
      failures: name === "trouble" ? { DEPLOYMENT_QUARANTINED: 3 } : {},
    },
  ];
  return {
    status: {
      version: "0.1.0",
      startedAt: now - 3 * DAY,
      now,
      pid: 48_201,
      dataDirectory: ".slipway",
      inferenceAddress: "http://127.0.0.1:8000",
      adminAddress: "http://127.0.0.1:8010",
      isReady: name === "well",
      backend: "ONNX Runtime 1.30.0",
      node: "24.21.0",
      cores: 4,
      fronts: [{ pid: 4711, residentBytes: 96 * 2 ** 20 }],
      threadPlan: "4 cores: digits 1 × 2 threads, sentiment 2 × 1 thread",
      totalMemoryBytes: 16_500_000_000,
      residentBytes: 91_000_000,
      endpoints,
    },
    versions: isEmpty ? [] : versionsAt(now),
    decisions: isEmpty ? [] : DECISIONS(now),
    config: CONFIG,
    loads: isEmpty ? [] : loads,
    jobs: isEmpty ? [] : [...JOBS(now), ...RUN_JOBS(now)],
    runs: isEmpty ? [] : RUNS(now),
    policies: isEmpty ? [] : POLICIES(now),
  };
}
