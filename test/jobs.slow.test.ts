// Measuring as a job of a real server: whatever is killed meanwhile, it goes on, and finds everything once.
import { readFileSync } from "node:fs";
import path from "node:path";
import { once } from "node:events";
import type { Client, JobView } from "slipway/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importModel, infer, removeDirectory, scaleModel, temporaryDirectory } from "./platform.ts";
import { childrenOf, isAlive, type ServerProcess, spawnSlipway, startServerProcess } from "./support/server-process.ts";
import { loopingModel, storeLoopingRows } from "./support/slow-quality.ts";

/** Takes seconds on any machine: fifty runs of ten thousand turns each. */
const [ROWS, TURNS] = [1600, 10_000];
/** Takes days. */
const ENDLESS = 2 ** 40;
const SLOW = { name: "slow", number: 1 };

/** What is killed, and what must end with it, is found in /proc, which other systems do not have. */
const processTest = test.skipIf(process.platform !== "linux");

let directory: string;
const running: ServerProcess[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  for (const { child, exited } of running.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
  removeDirectory(directory);
});

async function start(data = "data"): Promise<ServerProcess> {
  const server = await startServerProcess(path.join(directory, data));
  running.push(server);
  return server;
}

/** A server that has begun to measure quality, with size measured before in the same job. */
async function startMeasuring(rows = ROWS, turns = TURNS) {
  const server = await start();
  await importModel(server, "scale", scaleModel(3));
  await server.client.deploy({ params: { endpoint: "scale" }, body: {} });
  await importModel(server, "slow", loopingModel());
  const data = await storeLoopingRows(server.client, rows, turns);
  const { id } = await server.client.startMeasure({ params: SLOW, body: { what: ["size", "quality"], data } });
  await expect.poll(() => evidenceOf(server.client), { timeout: 20_000, interval: 10 }).toHaveLength(1);
  return { server, id, worker: jobProcess(server.pid)! };
}

async function evidenceOf(client: Client) {
  return (await client.listEvidence({ params: SLOW, query: {} })).toReversed();
}

/** The process that carries a job out. */
function jobProcess(server: number): number | undefined {
  return childrenOf(server).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("job-main"));
}

async function ended(client: Client, id: string): Promise<JobView> {
  let job = await client.getJob({ params: { id }, query: {} });
  while (job.endedAt === null) job = await client.getJob({ params: { id }, query: { since: job.revision } });
  return job;
}

/** All was found once, in this order; answers the ids. */
async function expectAllFoundOnce(client: Client, job: JobView): Promise<string[]> {
  const evidence = await evidenceOf(client);
  expect(job).toMatchObject({ state: "succeeded", error: null, result: { evidence: evidence.map(({ id }) => id) } });
  expect(evidence.map(({ kind }) => kind)).toEqual(["size", "quality"]);
  expect(evidence[1]).toMatchObject({ values: { accuracy: { value: 1, count: ROWS } }, dataset: { name: "looping" } });
  return evidence.map(({ id }) => id);
}

processTest(
  "its process killed, it goes on in another, and serving does not notice",
  async () => {
    const { server, id, worker } = await startMeasuring();
    const runners = childrenOf(worker);
    process.kill(worker, "SIGKILL");
    expect(await evidenceOf(server.client)).toHaveLength(1);
    // One that was just killed may still be seen.
    await expect.poll(() => [undefined, worker].includes(jobProcess(server.pid)), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => runners.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    expect((await infer(server.inferenceAddress, "scale", [2, 1], [1, 2])).body.outputs![0]!.data).toEqual([6, 3]);
    const job = await ended(server.client, id);
    await expectAllFoundOnce(server.client, job);
    expect(server.output()).toContain("it was ended by SIGKILL");
    await expect.poll(() => jobProcess(server.pid)).toBeUndefined();
  },
  90_000,
);

processTest(
  "its server killed, it goes on when the next one starts",
  async () => {
    const { server, id, worker } = await startMeasuring();
    const family = [worker, ...childrenOf(worker)];
    const [size] = await evidenceOf(server.client);
    server.child.kill("SIGKILL");
    await server.exited;
    await expect.poll(() => family.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    const next = await start();
    const job = await ended(next.client, id);
    expect((await expectAllFoundOnce(next.client, job))[0]).toBe(size!.id);
    expect(next.output()).toContain("jobs were interrupted");
  },
  90_000,
);

processTest(
  "an orderly stop gives it back at once, and it does not count against it",
  async () => {
    const { server, id, worker } = await startMeasuring(1, ENDLESS);
    const family = [worker, ...childrenOf(worker)];
    server.child.kill("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(family.filter(isAlive)).toEqual([]);
    const next = await start();
    await expect
      .poll(() => next.client.getJob({ params: { id }, query: {} }), { timeout: 10_000 })
      .toMatchObject({ state: "running", attempts: 1, hasCheckpoint: true });
  },
  90_000,
);

test("cancelled, it ends although a run never would; what it found stays, and it can be resumed", async () => {
  const { server, id, worker } = await startMeasuring(1, ENDLESS);
  const { client } = server;
  const second = await client.startMeasure({ params: SLOW, body: { what: ["size"] } });
  expect(await client.getJob({ params: { id: second.id }, query: {} })).toMatchObject({ state: "queued" });
  const params = { id };
  const asked = await client.cancelJob({ params, body: { reason: "a mistake" } });
  expect(asked).toMatchObject({ state: "running", cancelAskedAt: expect.any(Number) });
  expect(await ended(client, id)).toMatchObject({ state: "cancelled", hasCheckpoint: true, result: null });
  expect(worker === undefined || !isAlive(worker)).toBe(true);
  // The next one has its turn.
  expect(await ended(client, second.id)).toMatchObject({ state: "succeeded" });
  expect((await evidenceOf(client)).map(({ kind }) => kind)).toEqual(["size", "size"]);
  expect(await client.resumeJob({ params, body: { reason: null } })).toMatchObject({ state: "queued", attempts: 0 });
  await expect
    .poll(() => client.getJob({ params, query: {} }), { timeout: 10_000 })
    .toMatchObject({ state: "running", progress: { text: expect.stringMatching(/^2 of 2, quality/) as string } });
  await client.cancelJob({ params, body: { reason: null } });
  expect(await ended(client, id)).toMatchObject({ state: "cancelled" });
  const decisions = await client.listDecisions({ query: { subject: "slow" } });
  expect(decisions.filter(({ kind }) => kind.startsWith("job-")).map(({ text }) => text)).toEqual([
    `the job ${id} (measure slow@1) was cancelled`,
    `the job ${id} (measure slow@1) was resumed`,
    `the job ${id} (measure slow@1) was cancelled (a mistake)`,
  ]);
}, 90_000);

test("a backup made meanwhile has the job and its rows; restored, it goes on there", async () => {
  const { server, id } = await startMeasuring();
  const { client } = server;
  const archive = path.join(directory, "backup.tar");
  await client.startBackup({ body: { to: archive } });
  await expect.poll(async () => (await client.getBackup()).backup?.state, { timeout: 20_000 }).toBe("done");
  server.child.kill("SIGKILL");
  await server.exited;
  const restored = path.join(directory, "restored");
  const [code] = await once(spawnSlipway(["restore", archive, "--data-dir", restored]), "exit");
  expect(code).toBe(0);
  const copy = await start("restored");
  expect(copy.output()).toContain("jobs were interrupted");
  await expectAllFoundOnce(copy.client, await ended(copy.client, id));
}, 90_000);
