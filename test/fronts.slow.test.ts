// Several front processes on one port: they answer as one server would, also while versions switch, runners die and fronts
// die; what they count adds up; and nothing of them is left.
import { mkdirSync, readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { importModel, infer, removeDirectory, scaleModel, temporaryDirectory } from "./platform.ts";
import { endlessAtRun } from "./support/hostile-graphs.ts";
import { childrenOf, isAlive, type ServerProcess, startServerProcess } from "./support/server-process.ts";

const FRONTS = 2;
const PATIENT = { timeout: 25_000, interval: 200 };
let directory: string;
let server: ServerProcess;

beforeEach(async () => {
  directory = temporaryDirectory();
  server = await startServerProcess(path.join(directory, "data"), ["--fronts", String(FRONTS)]);
});
afterEach(async () => {
  server.child.kill("SIGKILL");
  await server.exited;
  removeDirectory(directory);
});

/** Processes of the server by the script they run. */
function processes(script: string, { pid: parent } = server): number[] {
  return childrenOf(parent).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(script);
    } catch {
      return false;
    }
  });
}

async function deploy(name: string, factor: number, settings: object = {}): Promise<number> {
  const number = await importModel(server, name, scaleModel(factor));
  await server.client.deploy({ params: { endpoint: name }, body: { name, number, settings } });
  return number;
}

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly version: string;
  readonly y: readonly number[];
  readonly inferenceId: string;
}

/** One request on a connection of its own, so that any front may get it; null where the connection was cut. */
function ask(name: string, x: readonly number[], timeoutMs = 20_000): Promise<Answer | null> {
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [1, x.length], datatype: "FP32", data: x }] });
  return new Promise((resolve) => {
    const sent = httpRequest(
      `${server.inferenceAddress}/v2/models/${name}/infer`,
      { method: "POST", agent: new Agent(), headers: { "slipway-timeout-ms": String(timeoutMs) } },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("error", () => resolve(null));
        response.on("end", () => {
          const answer = JSON.parse(text) as { code?: string; model_version?: string; outputs?: { data: number[] }[] };
          resolve({
            status: response.statusCode!,
            code: answer.code ?? "OK",
            version: answer.model_version ?? "",
            y: answer.outputs?.[0]?.data ?? [],
            inferenceId: String(response.headers["slipway-inference-id"]),
          });
        });
      },
    );
    sent.on("error", () => resolve(null));
    sent.end(body);
  });
}

/** Asks again and again, `width` at a time, until told to stop; answers everything it heard. */
function askAll(name: string, width = 8): { stop: () => Promise<{ x: number; answer: Answer | null }[]> } {
  const heard: { x: number; answer: Answer | null }[] = [];
  const stopping = new AbortController();
  let next = 0;
  const workers = Array.from({ length: width }, async () => {
    while (!stopping.signal.aborted) {
      const x = next++;
      heard.push({ x, answer: await ask(name, [x, x]) });
    }
  });
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(workers);
      return heard;
    },
  };
}

async function metric(pattern: RegExp): Promise<number> {
  const { origin } = new URL(server.consoleAddress);
  const text = await (await fetch(`${origin}/metrics`)).text();
  return text.split("\n").reduce((sum, line) => (pattern.test(line) ? sum + Number(line.split(" ").at(-1)) : sum), 0);
}

