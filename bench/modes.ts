// `node tools/node24.js bench/modes.ts [loops|by-sample]`: what modes of training cost: many steps in one Loop against steps one by one, and gradients
// by sample and their norms against the gradient of the batch. Each figure comes from processes of its own, which take turns.
import { spawnSync } from "node:child_process";
import {
  gradient,
  inGradientWords,
  parametersOf,
  type PassEngine,
  prepareForGradient,
  sampleGradient,
  trainLoop,
  trainStep,
  withLoss,
} from "@slipway/core/autodiff";
import { type GraphBuilder, graphBuilder, type Model, tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createPassEngine } from "../server/src/lab/passes/index.ts";
import { seededRandom } from "../server/src/load/index.ts";

const CLASSES = 10;
const ROUNDS = 3;
const RUNS = 5;
const THREADS = 1;

interface Network {
  readonly says: string;
  readonly rows: number;
  /** One sample's shape; whole numbers below `words` where that is said. */
  readonly input: readonly number[];
  readonly words?: number;
  readonly build: (g: GraphBuilder, x: string, weights: Weights) => string;
}

/** Stores a parameter, of numbers whose variance is 1 / fanIn. */
type Weights = (name: string, shape: readonly number[], fanIn: number) => string;

const linear = (g: GraphBuilder, x: string, w: Weights, name: string, from: number, to: number): string =>
  g.op("Gemm", [x, w(`${name}.weight`, [from, to], from), w(`${name}.bias`, [to], 1e9)]);
const rowsTimes = (g: GraphBuilder, x: string, w: Weights, name: string, from: number, to: number): string =>
  g.op("Add", [g.op("MatMul", [x, w(`${name}.weight`, [from, to], from)]), w(`${name}.bias`, [to], 1e9)]);

const mlp = (widths: readonly number[], rows: number): Network => ({
  says: `MLP ${widths.join("-")}, ${rows} rows`,
  rows,
  input: [widths[0]!],
  build: (g, x, w) =>
    widths.slice(1).reduce((value, width, at) => {
      const made = linear(g, value, w, `layer${at}`, widths[at]!, width);
      return at === widths.length - 2 ? made : g.op("Relu", [made]);
    }, x),
});

/** Convolutions as of the digits CNN, each with a normalisation of its own sample or, as there, of the batch. */
const cnn = (normalization: "batch" | "group", rows: number): Network => ({
  says: `digits CNN with ${normalization} normalisation, ${rows} rows`,
  rows,
  input: [1, 28, 28],
  build: (g, x, w) => {
    const channels = [1, 16, 16, 32, 32, 48];
    let value = x;
    for (let layer = 1; layer < channels.length; layer++) {
      const [from, to] = [channels[layer - 1]!, channels[layer]!];
      const made = g.op("Conv", [value, w(`conv${layer}`, [to, from, 3, 3], from * 9)], { pads: [1, 1, 1, 1] });
      const parameters = [w(`scale${layer}`, [to], 1), w(`shift${layer}`, [to], 1e9)];
      const ones = (): string =>
        g.values(
          "float32",
          Array.from({ length: to }, () => 1),
        );
      const normalized =
        normalization === "group"
          ? g.op("GroupNormalization", [made, ...parameters], { num_groups: 8 })
          : g.op("BatchNormalization", [made, ...parameters, ones(), ones()]);
      value = g.op("Relu", [normalized]);
      if (layer === 2 || layer === 4 || layer === 5)
        value = g.op("MaxPool", [value], { kernel_shape: [2, 2], strides: [2, 2] });
    }
    return linear(g, g.op("Flatten", [value]), w, "head", 48 * 9, CLASSES);
  },
});

