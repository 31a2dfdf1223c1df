// Training as a person has it: rows in a file, a run, and a server that answers what the run found; and what becomes of a run that is
// killed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunningServer } from "../server/src/cli/index.ts";
import { createRandom, drawNormal } from "@slipway/core/stats";
import type { Client, JobView, OperationInput, RunView } from "slipway/client";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunRecord } from "../server/src/lab/train/index.ts";
import { removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { childrenOf, isAlive, type ServerProcess, startServerProcess } from "./support/server-process.ts";

type Order = OperationInput<"startTraining">["body"];

let directory: string;
beforeAll(() => {
  directory = temporaryDirectory();
  writeFileSync(path.join(directory, "people.csv"), people(400));
});
afterAll(() => removeDirectory(directory));

/** Rows with numbers and texts, some missing; the last fifth has a job that the others have not. */
function people(rows: number): string {
  const random = createRandom(5);
  const jobs = ["clerk", "smith", "baker"];
  const lines = Array.from({ length: rows }, (_, row) => {
    const age = Math.round(40 + 12 * drawNormal(random));
    const job = row >= rows * 0.8 && row % 7 === 0 ? "astronaut" : jobs[row % 3]!;
    const income = 20 + 0.5 * age + 10 * (row % 3) + 4 * drawNormal(random);
    const isGranted = income + 6 * drawNormal(random) > 48;
    const shown = row % 11 === 0 ? "" : income.toFixed(2);
    const split = row < rows * 0.8 ? "train" : "validation";
    return [row % 13 === 0 ? "" : age, row % 17 === 0 ? "" : job, shown, isGranted ? "yes" : "no", split].join(",");
  });
  return `age,job,income,granted,part\n${lines.join("\n")}\n`;
}

function order(more: Partial<Order> = {}): Order {
  return {
    name: "people",
    data: { description: { files: path.join(directory, "people.csv"), name: "people", split: "part" } },
    target: "granted",
    ...more,
  };
}

async function ended(client: Client, { id }: Pick<JobView, "id">): Promise<JobView> {
  let job = await client.getJob({ params: { id }, query: {} });
  while (job.endedAt === null) job = await client.getJob({ params: { id }, query: { since: job.revision } });
  return job;
}

async function trained(client: Client, body: Order): Promise<RunView> {
  const job = await ended(client, await client.startTraining({ body }));
  expect({ state: job.state, error: job.error }).toEqual({ state: "succeeded", error: null });
  return await client.getRun({ params: { id: job.id } });
}

/** Labels with their scores, best first, of each record. */
async function predicted(server: RunningServer, endpoint: string, instances: readonly unknown[]) {
  const response = await fetch(`${server.inferenceAddress}/v2/models/${endpoint}/predict`, {
    method: "POST",
    body: JSON.stringify({ instances }),
  });
  const { predictions } = (await response.json()) as { predictions: { labels: { label: string; score: number }[] }[] };
  return predictions.map(({ labels }) => labels);
}

describe("a server", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startPlatform(path.join(directory, "data"));
  });
  afterAll(async () => await server.stop(0));

  test("answers rows as the run found them to be worth, with values missing and new", async () => {
    const { client } = server;
    const run = await trained(client, order({ settings: { epochs: 20 } }));
    const { result, data, task } = run.run as RunRecord;
    expect(task).toMatchObject({ kind: "classification", target: "granted", labels: ["no", "yes"] });
    expect(data).toMatchObject({ trainingRows: 320, validationRows: 80 });
    // Columns are inputs by their names, the answer is called as the target.
    const version = await client.getVersion({ params: { name: "people", number: run.number! } });
    expect(version.model.signature.inputs.map(({ name }) => name)).toEqual(["age", "job", "income"]);
    expect(version.model.signature.outputs.map(({ name }) => name)).toEqual(["granted", "probabilities"]);
    expect(version.source).toBe(`trained by run ${run.id}`);
    await client.deploy({ params: { endpoint: "people" }, body: {} });
    const [head, ...lines] = readFileSync(path.join(directory, "people.csv"), "utf8").trim().split("\n");
    const names = head!.split(",");
    const rows = lines.map((line) => Object.fromEntries(line.split(",").map((value, at) => [names[at]!, value])));
    const held = rows.filter((row) => row["part"] === "validation");
    const instances = held.map(({ age, job, income }) => ({
      ...(age === "" ? {} : { age: Number(age) }),
      job: job === "" ? null : job,
      ...(income === "" ? {} : { income: Number(income) }),
    }));
    const predictions = await predicted(server, "people", instances);
    const scoreOf = (at: number, label: string) => predictions[at]!.find((one) => one.label === label)!.score;
    const right = held.filter((row, at) => predictions[at]![0]!.label === row["granted"]).length;
    const loss = held.reduce((sum, row, at) => sum - Math.log(scoreOf(at, row["granted"]!)), 0) / held.length;
    expect(result!.figures.validation).toMatchObject({ rows: 80, accuracy: right / 80 });
    expect((result!.figures.validation as { logLoss: number }).logLoss).toBeCloseTo(loss, 6);
    // It has learnt something that the most frequent class does not know.
    const majority = (run.run as RunRecord).baselines[0]!.figures as { accuracy: number };
    expect(right / 80).toBeGreaterThan(majority.accuracy);
    const svg = await client.getRunCurve({ params: { id: run.id }, query: {} });
    expect(Buffer.from(svg.bytes).toString()).toContain("validation");
  }, 60_000);

  test("answers pictures as the run found them to be worth", async () => {
    const { client } = server;
    const folder = path.join(directory, "lines");
    const held: { file: string; label: string }[] = [];
    for (let at = 0; at < 40; at++) {
      const label = at % 2 === 0 ? "tall" : "wide";
      const split = at < 24 ? "train" : "validation";
      const pixels = Buffer.alloc(12 * 10, 30 + at);
      for (let step = 0; step < 10; step++)
        pixels[label === "tall" ? step * 12 + (at % 12) : (at % 10) * 12 + step] = 220;
      const file = path.join(folder, split, label, `${at}.png`);
      mkdirSync(path.dirname(file), { recursive: true });
      await sharp(pixels, { raw: { width: 12, height: 10, channels: 1 } })
        .png()
        .toFile(file);
      if (split === "validation") held.push({ file, label });
    }
    const data = { description: { files: folder } };
    const run = await trained(client, { name: "lines", data, settings: { epochs: 3, batchRows: 8 } });
    await client.deploy({ params: { endpoint: "lines" }, body: {} });
    const instances = held.map(({ file }) => ({ b64: readFileSync(file).toString("base64") }));
    const predictions = await predicted(server, "lines", instances);
    const right = held.filter(({ label }, at) => predictions[at]![0]!.label === label).length;
    const scores = held.map(({ label }, at) => predictions[at]!.find((one) => one.label === label)!.score);
    const figures = (run.run as RunRecord).result!.figures.validation as { accuracy: number; logLoss: number };
    expect(figures.accuracy).toBe(right / held.length);
    expect(figures.logLoss).toBeCloseTo(scores.reduce((sum, score) => sum - Math.log(score), 0) / held.length, 6);
  }, 60_000);

  test("predicts numbers in their unit, and keeps both runs", async () => {
    const { client } = server;
    const run = await trained(
      client,
      order({ name: "incomes", target: "income", badRows: "skip", settings: { epochs: 30 } }),
    );
    const { result, data, baselines } = run.run as RunRecord;
    expect(data.skippedRows).toBe(37);
    const figures = result!.figures.validation as { r2: number; rmse: number };
    expect(figures.r2).toBeGreaterThan(0.4);
    // In thousands, as the column is: around the noise of 4.
    expect(figures.rmse).toBeGreaterThan(2);
    expect(figures.rmse).toBeLessThan(10);
    expect(baselines.map(({ name }) => name)).toEqual(["mean", "linear regression"]);
    const runs = await client.listRuns({ query: {} });
    expect(runs.map(({ name, number, state }) => [name, number, state])).toEqual([
      ["incomes", 1, "succeeded"],
      ["lines", 1, "succeeded"],
      ["people", 1, "succeeded"],
    ]);
  }, 60_000);

  test.each([
    ["a target there is not", { target: "grantd" }, "DATASET_INVALID", 'did you mean "granted"?'],
    ["a name that is none", { name: "-" }, "NAME_INVALID", "can't be the name of a model"],
    [
      "a rate that is too high",
      {
        target: "income",
        badRows: "skip",
        settings: { learningRate: 10, optimizer: "sgd", schedule: "constant", epochs: 100 },
      },
      "TRAINING_DIVERGED",
      "The first tensor that is not finite is",
    ],
  ] as const)("says what is wrong with %s", async (_what, wrong, code, text) => {
    const { client } = server;
    const told = await client.startTraining({ body: order({ name: "wrong", ...(wrong as Partial<Order>) }) }).then(
      async (job) => (await ended(client, job)).error,
      (error: { code: string; message: string }) => error,
    );
    expect(told?.code).toBe(code);
    expect(told?.message).toContain(text);
  });
});