describe.skipIf(process.platform !== "linux")("several fronts", () => {
  test("answer as one server, each with requests of its own, and what they count adds up", async () => {
    await deploy("scale", 3);
    expect(processes("front-main")).toHaveLength(FRONTS);
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask("scale", [i, 1])));
    answers.forEach((answer, i) => expect(answer).toMatchObject({ status: 200, version: "1", y: [3 * i, 3] }));
    // Ids begin with what is each front's own.
    expect(new Set(answers.map((answer) => answer!.inferenceId.slice(0, 10))).size).toBeGreaterThan(1);
    expect(new Set(answers.map((answer) => answer!.inferenceId)).size).toBe(60);
    expect(await ask("absent", [1, 1])).toMatchObject({ status: 404, code: "ENDPOINT_NOT_FOUND" });
    expect(await metric(/^slipway_requests_answered_total\{/)).toBe(60);
    expect(await metric(/^slipway_http_answers_total\{.*code="OK"/)).toBe(60);
    expect(await metric(/^slipway_http_answers_total\{.*code="ENDPOINT_NOT_FOUND"/)).toBe(1);
    // The protocol's statistics and index are the whole server's, whichever front is asked.
    for (let i = 0; i < 6; i++) {
      const agent = { headers: { connection: "close" } };
      const stats = (await (await fetch(`${server.inferenceAddress}/v2/models/scale/stats`, agent)).json()) as {
        model_stats: { inference_count: number }[];
      };
      expect(stats.model_stats[0]!.inference_count).toBe(60);
    }
  });

  test("switch versions together, and lose no request doing so", async () => {
    await deploy("scale", 1);
    const load = askAll("scale");
    for (let factor = 2; factor <= 4; factor++) {
      await deploy("scale", factor);
      // Once a deployment was acknowledged, no front answers with what was before.
      const after = await Promise.all(Array.from({ length: 12 }, () => ask("scale", [1, 1])));
      for (const answer of after)
        expect(answer).toMatchObject({ status: 200, version: String(factor), y: [factor, factor] });
    }
    await server.client.rollback({ params: { endpoint: "scale" }, body: {} });
    const heard = await load.stop();
    for (const { x, answer } of heard) {
      expect(answer).toMatchObject({ status: 200 });
      expect(answer!.y).toEqual([x * Number(answer!.version), x * Number(answer!.version)]);
    }
    expect(await ask("scale", [1, 1])).toMatchObject({ version: "3" });
    await server.client.unload({ params: { endpoint: "scale" }, body: {} });
    const gone = await Promise.all(Array.from({ length: 12 }, () => ask("scale", [1, 1])));
    for (const answer of gone) expect(answer!.status).toBe(404);
    expect(processes("runner-main")).toEqual([]);
  });

  test("roll back to what is still answering its last request", async () => {
    const number = await importModel(server, "hang", endlessAtRun());
    const runtime = { runTimeoutMs: 5000 };
    const params = { endpoint: "e" };
    await server.client.deploy({ params, body: { name: "hang", number, settings: { runtime } } });
    const last = ask("e", [2e6, 0]);
    await expect.poll(() => metric(/^slipway_requests_admitted_total\{/), PATIENT).toBe(1);
    const other = await importModel(server, "scale", scaleModel(3));
    await server.client.deploy({ params, body: { name: "scale", number: other, settings: {} } });
    const answers = async () => await Promise.all(Array.from({ length: 12 }, () => ask("e", [1, 0])));
    for (const answer of await answers()) expect(answer).toMatchObject({ status: 200, y: [3, 0] });
    await server.client.rollback({ params, body: {} });
    for (const answer of await answers()) expect(answer).toMatchObject({ status: 200, y: [2, 0] });
    expect(await last).toMatchObject({ code: "RUN_TIMEOUT" });
    await expect.poll(() => processes("runner-main").length, PATIENT).toBe(1);
    for (const answer of await answers()) expect(answer).toMatchObject({ status: 200, y: [2, 0] });
    await server.client.unload({ params, body: {} });
    expect(processes("runner-main")).toEqual([]);
  });

  test("answer every request once when runners are killed", async () => {
    await deploy("scale", 2, { runtime: { instances: 2, intraOpThreads: 1 } });
    const load = askAll("scale");
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const pid of processes("runner-main")) process.kill(pid, "SIGKILL");
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const heard = await load.stop();
    for (const { x, answer } of heard) {
      // A request that ran alone whenever its runner was killed is held to be the cause; nobody else fails.
      expect(["OK", "RUNNER_DIED"]).toContain(answer!.code);
      if (answer!.code === "OK") expect(answer!.y).toEqual([2 * x, 2 * x]);
    }
    expect(heard.filter(({ answer }) => answer!.code === "OK").length).toBeGreaterThan(heard.length / 2);
    expect(await ask("scale", [5, 5])).toMatchObject({ status: 200, y: [10, 10] });
  });

  test("find the request that hangs, wherever it came from, and quarantine together", async () => {
    const number = await importModel(server, "hang", endlessAtRun());
    const runtime = { runTimeoutMs: 300, maxDistinctDeaths: 3, maxBatchRows: 4 };
    await server.client.deploy({ params: { endpoint: "hang" }, body: { name: "hang", number, settings: { runtime } } });
    const codes: string[] = [];
    for (let i = 1; i <= 4; i++) {
      const [hanging, ...mates] = await Promise.all([
        ask("hang", [2e6 + i, 0]),
        ...Array.from({ length: i <= 2 ? 6 : 0 }, () => ask("hang", [i, 0])),
      ]);
      codes.push(hanging!.code);
      for (const mate of mates) expect(mate).toMatchObject({ status: 200, y: [2 * i, 0] });
    }
    expect(codes.slice(0, 3)).toEqual(["RUN_TIMEOUT", "RUN_TIMEOUT", "RUN_TIMEOUT"]);
    expect(codes.slice(3)).toEqual(["DEPLOYMENT_QUARANTINED"]);
    await server.client.release({ params: { endpoint: "hang" } });
    const ready = await fetch(`${server.inferenceAddress}/v2/models/hang/ready`, { headers: { connection: "close" } });
    expect(ready.status).toBe(200);
  });

  test("go on when one is killed, and it comes back knowing everything", async () => {
    await deploy("scale", 2);
    await deploy("other", 5);
    const before = new Set(processes("front-main"));
    const load = askAll("scale", 4);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [victim] = before;
    process.kill(victim!, "SIGKILL");
    // Back once answers come from as many as before; ids begin with what is each front's own.
    const origins = async (): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask("scale", [1, 1])));
      return new Set(answers.map((answer) => answer?.inferenceId.slice(0, 10))).size;
    };
    await expect.poll(() => processes("front-main").filter((pid) => !before.has(pid)).length, PATIENT).toBe(1);
    await expect.poll(origins, PATIENT).toBe(FRONTS);
    const heard = await load.stop();
    // Only what was on its connections is cut.
    expect(heard.filter(({ answer }) => answer === null).length).toBeLessThanOrEqual(8);
    for (const { answer } of heard) if (answer !== null) expect(answer.code).toBe("OK");
    const after = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i % 2 === 0 ? "scale" : "other", [1, 1])));
    after.forEach((answer, i) => expect(answer).toMatchObject({ status: 200, y: i % 2 === 0 ? [2, 2] : [5, 5] }));
    const admitted = await metric(/^slipway_requests_admitted_total\{/);
    const answered = await metric(/^slipway_requests_answered_total\{/);
    const failed = await metric(/^slipway_requests_failed_total\{/);
    expect(admitted).toBe(answered + failed);
  });

  test("drain and end with the server, and do not outlive it", async () => {
    await deploy("scale", 2);
    const all = [...processes("front-main"), ...processes("runner-main")];
    expect(all).toHaveLength(FRONTS + 1);
    const load = askAll("scale", 4);
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.child.kill("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const heard = await load.stop().catch(() => []);
    expect(heard.some(({ answer }) => answer?.code === "OK")).toBe(true);
    await expect.poll(() => all.filter(isAlive), { timeout: 5000 }).toEqual([]);
  });

  test("end when the server is killed", async () => {
    await deploy("scale", 2);
    const all = [...processes("front-main"), ...processes("runner-main")];
    server.child.kill("SIGKILL");
    await server.exited;
    await expect.poll(() => all.filter(isAlive), { timeout: 5000 }).toEqual([]);
  });

  test("are no more ready than the server is, also when one comes back", async () => {
    await deploy("scale", 2);
    server.child.kill("SIGTERM");
    await server.exited;
    const flags = ["--fronts", String(FRONTS), "--memory-budget-bytes", "1MiB"];
    server = await startServerProcess(path.join(directory, "data"), flags);
    const seen = async () => {
      const ready = await fetch(`${server.inferenceAddress}/v2/health/ready`, { headers: { connection: "close" } });
      return [ready.status, (await ask("scale", [1, 1]))?.code];
    };
    const missed = Array.from({ length: 12 }, () => [400, "ENDPOINT_NOT_READY"]);
    const all = async () => await Promise.all(missed.map(seen));
    expect(await all()).toEqual(missed);
    const before = new Set(processes("front-main"));
    const [victim] = before;
    process.kill(victim!, "SIGKILL");
    await expect.poll(() => processes("front-main").filter((pid) => !before.has(pid)).length, PATIENT).toBe(1);
    await expect.poll(async () => await all().catch(() => []), PATIENT).toEqual(missed);
    await server.client.unload({ params: { endpoint: "scale" }, body: {} });
    const gone = Array.from({ length: 12 }, () => [200, "ENDPOINT_NOT_FOUND"]);
    expect(await Promise.all(gone.map(seen))).toEqual(gone);
  });

  test("refuse to deploy where they can't be linked to the runners", async () => {
    // A socket's address has about a hundred characters.
    const TMPDIR = path.join(directory, "t".repeat(120));
    mkdirSync(TMPDIR);
    const other = await startServerProcess(path.join(directory, "other"), ["--fronts", "2"], { TMPDIR });
    try {
      const number = await importModel(other, "scale", scaleModel(2));
      const deploying = other.client.deploy({
        params: { endpoint: "e" },
        body: { name: "scale", number, settings: {} },
      });
      await expect(deploying).rejects.toMatchObject({ code: "MODEL_LOAD_FAILED" });
      expect(processes("runner-main", other)).toEqual([]);
    } finally {
      other.child.kill("SIGKILL");
      await other.exited;
    }
  });

  test("share the port with nobody else", async () => {
    const port = new URL(server.inferenceAddress).port;
    await expect(startServerProcess(path.join(directory, "second"), ["--fronts", "2", "--port", port])).rejects.toThrow(
      "PORT_IN_USE",
    );
    await deploy("scale", 2);
    expect(await infer(server.inferenceAddress, "scale", [1, 1], [1, 2])).toMatchObject({ status: 200 });
  });
});
