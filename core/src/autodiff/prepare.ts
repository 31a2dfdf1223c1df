// What is done to a model before it is differentiated: functions are put in place, what depends on no input is computed once,
// sequences that only carry the parts of a tensor go, and the types of all values are asked for.
import { SlipwayError } from "#base";
import {
  createGraph,
  createNode,
  createValueInfo,
  type Graph,
  type Initializer,
  initializerFromTensor,
  inlineFunctions,
  intOf,
  type Model,
  type Node,
  removeNodes,
  replaceNodes,
  subgraphsOf,
  tensorFromInitializer,
  tensorOfValues,
  valuesReadBy,
  nameScopeOf,
} from "#graph";
import type { Tensor } from "#tensor";
import { isDifferentiable, storedTensors, type ValueTypes } from "./value-types.ts";

/** What preparing asks of an engine. */
export interface PreparingEngine {
  /** The outputs of a model that has no inputs. */
  evaluate(model: Model, names: readonly string[]): Promise<readonly Tensor[]>;
  /** What can be told of the types of a model's values. */
  typesOf(model: Model): Promise<ValueTypes>;
}

export interface PreparedModel {
  readonly model: Model;
  readonly types: ValueTypes;
}

/** Operators that answer differently each time they are asked. */
const RANDOM = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
  "Dropout",
]);
/** Constants of more elements are no shapes, axes or scales that a rule wants to read, and stay computed. */
const MOST_ELEMENTS = 4096;

/**
 * A model as `gradient` takes it best.
 * @param wrt what it will be differentiated by; what depends on these stays as it is
 * @throws SlipwayError MODEL_INVALID where a parameter among them holds NaN or an infinity, since every gradient would
 */
export async function prepareForGradient(
  model: Model,
  wrt: readonly string[],
  engine: PreparingEngine,
): Promise<PreparedModel> {
  refuseNonFinite(model, wrt);
  const inlined = inlineFunctions(model);
  const folded = await foldConstants(inlined, wrt, engine);
  const plain = withoutSequences(folded);
  return { model: plain, types: await engine.typesOf(plain) };
}

function refuseNonFinite(model: Model, names: readonly string[]): void {
  for (const initializer of model.graph.initializers) {
    const { name, dtype, data } = initializer;
    if (!names.includes(name) || data.kind === "external" || (dtype !== "float32" && dtype !== "float64")) continue;
    const values = tensorFromInitializer(initializer).data as Float32Array | Float64Array;
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new SlipwayError(
      "MODEL_INVALID",
      `Parameter '${name}' holds ${values[at]} as its element ${at} of ${values.length}, so every gradient would be that or NaN. Export the model again from weights that are numbers.`,
    );
  }
}

/** Replaces small values that depend on stored tensors alone by what they are. */
async function foldConstants(model: Model, wrt: readonly string[], engine: PreparingEngine): Promise<Model> {
  const { graph } = model;
  const known = new Set(storedTensors(graph).keys());
  for (const name of wrt) known.delete(name);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (RANDOM.has(node.opType) || subgraphsOf(node).length > 0 || node.opType.startsWith("Sequence")) continue;
    if (node.opType === "SplitToSequence" || ![...valuesReadBy(node)].every((name) => known.has(name))) continue;
    nodes.push(node);
    for (const name of node.outputs) if (name !== "") known.add(name);
  }
  const computed = nodes.filter(({ opType }) => opType !== "Constant");
  // What only other constants read need not be handed over.
  const made = new Set(computed.flatMap(({ outputs }) => outputs).filter((name) => name !== ""));
  const isInside = new Set(computed);
  const wanted = new Set<string>(graph.outputs.map(({ name }) => name).filter((name) => made.has(name)));
  for (const node of graph.nodes)
    if (!isInside.has(node)) for (const name of valuesReadBy(node)) if (made.has(name)) wanted.add(name);
  const names = [...wanted].filter((name) => !graph.outputs.some((output) => output.name === name));
  if (names.length === 0) return model;
  const read = new Set(nodes.flatMap((node) => [...valuesReadBy(node)]));
  const part = createGraph({
    name: "constants",
    nodes,
    initializers: graph.initializers.filter(({ name }) => read.has(name)),
    outputs: names.map((name) => createValueInfo(name, null)),
  });
  const values = await engine.evaluate({ ...model, graph: part }, names);
  const small = names.flatMap((name, index) => {
    const tensor = values[index]!;
    const isLarge = tensor.data.length > MOST_ELEMENTS;
    return isLarge ? [] : [initializerFromTensor(name, tensor)];
  });
  return { ...model, graph: withStored(graph, small) };
}

