// The operations carried out: over the registry, what is served, and what is watched. One set for the running server and
// for a data directory opened without one; what differs is said by `server`.
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { Backups } from "#backup";
import type { Configuration } from "#config";
import type { DatasetOrder } from "#lab/dataset";
import { type Launcher, ServedProcessing, type StoredRows } from "#launch";
import { hasEnded, type Job, type JobQueue } from "#jobs";
import type { LiveWindow } from "#monitor";
import { MEASUREMENT_NAMES, type MeasurementName, type MeasurementOptions } from "#lab/measure";
import { planEvidence } from "#lab/plan";
import type { TrainOrder } from "#lab/train";
import {
  type Authority,
  type Candidate,
  type Deployment,
  type Endpoint,
  type JsonObject,
  type NewDataset,
  parsePolicy,
  type Promotion,
  type Registry,
  type Version,
} from "#registry";
import type { PictureFormat, Reporter } from "#report";
import type { Serving } from "#serve";
import type { OperationOutput } from "../client.ts";
import {
  datasetView,
  decisionView,
  deploymentView,
  endpointView,
  evidenceView,
  jobView,
  measurementView,
  modelView,
  policyVerdictView,
  policyView,
  reportView,
  listedRun,
  runView,
  versionView,
} from "./create-views.ts";
import type { Handlers } from "./handlers.ts";
import type { EndpointView, RunView, VersionView } from "./views.ts";

type StatusFacts = Omit<OperationOutput<"getStatus">, "now" | "isReady" | "endpoints">;

/** Queues the measuring of a version. */
export type SubmitMeasure = (
  version: Version,
  wanted: {
    readonly what: readonly MeasurementName[];
    readonly options: MeasurementOptions;
    readonly data: StoredRows | DatasetOrder | null;
    /** The version to compare with; null number: the newest. */
    readonly against: { readonly name: string; readonly number: number | null } | null;
  },
  authority: Authority,
) => Promise<Job>;

/** Queues the training of a network. */
export type SubmitTraining = (order: TrainOrder, authority: Authority) => Promise<Job>;

export interface HandlerPorts {
  readonly registry: Registry;
  readonly serving: Serving;
  readonly launcher: Launcher;
  readonly backups: Backups;
  readonly clock: Clock;
  readonly configuration: Configuration;
  /** Who is recorded as having decided. */
  readonly actor: string;
  readonly facts: () => StatusFacts;
  /** Fingerprint of this machine. */
  readonly machine: string;
  readonly jobs: JobQueue;
  readonly submitMeasure: SubmitMeasure;
  readonly submitTraining: SubmitTraining;
  readonly reporter: Reporter;
  /** Null without a server: nothing is watched, and deploying loads what is live first, to compare with it. */
  readonly server: { readonly live: LiveWindow; readonly stop: () => void } | null;
}

const PICTURE_TYPES: Readonly<Record<PictureFormat, string>> = {
  svg: "image/svg+xml; charset=utf-8",
  png: "image/png",
};

