// Probes: nodes that report the shapes of values as small tensors of integers, so that a run hands over shapes and no
// contents, whatever the values hold. Values in bodies are carried out: through both branches of an If, and through Loop and
// Scan as state that keeps the largest length of each axis over all iterations.
import { bodyScope } from "@slipway/core/cost";
import {
  createAttribute,
  createNode,
  createValueInfo,
  type Graph,
  type Initializer,
  initializerFromTensor,
  intOf,
  type Model,
  type NameScope,
  nameScopeOf,
  type Node,
  subgraphsOf,
  tensorOfValues,
  type ValueInfo,
} from "@slipway/core/graph";
import type { TensorData } from "@slipway/core/tensor";
import { withBodies } from "./placeholders.ts";

/** Axes of a value in a body that are reported; one with more is left unknown. */
const MOST_AXES = 16;
const NO_AXIS = -1;
const NOT_RUN = -2;
/** Max takes integers since this operator set. */
const FIRST_OPSET_FOR_BODIES = 12;

/** A probe: the output of the model that reports, and the value it reports on. */
export interface Probe {
  readonly output: string;
  /** With its scope; see `ValueShapes`. */
  readonly value: string;
  readonly isInBody: boolean;
}

export interface ProbedModel {
  readonly model: Model;
  readonly probes: readonly Probe[];
}

/**
 * A model whose outputs are probes.
 * @param values values of the graph to report on
 * @param withinBodies whether values of bodies are reported as well; operator sets before 12 report none
 */
export function probeModel(model: Model, values: readonly string[], withinBodies: boolean): ProbedModel {
  const names = nameScopeOf(model.graph);
  const nodes: Node[] = [];
  const probes: Probe[] = [];
  for (const value of values) {
    const output = names.fresh("shape_of_value");
    nodes.push(createNode({ opType: "Shape", inputs: [value], outputs: [output] }));
    probes.push({ output, value, isInBody: false });
  }
  let { graph } = model;
  if (withinBodies && (model.opsets.get("") ?? 0) >= FIRST_OPSET_FOR_BODIES) {
    const bodies = new BodyProbes(names);
    graph = { ...graph, nodes: bodies.inNodes(graph.nodes, "").nodes };
    graph = { ...graph, initializers: [...graph.initializers, ...bodies.constants] };
    for (const { name, value } of bodies.outermost) probes.push({ output: name, value, isInBody: true });
  }
  const outputs = probes.map(({ output }) => createValueInfo(output, null));
  return { model: { ...model, graph: { ...graph, nodes: [...graph.nodes, ...nodes], outputs } }, probes };
}

/** What a probe of a graph's own value says. */
export function dimsOf(data: TensorData): readonly number[] {
  return Array.from(data as BigInt64Array, Number);
}

/** What a probe of a body's value says; null where the body did not run, or the value has too many axes. */
export function bodyDimsOf(data: TensorData): readonly number[] | null {
  const lengths = dimsOf(data);
  if (lengths[0] === NOT_RUN || lengths[MOST_AXES - 1] !== NO_AXIS) return null;
  return lengths.filter((length) => length !== NO_AXIS);
}

/** A value that carries a report, [MOST_AXES]. */
interface Report {
  readonly name: string;
  readonly value: string;
}

class BodyProbes {
  readonly constants: Initializer[];
  /** The reports that have reached the graph itself. */
  outermost: readonly Report[] = [];
  readonly #names: NameScope;
  readonly #padding: string;
  readonly #notRun: string;
  readonly #start: string;
  readonly #end: string;

  constructor(names: NameScope) {
    this.#names = names;
    const axes = (length: number): number[] => Array.from({ length: MOST_AXES }, () => length);
    const constant = (values: readonly number[]): Initializer =>
      initializerFromTensor(names.fresh("shape_constant"), tensorOfValues("int64", values));
    const all = [constant(axes(NO_AXIS)), constant(axes(NOT_RUN)), constant([0]), constant([MOST_AXES])] as const;
    this.constants = [...all];
    [this.#padding, this.#notRun, this.#start, this.#end] = all.map(({ name }) => name) as [
      string,
      string,
      string,
      string,
    ];
  }

  /** The nodes of a graph with the reports of their bodies among their outputs. */
  inNodes(nodes: readonly Node[], scope: string): { readonly nodes: Node[]; readonly reports: Report[] } {
    const reports: Report[] = [];
    const changed = nodes.map((node) => {
      const made = this.#inNode(node, scope);
      reports.push(...made.reports);
      return made.node;
    });
    if (scope === "") this.outermost = reports;
    return { nodes: changed, reports };
  }

