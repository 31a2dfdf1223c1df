// What the administration API shows: the shapes of its answers, as schemas. The server checks nothing against them at
// run time; the OpenAPI document, the client's types and the tests are made from them.
import { JOB_STATES } from "#jobs";
import { MEASUREMENT_NAMES } from "#lab/measure";
import { TrainOrder } from "#lab/train";
import { z } from "zod";
import { DatasetInspectionView } from "./inspection-view.ts";
import { RunRecordView } from "./run-view.ts";

const Milliseconds = z.number().describe("milliseconds");
const Timestamp = z.number().describe("milliseconds since the Unix epoch");
const Bytes = z.number().int().min(0).describe("bytes");

export const PortView = z.object({
  name: z.string(),
  /** As people write it: `float32[N, 1, 28, 28]`. */
  type: z.string().describe("As people write it: float32[N, 1, 28, 28]"),
  datatype: z.string().nullable().describe("Open Inference Protocol datatype, where it has one"),
  shape: z.array(z.union([z.number(), z.string(), z.null()])).nullable(),
  isOptional: z.boolean(),
});
export const SignatureView = z.object({ inputs: z.array(PortView), outputs: z.array(PortView) });

export const ModelView = z.object({
  hash: z.string().describe("SHA-256 that names the model"),
  sizeBytes: Bytes,
  files: z.array(z.object({ path: z.string(), hash: z.string(), sizeBytes: Bytes })),
  mainFile: z.string().describe("Which of the files is the ONNX model"),
  importedAt: Timestamp,
  signature: SignatureView,
  irVersion: z.number(),
  opsets: z.array(z.object({ domain: z.string(), version: z.number() })),
  producer: z.string(),
  parameterCount: z.number(),
  operators: z.array(z.object({ name: z.string(), count: z.number() })),
  warnings: z.array(z.string()),
});

export const VersionView = z.object({
  name: z.string(),
  number: z.number().int(),
  model: ModelView,
  processing: z.unknown().nullable().describe("The steps before and after the model, or null"),
  source: z.string(),
  note: z.string().nullable(),
  createdAt: Timestamp,
});

export const RunnerView = z.object({
  id: z.number(),
  pid: z.number().nullable(),
  state: z.enum(["starting", "ready", "dead"]),
  residentBytes: Bytes.nullable(),
  startedAtMs: Timestamp,
  runs: z.number(),
  inFlight: z.number(),
});

export const ExecutorView = z.object({
  state: z.enum(["loading", "ready", "recovering", "quarantined", "closed"]),
  reason: z.string().nullable(),
  backend: z.string(),
  intraOpThreads: z.number(),
  batching: z.object({
    mode: z.enum(["dynamic", "off"]),
    maxRows: z.number(),
    reason: z.string().nullable(),
    padAxis: z.number().nullable(),
  }),
  runners: z.array(RunnerView),
  deaths: z.array(
    z.object({
      atMs: Timestamp,
      cause: z.enum(["run-timeout", "memory", "crash", "protocol"]),
      text: z.string(),
      inputFingerprint: z.string().nullable(),
    }),
  ),
  deathsByCause: z.record(z.string(), z.number()).describe("Deaths of runners since the load"),
  containment: z.array(z.string()),
  loadMs: Milliseconds,
});

export const DeploymentView = z.object({
  id: z.string(),
  endpoint: z.string(),
  name: z.string().describe("Name of the version it runs"),
  number: z.number().int().describe("Number of the version it runs"),
  state: z.enum(["loading", "ready", "not-ready", "draining", "unloaded", "failed"]),
  reason: z.string().nullable(),
  isLive: z.boolean(),
  createdAt: Timestamp,
  settings: z.unknown().describe("What it sets differently from the configuration"),
  queuedRequests: z.number(),
  queuedBytes: Bytes,
  inFlight: z.number(),
  executor: ExecutorView.nullable(),
});

export const EndpointView = z.object({
  name: z.string(),
  state: z.enum(["ready", "loading", "not-ready", "unloaded"]),
  reason: z.string().nullable(),
  live: DeploymentView.nullable(),
  previous: z.object({ deploymentId: z.string(), name: z.string(), number: z.number() }).nullable(),
  deployments: z.array(DeploymentView).describe("What is loaded now; the live one first"),
  changedAt: Timestamp,
});

export const StatusView = z.object({
  version: z.string(),
  startedAt: Timestamp,
  now: Timestamp,
  pid: z.number(),
  dataDirectory: z.string().nullable(),
  inferenceAddress: z.string(),
  adminAddress: z.string(),
  isReady: z.boolean(),
  backend: z.string(),
  node: z.string(),
  cores: z.number(),
  threadPlan: z.string().describe("How the cores are shared, for people"),
  totalMemoryBytes: Bytes,
  residentBytes: Bytes.describe("Memory of the server process, without its runners and other fronts"),
  fronts: z
    .array(
      z.object({
        pid: z.number().nullable().describe("null while it is started again"),
        residentBytes: Bytes.nullable().describe("null before it first reported"),
      }),
    )
    .describe("The processes that answer requests; the server itself where it is the only one"),
  endpoints: z.array(EndpointView),
});

