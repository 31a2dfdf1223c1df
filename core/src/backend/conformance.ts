// What every back end must do, as cases: a model, inputs, and what must come of them. Data and plain functions, tied to
// no test runner, so that the suite also runs in a browser.
import { assert, type ErrorCode, SlipwayError } from "#base";
import { type GraphBuilder, graphBuilder, type Model, type ModelOptions, tensorOfValues } from "#graph";
import { type DType, type NamedTensor, type TensorData, typeText } from "#tensor";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session, type SessionSettings } from "./backend.ts";

/** A case: `run` rejects when the back end does not do what the name says. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (context: ConformanceContext) => Promise<void>;
}

export interface ConformanceContext {
  readonly backend: Backend;
  /** The ONNX bytes of a graph. */
  readonly write: (model: Model) => Uint8Array;
}

/** Cases a back end can't meet, each with the reason. */
export type ConformanceSkips = Readonly<Record<string, string>>;

type Values = readonly (number | bigint | string)[];

function named(name: string, dtype: DType, shape: readonly number[], values: Values): NamedTensor {
  return { name, ...tensorOfValues(dtype, values, shape) };
}

async function loadGraph(
  { backend, write }: ConformanceContext,
  build: (graph: GraphBuilder) => void,
  options: ModelOptions = {},
  settings: Partial<SessionSettings> = {},
): Promise<Session> {
  const graph = graphBuilder({ opset: 17, ...options });
  build(graph);
  const bytes = write(graph.model());
  return backend.load({ model: bytes, externalData: new Map() }, { ...DEFAULT_SESSION_SETTINGS, ...settings });
}

function expectTensor(actual: NamedTensor | undefined, expected: NamedTensor, tolerance = 0): void {
  assert(actual !== undefined, `Output ${expected.name} was not answered.`);
  assert(actual.name === expected.name, `Output ${actual.name} came in the place of ${expected.name}.`);
  assert(actual.dtype === expected.dtype, `${expected.name} is ${actual.dtype}, not ${expected.dtype}.`);
  const shapes = `[${actual.shape.join(", ")}], not [${expected.shape.join(", ")}]`;
  assert(actual.shape.join() === expected.shape.join(), `${expected.name} has the shape ${shapes}.`);
  assert(actual.data.length === expected.data.length, `${expected.name} has ${actual.data.length} elements.`);
  assert(isLike(actual.data, expected.data), `${expected.name} is held in another kind of array.`);
  for (let i = 0; i < expected.data.length; i++) {
    const [got, want] = [actual.data[i], expected.data[i]];
    const isSame =
      Object.is(got, want) || got === want || (tolerance > 0 && Math.abs(Number(got) - Number(want)) <= tolerance);
    assert(isSame, `${expected.name}[${i}] is ${String(got)}, not ${String(want)}.`);
  }
}

function isLike(a: TensorData, b: TensorData): boolean {
  return Array.isArray(a) ? Array.isArray(b) : a.constructor === b.constructor;
}