  #inNode(node: Node, scope: string): { readonly node: Node; readonly reports: readonly Report[] } {
    if (node.domain === "") {
      if (node.opType === "If") return this.#inBranches(node, scope);
      if (node.opType === "Loop") return this.#inIterations(node, scope, node.inputs.length, 1);
      if (node.opType === "Scan") {
        return this.#inIterations(node, scope, node.inputs.length - intOf(node, "num_scan_inputs", 0), 0);
      }
    }
    return { node, reports: [] };
  }

  /** Each branch reports its own values, and of the other's that they were not run. */
  #inBranches(node: Node, scope: string): { readonly node: Node; readonly reports: readonly Report[] } {
    const bodies = subgraphsOf(node).map((body, index) => this.#inBody(body, bodyScope(scope, node, index)));
    const all = bodies.flatMap(({ reports }) => reports);
    const named = all.map(({ value }) => ({ name: this.#names.fresh("shape_report"), value }));
    const changed = withBodies(node, (_body, index) => {
      const { graph, reports } = bodies[index]!;
      const own = new Set(reports);
      const extra = all.map((report): { node: Node | null; name: string } => {
        if (own.has(report)) return { node: null, name: report.name };
        const name = this.#names.fresh("shape_report");
        return { node: createNode({ opType: "Identity", inputs: [this.#notRun], outputs: [name] }), name };
      });
      return {
        ...graph,
        nodes: [...graph.nodes, ...extra.flatMap(({ node: identity }) => identity ?? [])],
        outputs: [...graph.outputs, ...extra.map(({ name }) => reportInfo(name))],
      };
    });
    return { node: { ...changed, outputs: [...changed.outputs, ...named.map(({ name }) => name)] }, reports: named };
  }

  /**
   * The largest lengths so far are state of the loop.
   * @param states where states end among the node's inputs; those of a Loop follow two others
   * @param conditions outputs of the body before its states
   */
  #inIterations(
    node: Node,
    scope: string,
    states: number,
    conditions: number,
  ): { readonly node: Node; readonly reports: readonly Report[] } {
    const body = subgraphsOf(node)[0];
    if (body === undefined) return { node, reports: [] };
    const { graph, reports } = this.#inBody(body, bodyScope(scope, node, 0));
    const before = reports.map(() => this.#names.fresh("shape_before"));
    const after = reports.map(() => this.#names.fresh("shape_after"));
    const final = reports.map(({ value }) => ({ name: this.#names.fresh("shape_report"), value }));
    const largest = reports.map(({ name }, index) =>
      createNode({ opType: "Max", inputs: [before[index]!, name], outputs: [after[index]!] }),
    );
    const own = conditions === 1 ? states - 2 : states;
    const changed: Graph = {
      ...graph,
      inputs: graph.inputs.toSpliced(states, 0, ...before.map(reportInfo)),
      nodes: [...graph.nodes, ...largest],
      outputs: graph.outputs.toSpliced(own + conditions, 0, ...after.map(reportInfo)),
    };
    const outputs = [...node.outputs, ...Array.from({ length: Math.max(0, own - node.outputs.length) }, () => "")];
    return {
      node: {
        ...withBodies(node, () => changed),
        inputs: node.inputs.toSpliced(states, 0, ...reports.map(() => this.#notRun)),
        outputs: outputs.toSpliced(own, 0, ...final.map(({ name }) => name)),
      },
      reports: final,
    };
  }

  /** A body with a report for each of its values that can be a tensor, and those of the bodies in it. */
  #inBody(body: Graph, scope: string): { readonly graph: Graph; readonly reports: readonly Report[] } {
    const inner = this.inNodes(body.nodes, scope);
    const reports: Report[] = [...inner.reports];
    const nodes: Node[] = [...inner.nodes];
    const values = body.inputs.filter(({ type }) => type === null || type.kind === "tensor").map(({ name }) => name);
    for (const node of body.nodes) {
      if (!isConstant(node) && mayBeTensors(node)) values.push(...node.outputs.filter((name) => name !== ""));
    }
    for (const value of values) {
      const [shape, padded, name] = ["shape_of_value", "shape_padded", "shape_report"].map((stem) =>
        this.#names.fresh(stem),
      );
      nodes.push(
        createNode({ opType: "Shape", inputs: [value], outputs: [shape!] }),
        createNode({ opType: "Concat", inputs: [shape!, this.#padding], outputs: [padded!], attributes: [AXIS_0] }),
        createNode({ opType: "Slice", inputs: [padded!, this.#start, this.#end], outputs: [name!] }),
      );
      reports.push({ name: name!, value: scope + value });
    }
    return { graph: { ...body, nodes }, reports };
  }
}

const AXIS_0 = createAttribute("int", "axis", 0n);

function reportInfo(name: string): ValueInfo {
  return createValueInfo(name, { kind: "tensor", dtype: "int64", shape: [MOST_AXES] });
}

function isConstant({ domain, opType }: Node): boolean {
  return domain === "" && opType === "Constant";
}

/** Operators whose outputs are sequences, optionals or maps. */
const NO_TENSORS: ReadonlySet<string> = new Set([
  "Optional",
  "SequenceConstruct",
  "SequenceEmpty",
  "SequenceErase",
  "SequenceInsert",
  "SequenceMap",
  "SplitToSequence",
  "ZipMap",
]);

/** Whether a node's outputs may be tensors, as far as its operator and its bodies' stated types tell. */
export function mayBeTensors(node: Node): boolean {
  if (NO_TENSORS.has(node.opType)) return false;
  return subgraphsOf(node).every(({ outputs }) => outputs.every(({ type }) => type === null || type.kind === "tensor"));
}
