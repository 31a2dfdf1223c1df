// `node tools/node24.js bench/fine-tune.ts`: what a step costs that trains a network's last layer alone, beside one that trains all of it and
// answering the batch. The network is the one that pictures of 28 × 28 are given. One thread; medians of milliseconds, in turn.
import { cnn } from "@slipway/core/build";
import { createLearner, type Learner } from "../server/src/lab/train/index.ts";
import { seededRandom } from "../server/src/load/index.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";
import { figureOf, figureText } from "./summary.ts";

const [ROWS, SIDE, CLASSES, ROUNDS, WARM_UPS] = [64, 28, 10, 20, 3] as const;

const network = cnn({ channels: 1, height: SIDE, width: SIDE, classes: CLASSES, stages: [16, 32, 64], seed: 1 });
const random = seededRandom(1);
const shape = [ROWS, 1, SIDE, SIDE];
const data = Float32Array.from({ length: ROWS * SIDE * SIDE }, random);
const labels = BigInt64Array.from({ length: ROWS }, (_, row) => BigInt(row % CLASSES));
const batch = {
  inputs: [{ name: network.graph.inputs[0]!.name, dtype: "float32", shape, data }],
  target: { dtype: "int64", shape: [ROWS], data: labels },
  weights: null,
} as const;

const learner = (isHeadAlone: boolean): Promise<Learner> =>
  createLearner({
    network,
    loss: { kind: "cross-entropy" },
    optimizer: { kind: "adamw", weightDecay: 0.01 },
    groups: isHeadAlone ? [{ names: /^(?!head\.)/, isFrozen: true }] : [],
    backend: createOnnxRuntimeBackend(),
    threads: 1,
    seed: 1,
  });
const [all, head] = [await learner(false), await learner(true)];
const tried: Readonly<Record<string, (number: number) => Promise<unknown>>> = {
  [`a step that trains all ${all.learned} parameters`]: (number) => all.step(batch, { number, learningRate: 1e-3 }),
  [`a step that trains the last layer's ${head.learned}`]: (number) => head.step(batch, { number, learningRate: 1e-3 }),
  "answering the batch": () => all.judge(batch),
};
const taken = new Map(Object.keys(tried).map((says): [string, number[]] => [says, []]));
for (let round = 1; round <= ROUNDS + WARM_UPS; round++) {
  for (const [says, run] of Object.entries(tried)) {
    const before = performance.now();
    await run(round);
    if (round > WARM_UPS) taken.get(says)!.push(performance.now() - before);
  }
}
for (const [says, times] of taken) console.log(`${says}: ${figureText(figureOf(times), " ms")}`);
