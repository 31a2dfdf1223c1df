// Gathers what the registry knows of a version into a report.
import { type Port, typeText } from "@slipway/core/tensor";
import type { Deployment, Model, Registry, Version } from "#registry";
import { buildLineage } from "./lineage/lineage.ts";
import { classesOf, processingSteps } from "./processing-text.ts";
import {
  REPORT_SCHEMA,
  type Report,
  type ReportGate,
  type ReportModel,
  type ReportPort,
  type StandingEvidence,
  subjectText,
  type Unmeasured,
} from "./report.ts";
import { standingOf } from "./standing.ts";
import { summarise } from "./summary.ts";

/** Something that can be measured. */
export interface Measurable {
  /** Also the kind of its evidence. */
  readonly name: string;
  readonly about: string;
  readonly needsRows: boolean;
  /** Whether it compares with another version; then nobody misses it. */
  readonly needsRival?: boolean;
}

export interface GatherPorts {
  readonly registry: Pick<
    Registry,
    "getModel" | "listVersions" | "listEvidence" | "listEndpoints" | "listDeployments" | "launchPolicyOf" | "judge"
  >;
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** Fingerprint of this machine, which policies may ask for. */
  readonly machine: string;
  /** Versions of what runs now, as evidence has them. */
  readonly code: Readonly<Record<string, string>>;
  readonly measurable: readonly Measurable[];
}

/** Of each endpoint; older deployments say little about a version of today. */
const MOST_DEPLOYMENTS = 200;

/** @throws SlipwayError EVIDENCE_INVALID where what is stored is not what was measured */
export async function gatherReport(ports: GatherPorts, version: Version): Promise<Report> {
  const { registry, now, code } = ports;
  const model = await registry.getModel(version.modelHash);
  const kept = await registry.listEvidence(version);
  const evidence = standingOf(
    kept.map(({ tenant: _, modelHash: __, processingHash: ___, ...shown }) => shown),
    { now, code },
  );
  const deployments = await deploymentsOf(ports, version);
  const gates = await gatesOf(ports, version, deployments);
  const unmeasured = unmeasuredOf(ports, version, evidence);
  const versions = (await registry.listVersions()).filter(({ modelHash }) => modelHash === version.modelHash);
  const { name, number, note, source, createdAt } = version;
  return {
    schema: REPORT_SCHEMA,
    madeAt: now,
    code,
    subject: { name, number, note, source, createdAt },
    model: modelOf(model),
    processing: processingSteps(version.processing),
    classes: classesOf(version.processing),
    summary: summarise(evidence, unmeasured, gates),
    gates,
    evidence,
    unmeasured,
    lineage: buildLineage({ subject: version, versions, evidence, deployments }),
  };
}

/** Every deployment of the version, newest first within each endpoint. */
async function deploymentsOf({ registry }: GatherPorts, { name, number }: Version): Promise<readonly Deployment[]> {
  const endpoints = await registry.listEndpoints();
  const lists = await Promise.all(
    endpoints.map(({ name: endpoint }) => registry.listDeployments({ endpoint, limit: MOST_DEPLOYMENTS })),
  );
  return lists.flat().filter((one) => one.name === name && one.number === number);
}

/** What stands before the endpoint of the version's name, and before those that serve it now. */
async function gatesOf(
  { registry, machine }: GatherPorts,
  version: Version,
  deployments: readonly Deployment[],
): Promise<readonly ReportGate[]> {
  const live = new Set(deployments.filter(({ state }) => state === "live").map(({ endpoint }) => endpoint));
  const gates: ReportGate[] = [];
  for (const endpoint of new Set([version.name, ...live])) {
    const policy = await registry.launchPolicyOf(endpoint);
    const judged = policy === null ? null : await registry.judge(policy, version, machine);
    gates.push({ endpoint, isLive: live.has(endpoint), judged });
  }
  return gates;
}

function unmeasuredOf(
  { measurable }: GatherPorts,
  version: Version,
  evidence: readonly StandingEvidence[],
): readonly Unmeasured[] {
  const measured = new Set(evidence.map(({ kind }) => kind));
  return measurable
    .filter(({ name, needsRival = false }) => !measured.has(name) && !needsRival)
    .map(({ name, about, needsRows }) => ({
      kind: name,
      about,
      command: `slipway measure ${subjectText(version)} ${name}${needsRows ? " --data ROWS@SPLIT" : ""}`,
    }));
}

function modelOf({ hash, sizeBytes, files, scan }: Model): ReportModel {
  return {
    hash,
    sizeBytes,
    files: files.map(({ path, hash: ofFile, sizeBytes: bytes }) => ({ path, hash: ofFile, sizeBytes: bytes })),
    signature: { inputs: scan.signature.inputs.map(portOf), outputs: scan.signature.outputs.map(portOf) },
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

function portOf({ name, type, isOptional }: Port): ReportPort {
  return { name, type: typeText(type), isOptional: isOptional === true };
}
