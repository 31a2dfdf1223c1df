// Shape arithmetic whose outcome is known before the model runs: what reads the shape of a value need not compute it.
import { initializerFromTensor, type Initializer, type Model, tensorOfValues } from "#graph";
import type { Pass } from "./pass.ts";
import { type Fact, inferFacts } from "./shapes/index.ts";
import { withStored } from "./store-values.ts";
import { storedTensors } from "./stored-tensors.ts";

/** The model with integers and truth values stored that shapes alone tell. */
export function foldShapes(model: Model): Model {
  const { graph } = model;
  const facts = inferFacts(model);
  const kept = new Set([...graph.outputs.map(({ name }) => name), ...storedTensors(graph).keys()]);
  const stored: Initializer[] = [];
  for (const name of graph.nodes.flatMap((node) => node.outputs)) {
    const fact = facts.get(name);
    if (name === "" || kept.has(name) || fact === undefined) continue;
    const known = storedFrom(name, fact);
    if (known !== null) stored.push(known);
  }
  return stored.length === 0 ? model : { ...model, graph: withStored(graph, stored) };
}

/** The tensor a fact tells in full; null where it does not, or where what it holds is no whole number. */
function storedFrom(name: string, { dtype, shape, elements }: Fact): Initializer | null {
  if (shape === null || elements === null || !/^(?:int32|int64|bool)$/.test(dtype)) return null;
  const [lengths, values] = [shape.map(({ number }) => number), elements.map((one) => one?.number ?? null)];
  if (!lengths.every((length) => length !== null) || !values.every((value) => value !== null)) return null;
  if (!values.every((value) => Number.isSafeInteger(value))) return null;
  if (lengths.reduce((product, length) => product * length, 1) !== values.length) return null;
  return initializerFromTensor(name, tensorOfValues(dtype, values, lengths));
}

export const foldShapesPass: Pass = {
  name: "fold-shapes",
  requires: [],
  does: "Stores lengths and other integers that the shapes of the inputs tell, instead of computing them.",
  ensures: [],
  run: foldShapes,
};
