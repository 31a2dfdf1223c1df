// The registry as others see it: one interface over the operations in this folder.
import type { Clock } from "@slipway/core/base";
import type { BlobBytes, BlobStore, Database, PutOptions, StoredBlob } from "#store";
import type { RegistryContext } from "./context.ts";
import {
  addDataset,
  type AddedDataset,
  getDataset,
  listDatasets,
  type NewDataset,
  type RegisteredDataset,
} from "./datasets.ts";
import { appendDecision, listDecisions, type NewDecision } from "./decisions.ts";
import {
  abandonStaged,
  fail,
  getDeployment,
  getEndpoint,
  listDeployments,
  listEndpoints,
  type NewDeployment,
  type Promotion,
  promote,
  rollbackTarget,
  stage,
  unload,
} from "./deployments.ts";
import { addEvidence, type Evidence, listEvidence, type NewEvidence } from "./evidence.ts";
import { collectGarbage, DEFAULT_GRACE_MS, discardBlob, type Garbage } from "./gc.ts";
import { createIdentifiers } from "./identifiers.ts";
import { type FileImport, type Imported, importFile, importStored, type StoredImport } from "./import.ts";
import {
  judgeVersion,
  type LaunchPolicy,
  launchPolicyOf,
  listLaunchPolicies,
  removeLaunchPolicy,
  setLaunchPolicy,
} from "./launch-policies.ts";
import { BlobLeases } from "./leases.ts";
import { getModel } from "./models.ts";
import type { PolicyVerdict } from "./policy/judge.ts";
import type { Policy } from "./policy/policy.ts";
import { type ResolvedModel, resolveModelReference } from "./references.ts";
import { beginRun, type BegunRun, endRun, findRun, keepRun, listRuns, type RunEnd, type TrainingRun } from "./runs.ts";
import { type ScanStoredModel, scanStoredModel } from "./scan.ts";
import type { Authority, Decision, Deployment, Endpoint, JsonObject, Model, Version } from "./types.ts";
import { type CreatedVersion, createVersion, getVersion, listVersions, type NewVersion } from "./versions.ts";

export interface RegistryOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly clock: Pick<Clock, "wall">;
  /** Random bytes. */
  readonly random: (sizeBytes: number) => Uint8Array;
  /** Whose registry this is; `default` unless said. */
  readonly tenant?: string;
  /** Who examines imported files; this process unless said. */
  readonly scan?: ScanStoredModel;
}

/**
 * Models, versions, endpoints and what was decided about them. Every change is one transaction that is on the disk when
 * its promise resolves; stopping the process at any moment leaves each change done or not begun.
 */
export interface Registry {
  readonly tenant: string;

  /** Stores bytes that an import will name; they wait for it as long as garbage collection's grace. */
  putBlob(bytes: BlobBytes, options: PutOptions & { readonly expectedHash: string }): Promise<StoredBlob>;
  /** Whether these bytes are stored and sound; renews the grace of those that are. */
  hasBlob(hash: string): Promise<boolean>;
  /** Removes stored bytes at once where nothing needs them any more, such as those of an older checkpoint. */
  discardBlob(hash: string): Promise<void>;
  /** See `importStored`. */
  importStored(request: StoredImport): Promise<Imported>;
  /** See `importFile`. */
  importFile(request: FileImport): Promise<Imported>;

  /** @throws SlipwayError MODEL_NOT_FOUND */
  getModel(hash: string): Promise<Model>;
  /** Finds what `name`, `name@version`, a hash or its first eight or more digits mean. See `resolveModelReference`. */
  resolve(reference: string): Promise<ResolvedModel>;
  /** Makes a version of a model there is, for instance with other processing. See `createVersion`. */
  createVersion(wanted: NewVersion, authority: Authority): Promise<CreatedVersion>;
  /**
   * @param number null takes the highest
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, with `details.suggestions`
   */
  getVersion(name: string, number: number | null): Promise<Version>;
  /** Every version, or those of one name, newest first. */
  listVersions(name?: string): Promise<readonly Version[]>;

