import { createGraph, createNode, createValueInfo, type Graph, graphBuilder } from "#graph";
import fc from "fast-check";
import { expect, test } from "vitest";
import { activationMemory } from "./memory.ts";
import { resNet50 } from "./networks.testing.ts";
import { bodyScope, shapeBytes, type ValueShape, type ValueShapes } from "./shapes.ts";

interface RandomGraph {
  readonly graph: Graph;
  readonly shapes: ValueShapes;
}

/** Graphs of nodes that read anything made before them, some of it twice or never; in an order they can run in. */
const randomGraph: fc.Arbitrary<RandomGraph> = fc
  .record({
    inputs: fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 3 }),
    nodes: fc.array(
      fc.record({
        reads: fc.array(fc.nat({ max: 1000 }), { maxLength: 4 }),
        makes: fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 3 }),
        isConstant: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
      { minLength: 1, maxLength: 25 },
    ),
    outputs: fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 4 }),
  })
  .map(({ inputs, nodes, outputs }) => {
    const shapes = new Map<string, ValueShape>();
    const names: string[] = [];
    const add = (name: string, length: number): string => {
      shapes.set(name, { dtype: "float32", dims: [length] });
      names.push(name);
      return name;
    };
    const infos = inputs.map((length, index) => createValueInfo(add(`in${index}`, length), null));
    const made = nodes.map(({ reads, makes, isConstant }, index) => {
      const read = isConstant ? [] : reads.map((pick) => names[pick % names.length]!);
      const lengths = isConstant ? makes.slice(0, 1) : makes;
      const produced = lengths.map((length, output) => add(`n${index}_${output}`, length));
      return createNode({ opType: isConstant ? "Constant" : "Any", inputs: read, outputs: produced });
    });
    const wanted = new Set(outputs.map((pick) => names[pick % names.length]!));
    const graph = createGraph({
      inputs: infos,
      nodes: made,
      outputs: Array.from(wanted, (name) => createValueInfo(name, null)),
    });
    return { graph, shapes };
  });

/** As an engine without reuse would: reference counts, allocating before and freeing after each node. */
function byRunning({ graph, shapes }: RandomGraph): number[] {
  const size = (name: string): number => shapeBytes(shapes.get(name)!)!;
  const constants = new Set(
    graph.nodes.filter(({ opType }) => opType === "Constant").flatMap(({ outputs }) => outputs),
  );
  const held = new Map<string, number>();
  const readers = (name: string): number => graph.nodes.filter(({ inputs }) => inputs.includes(name)).length;
  const kept = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  for (const { name } of graph.inputs) held.set(name, Number.POSITIVE_INFINITY);
  const live: number[] = [];
  for (const { inputs, outputs } of graph.nodes) {
    for (const name of outputs)
      if (!constants.has(name)) held.set(name, kept.has(name) ? Number.POSITIVE_INFINITY : readers(name));
    live.push(Array.from(held.keys(), size).reduce((sum, bytes) => sum + bytes, 0));
    for (const name of new Set(inputs)) if (held.has(name)) held.set(name, held.get(name)! - 1);
    for (const [name, left] of held) if (left === 0) held.delete(name);
  }
  return live;
}

test("live bytes at each node, and their peak, are those of a run with reference counts", () => {
  fc.assert(
    fc.property(randomGraph, (random) => {
      const expected = byRunning(random);
      const { steps, peakBytes, unknownValues } = activationMemory(random.graph, random.shapes);
      expect(unknownValues).toEqual([]);
      expect(steps.map(({ liveBytes }) => liveBytes)).toEqual(expected);
      expect(peakBytes).toBe(Math.max(...expected));
    }),
    { numRuns: 500 },
  );
});

test("the peak of ResNet-50 is where a block's widest convolution is normed beside its short cut", () => {
  const { model, shapes } = resNet50();
  const { peakBytes, peakPlace, steps } = activationMemory(model.graph, shapes);
  // The image, what is norm's input and output, and the short cut: 256 channels of 56×56 each, in float32.
  expect(peakBytes).toBe(4 * (3 * 224 * 224 + 3 * 256 * 56 * 56));
  expect(peakPlace).toContain("BatchNormalization");
  expect(steps).toHaveLength(model.graph.nodes.length);
});

test("nodes are taken in an order they can run in, whatever the file's", () => {
  const shapes: ValueShapes = new Map(
    ["x", "a", "b", "y"].map((name, index) => [name, { dtype: "float32" as const, dims: [10 ** index] }]),
  );
  const node = (input: string, output: string) => createNode({ opType: "Any", inputs: [input], outputs: [output] });
  const nodes = [node("x", "a"), node("a", "b"), node("b", "y")];
  const graphOf = (order: readonly number[]) =>
    createGraph({
      inputs: [createValueInfo("x", null)],
      outputs: [createValueInfo("y", null)],
      nodes: order.map((index) => nodes[index]!),
    });
  const bytes = (order: readonly number[]) =>
    activationMemory(graphOf(order), shapes).steps.map(({ liveBytes }) => liveBytes);
  expect(bytes([0, 1, 2])).toEqual([4 * 11, 4 * 111, 4 * 1101]);
  expect(bytes([2, 0, 1])).toEqual([4 * 11, 4 * 111, 4 * 1101]);
});

test("a body's peak adds to what is alive around it; what is unknown is named", () => {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", [10]);
  const condition = graph.input("condition", "bool", []);
  const before = graph.op("Relu", [x], {}, { outputs: ["before"] });
  const branch = (name: string) =>
    graph.subgraph(name, (body) =>
      body.output(`${name}_y`, body.op("Neg", [body.op("Exp", [before], {}, { outputs: [`${name}_e`] })]), "float32"),
    );
  const chosen = graph.op(
    "If",
    [condition],
    { then_branch: branch("then"), else_branch: branch("else") },
    { outputs: ["chosen"] },
  );
  graph.output("y", graph.op("Relu", [chosen]), "float32");
  const built = graph.graph();
  const node = built.nodes[1]!;
  const floats = (length: number): ValueShape => ({ dtype: "float32", dims: [length] });
  const shapes = new Map<string, ValueShape>([
    ["x", floats(10)],
    ["condition", { dtype: "bool", dims: [] }],
    ["before", floats(10)],
    ["chosen", floats(10)],
    ["y", floats(10)],
    [`${bodyScope("", node, 0)}then_e`, floats(100)],
    [`${bodyScope("", node, 0)}then_y`, floats(10)],
    [`${bodyScope("", node, 1)}else_y`, floats(10)],
  ]);
  const memory = activationMemory(built, shapes);
  expect(memory.steps.map(({ liveBytes }) => liveBytes)).toEqual([81, 81 + 40 + 440, 121]);
  expect(memory.peakPlace).toBe("the If node that makes 'chosen'");
  expect(memory.unknownValues).toEqual([`${bodyScope("", node, 1)}else_e`]);
});
