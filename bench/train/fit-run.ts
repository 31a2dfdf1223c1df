// A whole training of the digits as Slipway does it: from files of pixels to weights, by the loop of `lab/train`. Told on standard input
// by which seed; answers with a line of JSON.
//   node fit-run.ts FOLDER EPOCHS
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { createLearner, fit, type TrainingSet, trainingSetFromArrays } from "../../server/src/lab/train/index.ts";
import { createOnnxRuntimeBackend } from "../../server/src/runtime/index.ts";
import { networkModel, ROWS } from "./networks.ts";

const [folder, epochs] = process.argv.slice(2) as [string, string];
const LEARNING_RATE = 0.002;
const OPTIMIZER = { kind: "adamw", weightDecay: 0.01 } as const;
const backend = createOnnxRuntimeBackend();

process.stdout.write(`${JSON.stringify({ version: process.versions.node })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await trained(Number(line)))}\n`);
}

async function trained(seed: number) {
  const [began, cpuBegan] = [performance.now(), process.cpuUsage()];
  const network = networkModel("cnn");
  const set = digits("training", network.graph.inputs[0]!.name);
  const loss = { kind: "cross-entropy" } as const;
  const learner = await createLearner({ network, loss, optimizer: OPTIMIZER, backend, threads: 1, seed });
  const readySeconds = (performance.now() - began) / 1000;
  let waitedMs = 0;
  const watched: TrainingSet = {
    ...set,
    read: (places, epoch) => {
      const asked = performance.now();
      const batch = set.read(places, epoch);
      waitedMs += performance.now() - asked;
      return batch;
    },
  };
  const { weights } = await fit(
    learner,
    { training: watched, validation: null, score: () => 0 },
    {
      epochs: Number(epochs),
      batchRows: ROWS,
      seed,
      learningRate: LEARNING_RATE,
      schedule: { kind: "constant" },
      warmUpSteps: 0,
      patienceEpochs: null,
      mostSteps: null,
    },
    {
      signal: new AbortController().signal,
      backend,
      now: () => performance.now(),
      report: () => undefined,
      saved: null,
      save: async () => undefined,
      checkpointAfterMs: () => Number.POSITIVE_INFINITY,
      plan: "digits",
    },
  );
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBegan);
  learner.restore(new Map([...learner.state, ...weights]));
  const held = digits("heldOut", network.graph.inputs[0]!.name);
  let right = 0;
  for (let from = 0; from + ROWS <= held.rows; from += ROWS) {
    const batch = held.read(Int32Array.from({ length: ROWS }, (_, at) => from + at));
    const { data } = (await learner.judge(batch)).output as { data: Float32Array };
    right += Array.from(batch.target.data as BigInt64Array).filter((label, row) => {
      const scores = data.subarray(row * 10, row * 10 + 10);
      return scores.indexOf(Math.max(...scores)) === Number(label);
    }).length;
  }
  await learner.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, readySeconds, waitedSeconds: waitedMs / 1000, right };
}

function digits(name: string, input: string): TrainingSet {
  const read = (what: string) => readFileSync(path.join(folder, `${name}-${what}.bin`));
  const labels = read("labels");
  const ink = Float32Array.from(read("pixels"), (pixel) => pixel / 255);
  return trainingSetFromArrays({
    inputs: { [input]: { dtype: "float32", shape: [labels.length, 1, 28, 28], data: ink } },
    target: { dtype: "int64", shape: [labels.length], data: BigInt64Array.from(labels, BigInt) },
  });
}