const Percentiles = z.object({ p50: Milliseconds, p90: Milliseconds, p99: Milliseconds, max: Milliseconds });

/** One endpoint over one second, or longer. */
export const TrafficView = z.object({
  endpoint: z.string(),
  version: z.string(),
  requestsPerSecond: z.number().describe("Answered requests"),
  rowsPerSecond: z.number(),
  failuresPerSecond: z.number().describe("Admitted requests that ended in an error"),
  refusedPerSecond: z.number().describe("Requests that were not admitted"),
  codes: z.record(z.string(), z.number()).describe("Endings in this window by code; OK for answers"),
  stages: z
    .object({
      total: Percentiles,
      queue: Percentiles,
      wait: Percentiles,
      input: Percentiles,
      infer: Percentiles,
      output: Percentiles,
    })
    .nullable()
    .describe("Latency by stage; null without an answer in the window"),
  batches: z.object({ meanRows: z.number(), byRows: z.record(z.string(), z.number()) }).nullable(),
  queued: z.number(),
  inFlight: z.number(),
  residentBytes: Bytes.nullable().describe("Memory of its runners"),
});
export const LiveView = z.object({ at: Timestamp, windowMs: Milliseconds, endpoints: z.array(TrafficView) });

export const DecisionView = z.object({
  at: Timestamp,
  actor: z.string(),
  kind: z.string(),
  subject: z.string(),
  text: z.string(),
});

export const EvidenceView = z.object({
  id: z.string(),
  kind: z.string().describe("quality, latency, size, …"),
  schema: z.number().int().describe("version of the kind's form"),
  measuredAt: Timestamp,
  values: z.record(
    z.string(),
    z.object({
      value: z.number().nullable().describe("null where it is undefined; reason says why"),
      reason: z.string().nullable(),
      unit: z.string(),
      interval: z
        .object({
          lower: z.number(),
          upper: z.number(),
          level: z.number(),
          isRange: z.literal(true).optional().describe("an estimate's range, and no confidence interval"),
        })
        .nullable(),
      method: z.string(),
      count: z.number().nullable(),
    }),
  ),
  details: z.unknown(),
  dataset: z.object({ name: z.string(), split: z.string().nullable(), hash: z.string() }).nullable(),
  machine: z.object({ fingerprint: z.string(), name: z.string(), facts: z.unknown() }).nullable(),
  settings: z.unknown(),
  method: z.string(),
  code: z.record(z.string(), z.string()),
  hash: z.string().describe("SHA-256 over all of it"),
});

export const JobView = z.object({
  id: z.string(),
  kind: z.string().describe("What sort of task: measure"),
  subject: z.string().describe("What it is about, for people: digits@1"),
  order: z.unknown().describe("What is to be done"),
  state: z.enum(JOB_STATES).describe("queued also after an interruption: then it goes on from its checkpoint"),
  progress: z
    .object({ done: z.number(), total: z.number().nullable().describe("null where nobody knows"), text: z.string() })
    .nullable()
    .describe("As last heard, about once a second; null before it first said"),
  hasCheckpoint: z.boolean().describe("Whether it would not begin from nothing"),
  result: z.unknown().describe("What came of it; of measure, the ids of what was kept: {evidence: [id, …]}"),
  error: z.object({ code: z.string(), message: z.string() }).nullable().describe("Why it failed"),
  attempts: z.number().int().describe("How often it was begun since it last finished a part of its task"),
  cancelAskedAt: Timestamp.nullable().describe("Since when it is to end, where it runs on"),
  createdAt: Timestamp,
  startedAt: Timestamp.nullable().describe("When it was first begun"),
  endedAt: Timestamp.nullable(),
  actor: z.string().describe("Who asked for it"),
  reason: z.string().nullable(),
  revision: z.number().int().describe("Another one after each change; see getJob's since"),
});

export const RunView = z.object({
  id: z.string().describe("That of its job"),
  name: z.string().describe("The name its version has, or would have"),
  number: z.number().int().nullable().describe("Of the version that came of it"),
  state: z.enum(JOB_STATES),
  startedAt: Timestamp.nullable().describe("null while it waits"),
  endedAt: Timestamp.nullable(),
  progress: JobView.shape.progress,
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  order: TrainOrder.describe("What was asked for, as startTraining takes it"),
  machine: z
    .object({ fingerprint: z.string(), name: z.string(), facts: z.record(z.string(), z.unknown()) })
    .nullable()
    .describe("What it ran on; null while it waits"),
  code: z.record(z.string(), z.string()).nullable().describe("Versions of what trained it; null while it waits"),
  anew: z
    .string()
    .nullable()
    .describe("Why it began anew rather than going on from its checkpoint, for people; null where it did not"),
  run: RunRecordView.nullable().describe(
    "Task, rows, settings in full, baselines, the curve by epoch and the result; null before its first epoch. In lists the curve has only its best and its last epoch",
  ),
});

