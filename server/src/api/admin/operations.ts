// The administration API as one table: each operation's method, path, inputs and answer. The routes, the OpenAPI
// document and the typed client are all made from it.
import { z } from "zod";
import { DeploymentSettings } from "#config";
import { JOB_STATES } from "#jobs";
import { DatasetDescription, DatasetOrder } from "#lab/dataset";
import { MEASUREMENT_NAMES, MEASUREMENT_OPTIONS } from "#lab/measure";
import { PlanSchema } from "#lab/plan";
import { TrainOrder } from "#lab/train";
import { THEMES } from "#report";
import {
  BackupView,
  ConfigView,
  DatasetManifestView,
  DatasetView,
  DecisionView,
  DeploymentView,
  EndpointView,
  EvidenceView,
  GarbageView,
  GateView,
  JobView,
  LiveView,
  MeasurementView,
  ModelView,
  PolicyVerdictView,
  PolicyView,
  RunView,
  StatusView,
  VersionView,
} from "./views.ts";
import { ReportView } from "./report-views.ts";

export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With `{name}` where a path parameter goes. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** A JSON body; "bytes" for a raw one. */
  readonly body?: z.ZodType | "bytes";
  /** A JSON answer; "file" for bytes with a media type. */
  readonly response: z.ZodType | "file";
}

const Name = z.string().describe("Name of a model or endpoint");
const EndpointPath = z.object({ endpoint: Name });
const VersionPath = z.object({ name: Name, number: z.coerce.number().int().min(1) });
const PolicyPath = z.object({
  endpoint: z.string().describe('Name of an endpoint, or "*" for those without a policy of their own'),
});
const JobPath = z.object({ id: z.string().describe("Id of a job") });
const RunPath = z.object({ id: z.string().describe("Id of a run, which is that of its job") });
const Against = z
  .string()
  .regex(/^[^@/]+@[1-9]\d{0,9}$/, "NAME@NUMBER")
  .optional()
  .describe("A version it is held against, such as digits@2");
const Reason = z.string().max(4096).nullable().default(null);
const Requirements = z.array(z.string().max(1000)).min(1).max(1000);
const Hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
  .describe("SHA-256 of the bytes");

