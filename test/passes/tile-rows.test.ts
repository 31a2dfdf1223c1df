// Stretches of nodes done some rows at a time answer what they did, on ONNX Runtime; and what would not gain by it stays.
import { trainLoop, trainStep } from "@slipway/core/autodiff";
import {
  attributeValue,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  type Model,
  type Node,
} from "@slipway/core/graph";
import { inferTypes, tileRows } from "@slipway/core/passes";
import type { Dimension } from "@slipway/core/tensor";
import { describe, expect, it, test } from "vitest";
import { randomFrom } from "../support/random.ts";
import { expectSameAnswers, operatorsOf, randomFeeds, wave } from "./answers-check.ts";

/** Of rows that are large enough for a batch of unknown length. */
const ROW = [64, 512] as const;
const OPEN: readonly Dimension[] = ["N", ...ROW];

type Build = (g: GraphBuilder, x: string) => string | readonly string[];

function modelOf(build: Build, shape: readonly Dimension[] = OPEN, opset = 20): Model {
  const g = graphBuilder({ opset });
  const built = build(g, g.input("x", "float32", shape));
  for (const [index, value] of (typeof built === "string" ? [built] : built).entries())
    g.output(`y${index}`, value, "float32");
  return g.model();
}

const scansOf = (model: Model): readonly Node[] => model.graph.nodes.filter(({ opType }) => opType === "Scan");
const bodyOf = (scan: Node): Graph => attributeValue(scan, "body", "graph")!;
const bodiesOf = (model: Model): readonly (readonly string[])[] =>
  scansOf(model).map((scan) => bodyOf(scan).nodes.map(({ opType }) => opType));
const shapesOf = ({ inputs }: Graph): readonly unknown[] =>
  inputs.map(({ type }) => (type?.kind === "tensor" ? type.shape : null));

async function expectTiled(model: Model, bodies: readonly (readonly string[])[], rows = 3): Promise<Model> {
  const made = tileRows(model);
  expect(bodiesOf(made)).toEqual(bodies);
  await expectSameAnswers(model, made, randomFeeds(model, { N: rows }), 0);
  expect(tileRows(made)).toBe(made);
  return made;
}

const soft = (g: GraphBuilder, x: string): string => g.op("Exp", [g.op("Tanh", [g.op("Neg", [x])])]);
const SOFT = ["Neg", "Tanh", "Exp"];
const number = (g: GraphBuilder, value: number): string => g.values("float32", [value], []);
const ints = (g: GraphBuilder, values: readonly number[]): string => g.values("int64", values);

describe("rows in turns", () => {
  it("one by one where nobody knows how many there are", async () => {
    const made = await expectTiled(modelOf(soft), [SOFT]);
    expect(shapesOf(bodyOf(scansOf(made)[0]!))).toEqual([[1, ...ROW]]);
    expect(operatorsOf(made)).toEqual({ Unsqueeze: 1, Scan: 1, Squeeze: 1 });
  });

  it("several at a time where they are small", async () => {
    const made = await expectTiled(modelOf(soft, [4096, 512]), [SOFT]);
    expect(shapesOf(bodyOf(scansOf(made)[0]!))).toEqual([[64, 512]]);
  });

  it("with what is the same for all rows, and what is a number for each", async () => {
    await expectTiled(
      modelOf((g, x) => {
        const scaled = g.op("Mul", [x, g.input("by place", "float32", [512])]);
        const moved = g.op("Add", [g.input("for all", "float32", [1, ...ROW]), scaled]);
        return g.op("Div", [g.op("Sub", [moved, g.input("of a row", "float32", ["N", 64, 1])]), number(g, 3)]);
      }),
      [["Mul", "Add", "Sub", "Div"]],
    );
  });

  it("what others read, and what the model answers, is there as before", async () => {
    await expectTiled(
      modelOf((g, x) => {
        const first = g.op("Neg", [x]);
        const second = g.op("Tanh", [first]);
        return [first, g.op("Exp", [second]), g.op("ReduceMax", [second, ints(g, [0])])];
      }),
      [SOFT],
    );
  });

  it("attention, from its projections to what it has seen", async () => {
    await expectTiled(
      modelOf(
        (g, x) => {
          const parts = g.opOutputs("Split", [g.op("Add", [x, g.input("bias", "float32", [384])])], 3, { axis: -1 });
          const [q, k, v] = parts.map((part, index) => {
            const heads = g.op("Reshape", [part, ints(g, [0, 128, 4, 32])]);
            return g.op("Transpose", [heads], { perm: index === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] });
          });
          const scores = g.op("Mul", [g.op("MatMul", [q!, k!]), number(g, 0.3)]);
          const seen = g.op("MatMul", [g.op("Softmax", [scores], { axis: -1 }), v!]);
          return g.op("Reshape", [g.op("Transpose", [seen], { perm: [0, 2, 1, 3] }), ints(g, [0, 128, 128])]);
        },
        ["N", 128, 384],
        17,
      ),
      [
        "Add Split Reshape Transpose Reshape Transpose Reshape Transpose MatMul Mul Softmax MatMul Transpose Reshape".split(
          " ",
        ),
      ],
    );
  });

  it("ends a stretch where something needs all rows, and begins another behind it", async () => {
    await expectTiled(
      modelOf((g, x) => {
        const squashed = soft(g, x);
        const largest = g.op("ReduceMax", [squashed, ints(g, [0])]);
        return soft(g, g.op("Sub", [squashed, largest]));
      }),
      [SOFT, ["Sub", ...SOFT]],
    );
  });

  it("keeps apart what would wait for itself", async () => {
    await expectTiled(
      modelOf((g, x) => {
        const early = soft(g, x);
        // Between the two, a product of all rows at once.
        const product = g.op("MatMul", [early, g.input("weights", "float32", [512, 512])]);
        return soft(g, g.op("Add", [early, product]));
      }),
      [SOFT, ["Add", ...SOFT]],
    );
  });

  it("waits for all rows of what is added to every row, though it has as many", async () => {
    await expectTiled(
      modelOf(
        (g, x) => {
          const squashed = soft(g, x);
          const flat = soft(g, g.op("ReduceMax", [squashed, ints(g, [1])], { keepdims: 0 }));
          return soft(g, g.op("Add", [squashed, flat]));
        },
        [16, 16, 8192],
      ),
      [
        [...SOFT, "ReduceMax", ...SOFT],
        ["Add", ...SOFT],
      ],
    );
  });
});