export function createHandlers(ports: HandlerPorts): Handlers {
  const { registry, serving, launcher, backups, jobs, clock, server, reporter } = ports;
  const authority = (reason: string | null): Authority => ({ actor: ports.actor, reason });

  const viewOf = async (endpoint: Endpoint): Promise<EndpointView> => {
    const variants = serving.status().filter((variant) => variant.endpoint === endpoint.name);
    const ids = new Set([
      endpoint.liveDeploymentId,
      endpoint.previousDeploymentId,
      ...variants.map(({ deploymentId }) => deploymentId),
    ]);
    const deployments = new Map<string, Deployment>();
    for (const id of ids) if (id !== null) deployments.set(id, await registry.getDeployment(id));
    return endpointView(endpoint, deployments, variants);
  };
  const endpoints = async (): Promise<EndpointView[]> =>
    await Promise.all((await registry.listEndpoints()).map(viewOf));
  const versionOf = async (name: string, number: number | null): Promise<VersionView> => {
    const version = await registry.getVersion(name, number);
    return versionView(version, await registry.getModel(version.modelHash));
  };
  const other = async (against: string | undefined): Promise<Version | null> => {
    if (against === undefined) return null;
    const [name, number] = against.split("@");
    return await registry.getVersion(name!, Number(number));
  };
  const promoted = ({ deployment, replaced }: Promotion): OperationOutput<"rollback"> => ({
    deployment: deploymentView(
      deployment,
      serving.status().find(({ deploymentId }) => deploymentId === deployment.id),
    ),
    replaced: replaced === null ? null : { name: replaced.name, number: replaced.number },
  });
  const recordOfJob = async (
    { id, kind, subject }: Job,
    as: "job-cancelled" | "job-resumed",
    what: string,
    by: Authority,
  ): Promise<void> => {
    const [name = subject] = subject.split("@");
    await registry.record({
      ...by,
      kind: as,
      subject: name,
      text: `the job ${id} (${kind} ${subject}) ${what}`,
      details: { job: id },
    });
  };
  /** Without a server nothing is loaded yet, and what is live has to be, to compare signatures with it. */
  const loadLive = async (name: string, signal: AbortSignal): Promise<void> => {
    if (server !== null) return;
    const endpoint = (await registry.listEndpoints()).find((one) => one.name === name);
    if (endpoint !== undefined) await launcher.bringBack(endpoint, signal);
  };

  const runOf = async (id: string): Promise<RunView> => {
    const run = await registry.findRun(id);
    if (run === null) {
      const job = await jobs.book.get(id);
      if (job.kind === "train") return runView(null, job);
      throw new SlipwayError("JOB_NOT_FOUND", `The job ${id} is no run of training, but ${job.kind}.`);
    }
    // It outlives its job.
    const job = (await jobs.book.list({ kind: "train", subject: run.name, limit: 1000 })).find((one) => one.id === id);
    return runView(run, job ?? null);
  };

  return {
    getStatus: async () => ({
      ...ports.facts(),
      now: clock.wall(),
      isReady: server !== null && serving.isReady(),
      endpoints: await endpoints(),
    }),
    getLive: async ({ query }) =>
      server === null ? [] : (structuredClone(server.live.last(query.seconds)) as OperationOutput<"getLive">),
    listVersions: async ({ query }) => {
      const versions = await registry.listVersions(query.name);
      return await Promise.all(
        versions.map(async (version) => versionView(version, await registry.getModel(version.modelHash))),
      );
    },
    getVersion: async ({ params }) => await versionOf(params.name, params.number),
    getModel: async ({ params }) => modelView((await registry.resolve(params.hash)).model),
    hasBlob: async ({ params: { hash } }) => ({ hash, isStored: await registry.hasBlob(hash) }),
    putBlob: async ({ params: { hash }, body }) => {
      const isNew = !(await registry.hasBlob(hash));
      const { sizeBytes } = await registry.putBlob(body as AsyncIterable<Uint8Array>, { expectedHash: hash });
      return { hash, sizeBytes, isNew };
    },
    importVersion: async ({ body: { name, main, files, processing, source, note } }) => {
      const request = {
        name,
        mainFile: main,
        files,
        processing: processing as JsonObject | null,
        source,
        note,
        number: null,
        // Processing that does not suit the model is refused here, not when somebody deploys it.
        accept: async ({ scan }: Candidate) => void new ServedProcessing(processing, scan.signature),
      };
      const { version, model, isNew } = await registry.importStored({ ...request, ...authority(null) });
      return { version: versionView(version, model), isNew };
    },
    listEndpoints: endpoints,
    getEndpoint: async ({ params }) => await viewOf(await registry.getEndpoint(params.endpoint)),
    deploy: async ({ params: { endpoint }, body }, signal) => {
      await loadLive(endpoint, signal);
      const order = {
        endpoint,
        name: body.name ?? endpoint,
        number: body.number ?? null,
        settings: body.settings,
        allowBreaking: body.allowBreaking,
        isOverride: body.isOverride,
      };
      const launch = await launcher.deploy(order, authority(body.reason), signal);
      const { gate } = launch;
      return {
        ...promoted(launch),
        gate: gate === null ? null : { ...policyVerdictView(gate), isOverridden: gate.isOverridden },
      };
    },
    rollback: async ({ params: { endpoint }, body }, signal) =>
      promoted(await launcher.rollback(endpoint, authority(body.reason), signal)),
    listEvidence: async ({ params: { name, number }, query: { kind } }) =>
      (await registry.listEvidence(await registry.getVersion(name, number), kind)).map(evidenceView),
    listMeasurements: async () => MEASUREMENT_NAMES.map(measurementView),
    startMeasure: async ({ params: { name, number }, body: { reason, ...wanted } }) => {
      const version = await registry.getVersion(name, number);
      return jobView(await ports.submitMeasure(version, wanted, authority(reason)));
    },
    listJobs: async ({ query: { limit, state, kind, subject } }) => {
      const filter = {
        ...(state === undefined ? {} : { state }),
        ...(kind === undefined ? {} : { kind }),
        ...(subject === undefined ? {} : { subject }),
      };
      return (await jobs.book.list({ ...filter, limit })).map(jobView);
    },
    getJob: async ({ params: { id }, query: { since, waitMs } }, signal) =>
      jobView(since === undefined ? await jobs.book.get(id) : await jobs.book.getChanged(id, since, waitMs, signal)),
    cancelJob: async ({ params: { id }, body }) => {
      const before = await jobs.book.get(id);
      const job = await jobs.cancel(id);
      // Asked twice, it was decided once.
      const isNew = before.state !== "cancelled" && before.cancelAskedAt === null;
      if (isNew) await recordOfJob(job, "job-cancelled", "was cancelled", authority(body.reason));
      return jobView(job);
    },
    resumeJob: async ({ params: { id }, body }) => {
      const before = await jobs.book.get(id);
      const job = await jobs.resume(id);
      if (hasEnded(before.state)) await recordOfJob(job, "job-resumed", "was resumed", authority(body.reason));
      return jobView(job);
    },
    keepPlan: async ({ params: { name, number }, body: { plan, reason } }) => {
      const version = await registry.getVersion(name, number);
      if (plan.model.hash !== version.modelHash)
        throw new SlipwayError(
          "PARAMETER_INVALID",
          `The plan is of the model ${plan.model.hash.slice(0, 12)}, and ${name}@${number} is ${version.modelHash.slice(0, 12)}.`,
        );
      return evidenceView(await registry.addEvidence(version, planEvidence(plan), authority(reason)));
    },
    checkPolicy: async ({ params: { name, number }, body }) => {
      const version = await registry.getVersion(name, number);
      const { endpoint = name, requirements } = body;
      const policy =
        requirements === undefined ? await registry.launchPolicyOf(endpoint) : parsePolicy({ requirements });
      if (policy === null) return { judged: null };
      return { judged: policyVerdictView(await registry.judge(policy, version, ports.machine)) };
    },
    getReport: async ({ params: { name, number }, query: { against } }) =>
      reportView(await reporter.content(await registry.getVersion(name, number), await other(against))),
    getReportPage: async ({ params: { name, number }, query: { against } }) => {
      const page = await reporter.page(await registry.getVersion(name, number), await other(against));
      return { mediaType: "text/html; charset=utf-8", bytes: Buffer.from(page) };
    },
    getModelCard: async ({ params: { name, number }, query: { against, pictures = null } }) => {
      const card = await reporter.card(await registry.getVersion(name, number), await other(against), pictures);
      return { mediaType: "text/markdown; charset=utf-8", bytes: Buffer.from(card) };
    },
    getChart: async ({ params: { name, number, file }, query: { against, theme } }) => {
      const [id, format] = file.split(".") as [string, PictureFormat];
      const version = await registry.getVersion(name, number);
      const bytes = await reporter.picture(version, await other(against), { id, format, theme });
      return { mediaType: PICTURE_TYPES[format], bytes };
    },
    listPolicies: async () => (await registry.listLaunchPolicies()).map(policyView),
    setPolicy: async ({ params: { endpoint }, body: { requirements, reason } }) =>
      policyView(await registry.setLaunchPolicy(endpoint, requirements, authority(reason))),
    removePolicy: async ({ params: { endpoint }, query: { reason } }) => {
      await registry.removeLaunchPolicy(endpoint, authority(reason ?? null));
      return { endpoint };
    },
    listDatasets: async ({ query: { name } }) =>
      // Inspections are long; a list does without.
      (await registry.listDatasets(name)).map(datasetView).map((dataset) => ({
        ...dataset,
        manifest: { ...dataset.manifest, inspection: null },
      })),
    getDataset: async ({ params: { name }, query: { number } }) =>
      datasetView(await registry.getDataset(name, number ?? null)),
    addDataset: async ({ body: { name, description, manifest, reason } }) => {
      const wanted = { name, hash: manifest.hash, description, manifest } as unknown as NewDataset;
      const { dataset, isNew } = await registry.addDataset(wanted, authority(reason));
      return { dataset: datasetView(dataset), isNew };
    },
    unload: async ({ params: { endpoint }, body }) =>
      await viewOf(await launcher.unload(endpoint, authority(body.reason))),
    release: async ({ params: { endpoint } }) => {
      const record = await registry.getEndpoint(endpoint);
      const live = serving.status().find((variant) => variant.endpoint === endpoint && variant.isLive);
      await serving.release(endpoint);
      // Where there was no quarantine, nothing was decided.
      if (live?.executor?.state === "quarantined") {
        const text = `${endpoint} left quarantine`;
        await registry.record({ ...authority(null), kind: "released", subject: endpoint, text });
      }
      return await viewOf(record);
    },
    listDecisions: async ({ query: { limit, subject } }) =>
      (await registry.listDecisions({ limit, ...(subject === undefined ? {} : { subject }) })).map(decisionView),
    collectGarbage: async ({ body: { isDryRun } }) => {
      const garbage = await registry.collectGarbage({ ...authority(null), isDryRun });
      return {
        isDryRun,
        items: garbage.items.map(({ what, sizeBytes, reason }) => ({ what, sizeBytes, reason })),
        sizeBytes: garbage.sizeBytes,
      };
    },
    startTraining: async ({ body: { reason, ...order } }) =>
      jobView(await ports.submitTraining(order, authority(reason))),
    listRuns: async ({ query: { name, limit } }) => {
      const runs = await registry.listRuns({ limit, ...(name === undefined ? {} : { name }) });
      const found = await jobs.book.list({
        kind: "train",
        limit: 1000,
        ...(name === undefined ? {} : { subject: name }),
      });
      const byId = new Map(found.map((job) => [job.id, job]));
      const shown = runs.map((run) => runView(run, byId.get(run.id) ?? null));
      const begun = new Set(runs.map(({ id }) => id));
      const waiting = found.filter(({ id }) => !begun.has(id)).map((job) => runView(null, job));
      return [...waiting, ...shown]
        .toSorted((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit)
        .map(listedRun);
    },
    getRun: async ({ params: { id } }) => await runOf(id),
    getRunCurve: async ({ params: { id }, query: { format, theme } }) => {
      const { run } = await runOf(id);
      if (run === null) throw new SlipwayError("CHART_NOT_FOUND", `The run ${id} has no curve yet.`);
      return { mediaType: PICTURE_TYPES[format], bytes: await reporter.curve(run, format, theme) };
    },
    startBackup: async ({ body }) => await backups.start(body.to),
    getBackup: async () => ({ backup: backups.report }),
    cancelBackup: async () => ({ backup: await backups.cancel() }),
    getConfig: async () => ({
      file: ports.configuration.file,
      keys: ports.configuration.values.map(({ setting, value, source }) => ({
        key: setting.key,
        value,
        source,
        description: setting.description,
      })),
    }),
    stop: async () => {
      server?.stop();
      return { isStopping: server !== null };
    },
  };
}