const WIDTH = 128;
const LENGTH = 64;
const HEADS = 4;
const transformer: Network = {
  says: `Transformer, 2 layers ${WIDTH} wide, ${LENGTH} tokens of 1000 words, 32 rows`,
  rows: 32,
  input: [LENGTH],
  words: 1000,
  build: (g, x, w) => {
    const layerNorm = (value: string, name: string): string =>
      g.op("LayerNormalization", [value, w(`${name}.scale`, [WIDTH], 1), w(`${name}.shift`, [WIDTH], 1e9)]);
    const ints = (...values: number[]): string => g.values("int64", values);
    let value = g.op("Gather", [w("words", [1000, WIDTH], 4), x]);
    value = g.op("Add", [value, w("places", [LENGTH, WIDTH], 4)]);
    for (let layer = 0; layer < 2; layer++) {
      const name = `layer${layer}`;
      const joined = rowsTimes(g, layerNorm(value, `${name}.norm1`), w, `${name}.qkv`, WIDTH, 3 * WIDTH);
      const parts = g.opOutputs("Split", [joined], 3, { axis: -1, num_outputs: 3 }).map((part, at) => {
        const apart = g.op("Reshape", [part, ints(0, LENGTH, HEADS, WIDTH / HEADS)]);
        return g.op("Transpose", [apart], { perm: at === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] });
      });
      const scores = g.op("Mul", [
        g.op("MatMul", [parts[0]!, parts[1]!]),
        g.values("float32", [(WIDTH / HEADS) ** -0.5], []),
      ]);
      const seen = g.op("Transpose", [g.op("MatMul", [g.op("Softmax", [scores]), parts[2]!])], { perm: [0, 2, 1, 3] });
      const merged = g.op("Reshape", [seen, ints(0, LENGTH, WIDTH)]);
      value = g.op("Add", [value, rowsTimes(g, merged, w, `${name}.out`, WIDTH, WIDTH)]);
      const up = g.op("Gelu", [rowsTimes(g, layerNorm(value, `${name}.norm2`), w, `${name}.up`, WIDTH, 4 * WIDTH)]);
      value = g.op("Add", [value, rowsTimes(g, up, w, `${name}.down`, 4 * WIDTH, WIDTH)]);
    }
    return linear(g, g.op("ReduceMean", [value, ints(1)], { keepdims: 0 }), w, "head", WIDTH, CLASSES);
  },
};

const LOOPED = { tiny: mlp([20, 32, 10], 16), mlp: mlp([784, 256, 10], 64), cnn: cnn("batch", 64) };
const SAMPLED = { mlp: mlp([784, 1024, 1024, 10], 64), cnn: cnn("group", 64), transformer };
const STEPS = 10;

interface Figures {
  /** Of processor time, the least seen, of a step or of all gradients: what else the machine does only adds to it. */
  readonly milliseconds: number;
  readonly peakBytes: number;
}

function modelOf(network: Network): Model {
  const random = seededRandom(1);
  const g = graphBuilder({ opset: 21 });
  const dtype = network.words === undefined ? "float32" : "int64";
  const x = g.input("x", dtype, ["N", ...network.input]);
  const weights: Weights = (name, shape, fanIn) => {
    const limit = Math.sqrt(3 / fanIn);
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: size }, () => (random() * 2 - 1) * limit);
    return g.values("float32", values, shape, name);
  };
  g.output("logits", network.build(g, x, weights), "float32", ["N", CLASSES]);
  return g.model();
}

const engine: PassEngine = createPassEngine();

/** Inputs of the network and labels, for so many steps where that is said. */
function batchOf({ rows, input, words }: Network, steps: number | null): { x: Tensor; labels: Tensor } {
  const random = seededRandom(2);
  const front = steps === null ? [rows] : [steps, rows];
  const shape = [...front, ...input];
  const size = shape.reduce((product, length) => product * length, 1);
  const count = rows * (steps ?? 1);
  const labels = BigInt64Array.from({ length: count }, () => BigInt(Math.floor(random() * CLASSES)));
  const x =
    words === undefined
      ? new Tensor("float32", Float32Array.from({ length: size }, random), shape)
      : new Tensor(
          "int64",
          BigInt64Array.from({ length: size }, () => BigInt(Math.floor(random() * words))),
          shape,
        );
  return { x, labels: new Tensor("int64", labels, front) };
}

async function timed(run: () => Promise<unknown>, times: number): Promise<Figures> {
  const taken: number[] = [];
  for (let at = -1; at < times; at++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    if (at >= 0) taken.push((user + system) / 1000);
  }
  return { milliseconds: Math.min(...taken), peakBytes: process.resourceUsage().maxRSS * 1024 };
}

const sessionOf = (model: Model): Promise<InferenceSession> =>
  InferenceSession.create(bytesFromModel(model), { intraOpNumThreads: THREADS });

