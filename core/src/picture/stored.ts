// What a graph stores, as a picture says it: inside the nodes that read it. Weights are said by their shapes, small constants by
// what they are, and what is computed from stored tensors or shapes alone by that.
import { type Graph, type Initializer, type Node, subgraphsOf, valuesReadBy } from "#graph";
import { constantOf } from "#passes";
import { formalName } from "./labels.ts";
import { cut, dimsText, MOST_LETTERS, smallValue } from "./words.ts";

/** What is stored, by name: a tensor, or words for what is computed from stored tensors or shapes alone. */
export type Stored = ReadonlyMap<string, Initializer | string>;

/**
 * What a graph stores, and the nodes that are left to draw.
 * @param around what the graphs around a body store
 * @param isShort whether nodes that compute constants, or with shapes, are said where they are read, and not drawn
 */
export function storedIn(
  graph: Graph,
  around: Stored,
  isShort: boolean,
): { readonly stored: Stored; readonly nodes: readonly Node[] } {
  const stored = new Map<string, Initializer | string>(around);
  for (const initializer of graph.initializers) stored.set(initializer.name, initializer);
  for (const { values, shape } of graph.sparseInitializers) stored.set(values.name, `sparse ${dimsText(shape)}`);
  // The default of an input is drawn as the input.
  for (const { name } of graph.inputs) stored.delete(name);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.filter((node) => {
    const [output = ""] = node.outputs;
    if (outputs.has(output)) return true;
    if (node.opType === "Constant" && node.domain === "") {
      stored.set(output, constantOf(node) ?? "a constant");
      return false;
    }
    if (!isShort || node.outputs.length !== 1 || subgraphsOf(node).length > 0 || RANDOM.test(node.opType)) return true;
    const words = computedWords(node, stored);
    if (words === null) return true;
    stored.set(output, words);
    return false;
  });
  return { stored, nodes };
}

const RANDOM = /^(?:Random|Bernoulli|Multinomial|Dropout)/;

const FROM_SHAPES = "from shapes";

/** What computes a value from stored tensors and shapes alone; null where it depends on more. */
function computedWords(node: Node, stored: Stored): string | null {
  if (node.domain === "" && (node.opType === "Shape" || node.opType === "Size")) return FROM_SHAPES;
  const read = [...valuesReadBy(node)].map((name) => stored.get(name));
  if (read.length === 0 || read.includes(undefined)) return null;
  if (read.includes(FROM_SHAPES)) return FROM_SHAPES;
  const [of] = read;
  if (of === undefined || typeof of === "string") return "from constants";
  return `${node.opType} of ${smallValue(of) ?? dimsText(of.shape)}`;
}

/** What a node reads of what is stored. */
export function storedWords(node: Node, stored: Stored): readonly string[] {
  const weights = new Map<string, string[]>();
  const values: string[] = [];
  for (const [index, name] of node.inputs.entries()) {
    const found = stored.get(name);
    if (found === undefined) continue;
    const formal = formalName(node, index);
    const value = typeof found === "string" ? found : smallValue(found);
    if (value !== null) {
      values.push(cut(`${formal} = ${value}`, MOST_LETTERS));
      continue;
    }
    const shape = dimsText((found as Initializer).shape);
    weights.set(shape, [...(weights.get(shape) ?? []), formal]);
  }
  return [...Array.from(weights, ([shape, names]) => cut(`${names.join(", ")} ${shape}`, MOST_LETTERS)), ...values];
}
