// Ends servers and runners in every way there is (campaigns/ does so at random moments, again and again), and damages what they stand on: what was acknowledged stays, what was
// asked is answered once, exits and messages say what happened, and nothing is left running.
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { Model } from "@slipway/core/graph";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { fetchChecked } from "../server/src/api/inference/open-inference.testing.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import { endlessAlways, endlessAtRun } from "./support/hostile-graphs.ts";
import { expectNothingLeaked } from "./support/leaks.ts";
import { isAlive, type ServerProcess, StartFailure, startServerProcess } from "./support/server-process.ts";

let directory: string;
let data: string;
const running: ServerProcess[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  data = path.join(directory, "data");
});
afterEach(async () => {
  for (const { child, exited } of running.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
  removeDirectory(directory);
});

async function start(...flags: string[]): Promise<ServerProcess> {
  const server = await startServerProcess(data, flags);
  running.push(server);
  return server;
}

/** What a server that does not start says: its exit code and the code of its error. */
async function startRefusal(...flags: string[]): Promise<{ exit: number | null; code: string; error: string }> {
  const failure = await startServerProcess(data, flags).then(
    (server) => {
      running.push(server);
      throw new Error("It started.");
    },
    (error: unknown) => error,
  );
  if (!(failure instanceof StartFailure)) throw failure;
  const { code, error } = JSON.parse(failure.output.trim().split("\n").at(-1)!) as { code: string; error: string };
  return { exit: failure.exit.code, code, error };
}

async function deploy(
  { client }: Pick<ServerProcess, "client">,
  name: string,
  model: Model,
  runtime: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await importModel({ client }, name, model);
  await client.deploy({
    params: { endpoint: name },
    body: { settings: { runtime: { intraOpThreads: 1, ...runtime } } },
  });
}

const pause = (delayMs: number) => new Promise((wake) => setTimeout(wake, delayMs));
const isReady = async (address: string) => (await fetchChecked(`${address}/v2/health/ready`)).status === 200;

describe("a signal", () => {
  test("to stop lets what is in flight be answered, gives up what is loading, and ends with 0", async () => {
    const server = await start();
    await deploy(server, "slow", endlessAtRun(), { runTimeoutMs: 1000, maxBatchRows: 1 });
    await importModel(server, "endless", endlessAlways());
    const ask = (value: number) => infer(server.inferenceAddress, "slow", [value, 0], [1, 2]);
    const loading = server.client
      .deploy({ params: { endpoint: "endless" }, body: {} })
      .catch((error: unknown) => error);
    const answers = [ask(2e6), ask(2), ask(3)];
    await pause(300);
    const runners = server.runners();
    server.child.kill("SIGTERM");
    expect(await loading).toMatchObject({ code: "SHUTTING_DOWN" });
    expect((await Promise.all(answers)).map(({ status, body }) => body.code ?? status)).toEqual([
      "RUN_TIMEOUT",
      200,
      200,
    ]);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('"event":"stopped"');
    expect(runners.filter(isAlive)).toEqual([]);
    expect(existsSync(path.join(data, "server.json"))).toBe(false);
  });

  test("twice ends it at once, and the next start has everything", async () => {
    const server = await start();
    await deploy(server, "slow", endlessAtRun());
    const asked = infer(server.inferenceAddress, "slow", [2e6, 0], [1, 2]).catch(() => null);
    await pause(200);
    const runners = server.runners();
    server.child.kill("SIGINT");
    await pause(700); // sooner it would be taken for the same Ctrl-C
    server.child.kill("SIGINT");
    expect(await server.exited).toEqual({ code: 130, signal: null });
    await asked;
    await expect.poll(() => runners.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    const next = await start();
    expect((await infer(next.inferenceAddress, "slow", [2, 0], [1, 2])).body.outputs?.[0]?.data).toEqual([4, 0]);
  });

  test("under load refuses or answers every request, and cuts none", async () => {
    const server = await start();
    await deploy(server, "scale", scaleModel(3));
    const outcomes = new Map<string, number>();
    const client = async () => {
      for (;;) {
        const answer = await infer(server.inferenceAddress, "scale", [1, 2], [1, 2]).catch((error: Error) => {
          const { code } = (error.cause ?? {}) as { code?: string };
          return { status: 0, body: { code } };
        });
        const outcome = answer.status === 200 ? "200" : String(answer.body.code);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (answer.status === 0) return;
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await pause(200);
    server.child.kill("SIGINT");
    await Promise.all(clients);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    // A connection that is refused, or idle when it is closed, was never asked anything.
    for (const outcome of outcomes.keys())
      expect(outcome).toMatch(/^(200|SHUTTING_DOWN|ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET)$/);
    expect(outcomes.get("200")).toBeGreaterThan(10);
  });
});

test("runners killed under load: every request is answered once and rightly, readiness tells the truth, and it recovers", async () => {
  const server = await startPlatform(data);
  onTestFinished(() => server.stop(0));
  await deploy(server, "scale", scaleModel(3), { maxDistinctDeaths: 1000 });
  const runnerPid = async () =>
    /"pid":(\d+)/.exec(
      JSON.stringify((await server.client.getEndpoint({ params: { endpoint: "scale" } })).deployments),
    )?.[1];
  const outcomes: string[] = [];
  const over = new AbortController();
  const client = async (index: number) => {
    for (let count = 0; !over.signal.aborted; count++) {
      const value = index * 10_000 + count;
      const { status, body } = await infer(server.inferenceAddress, "scale", [value, 1], [1, 2]);
      if (status === 200) expect(body.outputs![0]!.data).toEqual([3 * value, 3]);
      outcomes.push(status === 200 ? "200" : `${status} ${body.code}`);
    }
  };
  const clients = Array.from({ length: 16 }, (_, index) => client(index));
  for (let kill = 0; kill < 3; kill++) {
    await pause(150);
    const pid = await runnerPid();
    if (pid === undefined) continue;
    process.kill(Number(pid), "SIGKILL");
    await expect.poll(() => isReady(server.inferenceAddress), { interval: 5 }).toBe(false);
    await expect.poll(() => isReady(server.inferenceAddress), { interval: 20, timeout: 15_000 }).toBe(true);
    expect(await runnerPid()).not.toBe(pid);
  }
  over.abort();
  await Promise.all(clients);
  const failed = outcomes.filter((outcome) => outcome !== "200");
  for (const outcome of failed) expect(outcome).toBe("500 RUNNER_DIED");
  expect(failed.length).toBeLessThan(outcomes.length / 10);
  const metrics = await (await fetch(`${new URL(server.consoleAddress).origin}/metrics`)).text();
  const count = (name: string) =>
    Number(new RegExp(`^${name}\\{.*endpoint="scale".*\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
  expect(count("slipway_requests_admitted_total")).toBe(outcomes.length);
  expect(count("slipway_requests_answered_total")).toBe(outcomes.length - failed.length);
});

describe("a data directory", () => {
  test("or a port that another server holds is refused, and the other goes on", async () => {
    const server = await start();
    await deploy(server, "scale", scaleModel(3));
    expect(await startRefusal()).toMatchObject({
      exit: 4,
      code: "DATA_DIRECTORY_LOCKED",
      error: expect.stringContaining(`process ${server.pid}`),
    });
    const own = data;
    data = path.join(directory, "other");
    const { port } = new URL(server.inferenceAddress);
    expect(await startRefusal("--port", port)).toMatchObject({
      exit: 4,
      code: "PORT_IN_USE",
      error: expect.stringContaining(port),
    });
    expect(await startRefusal("--admin-port", port)).toMatchObject({
      exit: 4,
      code: "PORT_IN_USE",
      error: expect.stringContaining(port),
    });
    data = own;
    // Nobody but its holder needs these two.
    writeFileSync(path.join(data, "server.json"), "{garbage");
    writeFileSync(path.join(data, "holder.json"), "\0");
    expect(await startRefusal()).toMatchObject({ exit: 4, code: "DATA_DIRECTORY_LOCKED" });
    expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).status).toBe(200);
  });

  test("that disappears while the server runs: what is loaded answers, what needs it says so, and it stops well", async () => {
    const server = await start();
    await deploy(server, "scale", scaleModel(3));
    rmSync(data, { recursive: true, force: true });
    expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).status).toBe(200);
    expect((await server.client.getStatus()).isReady).toBe(true);
    const refusals = [
      importModel(server, "scale", scaleModel(4)),
      server.client.deploy({ params: { endpoint: "scale" }, body: {} }),
    ];
    for (const refusal of await Promise.allSettled(refusals)) {
      expect(refusal).toMatchObject({
        status: "rejected",
        reason: { code: expect.stringMatching(/^(DATA_DIRECTORY_LOST|BLOB_NOT_FOUND)$/) },
      });
    }
    expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).status).toBe(200);
    server.child.kill("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("whose files are damaged is refused, or says which version suffers and is healed by importing it again", async () => {
    const first = await start();
    await deploy(first, "scale", scaleModel(3));
    first.child.kill("SIGTERM");
    await first.exited;
    const database = path.join(data, "slipway.db");
    const format = path.join(data, "format");
    const spoiled: readonly (readonly [string, (file: string) => void])[] = [
      [database, (file) => writeFileSync(file, Buffer.alloc(8192, 7))],
      [database, (file) => truncateSync(file, 5000)],
      [format, (file) => writeFileSync(file, "slipway 99\n")],
      [format, (file) => writeFileSync(file, "\0")],
    ];
    for (const [file, spoil] of spoiled) {
      const sound = readFileSync(file);
      spoil(file);
      expect(await startRefusal()).toMatchObject({ exit: 6, code: "DATA_DIRECTORY_INVALID" });
      writeFileSync(file, sound);
    }
    const [blob] = readdirSync(path.join(data, "blobs"), { recursive: true, encoding: "utf8" })
      .map((name) => path.join(data, "blobs", name))
      .filter((file) => statSync(file).isFile() && file.endsWith(".blob"));
    chmodSync(blob!, 0o600);
    const bytes = readFileSync(blob!);
    bytes[bytes.indexOf(Buffer.from(Float32Array.of(3).buffer))]! ^= 1; // the factor: the model stays a model
    writeFileSync(blob!, bytes);
    writeFileSync(path.join(data, "server.json"), "\0{");
    const second = await start();
    expect(await isReady(second.inferenceAddress)).toBe(false);
    const answer = await infer(second.inferenceAddress, "scale", [1, 2], [1, 2]);
    expect(answer).toMatchObject({ status: 503, body: { code: "ENDPOINT_NOT_READY" } });
    expectNothingLeaked(JSON.stringify(answer), "an answer");
    expect(JSON.stringify(await second.client.getEndpoint({ params: { endpoint: "scale" } }))).toMatch(
      /SHA-256|damaged/,
    );
    await deploy(second, "scale", scaleModel(3));
    expect((await infer(second.inferenceAddress, "scale", [1, 2], [1, 2])).body.outputs?.[0]?.data).toEqual([3, 6]);
    expect(await isReady(second.inferenceAddress)).toBe(true);
  });

  test.skipIf(process.platform === "win32" || process.geteuid?.() === 0)(
    "that can't be written is refused (root may write anywhere, so it is not tried as root)",
    async () => {
      const first = await start();
      first.child.kill("SIGTERM");
      await first.exited;
      chmodSync(data, 0o500);
      try {
        expect(await startRefusal()).toMatchObject({ exit: 1, code: "DISK_READ_ONLY" });
      } finally {
        chmodSync(data, 0o700);
      }
    },
  );
});
