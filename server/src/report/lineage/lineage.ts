// Where a version comes from and what became of it, as a graph: what was imported, the model, its versions, the evidence and
// the data it was found on, deployments. Transforms, once there are any, are nodes between models.
import type { Deployment, Version } from "#registry";
import { datasetText } from "../evidence.ts";
import { momentText } from "../numbers.ts";
import type { StandingEvidence } from "../report.ts";

export type LineageNodeKind = "source" | "model" | "transform" | "version" | "dataset" | "evidence" | "deployment";

/** from → to, in the direction of what came later. */
export type LineageEdgeKind =
  /** source → model */
  | "imported"
  /** model → transform → model */
  | "transformed"
  /** model → version */
  | "versioned"
  /** version → evidence */
  | "measured"
  /** dataset → evidence, or dataset → transform */
  | "used"
  /** version → deployment */
  | "deployed";

export interface LineageNode {
  readonly id: string;
  readonly kind: LineageNodeKind;
  readonly label: string;
  /** A second line: what tells it from others of its kind. */
  readonly detail: string;
  /** Whether it is what the report is about. */
  readonly isSubject: boolean;
}

export interface LineageEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: LineageEdgeKind;
}

export interface Lineage {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
  /** Nodes that were left out because nobody would find their way among so many. */
  readonly omittedNodes: number;
}

export interface LineageFacts {
  readonly subject: Version;
  /** Of the same model, the subject among them. */
  readonly versions: readonly Version[];
  /** Of the subject. */
  readonly evidence: readonly StandingEvidence[];
  /** Of the subject, newest first. */
  readonly deployments: readonly Deployment[];
}

/** Of each kind. */
const MOST_NODES = 12;

/** Builds the graph. Superseded evidence is left out: it says what newer says better. */
export function buildLineage({ subject, versions, evidence, deployments }: LineageFacts): Lineage {
  const nodes = new Map<string, LineageNode>();
  const edges: LineageEdge[] = [];
  let omittedNodes = 0;
  const few = <Item>(all: readonly Item[]): readonly Item[] => {
    omittedNodes += Math.max(0, all.length - MOST_NODES);
    return all.slice(0, MOST_NODES);
  };
  const add = (node: Omit<LineageNode, "isSubject">, isSubject = false): string => {
    if (!nodes.has(node.id)) nodes.set(node.id, { ...node, isSubject });
    return node.id;
  };
  const idOf = ({ name, number }: Pick<Version, "name" | "number">) => `version:${name}@${number}`;
  const model = add({
    id: `model:${subject.modelHash}`,
    kind: "model",
    label: `model ${subject.modelHash.slice(0, 12)}`,
    detail: "ONNX graph and weights",
  });
  const others = versions.filter((one) => idOf(one) !== idOf(subject));
  for (const version of [subject, ...few(others)]) {
    const { source, name, number, createdAt } = version;
    const from = add({ id: `source:${source}`, kind: "source", label: source, detail: "imported from" });
    if (!edges.some((edge) => edge.from === from && edge.to === model))
      edges.push({ from, to: model, kind: "imported" });
    const label = `${name}@${number}`;
    const detail = `registered ${momentText(createdAt).slice(0, 10)}`;
    const to = add({ id: idOf(version), kind: "version", label, detail }, idOf(version) === idOf(subject));
    edges.push({ from: model, to, kind: "versioned" });
  }
  for (const one of few(evidence.filter(({ standing }) => standing !== "superseded"))) {
    const to = add({
      id: `evidence:${one.id}`,
      kind: "evidence",
      label: one.kind,
      detail: `${momentText(one.measuredAt).slice(0, 10)}, ${one.hash.slice(0, 8)}`,
    });
    edges.push({ from: idOf(subject), to, kind: "measured" });
    const data = datasetText(one);
    if (data === null) continue;
    const { hash } = one.dataset!;
    const from = add({
      id: `dataset:${hash}:${data}`,
      kind: "dataset",
      label: data,
      detail: `data ${hash.slice(0, 12)}`,
    });
    edges.push({ from, to, kind: "used" });
  }
  for (const { id, endpoint, state, createdAt } of few(deployments)) {
    const detail = `${state} since ${momentText(createdAt).slice(0, 10)}`;
    const to = add({ id: `deployment:${id}`, kind: "deployment", label: `endpoint ${endpoint}`, detail });
    edges.push({ from: idOf(subject), to, kind: "deployed" });
  }
  return { nodes: [...nodes.values()], edges, omittedNodes };
}
