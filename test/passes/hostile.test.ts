// Graphs that no exporter writes: passes either do their work, or say what is wrong; they neither break nor go on without end.
import { SlipwayError } from "@slipway/core/base";
import {
  type Attribute,
  createAttribute,
  type Graph,
  inlineFunctions,
  initializerFromTensor,
  type Initializer,
  type Model,
  type Node,
  tensorOfValues,
  verifyModel,
} from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import {
  annotateShapes,
  constantsToInitializers,
  decomposeComposites,
  foldShapes,
  fuseConvolutions,
  fuseProducts,
  pinShapes,
  SHAPE_RULES,
  sliceSplitSequences,
  symboliseBatch,
  upgradeOpset,
  withCommonSubexpressions,
  withoutDeadCode,
  withoutIdentities,
} from "@slipway/core/passes";
import { expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { exportedModel } from "./sample-models.ts";

const PURE: Readonly<Record<string, (model: Model) => Model>> = {
  annotateShapes,
  constantsToInitializers,
  decomposeComposites,
  foldShapes,
  fuseConvolutions,
  fuseProducts,
  sliceSplitSequences,
  symboliseBatch,
  pinAndOpen: (model) => symboliseBatch(pinShapes(model, new Map([["N", 2]]))),
  upgradeOpset: (model) => upgradeOpset(model, 21),
  withCommonSubexpressions,
  withoutDeadCode,
  withoutIdentities,
};
const OPERATORS = Object.keys(SHAPE_RULES[""]!);
const ODD = [-(2n ** 63n), -7n, -2n, -1n, 0n, 1n, 2n, 3n, 64n, 2n ** 40n, 2n ** 63n - 1n];

type Random = () => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

function oddAttribute(random: Random, attribute: Attribute): Attribute {
  if (attribute.kind === "int") return { ...attribute, value: pick(random, ODD) };
  if (attribute.kind !== "ints") return attribute;
  const length = Math.floor(random() * 6);
  return { ...attribute, value: BigInt64Array.from({ length }, () => pick(random, ODD)) };
}

function oddNode(random: Random, node: Node, before: readonly string[]): Node {
  const choice = random();
  if (choice < 0.3) return { ...node, opType: pick(random, OPERATORS) };
  if (choice < 0.5) {
    const at = Math.floor(random() * (node.inputs.length + 1));
    const inputs = [...node.inputs.slice(0, at), pick(random, before), ...node.inputs.slice(at + 1)];
    return { ...node, inputs };
  }
  if (choice < 0.65) return { ...node, inputs: node.inputs.slice(0, -1) };
  if (choice < 0.75) {
    const name = pick(random, [
      "axis",
      "axes",
      "perm",
      "keepdims",
      "strides",
      "pads",
      "kernel_shape",
      "group",
      "blocksize",
    ]);
    const others = node.attributes.filter((one) => one.name !== name);
    const odd = oddAttribute(random, createAttribute("ints", name, BigInt64Array.of()));
    return { ...node, attributes: [...others, random() < 0.5 ? odd : createAttribute("int", name, pick(random, ODD))] };
  }
  return { ...node, attributes: node.attributes.map((one) => oddAttribute(random, one)) };
}

function oddInitializer(random: Random, stored: Initializer): Initializer {
  if (stored.dtype !== "int64" || random() < 0.5) return stored;
  const values = Array.from({ length: Math.floor(random() * 5) }, () => pick(random, ODD));
  return initializerFromTensor(stored.name, tensorOfValues("int64", values));
}

/** A model with some of its nodes and stored integers made odd; it still is a graph. */
function oddModel(model: Model, random: Random): Model {
  const { graph } = model;
  const chance = 1 / Math.max(4, graph.nodes.length / 4);
  const defined = [...graph.inputs, ...graph.initializers].map(({ name }) => name);
  const nodes = graph.nodes.map((node) => {
    const odd = random() < chance ? oddNode(random, node, defined) : node;
    for (const name of node.outputs) if (name !== "") defined.push(name);
    return odd;
  });
  const initializers = graph.initializers.map((one) => (random() < chance ? oddInitializer(random, one) : one));
  const made: Graph = { ...graph, nodes, initializers };
  return { ...model, graph: made };
}

it.each(["lenet-dynamo", "bert-legacy", "vit-dynamo", "lstm-legacy", "unet-legacy"])("%s, made odd", (name) => {
  const model = inlineFunctions(exportedModel(name).model);
  const outcomes = { done: 0, refused: 0 };
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const odd = oddModel(model, randomFrom(seed));
    for (const [pass, run] of Object.entries(PURE)) {
      try {
        const made = run(odd);
        verifyModel(made);
        bytesFromModel(made);
        outcomes.done++;
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw new Error(`${pass} of ${name} with seed ${seed}`, { cause: error });
        outcomes.refused++;
      }
    }
  }
  expect(outcomes.done).toBeGreaterThan(outcomes.refused);
});

const ROUNDS = Number(process.env["HOSTILE_ROUNDS"] ?? 3);
