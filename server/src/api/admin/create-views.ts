// Domain objects as the administration API shows them.
import { assert } from "@slipway/core/base";
import { DTYPES, type Port, type Signature, typeText } from "@slipway/core/tensor";
import type { Job } from "#jobs";
import { z } from "zod";
import { MEASUREMENTS, type MeasurementName } from "#lab/measure";
import type {
  Decision,
  Deployment,
  Endpoint,
  Evidence,
  LaunchPolicy,
  Model,
  PolicyVerdict,
  JsonObject,
  RegisteredDataset,
  TrainingRun,
  Version,
} from "#registry";
import type { ReportContent } from "#report";
import type { VariantStatus } from "#serve";
import type { ReportView } from "./report-views.ts";
import type {
  DatasetView,
  DecisionView,
  DeploymentView,
  EndpointView,
  EvidenceView,
  JobView,
  MeasurementView,
  ModelView,
  PolicyVerdictView,
  PolicyView,
  PortView,
  RunView,
  SignatureView,
  VersionView,
} from "./views.ts";

export function modelView(model: Model): ModelView {
  const { scan } = model;
  return {
    hash: model.hash,
    sizeBytes: model.sizeBytes,
    files: model.files.map(({ path, hash, sizeBytes }) => ({ path, hash, sizeBytes })),
    mainFile: model.mainFile,
    importedAt: model.importedAt,
    signature: signatureView(scan.signature),
    irVersion: scan.irVersion,
    opsets: scan.opsets.map(({ domain, version }) => ({ domain, version })),
    producer: [scan.producerName, scan.producerVersion].filter((part) => part !== "").join(" "),
    parameterCount: scan.parameterCount,
    operators: scan.operators.map(({ domain, opType, count }) => ({
      name: domain === "" ? opType : `${domain}.${opType}`,
      count,
    })),
    warnings: scan.warnings.map(({ message }) => message),
  };
}

export function signatureView({ inputs, outputs }: Signature): SignatureView {
  return { inputs: inputs.map(portView), outputs: outputs.map(portView) };
}

function portView({ name, type, isOptional }: Port): PortView {
  const isTensor = type.kind === "tensor";
  return {
    name,
    type: typeText(type),
    datatype: isTensor ? DTYPES[type.dtype].oip : null,
    shape: isTensor && type.shape !== null ? [...type.shape] : null,
    isOptional: isOptional === true,
  };
}

export function versionView(version: Version, model: Model): VersionView {
  const { name, number, processing, source, note, createdAt } = version;
  return { name, number, model: modelView(model), processing, source, note, createdAt };
}

export function evidenceView(evidence: Evidence): EvidenceView {
  const { tenant: _, modelHash: __, processingHash: ___, ...shown } = evidence;
  return structuredClone(shown) as EvidenceView;
}

export function jobView(job: Job): JobView {
  const { tenant: _, schema: __, checkpoint, lease: ___, ...shown } = job;
  return structuredClone({ ...shown, hasCheckpoint: checkpoint !== null });
}

/** A run, and its job as long as it is remembered: what is not begun is told by the job alone. */
export function runView(run: TrainingRun | null, job: Job | null): RunView {
  assert(run !== null || job !== null, "A run is shown that is neither kept nor queued.");
  const record = run?.record ?? { order: job!.order as JsonObject };
  // A run whose server was killed is not ended by itself; the job knows.
  const state = job === null || (run !== null && run.state !== "running") ? run!.state : job.state;
  const given = (key: string): unknown => record[key] ?? null;
  return structuredClone({
    id: run?.id ?? job!.id,
    name: run?.name ?? job!.subject,
    number: run?.number ?? null,
    state: job?.state === "queued" ? "queued" : state,
    startedAt: run?.startedAt ?? null,
    endedAt: run?.endedAt ?? job?.endedAt ?? null,
    progress: state === "running" ? (job?.progress ?? null) : null,
    error: (given("error") as RunView["error"]) ?? job?.error ?? null,
    order: given("order") as RunView["order"],
    machine: given("machine") as RunView["machine"],
    code: given("code") as RunView["code"],
    anew: given("anew") as RunView["anew"],
    run: given("run") as RunView["run"],
  });
}