test("a run that is resumed on another machine begins anew, and says so", async () => {
  const data = path.join(directory, "moved");
  const settings = { steps: 2000, epochs: 100_000, patienceEpochs: 100_000 };
  const first = await startPlatform(data);
  const { id } = await first.client.startTraining({ body: order({ settings }) });
  const params = { id };
  const job = async () => await first.client.getJob({ params, query: {} });
  await expect.poll(async () => (await job()).hasCheckpoint, { timeout: 20_000, interval: 20 }).toBe(true);
  await first.client.cancelJob({ params, body: {} });
  await ended(first.client, { id });
  expect((await first.client.getRun({ params })).anew).toBeNull();
  await first.stop(0);
  const database = new DatabaseSync(path.join(data, "slipway.db"));
  database.exec("UPDATE job SET checkpoint = json_set(checkpoint, '$.machine', 'another')");
  database.close();
  const next = await startPlatform(data);
  try {
    await next.client.resumeJob({ params, body: {} });
    expect(await ended(next.client, { id })).toMatchObject({ state: "succeeded" });
    const run = await next.client.getRun({ params });
    expect(run.anew).toMatch(/^its checkpoint was made on another machine/);
    expect((run.run as RunRecord).curve[0]!.epoch).toBe(1);
  } finally {
    await next.stop(0);
  }
}, 60_000);

