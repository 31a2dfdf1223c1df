import { createTensor } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attributeFrom,
  capturesOf,
  createAttribute,
  createFunction,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  createValueInfo,
  definedNames,
  type Initializer,
  initializerFromTensor,
  nodesOf,
  nodesOfModel,
  sortedNodes,
  subgraphsOf,
  tensorsOfModel,
  valuesReadBy,
  valueUsesOf,
} from "./index.ts";

const node = (opType: string, inputs: string[], outputs: string[]) => createNode({ opType, inputs, outputs });
const scalar = (name: string): Initializer =>
  initializerFromTensor(name, createTensor("float32", [], Float32Array.of(1)));

const inner = createGraph({
  inputs: [createValueInfo("i", null)],
  initializers: [scalar("stored")],
  nodes: [node("Add", ["i", "outer"], ["sum"]), node("Mul", ["sum", "stored"], ["product"])],
  outputs: [createValueInfo("product", null), createValueInfo("direct", null)],
});
const loop = createNode({
  opType: "Loop",
  inputs: ["trips", "", "x"],
  outputs: ["y"],
  attributes: [attributeFrom("body", inner)],
});
const around = createGraph({ nodes: [node("Neg", ["x"], ["outer"]), loop, node("Exp", ["y"], ["z"])] });

describe("walking", () => {
  it("visits the nodes of bodies right after their node, with their depth", () => {
    expect(Array.from(nodesOf(around.nodes), ({ node, depth }) => `${depth} ${node.opType}`)).toEqual([
      "0 Neg",
      "0 Loop",
      "1 Add",
      "1 Mul",
      "0 Exp",
    ]);
    expect(subgraphsOf(loop)).toEqual([inner]);
    const graphs = createNode({ opType: "Any", attributes: [createAttribute("graphs", "bodies", [inner, inner])] });
    expect(subgraphsOf(graphs)).toEqual([inner, inner]);
  });

  it("knows what bodies capture, their outputs included", () => {
    expect(capturesOf(inner)).toEqual(new Set(["outer", "direct"]));
    expect(valuesReadBy(loop)).toEqual(new Set(["trips", "x", "outer", "direct"]));
    expect(definedNames(inner)).toEqual(new Set(["i", "stored", "sum", "product"]));
  });

  it("knows who makes and who reads a value", () => {
    const { producers, consumers } = valueUsesOf(around);
    expect(producers.get("outer")).toBe(around.nodes[0]);
    expect(producers.has("x")).toBe(false);
    expect(consumers.get("outer")).toEqual([loop]);
    expect(consumers.get("x")).toEqual([around.nodes[0], loop]);
    expect(consumers.has("z")).toBe(false);
  });
});

it("tensors are found in every place one can be", () => {
  const sparse = (name: string) =>
    ({
      kind: "sparse-initializer",
      values: scalar(name),
      indices: { ...scalar(`${name}_indices`), dtype: "int64" },
      shape: [1],
      extra: [],
    }) as const;
  const holding = (...names: string[]) => {
    const [a, b, c, d, e] = names.map(scalar);
    return createNode({
      opType: "Any",
      attributes: [
        createAttribute("tensor", "tensor", a!),
        createAttribute("tensors", "tensors", [b!, c!]),
        createAttribute("sparse-tensor", "sparse", sparse(d!.name)),
        createAttribute("sparse-tensors", "sparses", [sparse(e!.name)]),
        createAttribute("graph", "graph", createGraph({ initializers: [scalar(`${d!.name}_in_body`)] })),
        createAttribute("graphs", "graphs", [createGraph({ sparseInitializers: [sparse(`${d!.name}_in_bodies`)] })]),
      ],
    });
  };
  const opsets = new Map([["", 17]]);
  const model = createModel({
    irVersion: 10,
    opsets,
    graph: createGraph({
      initializers: [scalar("dense")],
      sparseInitializers: [sparse("sparse")],
      nodes: [holding("a", "b", "c", "d", "e")],
    }),
    functions: [
      createFunction({
        name: "F",
        domain: "own",
        opsets,
        attributeDefaults: [createAttribute("tensor", "default", scalar("default"))],
        nodes: [holding("fa", "fb", "fc", "fd", "fe")],
      }),
    ],
    training: [
      {
        kind: "training-info",
        initialization: createGraph({ initializers: [scalar("initial")] }),
        algorithm: createGraph({ nodes: [holding("ta", "tb", "tc", "td", "te")] }),
        initializationBinding: new Map(),
        updateBinding: new Map(),
        extra: [],
      },
    ],
  });
  const held = (...[a, b, c, d, e]: string[]) => [
    a,
    b,
    c,
    d,
    `${d}_indices`,
    e,
    `${e}_indices`,
    `${d}_in_body`,
    `${d}_in_bodies`,
    `${d}_in_bodies_indices`,
  ];
  expect(Array.from(tensorsOfModel(model), ({ tensor }) => tensor.name)).toEqual([
    "dense",
    "sparse",
    "sparse_indices",
    ...held("a", "b", "c", "d", "e"),
    "initial",
    ...held("ta", "tb", "tc", "td", "te"),
    "default",
    ...held("fa", "fb", "fc", "fd", "fe"),
  ]);
  expect(Array.from(nodesOfModel(model)).length).toBe(3);
});

describe("sorting", () => {
  it("puts every node after those it reads from, and leaves sorted nodes as they are", () => {
    expect(sortedNodes(around)).toEqual(around.nodes);
    const acyclic = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40 }).map((reads) =>
      reads.map((picks, index) =>
        node(
          "Any",
          picks.map((pick) => `v${pick % (index + 1)}`),
          [`v${index + 1}`],
        ),
      ),
    );
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (nodes, keys) => {
        const keyed = nodes.map((item) => ({ item, key: keys.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
        expect(sortedNodes(createGraph({ nodes }))).toEqual(nodes);
        const sorted = sortedNodes(createGraph({ nodes: shuffled }));
        const known = new Set(["v0"]);
        for (const { inputs, outputs } of sorted) {
          for (const name of inputs) expect(known).toContain(name);
          for (const name of outputs) known.add(name);
        }
        expect(sorted.length).toBe(nodes.length);
      }),
    );
  });

  it("names a cycle, abridged when long", () => {
    const circle = Array.from({ length: 20 }, (_, index) => node("Any", [`v${index}`], [`v${(index + 1) % 20}`]));
    expect(() => sortedNodes(createGraph({ nodes: circle }))).toThrow(/cycle: .* needs 12 more needs the first again/);
  });
});

it("stored tensors without data elsewhere are only views", () => {
  const tensor = createInitializer({ dtype: "int8", shape: [2], data: { kind: "values", values: Int8Array.of(1, 2) } });
  expect(tensor).toMatchObject({ kind: "initializer", name: "", docString: "", extra: [] });
});
