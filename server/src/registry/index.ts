// The registry: models and their versions, what endpoints serve, and the log of what was decided.
export { canonicalJson, textHash } from "./canonical-json.ts";
export type { AddedDataset, NewDataset, RegisteredDataset } from "./datasets.ts";
export type { NewDecision } from "./decisions.ts";
export type { NewDeployment, Promotion } from "./deployments.ts";
export {
  type Evidence,
  type EvidenceDataset,
  type EvidenceMachine,
  machineFrom,
  type MeasuredValue,
  type NewEvidence,
} from "./evidence.ts";
export { type Garbage, type GarbageItem, referencedBlobs } from "./gc.ts";
export { createIdentifiers } from "./identifiers.ts";
export type { Candidate, FileImport, Imported, ImportRequest, StoredImport } from "./import.ts";
export type { LaunchPolicy } from "./launch-policies.ts";
export { type LocalFile, openExternalFile, openNamedFile } from "./local-files.ts";
export type { PolicyVerdict, RequirementVerdict, Verdict } from "./policy/judge.ts";
export { parsePolicy, type Policy } from "./policy/policy.ts";
export { selectedMetric } from "./policy/requirement.ts";
export type { ResolvedModel } from "./references.ts";
export { openRegistry, type Registry, type RegistryOptions } from "./registry.ts";
export {
  listRepository,
  type RepositoryEntry,
  type RepositoryListing,
  type RepositoryNote,
} from "./repository-directory.ts";
export type { RunEnd, TrainingRun } from "./runs.ts";
export type { ScanStoredModel } from "./scan.ts";
export { scanInProcess } from "./scan-process.ts";
export type {
  Authority,
  Decision,
  DecisionKind,
  Deployment,
  DeploymentState,
  Endpoint,
  EndpointVariant,
  JsonObject,
  JsonValue,
  Model,
  ModelFile,
  Version,
} from "./types.ts";
export { type CreatedVersion, type NewVersion, processingHashOf } from "./versions.ts";
