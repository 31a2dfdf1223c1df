import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createGraph,
  createModel,
  createNode,
  createValueInfo,
  type GraphBuilder,
  graphBuilder,
} from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RuntimeSettings } from "#config";
import { containmentOf } from "./containment.ts";
import { createExecutor, type ExecutorOptions } from "./create-executor.ts";
import type { Executor, RunOutcome } from "./executor.ts";
import { LongTurns } from "./long-turns.ts";
import type { ModelFiles } from "./model-files.ts";
import { processRunner } from "./runner-process.ts";
import { systemClock } from "./system-clock.ts";

const isLinux = process.platform === "linux";
/** As stored blobs have it: a header before the payload. */
const OFFSET = 4096;

let directory: string;
const open: Executor[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-test-"));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
  // Every runner's directory went with it.
  expect((await readdir(directory)).filter((name) => name.startsWith("slipway-runner-"))).toEqual([]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let files = 0;
async function store(bytes: Uint8Array): Promise<ModelFiles> {
  const path = join(directory, `blob-${files++}`);
  await writeFile(path, Buffer.concat([Buffer.alloc(OFFSET, 7), bytes]));
  return { model: { name: "model.onnx", path, offset: OFFSET, sizeBytes: bytes.byteLength }, externalData: [] };
}

async function storeGraph(build: (graph: GraphBuilder) => void): Promise<ModelFiles> {
  const graph = graphBuilder({ opset: 17 });
  build(graph);
  return store(bytesFromModel(graph.model()));
}

async function serve(
  model: ModelFiles,
  settings: Partial<RuntimeSettings> = {},
  options: Partial<ExecutorOptions> = {},
): Promise<Executor> {
  const executor = await createExecutor({
    model,
    settings: RuntimeSettings.parse({ intraOpThreads: 1, ...settings }),
    clock: systemClock,
    randomBytes,
    scratchDirectory: directory,
    ...options,
  });
  open.push(executor);
  return executor;
}

async function run(executor: Executor, values: readonly number[], timeoutMs = 20_000): Promise<RunOutcome> {
  const data = Float32Array.from(values);
  const outputs = executor.signature.outputs.map(({ name }) => name);
  return new Promise((resolve) => {
    const inputs = [{ name: "x", dtype: "float32" as const, shape: [1, data.length], data }];
    executor.run({ inputs, outputs, rows: 1, deadline: systemClock.now() + timeoutMs }, resolve);
  });
}

function codeOf(outcome: RunOutcome): string {
  return outcome.ok ? "ok" : outcome.error.code;
}

/** y = 2x. */
const twice = (graph: GraphBuilder): void => {
  const x = graph.input("x", "float32", ["N", 2]);
  graph.output("y", graph.op("Mul", [x, graph.values("float32", [2])]), "float32", ["N", 2]);
};

/** y = 2x, after as many turns as the largest x is over 100 000; above a million it never ends. */
const looping = (graph: GraphBuilder): void => {
  const x = graph.input("x", "float32", ["N", 2]);
  const over = graph.op("Sub", [graph.op("ReduceMax", [x], { keepdims: 0 }), graph.values("float32", [100_000], [])]);
  const isEndless = graph.op("Greater", [over, graph.values("float32", [1_000_000], [])]);
  const endless = graph.values("int64", [2n ** 62n], []);
  const turns = graph.op("Cast", [graph.op("Relu", [over])], { to: 7 });
  const count = graph.op("Where", [isEndless, endless, turns]);
  const body = graph.subgraph("body", (inner) => {
    inner.input("i", "int64", []);
    const going = inner.input("going", "bool", []);
    const carried = inner.input("carried", "float32", []);
    inner.output("going_on", inner.op("Identity", [going]), "bool", []);
    inner.output("carried_on", inner.op("Mul", [carried, inner.values("float32", [1], [])]), "float32", []);
  });
  const start = graph.values("float32", [1], []);
  const one = graph.op("Loop", [count, graph.values("bool", [true], []), start], { body });
  const scaled = graph.op("Mul", [x, graph.values("float32", [2])]);
  graph.output("y", graph.op("Mul", [scaled, one]), "float32", ["N", 2]);
};

describe("a deployment", () => {
  it("answers from a contained process", async () => {
    const executor = await serve(await storeGraph(twice));
    expect(await run(executor, [1, 2])).toMatchObject({
      ok: true,
      outputs: [{ name: "y", dtype: "float32", shape: [1, 2], data: Float32Array.of(2, 4) }],
    });
    expect(executor.batching).toEqual({ mode: "dynamic", maxRows: 32, reason: null, padAxis: null });
    const status = executor.status();
    expect(status).toMatchObject({ state: "ready", intraOpThreads: 1, deaths: [] });
    expect(status.backend).toMatch(/^onnxruntime-node \d/);
    const { pid, residentBytes } = status.runners[0]!;
    expect(pid).not.toBe(process.pid);
    if (!isLinux) return;
    expect(residentBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(await readFile(`/proc/${pid}/environ`, "utf8")).toBe("");
    const cwd = await readlink(`/proc/${pid}/cwd`);
    // The directory it was given, empty and without a name by now.
    expect(cwd).toMatch(/slipway-runner-.* \(deleted\)$/);
    expect(await readdir(`/proc/${pid}/cwd/`)).toEqual([]);
    expect((await readdir(directory)).filter((name) => name.startsWith("slipway-runner-"))).toEqual([]);
    // No file of the server's but standard streams, the link, and what Node opened itself.
    for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      expect(target).toMatch(/^$|^(socket|pipe|anon_inode|eventpoll)|^\/dev\/(null|urandom)$|^\/proc\/|^\/sys\//);
    }
  });

  it("answers inside this process when it is inline", async () => {
    const executor = await serve(await storeGraph(twice), { inline: true });
    expect(await run(executor, [1, 2])).toMatchObject({ ok: true, outputs: [{ data: Float32Array.of(2, 4) }] });
    expect(executor.status().runners[0]!.pid).toBeNull();
    expect(executor.status().containment[0]).toContain("none");
  });

  it("batches requests in flight at once", async () => {
    const executor = await serve(await storeGraph(looping), { maxBatchRows: 8 });
    const blocker = run(executor, [140_000, 0]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const outcomes = await Promise.all([1, 2, 3, 4].map((value) => run(executor, [value, 0])));
    for (const [i, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject({ ok: true, outputs: [{ data: Float32Array.of(2 * (i + 1), 0) }] });
    }
    expect(outcomes.some((outcome) => outcome.ok && outcome.times.batchRequests > 1)).toBe(true);
    expect(codeOf(await blocker)).toBe("ok");
  });

  it("says why it does not batch", async () => {
    const fixed = await serve(
      await storeGraph((graph) =>
        graph.output("y", graph.op("Neg", [graph.input("x", "float32", [1, 2])]), "float32", [1, 2]),
      ),
    );
    expect(fixed.batching).toMatchObject({
      mode: "off",
      reason: expect.stringContaining('"x" has a fixed first axis of 1'),
    });
    const mixing = await serve(
      await storeGraph((graph) => {
        const x = graph.input("x", "float32", ["N", 2]);
        graph.output("y", graph.op("Softmax", [x], { axis: 0 }), "float32", ["N", 2]);
      }),
    );
    expect(mixing.batching).toMatchObject({ mode: "off", reason: expect.stringContaining("Rows are not independent") });
    expect(codeOf(await run(mixing, [1, 2]))).toBe("ok");
  });

  it("refuses inputs the engine refuses without harming their batch mates", async () => {
    const executor = await serve(await storeGraph(twice));
    const outcomes = await Promise.all([run(executor, [1, 2]), run(executor, [1, 2, 3]), run(executor, [3, 4])]);
    expect(outcomes.map(codeOf)).toEqual(["ok", "RUN_FAILED", "ok"]);
    expect(executor.status().deaths).toEqual([]);
  });

  it("refuses what can't be loaded, and leaves nothing running", async () => {
    const valid = await storeGraph(twice);
    const garbage = await store(randomBytes(5_000));
    await expect(serve(garbage)).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_(MALFORMED|INVALID|UNSUPPORTED)$/),
    });
    const missing = { ...valid, model: { ...valid.model, path: join(directory, "none") } };
    await expect(serve(missing)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    const short = { ...valid, model: { ...valid.model, sizeBytes: 1e6 } };
    await expect(serve(short)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    await expect(serve(valid, { executionProviders: ["abacus"] })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(serve(valid, { instances: 2, intraOpThreads: 64 }, { cores: 4 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });

  it("gives a load up on a signal", async () => {
    const controller = new AbortController();
    const loading = serve(await storeGraph(twice), {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(loading).rejects.toMatchObject({ code: "REQUEST_CANCELLED" });
  });
});

describe("a hostile model", () => {
  it("that never ends is killed, and only the request that ran it is told so", async () => {
    const executor = await serve(await storeGraph(looping), { runTimeoutMs: 700 });
    const blocker = run(executor, [130_000, 0]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [endless, ...mates] = await Promise.all([
      run(executor, [5_000_000, 0]),
      run(executor, [1, 0]),
      run(executor, [2, 0]),
    ]);
    expect(codeOf(await blocker)).toBe("ok");
    expect(codeOf(endless)).toBe("RUN_TIMEOUT");
    expect(mates.map(codeOf)).toEqual(["ok", "ok"]);
    expect(codeOf(await run(executor, [3, 0]))).toBe("ok");
    expect(executor.status().deaths.at(-1)).toMatchObject({
      cause: "run-timeout",
      inputFingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it("that never ends while it loads is given up", async () => {
    const model = await storeGraph((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      const body = graph.subgraph("body", (inner) => {
        inner.input("i", "int64", []);
        const going = inner.input("going", "bool", []);
        const carried = inner.input("carried", "float32", null);
        inner.output("going_on", inner.op("Identity", [going]), "bool", []);
        inner.output("carried_on", inner.op("Neg", [carried]), "float32", null);
      });
      const trips = graph.values("int64", [2n ** 62n], []);
      graph.output("y", graph.op("Loop", [trips, graph.values("bool", [true], []), x], { body }), "float32", null);
    });
    await expect(serve(model, { loadTimeoutMs: 800 })).rejects.toMatchObject({ code: "MODEL_LOAD_TIMEOUT" });
  });

  it("that asks for more memory than its ceiling is stopped", async () => {
    // y = the mean of as many zeros as x[0] asks for, times x.
    const model = await storeGraph((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      const size = graph.op("Cast", [graph.op("Abs", [graph.op("ReduceMax", [x], { keepdims: 0 })])], { to: 7 });
      const shape = graph.op("Unsqueeze", [size, graph.values("int64", [0])]);
      const many = graph.op("ConstantOfShape", [graph.op("Add", [shape, graph.values("int64", [1])])]);
      const mean = graph.op("ReduceMean", [graph.op("Exp", [many])], { keepdims: 0 });
      graph.output("y", graph.op("Mul", [x, mean]), "float32", ["N", 2]);
    });
    const executor = await serve(model, { memoryLimitBytes: 512 * 2 ** 20 });
    expect(codeOf(await run(executor, [4, 0]))).toBe("ok");
    expect(codeOf(await run(executor, [1_500_000_000, 0]))).toBe("RUNNER_MEMORY");
    expect(codeOf(await run(executor, [5, 0]))).toBe("ok");
  });

  it("that is a bomb to constant folding does not take the server's memory", async () => {
    const model = await storeGraph((graph) => {
      const shape = graph.values("int64", [20_000, 20_000]);
      const folded = graph.op("Neg", [graph.op("ConstantOfShape", [shape])]);
      const total = graph.op("ReduceSum", [folded], { keepdims: 0 });
      graph.output("y", graph.op("Add", [graph.input("x", "float32", ["N", 2]), total]), "float32", ["N", 2]);
    });
    const before = process.memoryUsage.rss();
    const loading = serve(model, { memoryLimitBytes: 512 * 2 ** 20 });
    // It loads, for nothing is folded; running it is refused or ends its runner.
    const code = await loading.then(
      async (executor) => codeOf(await run(executor, [1, 1])),
      (error: { code: string }) => error.code,
    );
    expect(["MODEL_TOO_LARGE", "RUNNER_MEMORY"]).toContain(code);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20);
  });

  it("that names a file of the machine is refused", async () => {
    await writeFile(join(directory, ".env"), "SECRET=hunter2-hunter2");
    const reference = (name: string, location: string, dtype: "float32" | "int64") => ({
      kind: "initializer" as const,
      name,
      dtype,
      shape: [2],
      data: {
        kind: "external" as const,
        reference: { location, offset: 0, length: 8, checksum: null, others: new Map() },
      },
      docString: "",
      metadata: new Map(),
      extra: [],
    });
    const graph = createGraph({
      name: "g",
      inputs: [createValueInfo("x", { kind: "tensor", dtype: "float32", shape: [4] })],
      outputs: [createValueInfo("y", { kind: "tensor", dtype: "float32", shape: [4] })],
      sparseInitializers: [
        {
          kind: "sparse-initializer",
          values: reference("w", ".env", "float32"),
          indices: reference("i", ".env", "int64"),
          shape: [4],
          extra: [],
        },
      ],
      nodes: [createNode({ opType: "Add", inputs: ["x", "w"], outputs: ["y"] })],
    });
    const model = await store(bytesFromModel(createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph })));
    for (const inline of [false, true]) {
      await expect(serve(model, { inline })).rejects.toMatchObject({ code: "MODEL_UNSAFE" });
    }
  });
});

describe.runIf(isLinux)("processes", () => {
  it("a request whose runner is killed from outside is answered by the next", async () => {
    const executor = await serve(await storeGraph(looping));
    const first = executor.status().runners[0]!.pid!;
    const outcome = run(executor, [400_000, 0]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    process.kill(first, "SIGKILL");
    expect(await outcome).toMatchObject({ ok: true, outputs: [{ data: Float32Array.of(800_000, 0) }] });
    const status = executor.status();
    expect(status.runners[0]!.pid).not.toBe(first);
    expect(status.deaths).toMatchObject([
      { cause: "crash", text: expect.stringContaining("SIGKILL"), inputFingerprint: null },
    ]);
  });

  it("leaves no name of the runner's directory, even while it starts", async () => {
    const scratchDirectory = await mkdtemp(join(tmpdir(), "slipway-scratch-"));
    const containment = await containmentOf({ memoryLimitBytes: 2 ** 32, files: [] });
    expect(containment.endsWithParent).toBe(true);
    const exited = Promise.withResolvers<void>();
    const others = {
      scratchDirectory,
      environment: {},
      isShared: false,
      clock: systemClock,
      longTurns: new LongTurns(systemClock),
    };
    const deaf = { receive: () => undefined, isAwaited: () => false, flush: () => undefined };
    const start = processRunner({ containment, ...others });
    const runner = start({ ...deaf, exited: () => exited.resolve() });
    expect(await readdir(scratchDirectory)).toEqual([]);
    runner.kill();
    await exited.promise;
    expect(() =>
      processRunner({ containment: { ...containment, command: ["\0"] }, ...others })({
        ...deaf,
        exited: () => undefined,
      }),
    ).toThrow();
    await rmdir(scratchDirectory);
  });

  it("a terminal's interrupt does not reach the runners", async () => {
    const executor = await serve(await storeGraph(twice));
    const { pid } = executor.status().runners[0]!;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid!, signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(codeOf(await run(executor, [1, 2]))).toBe("ok");
    expect(executor.status().runners[0]!.pid).toBe(pid);
  });

  for (const how of ["by the kernel", "by watching"] as const) {
    it(`no runner outlives a server that was killed, though it runs for ever (${how})`, async () => {
      const model = await storeGraph(looping);
      const script = join(directory, "server.ts");
      const scratchDirectory = await mkdtemp(join(directory, "scratch-"));
      await writeFile(script, serverScript(model, scratchDirectory, how === "by watching"));
      const server = spawn(
        process.execPath,
        ["--conditions=source", "--input-type=module-typescript", "-e", await readFile(script, "utf8")],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const [said] = (await once(server.stdout, "data")) as [Buffer];
      const runner = Number(said.toString());
      expect(runner).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      server.kill("SIGKILL");
      await expect.poll(() => isAlive(runner), { timeout: 5_000, interval: 50 }).toBe(false);
      expect((await readdir(scratchDirectory)).filter((name) => name.startsWith("slipway-runner-"))).toEqual([]);
    });
  }
});

/** A server that says its runner's process id, then keeps it busy for ever. */
function serverScript(model: ModelFiles, scratchDirectory: string, isWatching: boolean): string {
  const here = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  return `
    import { RunnerPool } from ${here("./pool.ts")};
    import { processRunner } from ${here("./runner-process.ts")};
    import { containmentOf } from ${here("./containment.ts")};
    import { systemClock } from ${here("./system-clock.ts")};
    import { LongTurns } from ${here("./long-turns.ts")};
    const containment = ${isWatching} ? { command: [], endsWithParent: false, text: [] } : await containmentOf({ memoryLimitBytes: 2 ** 32, files: [] });
    const pool = await RunnerPool.open({
      order: {
        files: ${JSON.stringify(model)},
        session: { intraOpThreads: 1, graphOptimizationLevel: "all", executionProviders: ["cpu"], configEntries: {} },
        batching: { mode: "auto", maxRows: 8, padAxis: null, padValues: {}, maskInput: null, grouping: "cost" }, warmUpRuns: 1, reportsMemory: false,
      },
      instances: 1, runTimeoutMs: 1e6, loadTimeoutMs: 1e6, memoryLimitBytes: 2 ** 32, maxDistinctDeaths: 3,
      start: processRunner({ containment, scratchDirectory: ${JSON.stringify(scratchDirectory)}, environment: {}, isShared: false, clock: systemClock, longTurns: new LongTurns(systemClock) }),
      clock: systemClock, fingerprint: () => "", containment: [], log: () => undefined,
    });
    const data = Float32Array.of(5e6, 0);
    pool.run({ inputs: [{ name: "x", dtype: "float32", shape: [1, 2], data }], outputs: ["y"], rows: 1, deadline: Infinity }, () => undefined);
    setTimeout(() => process.stdout.write(String(pool.status().runners[0].pid)), 50);
  `;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