async function expectError(what: () => Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  let error: unknown;
  try {
    await what();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof SlipwayError, `Expected ${codes.join(" or ")}, got ${String(error)}.`);
  assert(codes.includes(error.code), `Expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`);
  assert(!/\/(?:home|root|tmp|usr|onnxruntime_src)\//.test(error.message), `A path shows in: ${error.message}`);
}

/** One value of each type survives a run: extremes, where the type has them. */
const PASSED_THROUGH: readonly (readonly [DType, Values])[] = [
  ["float32", [0, -1.5, 3.4028234663852886e38, Number.NaN, Number.POSITIVE_INFINITY]],
  ["float64", [0, -1.5, 1.7976931348623157e308, Number.NaN, Number.NEGATIVE_INFINITY]],
  ["float16", [0, -1.5, 65504, 2 ** -24, Number.POSITIVE_INFINITY]],
  ["int8", [0, -128, 127, 1, -1]],
  ["int16", [0, -32768, 32767, 1, -1]],
  ["int32", [0, -2147483648, 2147483647, 1, -1]],
  ["int64", [0n, -9223372036854775808n, 9223372036854775807n, 1n, -1n]],
  ["uint8", [0, 255, 1, 2, 3]],
  ["uint16", [0, 65535, 1, 2, 3]],
  ["uint32", [0, 4294967295, 1, 2, 3]],
  ["uint64", [0n, 18446744073709551615n, 1n, 2n, 3n]],
  ["bool", [0, 1, 1, 0, 1]],
  ["string", ["", "a", "ü€😀", "two words", "line\nbreak"]],
];

const dtypeCases: readonly ConformanceCase[] = PASSED_THROUGH.map(([dtype, values]) => ({
  name: `passes ${dtype} through unchanged`,
  async run(context) {
    const session = await loadGraph(context, (graph) => {
      graph.output("y", graph.op("Identity", [graph.input("x", dtype, ["N"])]), dtype, ["N"]);
    });
    const input = named("x", dtype, [values.length], values);
    const [answer] = await session.run([input], ["y"]);
    expectTensor(answer, { ...input, name: "y" });
    await session.unload();
  },
}));

/** y = x·w + b and z = Relu(y), with x of [N, 2]. */
function affine(graph: GraphBuilder): void {
  const x = graph.input("x", "float32", ["N", 2]);
  const product = graph.op("MatMul", [x, graph.values("float32", [1, 2, 3, 4], [2, 2])]);
  const y = graph.op("Add", [product, graph.values("float32", [10, -20])], {}, { outputs: ["y"] });
  graph.output("y", y, "float32", ["N", 2]);
  graph.output("z", graph.op("Relu", [y]), "float32", ["N", 2]);
}

const behaviourCases: readonly ConformanceCase[] = [
  {
    name: "tells the signature",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        const x = graph.input("x", "float32", ["N", 3]);
        const mask = graph.input("mask", "bool", [null, 3]);
        graph.output("y", graph.op("Where", [mask, x, x]), "float32", ["N", 3]);
      });
      const ports = [...session.signature.inputs, ...session.signature.outputs];
      const texts = ports.map(({ name, type }) => `${name} ${typeText(type)}`);
      assert(
        texts.join("; ") === "x float32[N, 3]; mask bool[?, 3]; y float32[N, 3]",
        `The signature is ${texts.join("; ")}.`,
      );
    },
  },
  {
    name: "tells a scalar from a tensor of unknown rank",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        graph.output("a", graph.op("Neg", [graph.input("x", "float32", [])]), "float32", []);
        graph.output("b", graph.op("Neg", [graph.input("y", "float32", null)]), "float32", null);
      });
      const texts = session.signature.inputs.map(({ type }) => typeText(type));
      assert(texts.join("; ") === "float32[]; float32[…]", `The inputs are ${texts.join("; ")}.`);
      const answers = await session.run(
        [named("x", "float32", [], [2]), named("y", "float32", [2, 1], [3, 4])],
        ["a", "b"],
      );
      expectTensor(answers[0], named("a", "float32", [], [-2]));
      expectTensor(answers[1], named("b", "float32", [2, 1], [-3, -4]));
    },
  },
  {
    name: "computes, at any number of rows",
    async run(context) {
      const session = await loadGraph(context, affine);
      for (const rows of [1, 3, 17]) {
        const x = Array.from({ length: 2 * rows }, (_, i) => i - 3);
        const y = x.map((_, i) => {
          const [a, b] = [x[i - (i % 2)]!, x[i - (i % 2) + 1]!];
          return i % 2 === 0 ? a + 3 * b + 10 : 2 * a + 4 * b - 20;
        });
        const answers = await session.run([named("x", "float32", [rows, 2], x)], ["y"]);
        expectTensor(answers[0], named("y", "float32", [rows, 2], y), 1e-4);
      }
      await session.unload();
    },
  },
  {
    name: "computes on no rows",
    async run(context) {
      const session = await loadGraph(context, affine);
      const answers = await session.run([named("x", "float32", [0, 2], [])], ["y", "z"]);
      expectTensor(answers[0], named("y", "float32", [0, 2], []));
      expectTensor(answers[1], named("z", "float32", [0, 2], []));
    },
  },
  {
    name: "answers the outputs asked for, in that order",
    async run(context) {
      const session = await loadGraph(context, affine);
      const x = named("x", "float32", [1, 2], [1, 1]);
      const y = named("y", "float32", [1, 2], [14, -14]);
      const z = named("z", "float32", [1, 2], [14, 0]);
      for (const wanted of [["y"], ["z"], ["y", "z"], ["z", "y"]]) {
        const answers = await session.run([x], wanted);
        assert(answers.length === wanted.length, `${answers.length} outputs were answered, not ${wanted.length}.`);
        for (const [i, name] of wanted.entries()) expectTensor(answers[i], name === "y" ? y : z, 1e-4);
      }
    },
  },
  {
    name: "takes inputs in any order, and views on larger arrays",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        const difference = graph.op("Sub", [graph.input("a", "float32", ["N"]), graph.input("b", "float32", ["N"])]);
        graph.output("y", difference, "float32", ["N"]);
      });
      const a: NamedTensor = {
        name: "a",
        dtype: "float32",
        shape: [2],
        data: new Float32Array([9, 5, 6, 9]).subarray(1, 3),
      };
      const b: NamedTensor = { name: "b", dtype: "float32", shape: [2], data: new Float32Array([1, 2]) };
      for (const inputs of [
        [a, b],
        [b, a],
      ]) {
        const [answer] = await session.run(inputs, ["y"]);
        expectTensor(answer, named("y", "float32", [2], [4, 4]));
      }
    },
  },
  {
    name: "keeps what it answered when the inputs' arrays are used again",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        graph.output("y", graph.op("Identity", [graph.input("x", "float32", ["N"])]), "float32", ["N"]);
      });
      const data = new Float32Array([1, 2]);
      const [answer] = await session.run([{ name: "x", dtype: "float32", shape: [2], data }], ["y"]);
      data.fill(9);
      expectTensor(answer, named("y", "float32", [2], [1, 2]));
    },
  },
  {
    name: "uses an optional input's default, and takes a value for it",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        const x = graph.input("x", "float32", ["N"]);
        const bias = graph.input("bias", "float32", [1]);
        graph.values("float32", [1], [1], "bias");
        graph.output("y", graph.op("Add", [x, bias]), "float32", ["N"]);
      });
      assert(
        session.signature.inputs.find(({ name }) => name === "bias")?.isOptional === true,
        "bias is not optional.",
      );
      const x = named("x", "float32", [2], [1, 2]);
      expectTensor((await session.run([x], ["y"]))[0], named("y", "float32", [2], [2, 3]));
      const given = await session.run([x, named("bias", "float32", [1], [5])], ["y"]);
      expectTensor(given[0], named("y", "float32", [2], [6, 7]));
    },
  },
  {
    name: "computes integers exactly and casts them",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        const total = graph.op("Add", [graph.input("x", "int64", ["N"]), graph.values("int64", [1n])]);
        graph.output("y", total, "int64", ["N"]);
        graph.output("f", graph.op("Cast", [total], { to: 1 }), "float32", ["N"]);
      });
      const x = named("x", "int64", [2], [9007199254740993n, -3n]);
      const answers = await session.run([x], ["y", "f"]);
      expectTensor(answers[0], named("y", "int64", [2], [9007199254740994n, -2n]));
      expectTensor(answers[1], named("f", "float32", [2], [9007199254740992, -2]));
    },
  },
  {
    name: "classifies: softmax, argmax, reduction, reshape, transpose, concat",
    async run(context) {
      const session = await loadGraph(
        context,
        (graph) => {
          const x = graph.input("x", "float32", ["N", 2, 2]);
          const flat = graph.op("Reshape", [x, graph.values("int64", [0n, -1n])]);
          const turned = graph.op("Flatten", [graph.op("Transpose", [x], { perm: [0, 2, 1] })]);
          const both = graph.op("Concat", [flat, turned], { axis: 1 });
          graph.output("p", graph.op("Softmax", [flat], { axis: -1 }), "float32", ["N", 4]);
          graph.output("label", graph.op("ArgMax", [flat], { axis: 1, keepdims: 0 }), "int64", ["N"]);
          graph.output("mean", graph.op("ReduceMean", [both], { axes: [1], keepdims: 0 }), "float32", ["N"]);
          graph.output("both", both, "float32", ["N", 8]);
        },
        { opset: 17 },
      );
      const x = named("x", "float32", [1, 2, 2], [0, Math.log(2), Math.log(3), Math.log(4)]);
      const [p, label, mean, both] = await session.run([x], ["p", "label", "mean", "both"]);
      expectTensor(p, named("p", "float32", [1, 4], [0.1, 0.2, 0.3, 0.4]), 1e-6);
      expectTensor(label, named("label", "int64", [1], [3n]));
      expectTensor(mean, named("mean", "float32", [1], [Math.log(24) / 4]), 1e-6);
      const [a, b, c, d] = [0, Math.log(2), Math.log(3), Math.log(4)] as const;
      expectTensor(both, named("both", "float32", [1, 8], [a, b, c, d, a, c, b, d]), 1e-6);
    },
  },
  {
    name: "refuses another element type",
    async run(context) {
      const session = await loadGraph(context, affine);
      await expectError(() => session.run([named("x", "float64", [1, 2], [1, 2])], ["y"]), "RUN_FAILED");
    },
  },
  {
    name: "refuses another rank, and another length of a fixed axis",
    async run(context) {
      const session = await loadGraph(context, affine);
      await expectError(() => session.run([named("x", "float32", [2], [1, 2])], ["y"]), "RUN_FAILED");
      await expectError(() => session.run([named("x", "float32", [1, 3], [1, 2, 3])], ["y"]), "RUN_FAILED");
    },
  },
  {
    name: "refuses a missing input",
    async run(context) {
      const session = await loadGraph(context, affine);
      await expectError(() => session.run([], ["y"]), "RUN_FAILED");
    },
  },
  {
    name: "reports what fails inside the graph, and goes on",
    async run(context) {
      const session = await loadGraph(context, (graph) => {
        const index = graph.input("i", "int64", ["N"]);
        const table = graph.values("float32", [10, 20, 30]);
        graph.output("y", graph.op("Gather", [table, index]), "float32", ["N"]);
      });
      await expectError(() => session.run([named("i", "int64", [1], [7n])], ["y"]), "RUN_FAILED");
      const [answer] = await session.run([named("i", "int64", [2], [2n, 0n])], ["y"]);
      expectTensor(answer, named("y", "float32", [2], [30, 10]));
    },
  },
  {
    name: "runs two sessions side by side",
    async run(context) {
      const build = (factor: number) => (graph: GraphBuilder) => {
        const scaled = graph.op("Mul", [graph.input("x", "float32", ["N"]), graph.values("float32", [factor])]);
        graph.output("y", scaled, "float32", ["N"]);
      };
      const [twice, thrice] = await Promise.all([loadGraph(context, build(2)), loadGraph(context, build(3))]);
      const x = named("x", "float32", [2], [1, 2]);
      const runs = [twice, thrice, twice, thrice].map((session) => session.run([x], ["y"]));
      for (const [i, answers] of (await Promise.all(runs)).entries()) {
        expectTensor(answers[0], named("y", "float32", [2], i % 2 === 0 ? [2, 4] : [3, 6]));
      }
      await twice.unload();
      expectTensor((await thrice.run([x], ["y"]))[0], named("y", "float32", [2], [3, 6]));
    },
  },
  {
    name: "runs several requests of one session at once",
    async run(context) {
      const session = await loadGraph(context, affine);
      const runs = Array.from({ length: 8 }, (_, i) => session.run([named("x", "float32", [1, 2], [i, i])], ["y"]));
      for (const [i, answers] of (await Promise.all(runs)).entries()) {
        expectTensor(answers[0], named("y", "float32", [1, 2], [4 * i + 10, 6 * i - 20]), 1e-4);
      }
    },
  },
  {
    name: "unloads, and can be unloaded twice",
    async run(context) {
      const session = await loadGraph(context, affine);
      await session.unload();
      await session.unload();
    },
  },
  {
    name: "refuses bytes that are no model",
    async run({ backend }) {
      for (const bytes of [new Uint8Array(0), new TextEncoder().encode("not a model"), new Uint8Array(64).fill(255)]) {
        const load = () => backend.load({ model: bytes, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
        await expectError(load, "MODEL_MALFORMED", "MODEL_INVALID");
      }
    },
  },
  {
    name: "refuses half a model",
    async run({ backend, write }) {
      const graph = graphBuilder();
      affine(graph);
      const bytes = write(graph.model());
      for (const share of [0.2, 0.5, 0.9]) {
        const half = bytes.slice(0, Math.floor(bytes.byteLength * share));
        const load = () => backend.load({ model: half, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
        await expectError(load, "MODEL_MALFORMED", "MODEL_INVALID");
      }
    },
  },
  {
    name: "refuses an operator it does not have",
    async run(context) {
      const load = () =>
        loadGraph(context, (graph) => {
          graph.output("y", graph.op("Frobnicate", [graph.input("x", "float32", ["N"])]), "float32", ["N"]);
        });
      await expectError(load, "MODEL_UNSUPPORTED", "MODEL_INVALID");
    },
  },
  {
    name: "refuses execution providers and configuration entries it does not have",
    async run(context) {
      await expectError(() => loadGraph(context, affine, {}, { executionProviders: ["abacus"] }), "CONFIG_INVALID");
      const configEntries = { "session.frobnicate": "1" };
      await expectError(() => loadGraph(context, affine, {}, { configEntries }), "CONFIG_INVALID");
    },
  },
];

/** Every case, in order. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [...dtypeCases, ...behaviourCases];