export const OPERATIONS = {
  getStatus: {
    method: "GET",
    path: "/api/status",
    summary: "How the server and its endpoints are",
    response: StatusView,
  },
  getLive: {
    method: "GET",
    path: "/api/live",
    summary: "Traffic of the last seconds, oldest first",
    query: z.object({ seconds: z.coerce.number().int().min(1).max(300).default(60) }),
    response: z.array(LiveView),
  },
  listVersions: {
    method: "GET",
    path: "/api/versions",
    summary: "Every version, newest first",
    query: z.object({ name: Name.optional() }),
    response: z.array(VersionView),
  },
  getVersion: {
    method: "GET",
    path: "/api/versions/{name}/{number}",
    summary: "One version with its model's signature",
    params: VersionPath,
    response: VersionView,
  },
  listEvidence: {
    method: "GET",
    path: "/api/versions/{name}/{number}/evidence",
    summary: "What was measured of a version, newest first",
    params: VersionPath,
    query: z.object({ kind: z.string().optional() }),
    response: z.array(EvidenceView),
  },
  listMeasurements: {
    method: "GET",
    path: "/api/measurements",
    summary: "What can be measured of a version, and the options of each measurement",
    response: z.array(MeasurementView),
  },
  startMeasure: {
    method: "POST",
    path: "/api/versions/{name}/{number}/measurements",
    summary: "Queue a job that measures a version and keeps what is found as evidence; answers the job at once",
    params: VersionPath,
    body: z.strictObject({
      what: z.array(z.enum(MEASUREMENT_NAMES)).min(1),
      options: MEASUREMENT_OPTIONS.default({}).describe("of each measurement, by its name"),
      data: z
        .union([
          z.strictObject({
            name: Name.describe("what the dataset is called"),
            split: z.string().nullable().default(null),
            inputs: z
              .record(z.string(), Hash)
              .describe("stored .npy files by the model's inputs, rows along the first axis"),
            labels: Hash.describe(
              "a stored .npy file with a label a row: class indices of an integer type, or numbers to predict",
            ),
          }),
          DatasetOrder,
        ])
        .nullable()
        .default(null)
        .describe("labelled rows, for quality and comparison: stored arrays, or a dataset by its description"),
      against: z
        .strictObject({ name: Name, number: z.int().min(1).nullable().default(null).describe("null: the newest") })
        .nullable()
        .default(null)
        .describe("the version to compare with, the baseline, for comparison"),
      reason: Reason,
    }),
    response: JobView,
  },
  keepPlan: {
    method: "POST",
    path: "/api/versions/{name}/{number}/plans",
    summary: "Keep a plan that was made of a version as evidence",
    params: VersionPath,
    body: z.strictObject({ plan: PlanSchema, reason: Reason }),
    response: EvidenceView,
  },
  checkPolicy: {
    method: "POST",
    path: "/api/versions/{name}/{number}/check",
    summary: "Ask what evidence of a version says of a policy: an endpoint's, or one that is given",
    params: VersionPath,
    body: z.strictObject({ endpoint: z.string().optional(), requirements: Requirements.optional() }),
    response: z.object({ judged: PolicyVerdictView.nullable().describe("null where no policy stands there") }),
  },
  getReport: {
    method: "GET",
    path: "/api/versions/{name}/{number}/report",
    summary:
      "What is known of a version: evidence with what it is worth today, the gate, lineage, charts with their numbers",
    params: VersionPath,
    query: z.object({ against: Against }),
    response: ReportView,
  },
  getReportPage: {
    method: "GET",
    path: "/api/versions/{name}/{number}/report.html",
    summary: "The report as one HTML file that needs nothing else",
    params: VersionPath,
    query: z.object({ against: Against }),
    response: "file",
  },
  getModelCard: {
    method: "GET",
    path: "/api/versions/{name}/{number}/card.md",
    summary: "The model card: Markdown behind the metadata that model hubs read",
    params: VersionPath,
    query: z.object({
      against: Against,
      pictures: z
        .string()
        .regex(/^[\w.-]+(\/[\w.-]+)*$/, "a relative path of letters, digits, points and dashes")
        .max(255)
        .optional()
        .describe("Where the charts' SVG files lie, relative to the card; none are shown without"),
    }),
    response: "file",
  },
  getChart: {
    method: "GET",
    path: "/api/versions/{name}/{number}/charts/{file}",
    summary: "A chart of the report, or its lineage, as a picture",
    params: VersionPath.extend({
      file: z
        .string()
        .max(200)
        .regex(/^[a-z0-9-]+\.(svg|png)$/, "a chart's id, or lineage, with .svg or .png")
        .describe("A chart's id from the report, or lineage, with .svg or .png"),
    }),
    query: z.object({
      against: Against,
      theme: z
        .enum(THEMES)
        .default("light")
        .describe("page: no ground, and colours by the CSS variables of the page an SVG is put into"),
    }),
    response: "file",
  },
  listPolicies: {
    method: "GET",
    path: "/api/policies",
    summary: "Every launch policy",
    response: z.array(PolicyView),
  },
  setPolicy: {
    method: "PUT",
    path: "/api/policies/{endpoint}",
    summary: "Put a launch policy before an endpoint; what is live stays",
    params: PolicyPath,
    body: z.strictObject({ requirements: Requirements, reason: Reason }),
    response: PolicyView,
  },
  removePolicy: {
    method: "DELETE",
    path: "/api/policies/{endpoint}",
    summary: "Remove a launch policy",
    params: PolicyPath,
    query: z.object({ reason: z.string().max(4096).optional() }),
    response: z.object({ endpoint: z.string() }),
  },
  listDatasets: {
    method: "GET",
    path: "/api/datasets",
    summary: "Every registered dataset, newest first",
    query: z.object({ name: Name.optional() }),
    response: z.array(DatasetView),
  },
  getDataset: {
    method: "GET",
    path: "/api/datasets/{name}",
    summary: "A registered dataset",
    params: z.object({ name: Name.describe("Name of a dataset") }),
    query: z.object({ number: z.coerce.number().int().min(1).optional().describe("the highest if left out") }),
    response: DatasetView,
  },
  addDataset: {
    method: "POST",
    path: "/api/datasets",
    summary:
      "Register a dataset that was opened: where its rows lie and what was found there; the same again answers the one there is",
    body: z.strictObject({
      name: Name.describe("what it is called"),
      description: DatasetDescription.describe("with absolute paths"),
      manifest: DatasetManifestView,
      reason: Reason,
    }),
    response: z.object({ dataset: DatasetView, isNew: z.boolean() }),
  },
  putBlob: {
    method: "PUT",
    path: "/api/blobs/{hash}",
    summary: "Store the bytes of a file that an import will name; refused if they do not have this hash",
    params: z.object({ hash: Hash }),
    body: "bytes",
    response: z.object({ hash: z.string(), sizeBytes: z.number(), isNew: z.boolean() }),
  },
  hasBlob: {
    method: "GET",
    path: "/api/blobs/{hash}",
    summary: "Whether these bytes are stored already",
    params: z.object({ hash: Hash }),
    response: z.object({ hash: z.string(), isStored: z.boolean() }),
  },
  importVersion: {
    method: "POST",
    path: "/api/versions",
    summary:
      "Examine stored files as a model and register it as a version; the same model and processing again answer the version there is",
    body: z.strictObject({
      name: Name,
      main: z.string().default("model.onnx").describe("Which of the files is the ONNX model"),
      files: z
        .array(z.strictObject({ path: z.string().describe("Relative, as the model refers to it"), hash: Hash }))
        .min(1)
        .max(10_000),
      processing: z.unknown().nullable().default(null),
      source: z.string().max(1024).default("api").describe("Where it came from, for people"),
      note: z.string().max(4096).nullable().default(null),
    }),
    response: z.object({ version: VersionView, isNew: z.boolean() }),
  },
  getModel: {
    method: "GET",
    path: "/api/models/{hash}",
    summary: "A model by its hash",
    params: z.object({ hash: z.string() }),
    response: ModelView,
  },
  listEndpoints: { method: "GET", path: "/api/endpoints", summary: "Every endpoint", response: z.array(EndpointView) },
  getEndpoint: {
    method: "GET",
    path: "/api/endpoints/{endpoint}",
    summary: "One endpoint with what it serves",
    params: EndpointPath,
    response: EndpointView,
  },
  deploy: {
    method: "POST",
    path: "/api/endpoints/{endpoint}/deploy",
    summary: "Load a version and switch the endpoint to it; answers when it is live",
    params: EndpointPath,
    body: z.strictObject({
      name: Name.optional().describe("Name of the version; the endpoint's name if left out"),
      number: z.int().min(1).optional().describe("Number of the version; the newest if left out"),
      settings: DeploymentSettings.default({}),
      allowBreaking: z.boolean().default(false).describe("Switch even if callers of the live version would break"),
      isOverride: z
        .boolean()
        .default(false)
        .describe("Switch even if the launch policy says otherwise; needs a reason, which is recorded"),
      reason: Reason,
    }),
    response: z.object({
      deployment: DeploymentView,
      replaced: z.object({ name: z.string(), number: z.number() }).nullable(),
      gate: GateView.nullable().describe("null where no launch policy stands before the endpoint: it is ungated"),
    }),
  },
  rollback: {
    method: "POST",
    path: "/api/endpoints/{endpoint}/rollback",
    summary: "Switch the endpoint back to what was live before",
    params: EndpointPath,
    body: z.strictObject({ reason: Reason }),
    response: z.object({
      deployment: DeploymentView,
      replaced: z.object({ name: z.string(), number: z.number() }).nullable(),
    }),
  },
  unload: {
    method: "POST",
    path: "/api/endpoints/{endpoint}/unload",
    summary: "Drain the endpoint and take it out of service; its versions stay",
    params: EndpointPath,
    body: z.strictObject({ reason: Reason }),
    response: EndpointView,
  },
  release: {
    method: "POST",
    path: "/api/endpoints/{endpoint}/release",
    summary: "End the quarantine of the live deployment",
    params: EndpointPath,
    response: EndpointView,
  },
  listDecisions: {
    method: "GET",
    path: "/api/decisions",
    summary: "What was decided and changed, newest first",
    query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100), subject: z.string().optional() }),
    response: z.array(DecisionView),
  },
  collectGarbage: {
    method: "POST",
    path: "/api/gc",
    summary: "Remove stored bytes nothing refers to",
    body: z.strictObject({ isDryRun: z.boolean().default(false) }),
    response: GarbageView,
  },
  listJobs: {
    method: "GET",
    path: "/api/jobs",
    summary: "Jobs, newest first; those that ended are forgotten after 30 days",
    query: z.object({
      state: z.enum(JOB_STATES).optional(),
      kind: z.string().optional(),
      subject: z.string().optional().describe("such as digits@1"),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    response: z.array(JobView),
  },
  getJob: {
    method: "GET",
    path: "/api/jobs/{id}",
    summary: "A job; with since, once it is another than at that revision, so that following it needs no polling",
    params: JobPath,
    query: z.object({
      since: z.coerce.number().int().optional().describe("The revision that is known already"),
      waitMs: z.coerce
        .number()
        .int()
        .min(0)
        .max(60_000)
        .default(30_000)
        .describe("With since: how long to wait for a change before the job is answered as it is"),
    }),
    response: JobView,
  },
  cancelJob: {
    method: "POST",
    path: "/api/jobs/{id}/cancel",
    summary: "Cancel a job; one that runs ends within seconds, and what it has found stays",
    params: JobPath,
    body: z.strictObject({ reason: Reason }),
    response: JobView,
  },
  resumeJob: {
    method: "POST",
    path: "/api/jobs/{id}/resume",
    summary: "Queue a job again that failed or was cancelled, to go on from its checkpoint",
    params: JobPath,
    body: z.strictObject({ reason: Reason }),
    response: JobView,
  },
  startTraining: {
    method: "POST",
    path: "/api/runs",
    summary:
      "Queue a run that trains a network on rows and registers what comes of it as a version; answers the job at once",
    body: TrainOrder.extend({ reason: Reason }),
    response: JobView,
  },
  listRuns: {
    method: "GET",
    path: "/api/runs",
    summary: "Runs of training, newest first, those that wait included",
    query: z.object({ name: Name.optional(), limit: z.coerce.number().int().min(1).max(1000).default(100) }),
    response: z.array(RunView),
  },
  getRun: {
    method: "GET",
    path: "/api/runs/{id}",
    summary: "A run: what was asked for, the curve so far, and what came of it",
    params: RunPath,
    response: RunView,
  },
  getRunCurve: {
    method: "GET",
    path: "/api/runs/{id}/curve",
    summary: "The learning curve of a run as a picture",
    params: RunPath,
    query: z.object({
      format: z.enum(["svg", "png"]).default("svg"),
      theme: z.enum(THEMES).default("light"),
      epoch: z.string().max(20).optional().describe("Any; another one where the picture is to be read anew"),
    }),
    response: "file",
  },
  startBackup: {
    method: "POST",
    path: "/api/backup",
    summary: "Begin a backup of all that is stored, as it is now; one is made at a time",
    body: z.strictObject({
      to: z
        .string()
        .min(1)
        .max(4096)
        .describe("Absolute path on the server's machine: a new file NAME.tar, or a directory for backups alone"),
    }),
    response: BackupView,
  },
  getBackup: {
    method: "GET",
    path: "/api/backup",
    summary: "How the newest backup is; null where none was begun since the start",
    response: z.object({ backup: BackupView.nullable() }),
  },
  cancelBackup: {
    method: "DELETE",
    path: "/api/backup",
    summary: "Give up the backup that is being made; answers once nothing of it is left",
    response: z.object({ backup: BackupView.nullable() }),
  },
  getConfig: {
    method: "GET",
    path: "/api/config",
    summary: "The effective configuration and where each value came from",
    response: ConfigView,
  },
  stop: {
    method: "POST",
    path: "/api/stop",
    summary: "Drain and stop the server",
    response: z.object({ isStopping: z.boolean() }),
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
