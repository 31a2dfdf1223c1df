// What the manager checks around passes, and what it writes down of them.
import { expect, it } from "vitest";
import { createNode, graphBuilder, type Model } from "#graph";
import { constantsToInitializersPass } from "./constants-to-initializers.ts";
import { runPasses } from "./manager.ts";
import type { Pass, PassEngine } from "./pass.ts";
import { upgradeOpsetPass } from "./upgrade-opset.ts";

const noEngine: PassEngine = {
  evaluate: async () => await Promise.reject(new Error("nothing is to be computed")),
  typesOf: async () => await Promise.reject(new Error("no types are to be asked for")),
};

function model(opset = 11): Model {
  const g = graphBuilder({ opset });
  const x = g.input("x", "float32", ["N", 2]);
  const bias = g.op("Constant", [], { value: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } });
  g.output("y", g.op("Squeeze", [g.op("Unsqueeze", [g.op("Add", [x, bias])], { axes: [1] })], { axes: [1] }));
  return g.model();
}

const pass = (parts: Partial<Pass>): Pass => ({
  name: "other",
  requires: [],
  does: "Does something.",
  ensures: [],
  run: (one) => one,
  ...parts,
});
const without = (operator: string, one: Model): Model => ({
  ...one,
  graph: { ...one.graph, nodes: one.graph.nodes.filter(({ opType }) => opType !== operator) },
});

it("writes down what each pass did, and how long it took", async () => {
  let now = 100;
  const told: string[] = [];
  const passes = [upgradeOpsetPass(13), constantsToInitializersPass, constantsToInitializersPass];
  const { model: made, trace } = await runPasses(model(), passes, noEngine, {
    now: () => (now += 2),
    onPass: ({ name }) => told.push(name),
  });
  expect(told).toEqual(passes.map(({ name }) => name));
  expect(made.graph.nodes.map(({ opType }) => opType)).toEqual(["Add", "Unsqueeze", "Squeeze"]);
  expect(trace).toEqual([
    {
      name: "upgrade-opset",
      changed: true,
      milliseconds: 2,
      nodes: { before: 4, after: 4 },
      initializers: { before: 0, after: 2 },
      added: {},
      removed: {},
      others: ["operator set ai.onnx 11 → 13"],
      idleReason: null,
    },
    {
      name: "constants-to-initializers",
      changed: true,
      milliseconds: 2,
      nodes: { before: 4, after: 3 },
      initializers: { before: 2, after: 3 },
      added: {},
      removed: { Constant: 1 },
      others: [],
      idleReason: null,
    },
    {
      name: "constants-to-initializers",
      changed: false,
      milliseconds: 2,
      nodes: { before: 3, after: 3 },
      initializers: { before: 3, after: 3 },
      added: {},
      removed: {},
      others: [],
      idleReason: null,
    },
  ]);
});

it.each([
  [12, "is of operator set 13 already, which can't be lowered to 12"],
  [13, "is of operator set 13 already"],
])("says why a model of operator set 13 is left as it is for %d", async (to, idleReason) => {
  const { trace } = await runPasses(model(13), [upgradeOpsetPass(to)], noEngine);
  expect(trace).toMatchObject([{ changed: false, idleReason }]);
});

it("refuses a pass whose needs are not met, and says what to run before it", async () => {
  const later = pass({ name: "later", requires: ["opset-16-up"] });
  await expect(runPasses(model(), [later], noEngine)).rejects.toMatchObject({
    code: "PASS_REFUSED",
    message: expect.stringMatching(/'later' .* version 16 .* Run 'upgrade-opset' before it/) as string,
  });
  await expect(runPasses(model(6), [upgradeOpsetPass(13)], noEngine)).rejects.toMatchObject({
    code: "PASS_REFUSED",
    message: expect.stringMatching(/version 7 .*No pass makes it so/) as string,
  });
});

it("names the pass that failed", async () => {
  const broken = pass({ run: (one) => without("Add", one) });
  await expect(runPasses(model(), [broken], noEngine)).rejects.toThrow("'other' broke the graph. This is a bug.");
  const untrue = pass({ ensures: ["constants-stored"] });
  await expect(runPasses(model(), [untrue], noEngine)).rejects.toThrow("'other' promises 'constants-stored'");
  const asking = pass({ run: async (one, engine) => (await engine.typesOf(one), one) });
  await expect(runPasses(model(), [asking], noEngine)).rejects.toThrow("'other' failed");
});

it("does not blame a pass for a graph that was broken before", async () => {
  const graph = { ...model().graph, nodes: [createNode({ opType: "Exp", inputs: ["none"], outputs: ["y"] })] };
  await expect(runPasses({ ...model(), graph }, [pass({})], noEngine)).rejects.toMatchObject({
    code: "MODEL_INVALID",
    message: expect.stringMatching(/reads 'none'/) as string,
  });
});

it("gives up where the signal says so", async () => {
  const signal = { aborted: false };
  const stopping = pass({
    run: (one) => {
      signal.aborted = true;
      return one;
    },
  });
  await expect(runPasses(model(), [stopping, pass({ name: "next" })], noEngine, { signal })).rejects.toMatchObject({
    code: "INTERRUPTED",
    message: expect.stringContaining("'next'") as string,
  });
});