/** What is killed is found in /proc, which other systems do not have. */
describe.skipIf(process.platform !== "linux")("a run that is killed", () => {
  const running: ServerProcess[] = [];
  const start = async () => {
    const server = await startServerProcess(path.join(directory, "killed"));
    running.push(server);
    return server;
  };
  afterEach(async () => {
    for (const { child, exited } of running.splice(0)) {
      child.kill("SIGKILL");
      await exited;
    }
  });
  const jobProcess = (server: ServerProcess) =>
    childrenOf(server.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("job-main"));

  test("goes on to weights that are bit by bit those of a run that was not", async () => {
    // Long enough that there is a checkpoint before its end on any machine.
    const settings = { steps: 3000, epochs: 100_000, patienceEpochs: 100_000, averageDecay: 0.99 };
    const network: Order["network"] = { kind: "mlp", hidden: [128, 128], dropout: 0.2 };
    const first = await start();
    const { id } = await first.client.startTraining({ body: order({ settings, network }) });
    const params = { id };
    const checkpointed = async ({ client }: ServerProcess) =>
      (await client.getJob({ params, query: {} })).hasCheckpoint;
    await expect.poll(() => checkpointed(first), { timeout: 20_000, interval: 20 }).toBe(true);
    const worker = jobProcess(first)!;
    process.kill(worker, "SIGKILL");
    await expect.poll(() => jobProcess(first), { timeout: 10_000, interval: 20 }).not.toBe(worker);
    await expect.poll(() => jobProcess(first), { timeout: 10_000, interval: 20 }).toBeTypeOf("number");
    const family = [first.pid, jobProcess(first)!];
    first.child.kill("SIGKILL");
    await expect.poll(() => family.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    const next = await start();
    const job = await ended(next.client, { id });
    expect({ state: job.state, error: job.error }).toEqual({ state: "succeeded", error: null });
    const whole = await trained(next.client, order({ name: "whole", settings, network }));
    const hashOf = async (name: string) => (await next.client.getVersion({ params: { name, number: 1 } })).model.hash;
    expect(await hashOf("people")).toBe(await hashOf("whole"));
    const curve = (run: RunView) => (run.run as RunRecord).curve.map(({ seconds: _, ...point }) => point);
    expect(curve(await next.client.getRun({ params }))).toEqual(curve(whole));
  }, 90_000);
});
