// Checks shapes that rules tell against those the engine infers, and against those it makes when it runs.
import { createValueInfo, type Model, type Node, subgraphsOf } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { type Fact, inferFacts, typeOf } from "@slipway/core/passes";
import { InferenceSession, type Tensor } from "onnxruntime-node";

/** Operators whose outputs are no tensors. */
const NO_TENSORS = /^(?:Sequence(?!Length)|SplitToSequence|Optional(?!HasElement))/;

/** How many axes of a model's values the rules and the engine leave open. */
export interface OpenAxes {
  readonly values: number;
  readonly axes: number;
  readonly byRules: number;
  readonly byEngine: number;
}

/**
 * @param feeds inputs to run the model on
 * @throws Error naming the value whose type or shape is another one, or is told by the engine and not by the rules
 */
export async function checkShapes(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<OpenAxes> {
  const { graph } = model;
  const names = graph.nodes
    .filter((node) => !NO_TENSORS.test(node.opType) && subgraphsOf(node).length === 0)
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== "");
  // Without what it states of values in between: the rules are to find that out.
  const bare = {
    ...model,
    graph: { ...graph, valueInfo: [], outputs: names.map((name) => createValueInfo(name, null)) },
  };
  const facts = inferFacts(bare);
  const lengths = lengthsOf(model, feeds);
  const afterControlFlow = valuesAfterControlFlow(graph.nodes);
  const session = await InferenceSession.create(bytesFromModel(bare), {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
    graphOptimizationLevel: "disabled",
  });
  try {
    const inferred = new Map(session.outputMetadata.map((one) => [one.name, one]));
    const found = await session.run(feeds);
    const open = { values: 0, axes: 0, byRules: 0, byEngine: 0 };
    for (const name of names) {
      const metadata = inferred.get(name)!;
      const engine = metadata.isTensor ? metadata.shape : [];
      const observed = found[name]!;
      open.values++;
      open.axes += observed.dims.length;
      const maker = graph.nodes.find(({ outputs }) => outputs.includes(name))!;
      const what = `'${name}' of ${maker.domain}.${maker.opType}`;
      const fact = facts.get(name);
      if (fact === undefined && !afterControlFlow.has(name)) throw new Error(`Nothing is known of ${what}.`);
      if (fact !== undefined) checkFact(what, fact, observed, lengths);
      const shape = fact === undefined ? null : typeOf(fact).shape;
      // The engine tells a scalar from an unknown rank only when it runs.
      if (fact !== undefined && shape === null && engine.length > 0)
        throw new Error(`The engine knows the rank of ${what}: ${engine.join()}.`);
      for (const [axis, length] of observed.dims.entries()) {
        const told = engine[axis];
        if ((shape?.[axis] ?? null) === null) open.byRules++;
        if (typeof told !== "number" && (told === undefined || !lengths.has(told))) open.byEngine++;
        // Of pools that round up, and of attention whose width is open, the engine infers another length than it makes.
        if (told === length && fact !== undefined && shape?.[axis] !== told)
          throw new Error(
            `Axis ${axis} of ${what} is ${told} by the engine, ${shape?.[axis]} by its rule, ${length} in a run.`,
          );
      }
    }
    return open;
  } finally {
    await session.release();
  }
}

/** Values that depend on nodes with graphs of their own, of which the rules know only what the model states. */
function valuesAfterControlFlow(nodes: readonly Node[]): ReadonlySet<string> {
  const values = new Set<string>();
  for (const node of nodes) {
    if (subgraphsOf(node).length === 0 && !node.inputs.some((name) => values.has(name))) continue;
    for (const name of node.outputs) values.add(name);
  }
  return values;
}

function checkFact(what: string, fact: Fact, observed: Tensor, lengths: ReadonlyMap<string, number>): void {
  if (fact.dtype !== observed.type) throw new Error(`${what} is ${observed.type}; its rule says ${fact.dtype}.`);
  if (fact.shape === null) return;
  const told = `[${fact.shape.map(({ text }) => text).join(", ")}]`;
  if (fact.shape.length !== observed.dims.length)
    throw new Error(`${what} has the shape [${observed.dims.join()}]; its rule says ${told}.`);
  for (const [axis, length] of fact.shape.entries()) {
    const value = length.at(lengths);
    if (value !== null && value !== observed.dims[axis])
      throw new Error(`${what} has the shape [${observed.dims.join()}]; its rule says ${told}, axis ${axis} ${value}.`);
  }
  for (const [index, element] of (fact.elements ?? []).entries()) {
    const value = element?.at(lengths) ?? null;
    const there = Number((observed.data as ArrayLike<number | bigint>)[index]);
    if (value !== null && value !== there)
      throw new Error(`Element ${index} of ${what} is ${there}; its rule says ${element!.text}, ${value}.`);
  }
}

/** What the open axes of the inputs are in these. */
function lengthsOf({ graph }: Model, feeds: Readonly<Record<string, Tensor>>): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const { name, type } of graph.inputs) {
    if (type?.kind !== "tensor") continue;
    for (const [axis, length] of (type.shape ?? []).entries())
      if (typeof length === "string") lengths.set(length, feeds[name]!.dims[axis]!);
  }
  return lengths;
}