async function measureSteps(network: Network, isLoop: boolean): Promise<Figures> {
  const read = inGradientWords(modelOf(network));
  const parameters = parametersOf(read);
  const { model } = await prepareForGradient(read, parameters, engine);
  const step = await trainStep(model, {
    parameters,
    loss: { kind: "cross-entropy" },
    optimizer: { kind: "sgd", momentum: 0.9 },
    typesOf: (one) => engine.typesOf(one),
  });
  const stored = new Map(step.stored.map((one) => [one.name, tensorFromInitializer(one).data as Float32Array]));
  let carried: Record<string, Tensor> = Object.fromEntries(
    step.carried.map(({ of, input, shape, start }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [input, new Tensor("float32", start === "stored" ? stored.get(of)! : new Float32Array(size), [...shape])];
    }),
  );
  const loop = trainLoop(step);
  const session = await sessionOf(isLoop ? loop.model : step.model);
  const { x, labels } = batchOf(network, isLoop ? STEPS : null);
  const rate = 0.001;
  const told = isLoop
    ? { [loop.learningRates]: new Tensor("float32", new Float32Array(STEPS).fill(rate), [STEPS]) }
    : { [step.learningRate]: new Tensor("float32", Float32Array.of(rate), []) };
  const run = async (): Promise<void> => {
    for (let at = 0; at < (isLoop ? 1 : STEPS); at++) {
      const answers = await session.run({ ...carried, x, [step.target]: labels, ...told });
      carried = Object.fromEntries(step.carried.map(({ input, output }) => [input, answers[output] as Tensor]));
    }
  };
  const { milliseconds, peakBytes } = await timed(run, RUNS);
  return { milliseconds: milliseconds / STEPS, peakBytes };
}

type Form = "batch" | "gradients" | "norms";

async function measureGradients(network: Network, form: Form): Promise<Figures> {
  const read = inGradientWords(modelOf(network));
  const wrt = parametersOf(read);
  const { model, types } = await prepareForGradient(read, wrt, engine);
  const judged = withLoss(model, { loss: { kind: "cross-entropy" }, isPerSample: form !== "batch", types });
  const known = await engine.typesOf(judged.model);
  const by = { wrt, of: judged.loss, types: known };
  const made = form === "batch" ? gradient(judged.model, by) : sampleGradient(judged.model, { ...by, form });
  const session = await sessionOf(made.model);
  const { x, labels } = batchOf(network, null);
  return await timed(() => session.run({ x, [judged.target]: labels }), RUNS);
}

/** One figure, in a process of its own. */
function inProcess(kind: string, name: string, form: string): Figures {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...process.execArgv, process.argv[1]!, kind, name, form],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 24,
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Figures;
}

function alternating(kind: string, name: string, forms: readonly string[]): ReadonlyMap<string, Figures> {
  const found = new Map(forms.map((form) => [form, [] as Figures[]]));
  for (let round = 0; round < ROUNDS; round++)
    for (const form of forms) found.get(form)!.push(inProcess(kind, name, form));
  return new Map(
    Array.from(found, ([form, all]) => [
      form,
      {
        milliseconds: Math.min(...all.map((one) => one.milliseconds)),
        peakBytes: Math.min(...all.map((one) => one.peakBytes)),
      },
    ]),
  );
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function tellLoops(): void {
  for (const [key, { says }] of Object.entries(LOOPED)) {
    const found = alternating("steps", key, ["calls", "loop"]);
    const [calls, loop] = [found.get("calls")!.milliseconds, found.get("loop")!.milliseconds];
    console.log(`${says}: ${calls.toFixed(3)} ms a step by calls, ${loop.toFixed(3)} ms in a Loop of ${STEPS}`);
  }
}

function tellSamples(): void {
  for (const [key, { says }] of Object.entries(SAMPLED)) {
    const forms: readonly Form[] = ["batch", "norms", "gradients"];
    const text = Array.from(
      alternating("samples", key, forms),
      ([one, { milliseconds, peakBytes }]) => `${one} ${milliseconds.toFixed(1)} ms, ${mebibytes(peakBytes)}`,
    );
    console.log(`${says}: ${text.join("; ")}`);
  }
}

const [kind, name, form] = process.argv.slice(2);
if (kind === "steps") {
  console.log(JSON.stringify(await measureSteps(LOOPED[name as keyof typeof LOOPED], form === "loop")));
} else if (kind === "samples") {
  console.log(JSON.stringify(await measureGradients(SAMPLED[name as keyof typeof SAMPLED], form as Form)));
} else {
  console.log(`Processor time, the least of ${ROUNDS} rounds of ${RUNS} runs each, ${THREADS} thread.`);
  if (kind !== "by-sample") tellLoops();
  if (kind !== "loops") tellSamples();
}