describe("stays as it is", () => {
  const whole: Build = (g, x) => g.op("Exp", [g.op("Sub", [x, g.op("ReduceMax", [x, ints(g, [0])])])]);
  it.each<readonly [string, Model]>([
    ["with rows too small to gain", modelOf(soft, ["N", 16, 32])],
    ["with so few elements that they stay in the cache", modelOf(soft, [64, 1024])],
    ["with all in one row", modelOf(soft, [1, 4096, 1024])],
    ["with a length nobody knows behind the rows", modelOf(soft, ["N", "length", 65_536])],
    ["with two passes over memory", modelOf((g, x) => g.op("Exp", [g.op("Neg", [x])]))],
    ["with sums over the batch", modelOf(whole)],
    ["with softmax over the batch", modelOf((g, x) => soft(g, g.op("Softmax", [x], { axis: 0 })), [4, 16, 32])],
    ["with operators of before axes were an input", modelOf(soft, OPEN, 12)],
  ])("%s", (_, model) => {
    expect(tileRows(model)).toBe(model);
  });
});

/** A graph of operators that keep rows apart, and some that do not, at random. */
function randomModel(seed: number): Model {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  return modelOf((g, x) => {
    const values = [x];
    const shared = [g.input("shared", "float32", [512]), number(g, 0.7)];
    const recent = (): string => values[Math.max(0, values.length - 1 - Math.floor(random() ** 2 * values.length))]!;
    for (let count = 0; count < 24; count++) {
      const kind = random();
      if (kind < 0.35) values.push(g.op(pick(["Tanh", "Neg", "Sigmoid", "Abs"]), [recent()]));
      else if (kind < 0.7) values.push(g.op(pick(["Add", "Mul", "Sub", "Max"]), [recent(), recent()]));
      else if (kind < 0.8) values.push(g.op("Add", [recent(), pick(shared)]));
      else if (kind < 0.88) values.push(g.op("Softmax", [recent()], { axis: pick([-1, 1, 0]) }));
      else if (kind < 0.94)
        values.push(g.op("Sub", [recent(), g.op("ReduceMax", [recent(), ints(g, [pick([0, 1, 2])])])]));
      else {
        const turned = g.op("Transpose", [g.op("Reshape", [recent(), ints(g, [0, 64, 8, 64])])], {
          perm: [0, 1, 3, 2],
        });
        values.push(g.op("Reshape", [turned, ints(g, [0, ...ROW])]));
      }
    }
    return [values.at(-1)!, ...(random() < 0.5 ? [recent()] : [])].filter((one, at, all) => all.indexOf(one) === at);
  });
}

test("graphs at random answer the same to the last bit", async () => {
  let scans = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const model = randomModel(seed);
    const made = tileRows(model);
    scans += scansOf(made).length;
    await expectSameAnswers(model, made, randomFeeds(model, { N: 2 }, seed), 0);
  }
  expect(scans).toBeGreaterThan(30);
});

test("a step of training done in turns, and a loop of them, learn what they did", async () => {
  const g = graphBuilder({ opset: 20 });
  const x = g.input("x", "float32", ["N", 64, 32]);
  const up = g.op("Gelu", [g.op("Add", [g.op("MatMul", [x, wave(g, [32, 512], "up")]), wave(g, [512], "bias")])]);
  const normal = g.op("LayerNormalization", [up, wave(g, [512], "scale")], { axis: -1 });
  const pooled = g.op("ReduceMean", [normal, ints(g, [1])], { keepdims: 0 });
  g.output("y", g.op("MatMul", [pooled, wave(g, [512, 3], "head")]), "float32", null);
  const plain = await trainStep(g.model(), {
    parameters: ["up", "bias", "scale", "head"],
    loss: { kind: "mean-squared-error" },
    optimizer: { kind: "sgd" },
    typesOf: (model) => Promise.resolve(inferTypes(model)),
  });
  const tiled = { ...plain, model: tileRows(plain.model) };
  // Forward, and back through what LayerNormalization does.
  expect(scansOf(tiled.model).length).toBeGreaterThanOrEqual(2);
  await expectSameAnswers(plain.model, tiled.model, randomFeeds(plain.model, { N: 3 }));
  const loops = [plain, tiled].map((step) => trainLoop(step).model);
  await expectSameAnswers(loops[0]!, loops[1]!, randomFeeds(loops[0]!, { N: 3, steps: 2 }));
});
