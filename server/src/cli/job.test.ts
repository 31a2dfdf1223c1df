// Jobs as a person meets them: measuring against a running server and without one, followed, left, cancelled and resumed.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createPlatform } from "../platform.ts";
import type { JobView } from "slipway/client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { importModel, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "../../../test/platform.ts";
import { loopingModel, loopingRows } from "../../../test/support/slow-quality.ts";
import { cli } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";
import type { RunningServer } from "./platform.ts";

const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });
const QUALITY = ["quality", "--data", "looping", "--input", "x=inputs.npy", "--labels", "labels.npy"];

let directory: string;
let server: RunningServer | null = null;
const data = () => path.join(directory, "data");
const call = (arguments_: readonly string[], options: Parameters<typeof cli>[1] = {}) =>
  cli([...arguments_, "--data-dir", data()], { loadPlatform, workingDirectory: directory, ...options });
async function json<Answer = JobView>(...arguments_: string[]): Promise<Answer> {
  const { code, out, err } = await call([...arguments_, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Answer;
}
const start = async () => (server = await startPlatform(data()));
const stop = async () => {
  await server?.stop(0);
  server = null;
};

beforeAll(async () => {
  directory = temporaryDirectory();
  const { inputs, labels } = loopingRows(1, 2 ** 40);
  writeFileSync(path.join(directory, "inputs.npy"), inputs);
  writeFileSync(path.join(directory, "labels.npy"), labels);
  await importModel(await start(), "slow", loopingModel());
  await stop();
});
afterEach(stop);
afterAll(() => removeDirectory(directory));

test("with a server, measuring is a job that can be left to itself, listed, shown and watched", async () => {
  await start();
  const [size] = await json<{ id: string; kind: string }[]>("measure", "slow", "size");
  expect(size!.kind).toBe("size");
  const queued = await json("measure", "slow", "size", "compute", "--detach", "--reason", "to know");
  expect(queued).toMatchObject({ state: "queued", kind: "measure", subject: "slow@1", reason: "to know" });
  const text = await call(["job", "watch"]);
  expect(text).toMatchObject({ code: 0, err: expect.stringContaining("measure slow@1") });
  expect(text.out).toMatch(/size\.file[\s\S]*compute\.macs/);
  const shown = await json("job", "show", queued.id);
  expect(shown).toMatchObject({ state: "succeeded", result: { evidence: [expect.any(String), expect.any(String)] } });
  expect(await json("job", "watch", queued.id)).toEqual(shown);
  expect((await call(["job", "show"])).out).toMatch(/state +succeeded[\s\S]*by administration: to know/);
  const listed = await json<JobView[]>("job", "list", "--of", "slow@1", "--limit", "1");
  expect(listed).toEqual([shown]);
  expect((await call(["job", "list", "--state", "failed"])).out).toBe("No jobs.\n");
  expect((await call(["job", "list"])).out).toMatch(new RegExp(`${queued.id} +measure +slow@1 +succeeded`));
}, 60_000);

test("Ctrl-C cancels what is waited for, leaves what is only watched, and it can be resumed", async () => {
  await start();
  const interrupt = new AbortController();
  const measuring = call(["measure", "slow", "size", ...QUALITY], { signal: interrupt.signal });
  const progress = async () => (await server!.client.listJobs({ query: { limit: 1 } }))[0]?.progress?.text;
  await expect.poll(progress, { timeout: 20_000 }).toMatch(/^2 of 2, quality/);
  const [{ id }] = (await server!.client.listJobs({ query: { limit: 1 } })) as [JobView];

  const leave = new AbortController();
  const watching = call(["job", "watch"], { signal: leave.signal, onErr: () => leave.abort() });
  expect(await watching).toMatchObject({
    code: EXITS.interrupted.code,
    out: "",
    err: expect.stringContaining(`The job ${id} goes on. Watch it again: slipway job watch ${id}`),
  });
  expect(await json("job", "show", id)).toMatchObject({ state: "running", cancelAskedAt: null });

  interrupt.abort();
  const cancelled = await measuring;
  expect(cancelled).toMatchObject({ code: EXITS.interrupted.code, out: "" });
  expect(cancelled.err).toContain(`What it found until then is kept. \`slipway job resume ${id}\` goes on from there.`);
  const { out } = await call(["measure", "slow", "quality", "--show"]);
  expect(out).toBe("Nothing was measured of slow@1 yet.\n");

  expect(await json("job", "resume", id, "--detach")).toMatchObject({ state: "queued" });
  await expect.poll(() => json("job", "show", id), { timeout: 10_000 }).toMatchObject({ state: "running" });
  expect(await json("job", "cancel", id)).toMatchObject({ state: "cancelled" });
  expect((await call(["job", "cancel", id])).out).toBe("measure slow@1: cancelled.\n");
}, 60_000);

test("a job that fails says why, and with what a measurement would have", async () => {
  await start();
  const wrong = await call(["measure", "slow", "compute", "--axis", "M=4"]);
  expect(wrong).toMatchObject({ code: EXITS.invalid.code, out: "" });
  expect(wrong.err).toContain('PARAMETER_INVALID The model has no axis "M"');
  const { out } = await call(["job", "show"]);
  expect(out).toMatch(/state +failed[\s\S]*error +PARAMETER_INVALID The model has no axis "M"/);
  const [{ id }] = await json<[JobView]>("job", "list", "--state", "failed");
  // Nothing has changed, so it fails again.
  expect(await call(["job", "resume", id, "--json"])).toMatchObject({ code: EXITS.invalid.code });
}, 60_000);

test("deploying fills what the launch policy asks for through a job, and goes on", async () => {
  await importModel(await start(), "fresh", scaleModel(2));
  writeFileSync(path.join(directory, "policy.yaml"), "requirements: [size <= 1 MB]\n");
  await json("policy", "set", "fresh", "policy.yaml");
  expect(await call(["deploy", "fresh"])).toMatchObject({ code: EXITS.refused.code });
  const deployed = await json<{ gate: object }>("deploy", "fresh", "--measure");
  expect(deployed.gate).toMatchObject({ verdict: "yes", isOverridden: false });
  const asked = { state: "succeeded", order: { what: ["size"] } };
  expect(await json("job", "list", "--of", "fresh@1")).toMatchObject([asked]);
  await json("deploy", "fresh", "--measure");
  expect(await json("job", "list", "--of", "fresh@1")).toHaveLength(1); // nothing was unknown
}, 60_000);

test("without a server a job waits, or is carried out by the command that asks for it", async () => {
  const queued = await json("measure", "slow", "size", "--detach");
  const text = await call(["measure", "slow", "size", "--detach"]);
  expect(text.out).toMatch(/It begins when a server starts, or now with: slipway job resume/);
  expect(await call(["job", "watch", queued.id])).toMatchObject({
    code: EXITS.unavailable.code,
    err: expect.stringContaining(`carry it out now: slipway job resume ${queued.id}`),
  });
  expect(await json("job", "resume", queued.id)).toMatchObject({ state: "succeeded" });
  const interrupt = new AbortController();
  const begun = (text: string) => text.includes("Measuring") && setTimeout(() => interrupt.abort(), 300);
  const stopped = await call(["measure", "slow", ...QUALITY], { signal: interrupt.signal, onErr: begun });
  expect(stopped).toMatchObject({ code: EXITS.interrupted.code });
  const states = async () => (await json<JobView[]>("job", "list", "--limit", "3")).map(({ state }) => state);
  expect(await states()).toEqual(["cancelled", "queued", "succeeded"]);
  await start();
  await expect.poll(states, { timeout: 10_000 }).toEqual(["cancelled", "succeeded", "succeeded"]);
}, 60_000);

test("a server of one command leaves what waits to the next real one", async () => {
  const { id } = await json("measure", "slow", "size", "--detach");
  expect((await call(["infer", "slow", "--input", "x=[[1, 0]]"])).err).toContain("ENDPOINT_NOT_FOUND");
  expect(await json("job", "show", id)).toMatchObject({ state: "queued", startedAt: null });
  await json("job", "cancel", id);
});

test.each([
  [["job", "begin"], EXITS.usage.code, 'There is no "job begin"; there is slipway job list'],
  [["job", "cancel"], EXITS.usage.code, "Which job?"],
  [["job", "list", "x"], EXITS.usage.code, "slipway job show x"],
  [["job", "show", "x"], EXITS.notFound.code, 'There is no job "x"'],
  [["job", "list", "--limit", "0"], EXITS.usage.code, '--limit is "0"; it must be a number from 1 to 1000'],
  [["measure", "slow", "quality"], EXITS.invalid.code, "Quality is measured on labelled rows, and none were given"],
])("%j is refused, and why", async (arguments_, code, why) => {
  expect(await call(arguments_)).toMatchObject({ code, err: expect.stringContaining(why) });
});
