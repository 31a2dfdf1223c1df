// The tables, as queries see them. Times are whole milliseconds since the Unix epoch; JSON is kept as text; `tenant` is
// in every key. What the columns mean is said where the registry turns rows into its types.
import type { ColumnType } from "kysely";

/** A column that is set once. */
type Fixed<Value> = ColumnType<Value, Value, never>;

export interface ModelTable {
  tenant: Fixed<string>;
  hash: Fixed<string>;
  size_bytes: Fixed<number>;
  main_file: Fixed<string>;
  scan_schema: number;
  scan: string;
  imported_at: Fixed<number>;
}

export interface ModelFileTable {
  tenant: Fixed<string>;
  model_hash: Fixed<string>;
  path: Fixed<string>;
  blob_hash: Fixed<string>;
  size_bytes: Fixed<number>;
}

/** One row per name: what its next version's number follows from, and what is locked while one is made. */
export interface VersionNameTable {
  tenant: Fixed<string>;
  name: Fixed<string>;
  last_number: number;
}

export interface VersionTable {
  tenant: Fixed<string>;
  name: Fixed<string>;
  number: Fixed<number>;
  model_hash: Fixed<string>;
  processing: Fixed<string | null>;
  /** SHA-256 of the canonical JSON of `processing`; "none" without. */
  processing_hash: Fixed<string>;
  note: Fixed<string | null>;
  source: Fixed<string>;
  created_at: Fixed<number>;
}

export interface EndpointTable {
  tenant: Fixed<string>;
  name: Fixed<string>;
  live_deployment_id: string | null;
  previous_deployment_id: string | null;
  changed_at: number;
}

export interface DeploymentTable {
  tenant: Fixed<string>;
  id: Fixed<string>;
  endpoint: Fixed<string>;
  name: Fixed<string>;
  number: Fixed<number>;
  settings: Fixed<string>;
  state: string;
  reason: string | null;
  created_at: Fixed<number>;
  changed_at: number;
}

/** How an endpoint's traffic is shared among its deployments. */
export interface VariantTable {
  tenant: Fixed<string>;
  endpoint: Fixed<string>;
  deployment_id: Fixed<string>;
  weight: number;
}

/** Append-only. */
export interface DecisionTable {
  tenant: Fixed<string>;
  id: Fixed<string>;
  at: Fixed<number>;
  actor: Fixed<string>;
  kind: Fixed<string>;
  subject: Fixed<string>;
  text: Fixed<string>;
  reason: Fixed<string | null>;
  details: Fixed<string>;
}

/** Append-only. By content, so that every version of it has it. */
export interface EvidenceTable {
  tenant: Fixed<string>;
  id: Fixed<string>;
  model_hash: Fixed<string>;
  /** As in `version`. */
  processing_hash: Fixed<string>;
  kind: Fixed<string>;
  measured_at: Fixed<number>;
  body: Fixed<string>;
  /** SHA-256 over the canonical JSON of all columns. */
  hash: Fixed<string>;
}

/** What must be shown before a version goes live behind an endpoint; "*" stands for those without one of their own. */
export interface LaunchPolicyTable {
  tenant: Fixed<string>;
  endpoint: Fixed<string>;
  body: string;
  changed_at: number;
}

/** A long task: what it is to do, how far it is, who carries it out. */
export interface JobTable {
  tenant: Fixed<string>;
  id: Fixed<string>;
  kind: Fixed<string>;
  /** Version of the kind's forms: of `order`, `checkpoint` and `result`. */
  schema: Fixed<number>;
  subject: Fixed<string>;
  order: Fixed<string>;
  state: string;
  progress: string | null;
  checkpoint: string | null;
  result: string | null;
  error_code: string | null;
  error_message: string | null;
  attempts: number;
  holder: string | null;
  leased_until: number | null;
  cancel_asked_at: number | null;
  created_at: Fixed<number>;
  started_at: number | null;
  ended_at: number | null;
  actor: Fixed<string>;
  reason: Fixed<string | null>;
  /** Counts its changes. */
  revision: number;
}

/** Stored bytes a job needs, as long as it may yet be carried out. */
export interface JobBlobTable {
  tenant: Fixed<string>;
  job_id: Fixed<string>;
  blob_hash: Fixed<string>;
  size_bytes: Fixed<number>;
}

/** Where rows lie and how they are read, by name and number. Append-only. */
export interface DatasetTable {
  tenant: Fixed<string>;
  name: Fixed<string>;
  number: Fixed<number>;
  /** Of its manifest. */
  hash: Fixed<string>;
  description: Fixed<string>;
  manifest: Fixed<string>;
  created_at: Fixed<number>;
}

/** A network that is or was trained. It outlives the job that trains it, whose id it has. */
export interface TrainingRunTable {
  tenant: Fixed<string>;
  id: Fixed<string>;
  /** The name its versions get. */
  name: Fixed<string>;
  /** Of the version that came of it. */
  number: number | null;
  state: string;
  started_at: Fixed<number>;
  ended_at: number | null;
  record: string;
}

export interface Tables {
  model: ModelTable;
  model_file: ModelFileTable;
  version_name: VersionNameTable;
  version: VersionTable;
  endpoint: EndpointTable;
  deployment: DeploymentTable;
  variant: VariantTable;
  decision: DecisionTable;
  evidence: EvidenceTable;
  launch_policy: LaunchPolicyTable;
  job: JobTable;
  job_blob: JobBlobTable;
  dataset: DatasetTable;
  training_run: TrainingRunTable;
}