/** The graph with values stored instead of computed, and without the nodes that nothing needs any more. */
function withStored(graph: Graph, stored: readonly Initializer[]): Graph {
  const isStored = new Set(stored.map(({ name }) => name));
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name) && !isStored.has(name))) continue;
    nodes.unshift(node);
    for (const name of valuesReadBy(node)) needed.add(name);
  }
  // A node may make one value that is stored now and another that is not.
  const scope = nameScopeOf(graph);
  const renamed = nodes.map((node) =>
    node.outputs.some((name) => isStored.has(name))
      ? { ...node, outputs: node.outputs.map((name) => (isStored.has(name) ? scope.fresh(`${name}_computed`) : name)) }
      : node,
  );
  return {
    ...graph,
    nodes: renamed,
    initializers: [...graph.initializers, ...stored],
    valueInfo: graph.valueInfo.filter(({ name }) => needed.has(name) && !isStored.has(name)),
  };
}

/** Reads the parts of a split straight from the tensor: SequenceAt of SplitToSequence is a slice. */
function withoutSequences(model: Model): Model {
  const { graph } = model;
  const stored = storedTensors(graph);
  const splits = new Map(
    graph.nodes.filter(({ opType }) => opType === "SplitToSequence").map((node) => [node.outputs[0]!, node]),
  );
  if (splits.size === 0) return model;
  const scope = nameScopeOf(graph);
  const initializers: Initializer[] = [];
  const constant = (values: readonly number[]): string => {
    const name = scope.fresh("part");
    initializers.push(initializerFromTensor(name, tensorOfValues("int64", values)));
    return name;
  };
  const replacements = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const split = node.opType === "SequenceAt" ? splits.get(node.inputs[0]!) : undefined;
    if (split === undefined) continue;
    const bounds = partBounds(split, intsIn(stored.get(node.inputs[1]!)), intsIn(stored.get(split.inputs[1] ?? "")));
    if (bounds === null) continue;
    const inputs = [
      split.inputs[0]!,
      constant([bounds[0]]),
      constant([bounds[1]]),
      constant([intOf(split, "axis", 0)]),
    ];
    replacements.set(node, [createNode({ ...node, opType: "Slice", inputs, attributes: [] })]);
  }
  const sliced = { ...replaceNodes(graph, replacements), initializers: [...graph.initializers, ...initializers] };
  const read = new Set(sliced.nodes.flatMap((node) => [...valuesReadBy(node)]));
  const unread = Array.from(splits.values()).filter(({ outputs }) => !read.has(outputs[0]!));
  return { ...model, graph: removeNodes(sliced, unread) };
}

/** Where a part begins and ends along the axis; null where it can't be told. */
function partBounds(
  split: Node,
  index: readonly number[] | null,
  sizes: readonly number[] | null,
): readonly [number, number] | null {
  const at = index?.[0];
  if (at === undefined || sizes === null || intOf(split, "keepdims", 1) === 0) return null;
  if (sizes.length === 1 && at >= 0) return [at * sizes[0]!, (at + 1) * sizes[0]!];
  const place = at < 0 ? at + sizes.length : at;
  if (sizes[place] === undefined) return null;
  const start = sizes.slice(0, place).reduce((sum, size) => sum + size, 0);
  return [start, start + sizes[place]];
}

function intsIn(stored: Initializer | undefined): readonly number[] | null {
  if (stored === undefined || stored.data.kind === "external") return null;
  return Array.from(tensorFromInitializer(stored).data as ArrayLike<number | bigint>, Number);
}

/** The names of stored tensors a model is trained by: those of a floating-point type that nodes read. */
export function parametersOf(model: Model): readonly string[] {
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const read = new Set(model.graph.nodes.flatMap((node) => [...valuesReadBy(node)]));
  const names = model.graph.initializers
    .filter(
      ({ dtype, name, shape }) =>
        isDifferentiable({ kind: "tensor", dtype, shape }) && read.has(name) && !inputs.has(name),
    )
    .map(({ name }) => name);
  if (names.length > 0) return names;
  throw new SlipwayError("PARAMETER_INVALID", "The model stores no floating-point tensors, so it has no parameters.");
}