  /** Keeps what a measurement of a version found. See `addEvidence`. */
  addEvidence(
    version: Version,
    evidence: NewEvidence,
    authority: Authority,
    also?: (queries: Database, evidence: Evidence) => Promise<void>,
  ): Promise<Evidence>;
  /** All evidence of a version's content, newest first. */
  listEvidence(version: Version, kind?: string): Promise<readonly Evidence[]>;
  /** Puts a launch policy before an endpoint, or before all without one of their own ("*"). */
  setLaunchPolicy(endpoint: string, requirements: readonly string[], authority: Authority): Promise<LaunchPolicy>;
  /** @throws SlipwayError POLICY_NOT_FOUND */
  removeLaunchPolicy(endpoint: string, authority: Authority): Promise<void>;
  listLaunchPolicies(): Promise<readonly LaunchPolicy[]>;
  /** What stands before an endpoint: its own, else the general one, else null. */
  launchPolicyOf(endpoint: string): Promise<Policy | null>;
  /** @param machine fingerprint of the machine that asks */
  judge(policy: Policy, version: Version, machine: string): Promise<PolicyVerdict>;

  /** Registers a dataset under the next number of its name. See `addDataset`. */
  addDataset(wanted: NewDataset, authority: Authority): Promise<AddedDataset>;
  /** Every dataset, or those of one name, newest first. */
  listDatasets(name?: string): Promise<readonly RegisteredDataset[]>;
  /** @param number null takes the highest @throws SlipwayError DATASET_NOT_FOUND, with `details.suggestions` */
  getDataset(name: string, number: number | null): Promise<RegisteredDataset>;

  /** Notes that a run begins, or goes on. See `beginRun`. */
  beginRun(run: BegunRun): Promise<void>;
  /** Keeps how a run goes. */
  keepRun(id: string, record: JsonObject): Promise<void>;
  /** Notes how a run ended, in the caller's transaction where one is given. */
  endRun(id: string, end: RunEnd, queries?: Database): Promise<void>;
  /** Newest first. */
  listRuns(options: { readonly name?: string; readonly limit: number }): Promise<readonly TrainingRun[]>;
  /** Null where there is none of this id. */
  findRun(id: string): Promise<TrainingRun | null>;

  /** Before loading. See `stage`. */
  stage(wanted: NewDeployment): Promise<Deployment>;
  /** When it is warm and traffic goes to it. See `promote`. */
  promote(
    deploymentId: string,
    as: "deployed" | "rolled-back",
    authority: Authority,
    details?: JsonObject,
  ): Promise<Promotion>;
  /** When it could not be loaded. See `fail`. */
  fail(deploymentId: string, why: string, authority: Authority): Promise<Deployment>;
  /** When the server starts: gives up what was being loaded when it stopped. Answers how many. */
  abandonStaged(why: string): Promise<number>;
  /** @throws SlipwayError ENDPOINT_NOT_FOUND, ROLLBACK_IMPOSSIBLE */
  rollbackTarget(endpoint: string): Promise<Deployment>;
  /** See `unload`. */
  unload(endpoint: string, authority: Authority): Promise<Endpoint>;
  /** @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  getDeployment(id: string): Promise<Deployment>;
  /** The deployments an endpoint ever had, newest first. */
  listDeployments(options: { readonly endpoint: string; readonly limit: number }): Promise<readonly Deployment[]>;
  /** @throws SlipwayError ENDPOINT_NOT_FOUND, with `details.suggestions` */
  getEndpoint(name: string): Promise<Endpoint>;
  listEndpoints(): Promise<readonly Endpoint[]>;

  /** Notes a decision that changes nothing here, such as the end of a quarantine. */
  record(decision: NewDecision): Promise<Decision>;
  /** Newest first. */
  listDecisions(options: { readonly limit: number; readonly subject?: string }): Promise<readonly Decision[]>;