/** A run in a list: of its curve, which may be long, only the epoch of the least validation loss and the last one. */
export function listedRun(view: RunView): RunView {
  const { run } = view;
  if (run === null) return view;
  const last = run.curve.at(-1);
  const best = run.curve.reduce((least, one) => (lossOf(one) < lossOf(least) ? one : least), run.curve[0]!);
  return { ...view, run: { ...run, curve: run.curve.filter((one) => one === best || one === last) } };
}

function lossOf({ validationLoss }: NonNullable<RunView["run"]>["curve"][number]): number {
  return validationLoss ?? Number.POSITIVE_INFINITY;
}

export function datasetView({ name, number, hash, manifest, description, createdAt }: RegisteredDataset): DatasetView {
  // What was registered before inspections were kept has none.
  const shown = { inspection: null, ...manifest } as unknown as DatasetView["manifest"];
  return { name, number, hash, manifest: shown, description, createdAt };
}

export function measurementView(name: MeasurementName): MeasurementView {
  const { about, needsRows, needsRival, isTimed, options } = MEASUREMENTS[name];
  const { $schema: _, ...schema } = z.toJSONSchema(options, { io: "input", target: "draft-2020-12" });
  return { name, about, needsRows, needsRival, isTimed, options: schema };
}

export function policyView({ endpoint, requirements, changedAt }: LaunchPolicy): PolicyView {
  return { endpoint, requirements: [...requirements], changedAt };
}

export function policyVerdictView({ verdict, requirements }: PolicyVerdict): PolicyVerdictView {
  return { verdict, requirements: requirements.map((one) => ({ ...one })) };
}

/** Evidence's details stay behind: they may be large, and charts have their numbers. */
export function reportView({ report, charts, absentCharts, comparison }: ReportContent): ReportView {
  const shown = {
    ...report,
    evidence: report.evidence.map(({ details: _, ...one }) => one),
    charts: charts.map(({ spec: _, ...chart }) => chart),
    absentCharts,
    comparison,
  };
  return structuredClone(shown) as unknown as ReportView;
}

/** A deployment from its record and, where it is or was loaded, its status. */
export function deploymentView(deployment: Deployment, status: VariantStatus | undefined): DeploymentView {
  const { id, endpoint, name, number, settings, createdAt } = deployment;
  return {
    id,
    endpoint,
    name,
    number,
    settings,
    createdAt,
    state: status?.state ?? (deployment.state === "failed" ? "failed" : "unloaded"),
    reason: status?.reason ?? deployment.reason,
    isLive: status?.isLive ?? false,
    queuedRequests: status?.queuedRequests ?? 0,
    queuedBytes: status?.queuedBytes ?? 0,
    inFlight: status?.inFlight ?? 0,
    executor: structuredClone(status?.executor ?? null) as DeploymentView["executor"],
  };
}

/**
 * An endpoint from its record, the records of its live, previous and loaded deployments, and what is loaded.
 */
export function endpointView(
  endpoint: Endpoint,
  deployments: ReadonlyMap<string, Deployment>,
  variants: readonly VariantStatus[],
): EndpointView {
  const loaded = variants
    .filter((variant) => variant.endpoint === endpoint.name && deployments.has(variant.deploymentId))
    .map((variant) => deploymentView(deployments.get(variant.deploymentId)!, variant))
    .toSorted((a, b) => Number(b.isLive) - Number(a.isLive));
  const record = endpoint.liveDeploymentId === null ? undefined : deployments.get(endpoint.liveDeploymentId);
  const live =
    loaded.find(({ isLive }) => isLive) ??
    (record === undefined
      ? null
      : deploymentView(
          record,
          variants.find(({ deploymentId }) => deploymentId === record.id),
        ));
  const previous = endpoint.previousDeploymentId === null ? undefined : deployments.get(endpoint.previousDeploymentId);
  return {
    name: endpoint.name,
    state: endpointState(live),
    reason: live === null ? "Nothing is deployed." : live.reason,
    live,
    previous:
      previous === undefined ? null : { deploymentId: previous.id, name: previous.name, number: previous.number },
    deployments: loaded,
    changedAt: endpoint.changedAt,
  };
}

function endpointState(live: DeploymentView | null): EndpointView["state"] {
  if (live === null || live.state === "unloaded") return "unloaded";
  if (live.state === "ready" || live.state === "loading") return live.state;
  return "not-ready";
}

export function decisionView({ at, actor, kind, subject, text, reason }: Decision): DecisionView {
  return { at, actor, kind, subject, text: reason === null ? text : `${text} (${reason})` };
}