export const MeasurementView = z.object({
  name: z.enum(MEASUREMENT_NAMES).describe("also the kind of its evidence"),
  about: z.string(),
  needsRows: z.boolean().describe("whether it needs labelled rows"),
  needsRival: z.boolean().describe("whether it compares with a second version, named as `against`"),
  isTimed: z.boolean().describe("whether its figures depend on what else the machine does meanwhile"),
  options: z.record(z.string(), z.unknown()).describe("JSON Schema of its options, each with its default"),
});

export const PolicyView = z.object({
  endpoint: z.string().describe('"*" stands for every endpoint without a policy of its own'),
  requirements: z.array(z.string()),
  changedAt: Timestamp,
});

const Verdict = z.enum(["yes", "no", "unknown"]);
export const PolicyVerdictView = z.object({
  verdict: Verdict.describe("yes where all requirements are; unknown never passes"),
  requirements: z.array(
    z.object({
      requirement: z.string(),
      verdict: Verdict,
      found: z.number().nullable().describe("what was compared, in the requirement's unit"),
      needed: z.number(),
      unit: z.string(),
      margin: z.number().nullable().describe("how far it is on the right side, or, negative, on the wrong one"),
      evidenceId: z.string().nullable(),
      text: z.string(),
      remedy: z.string().nullable(),
    }),
  ),
});
export const GateView = PolicyVerdictView.extend({
  isOverridden: z.boolean().describe("went live although the verdict is not yes"),
});

export const DatasetManifestView = z.strictObject({
  format: z.enum(["csv", "parquet", "jsonl", "arrays", "images"]),
  rows: z.int().min(0),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  splits: z.record(z.string(), z.int().min(0)).describe("Rows of each split; empty where it is not split"),
  source: z.string().nullable(),
  licence: z.string().nullable(),
  files: z
    .array(z.strictObject({ path: z.string(), sizeBytes: Bytes, sha256: z.string() }))
    .describe("The first ones, where there are many"),
  fileCount: z.int().min(1),
  sizeBytes: Bytes.describe("Of all files"),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("SHA-256 over the files' hashes, how they are read and how they are split"),
  inspection: DatasetInspectionView.nullable()
    .default(null)
    .describe("What was found when it was registered; null where nobody looked, and in lists"),
});
export const DatasetView = z.object({
  name: z.string(),
  number: z.number().int(),
  hash: z.string(),
  manifest: DatasetManifestView,
  description: z.unknown().describe("Which files, and how they are read"),
  createdAt: Timestamp,
});
export const ConfigView = z.object({
  file: z.string().nullable(),
  keys: z.array(
    z.object({
      key: z.string(),
      value: z.unknown(),
      source: z.string().describe("flag --port, environment SLIPWAY_SERVER_PORT, slipway.yaml, or default"),
      description: z.string(),
    }),
  ),
});

export const GarbageView = z.object({
  isDryRun: z.boolean(),
  items: z.array(z.object({ what: z.string(), sizeBytes: Bytes, reason: z.string() })),
  sizeBytes: Bytes,
});

export const BackupView = z.object({
  state: z.enum(["running", "done", "failed", "cancelled"]),
  to: z.string().describe("The archive or directory"),
  startedAt: Timestamp,
  endedAt: Timestamp.nullable().describe("null while it runs"),
  files: z.number().describe("The database and the stored files of all models"),
  doneFiles: z.number(),
  reusedFiles: z.number().describe("Of those, files that were there from an earlier backup"),
  sizeBytes: Bytes.describe("Of all its files; 0 until they are counted"),
  doneBytes: Bytes,
  error: z.object({ code: z.string(), message: z.string() }).nullable().describe("Why it failed"),
});

export const ErrorView = z.object({
  error: z.string().describe("What was wrong, the value seen and what to do"),
  code: z.string().describe("Stable; see docs/errors.md"),
  details: z.record(z.string(), z.unknown()).optional(),
});

export type PortView = z.infer<typeof PortView>;
export type SignatureView = z.infer<typeof SignatureView>;
export type ModelView = z.infer<typeof ModelView>;
export type VersionView = z.infer<typeof VersionView>;
export type RunnerView = z.infer<typeof RunnerView>;
export type DeploymentView = z.infer<typeof DeploymentView>;
export type EndpointView = z.infer<typeof EndpointView>;
export type StatusView = z.infer<typeof StatusView>;
export type TrafficView = z.infer<typeof TrafficView>;
export type LiveView = z.infer<typeof LiveView>;
export type DecisionView = z.infer<typeof DecisionView>;
export type ConfigView = z.infer<typeof ConfigView>;
export type EvidenceView = z.infer<typeof EvidenceView>;
export type JobView = z.infer<typeof JobView>;
export type RunView = z.infer<typeof RunView>;
export type DatasetView = z.infer<typeof DatasetView>;
export type MeasurementView = z.infer<typeof MeasurementView>;
export type PolicyView = z.infer<typeof PolicyView>;
export type PolicyVerdictView = z.infer<typeof PolicyVerdictView>;
export type GateView = z.infer<typeof GateView>;
export type BackupView = z.infer<typeof BackupView>;
export type GarbageView = z.infer<typeof GarbageView>;