  /** Keeps garbage collection from every stored byte until the answered function is called. */
  holdBlobs(): Promise<() => void>;
  /** See `collectGarbage`. `graceMs` is an hour unless said. */
  collectGarbage(request: Authority & { readonly isDryRun: boolean; readonly graceMs?: number }): Promise<Garbage>;
}

export function openRegistry(options: RegistryOptions): Registry {
  const { database, blobs, clock, random } = options;
  const context: RegistryContext = {
    database,
    blobs,
    leases: new BlobLeases(),
    clock,
    tenant: options.tenant ?? "default",
    newId: createIdentifiers(clock, random),
    scan: options.scan ?? scanStoredModel,
  };
  return {
    tenant: context.tenant,
    putBlob: async (bytes, putOptions) => {
      const release = await context.leases.hold(putOptions.expectedHash);
      try {
        return await blobs.put(bytes, putOptions);
      } finally {
        release();
      }
    },
    hasBlob: async (hash) => {
      const release = await context.leases.hold(hash);
      try {
        return await blobs.renew(hash);
      } finally {
        release();
      }
    },
    discardBlob: (hash) => discardBlob(context, hash),
    importStored: (request) => importStored(context, request),
    importFile: (request) => importFile(context, request),
    getModel: (hash) => getModel(context, hash),
    resolve: (reference) => resolveModelReference(context, reference),
    createVersion: (wanted, authority) =>
      database.transaction().execute((queries) => createVersion(context, queries, wanted, authority)),
    getVersion: (name, number) => getVersion(context, database, name, number),
    listVersions: (name) => listVersions(context, name),
    addEvidence: (version, evidence, authority, also) => addEvidence(context, version, evidence, authority, also),
    listEvidence: (version, kind) => listEvidence(context, database, version, kind),
    setLaunchPolicy: (endpoint, requirements, authority) => setLaunchPolicy(context, endpoint, requirements, authority),
    removeLaunchPolicy: (endpoint, authority) => removeLaunchPolicy(context, endpoint, authority),
    listLaunchPolicies: () => listLaunchPolicies(context),
    launchPolicyOf: (endpoint) => launchPolicyOf(context, database, endpoint),
    judge: (policy, version, machine) => judgeVersion(context, policy, version, machine),
    addDataset: (wanted, authority) => addDataset(context, wanted, authority),
    listDatasets: (name) => listDatasets(context, name),
    getDataset: (name, number) => getDataset(context, name, number),
    beginRun: (run) => beginRun(context, run),
    keepRun: (id, record) => keepRun(context, id, record),
    endRun: (id, end, queries) => endRun(context, queries ?? database, id, end),
    listRuns: (listOptions) => listRuns(context, listOptions),
    findRun: (id) => findRun(context, id),
    stage: (wanted) => stage(context, wanted),
    promote: (deploymentId, as, authority, details) => promote(context, deploymentId, as, authority, details),
    fail: (deploymentId, why, authority) => fail(context, deploymentId, why, authority),
    abandonStaged: (why) => abandonStaged(context, why),
    rollbackTarget: (endpoint) => rollbackTarget(context, endpoint),
    unload: (endpoint, authority) => unload(context, endpoint, authority),
    getDeployment: (id) => getDeployment(context, database, id),
    listDeployments: (listOptions) => listDeployments(context, listOptions),
    getEndpoint: (name) => getEndpoint(context, database, name),
    listEndpoints: () => listEndpoints(context, database),
    record: (decision) => appendDecision(context, database, decision),
    listDecisions: (listOptions) => listDecisions(context, listOptions),
    holdBlobs: () => context.leases.holdAll(),
    collectGarbage: (request) => collectGarbage(context, { ...request, graceMs: request.graceMs ?? DEFAULT_GRACE_MS }),
  };
}
