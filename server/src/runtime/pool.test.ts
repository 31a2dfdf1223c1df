import { FakeClock, type SlipwayError } from "@slipway/core/base";
import { describe, expect, it } from "vitest";
import type { Crew } from "./crew.ts";
import type { RunOutcome, RunRequest } from "./executor.ts";
import { type PoolOptions, RunnerPool } from "./pool.ts";
import { POISON, Simulation, simulatedOrder, seeded } from "./simulation.testing.ts";

interface World {
  readonly clock: FakeClock;
  readonly simulation: Simulation;
  readonly pool: RunnerPool;
}

interface WorldOptions
  extends Partial<Pick<PoolOptions, "instances" | "runTimeoutMs" | "maxDistinctDeaths" | "order" | "crews">> {
  readonly seed?: number;
  readonly runMs?: (rows: number) => number;
}

async function open(options: WorldOptions = {}): Promise<World> {
  const clock = new FakeClock();
  const simulation = new Simulation({
    clock,
    random: seeded(options.seed ?? 1),
    linkMs: 1,
    runMs: options.runMs ?? ((rows) => 5 + rows),
  });
  const opening = RunnerPool.open({ ...poolOptions(clock, simulation), ...options });
  await clock.advanceAsync(60_000);
  return { clock, simulation, pool: await opening };
}

function poolOptions(clock: FakeClock, simulation: Simulation): PoolOptions {
  return {
    order: simulatedOrder(),
    instances: 1,
    runTimeoutMs: 300,
    loadTimeoutMs: 10_000,
    memoryLimitBytes: 2 ** 30,
    maxDistinctDeaths: 1000,
    start: simulation.start,
    clock,
    fingerprint: (inputs) => inputs[0]!.data.join(),
    containment: [],
    log: () => undefined,
  };
}

function request(clock: FakeClock, values: readonly number[], change: Partial<RunRequest> = {}): RunRequest {
  const data = Float32Array.from(values);
  const rows = change.rows ?? 1;
  return {
    inputs: [{ name: "x", dtype: "float32", shape: [rows, data.length / rows], data }],
    outputs: ["y"],
    rows,
    deadline: clock.now() + 60_000,
    ...change,
  };
}

/** Sends a request and keeps its outcome; null while there is none. */
function send(pool: RunnerPool, what: RunRequest): { outcome: RunOutcome | null; calls: number; cancel: () => void } {
  const sent = { outcome: null as RunOutcome | null, calls: 0, cancel: () => undefined as void };
  sent.cancel = pool.run(what, (outcome) => {
    sent.outcome = outcome;
    sent.calls++;
  });
  return sent;
}

function codeOf(outcome: RunOutcome | null): string {
  if (outcome === null) return "none";
  return outcome.ok ? "ok" : outcome.error.code;
}

describe("a pool", () => {
  it("answers a request with what the model computes", async () => {
    const { clock, pool } = await open();
    const sent = send(pool, request(clock, [1, 2], { outputs: ["z", "y"] }));
    expect(sent.calls).toBe(0);
    await clock.advanceAsync(100);
    expect(sent.outcome).toMatchObject({
      ok: true,
      outputs: [
        { name: "z", dtype: "float32", shape: [1], data: Float32Array.of(3) },
        { name: "y", dtype: "float32", shape: [1, 2], data: Float32Array.of(3, 5) },
      ],
      times: { batchRows: 1, batchRequests: 1 },
    });
  });

  it("runs what came while it was busy as one batch, and gives each its rows", async () => {
    const { clock, pool, simulation } = await open();
    const first = send(pool, request(clock, [0, 0]));
    await clock.advanceAsync(3);
    const rest = [1, 2, 3].map((value) => send(pool, request(clock, [value, value, value, value], { rows: 2 })));
    simulation.runs.length = 0;
    await clock.advanceAsync(100);
    expect(codeOf(first.outcome)).toBe("ok");
    for (const [i, sent] of rest.entries()) {
      expect(sent.outcome).toMatchObject({
        ok: true,
        outputs: [{ shape: [2, 2], data: new Float32Array(4).fill(2 * (i + 1) + 1) }],
        times: { batchRows: 6, batchRequests: 3 },
      });
    }
    expect(simulation.runs.map(({ rows }) => rows)).toEqual([6]);
  });

  it("pads shorter requests to share a run, and cuts their answers back", async () => {
    const { clock, pool } = await open({ order: simulatedOrder({ padAxis: 1 }) });
    send(pool, request(clock, [0, 0]));
    await clock.advanceAsync(3);
    const short = send(pool, request(clock, [1, 2, 3, 4], { rows: 2, outputs: ["y", "z"] }));
    const long = send(pool, request(clock, [1, 2, 3], { outputs: ["y", "z"] }));
    await clock.advanceAsync(100);
    expect(short.outcome).toMatchObject({
      outputs: [
        { shape: [2, 2], data: Float32Array.of(3, 5, 7, 9) },
        { shape: [2], data: Float32Array.of(3, 7) },
      ],
      times: { batchRequests: 2, batchRows: 3 },
    });
    expect(long.outcome).toMatchObject({
      outputs: [
        { shape: [1, 3], data: Float32Array.of(3, 5, 7) },
        { shape: [1], data: Float32Array.of(6) },
      ],
    });
  });

  it("never waits when idle", async () => {
    const { clock, pool, simulation } = await open();
    simulation.runs.length = 0;
    const sentAt = clock.now();
    send(pool, request(clock, [1, 1]));
    await clock.advanceAsync(50);
    expect(simulation.runs[0]!.at - sentAt).toBeLessThanOrEqual(1);
  });

  it("takes rows of none", async () => {
    const { clock, pool } = await open();
    const data = new Float32Array(0);
    const sent = send(
      pool,
      request(clock, [], { inputs: [{ name: "x", dtype: "float32", shape: [0, 3], data }], rows: 0 }),
    );
    await clock.advanceAsync(100);
    expect(sent.outcome).toMatchObject({ ok: true, outputs: [{ shape: [0, 3] }] });
  });

  it("answers DEADLINE_EXCEEDED at the deadline, while a run goes on", async () => {
    const { clock, pool } = await open({ runMs: () => 200 });
    const sent = send(pool, request(clock, [1, 1], { deadline: clock.now() + 50 }));
    await clock.advanceAsync(49);
    expect(sent.calls).toBe(0);
    await clock.advanceAsync(15);
    expect(codeOf(sent.outcome)).toBe("DEADLINE_EXCEEDED");
    await clock.advanceAsync(1000);
    expect(sent.calls).toBe(1);
    expect(pool.status().runners[0]!.inFlight).toBe(0);
  });

  it("never calls back after a cancel, and does not run what was cancelled while it waited", async () => {
    const { clock, pool, simulation } = await open({ runMs: () => 100 });
    const running = send(pool, request(clock, [1, 1]));
    await clock.advanceAsync(20);
    const waiting = send(pool, request(clock, [2, 2]));
    await clock.advanceAsync(20);
    const runs = simulation.runs.length;
    running.cancel();
    waiting.cancel();
    waiting.cancel();
    await clock.advanceAsync(1000);
    expect([running.calls, waiting.calls]).toEqual([0, 0]);
    expect(simulation.runs.length).toBe(runs);
    expect(pool.status().runners[0]!.inFlight).toBe(0);
  });

  it("spreads requests over its runners", async () => {
    const { clock, pool } = await open({ instances: 3 });
    for (let i = 0; i < 6; i++) send(pool, request(clock, [i, i]));
    expect(pool.status().runners.map(({ inFlight }) => inFlight)).toEqual([2, 2, 2]);
  });

  it("kills a run past its limit: the one that hangs gets RUN_TIMEOUT, its batch mates their answers", async () => {
    const { clock, pool } = await open();
    const blocker = send(pool, request(clock, [0, 0]));
    await clock.advanceAsync(3);
    const hanging = send(pool, request(clock, [POISON.hang, 0]));
    const mates = [1, 2, 3].map((value) => send(pool, request(clock, [value, value])));
    await clock.advanceAsync(3_000);
    expect(codeOf(blocker.outcome)).toBe("ok");
    expect(codeOf(hanging.outcome)).toBe("RUN_TIMEOUT");
    expect(mates.map(({ outcome }) => codeOf(outcome))).toEqual(["ok", "ok", "ok"]);
    const { deaths, state } = pool.status();
    expect(state).toBe("ready");
    expect(deaths.map(({ cause }) => cause)).toEqual(["run-timeout", "run-timeout"]);
    expect(deaths.map(({ inputFingerprint }) => inputFingerprint)).toEqual([null, `${POISON.hang},0`]);
  });

  it("tells a crash from running out of memory", async () => {
    const { clock, pool } = await open();
    const crash = send(pool, request(clock, [POISON.crash, 0]));
    await clock.advanceAsync(1_000);
    const hog = send(pool, request(clock, [POISON.hog, 0]));
    await clock.advanceAsync(2_000);
    expect([codeOf(crash.outcome), codeOf(hog.outcome)]).toEqual(["RUNNER_DIED", "RUNNER_MEMORY"]);
    expect(pool.status().deaths.map(({ cause }) => cause)).toEqual(["crash", "crash", "memory", "memory"]);
  });

  it("answers a request whose runner someone else killed", async () => {
    const { clock, pool, simulation } = await open({ runMs: () => 100 });
    const sent = send(pool, request(clock, [4, 4]));
    await clock.advanceAsync(50);
    for (const runner of simulation.live) runner.die("SIGKILL");
    await clock.advanceAsync(2_000);
    expect(sent.outcome).toMatchObject({ ok: true, outputs: [{ data: Float32Array.of(9, 9) }] });
    expect(sent.calls).toBe(1);
  });

  it("waits longer and longer before starting a runner that can't live, and says so", async () => {
    const { clock, pool, simulation } = await open();
    simulation.failingLoads = 1000;
    const before = simulation.started;
    const states: string[] = [];
    pool.onChange((state) => states.push(state));
    for (const runner of simulation.live) runner.die("SIGSEGV");
    await clock.advanceAsync(120_000);
    expect(simulation.started - before).toBeLessThan(16);
    expect(pool.status()).toMatchObject({ state: "recovering", reason: expect.stringContaining("SIGSEGV") });
    const sent = send(pool, request(clock, [1, 1]));
    simulation.failingLoads = 0;
    await clock.advanceAsync(40_000);
    expect(codeOf(sent.outcome)).toBe("ok");
    expect(states).toEqual(["recovering", "ready"]);
  });

  it("quarantines after distinct deadly inputs, and answers everyone", async () => {
    const { clock, pool } = await open({ maxDistinctDeaths: 3 });
    for (let i = 0; i < 5; i++) {
      const same = send(pool, request(clock, [POISON.crash, 7]));
      await clock.advanceAsync(3_000);
      expect(codeOf(same.outcome)).toBe("RUNNER_DIED");
    }
    expect(pool.status().state).toBe("ready");
    send(pool, request(clock, [POISON.crash, 8]));
    await clock.advanceAsync(3_000);
    const third = send(pool, request(clock, [POISON.crash, 9]));
    await clock.advanceAsync(3_000);
    expect(codeOf(third.outcome)).toBe("RUNNER_DIED");
    const { state, reason, runners } = pool.status();
    expect(state).toBe("quarantined");
    expect(reason).toContain("3 distinct inputs");
    expect(runners.map((runner) => runner.state)).toEqual(["dead"]);
    const refused = send(pool, request(clock, [1, 1]));
    expect(refused.calls).toBe(0);
    await clock.advanceAsync(100);
    expect(codeOf(refused.outcome)).toBe("DEPLOYMENT_QUARANTINED");
  });

  it("forgets deadly inputs after ten minutes", async () => {
    const { clock, pool } = await open({ maxDistinctDeaths: 2 });
    send(pool, request(clock, [POISON.crash, 1]));
    await clock.advanceAsync(11 * 60_000);
    send(pool, request(clock, [POISON.crash, 2]));
    await clock.advanceAsync(3_000);
    expect(pool.status().state).toBe("ready");
  });

  it("serves again after a release", async () => {
    const { clock, pool } = await open({ maxDistinctDeaths: 1, instances: 2 });
    send(pool, request(clock, [POISON.hang, 1]));
    await clock.advanceAsync(3_000);
    expect(pool.status().state).toBe("quarantined");
    const released = pool.release();
    await clock.advanceAsync(5_000);
    await released;
    expect(pool.status()).toMatchObject({ state: "ready", deaths: [], reason: null });
    // Enough for every runner: none goes to one that ended with the quarantine.
    const sent = [1, 2, 3, 4].map((value) => send(pool, request(clock, [value, value])));
    await clock.advanceAsync(100);
    expect(sent.map(({ outcome }) => codeOf(outcome))).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it("is released once, however often that is asked, also while its runners are still ending", async () => {
    const { clock, pool, simulation } = await open({ maxDistinctDeaths: 1, instances: 2 });
    send(pool, request(clock, [POISON.crash, 1]));
    while (pool.status().state !== "quarantined") await clock.advanceAsync(1);
    const started = simulation.started;
    const released = Promise.all([pool.release(), pool.release()]);
    await clock.advanceAsync(5_000);
    await released;
    expect(simulation.started - started).toBe(2);
    expect(simulation.live.size).toBe(2);
    expect(pool.status().state).toBe("ready");
  });

  it("is released whole while another front still has to say what was running at its end", async () => {
    const reports: (() => void)[] = [];
    const crew: Crew = {
      runnerReady: () => undefined,
      runnerLost: (runner, report) => void (runner === 0 ? reports.push(() => report(0)) : report(0)),
      judge: (_runner, _verdict, report) => report(null),
      resume: () => undefined,
      stateChanged: () => undefined,
      batchingChanged: () => undefined,
    };
    const { clock, pool, simulation } = await open({ maxDistinctDeaths: 1, instances: 2, crews: [crew] });
    const [first] = simulation.live;
    first!.die("SIGKILL");
    await clock.advanceAsync(10);
    send(pool, request(clock, [POISON.hang, 1]));
    await clock.advanceAsync(3_000);
    expect(pool.status().state).toBe("quarantined");
    const released = pool.release();
    await clock.advanceAsync(5_000);
    await released;
    for (const report of reports) report();
    await clock.advanceAsync(1_000);
    expect(simulation.live.size).toBe(2);
    expect(pool.status()).toMatchObject({ state: "ready", deaths: [] });
  });

  it("can be closed while it is released", async () => {
    const { clock, pool, simulation } = await open({ maxDistinctDeaths: 1 });
    send(pool, request(clock, [POISON.crash, 1]));
    await clock.advanceAsync(3_000);
    const released = pool.release().then(
      () => "released",
      (error: SlipwayError) => error.code,
    );
    await clock.advanceAsync(2);
    const closed = pool.close();
    await clock.advanceAsync(1_000);
    await closed;
    expect(await released).toBe("SHUTTING_DOWN");
    expect(pool.status().state).toBe("closed");
    expect(simulation.live.size).toBe(0);
  });

  it("stays quarantined when a release can't start a runner", async () => {
    const { clock, pool, simulation } = await open({ maxDistinctDeaths: 1 });
    send(pool, request(clock, [POISON.crash, 1]));
    await clock.advanceAsync(3_000);
    simulation.failingLoads = 1;
    const released = pool.release().then(
      () => null,
      (error: SlipwayError) => error.code,
    );
    await clock.advanceAsync(5_000);
    expect(await released).toBe("MODEL_LOAD_FAILED");
    expect(pool.status().state).toBe("quarantined");
  });

  it("refuses what came to a release that fails, and forgets the runners that were ready by then", async () => {
    const { clock, pool, simulation } = await open({ maxDistinctDeaths: 1, instances: 2, runMs: () => 50 });
    send(pool, request(clock, [POISON.crash, 1]));
    await clock.advanceAsync(3_000);
    simulation.failingLoads = 1;
    const failing = pool.release().then(
      () => null,
      (error: SlipwayError) => error.code,
    );
    await clock.advanceAsync(1);
    const caught = send(pool, request(clock, [1, 1]));
    await clock.advanceAsync(5_000);
    expect(await failing).toBe("MODEL_LOAD_FAILED");
    expect(codeOf(caught.outcome)).toBe("DEPLOYMENT_QUARANTINED");
    const released = pool.release();
    await clock.advanceAsync(5_000);
    await released;
    const sent = [1, 2, 3, 4].map((value) => send(pool, request(clock, [value, value])));
    await clock.advanceAsync(500);
    expect(sent.map(({ outcome }) => codeOf(outcome))).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it("answers everyone SHUTTING_DOWN when it closes", async () => {
    const { clock, pool, simulation } = await open({ runMs: () => 200 });
    const sent = [1, 2, 3].map((value) => send(pool, request(clock, [value, value])));
    await clock.advanceAsync(20);
    const closed = pool.close();
    await clock.advanceAsync(100);
    await closed;
    const late = send(pool, request(clock, [4, 4]));
    await clock.advanceAsync(1_000);
    expect([...sent, late].map(({ outcome }) => codeOf(outcome))).toEqual(
      Array.from({ length: 4 }, () => "SHUTTING_DOWN"),
    );
    expect(simulation.live.size).toBe(0);
  });

  it("gives a load up that fails, is too slow, or is no longer wanted, and leaves no runner", async () => {
    for (const [change, prepare, code] of [
      [{}, (simulation: Simulation) => (simulation.failingLoads = 1), "MODEL_LOAD_FAILED"],
      [{ loadTimeoutMs: 3 }, () => undefined, "MODEL_LOAD_TIMEOUT"],
      [{ memoryLimitBytes: 2 ** 20 }, () => undefined, "MODEL_TOO_LARGE"],
      [{ signal: AbortSignal.abort() }, () => undefined, "REQUEST_CANCELLED"],
    ] as const) {
      const clock = new FakeClock();
      const simulation = new Simulation({ clock, random: seeded(1), linkMs: 1, runMs: () => 20 });
      prepare(simulation);
      const opening = RunnerPool.open({ ...poolOptions(clock, simulation), instances: 2, ...change }).then(
        () => "opened",
        (error: SlipwayError) => error.code,
      );
      await clock.advanceAsync(20_000);
      expect(await opening).toBe(code);
      expect(simulation.live.size).toBe(0);
    }
  });

  it("lets a caller's own error surface without harm to others", async () => {
    const { clock, pool } = await open();
    const surfaced: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => surfaced.push(error.message));
    pool.run(request(clock, [1, 1]), () => {
      throw new Error("the caller's");
    });
    const other = send(pool, request(clock, [2, 2]));
    await clock.advanceAsync(100);
    await new Promise(setImmediate);
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(surfaced).toEqual(["the caller's"]);
    expect(codeOf(other.outcome)).toBe("ok");
    expect(pool.status().deaths).toEqual([]);
  });
});

describe("under random load, cancels and deaths", () => {
  for (let seed = 1; seed <= 40; seed++) {
    it(`every request ends exactly once, rightly (seed ${seed})`, async () => {
      const random = seeded(seed * 7919);
      const instances = 1 + Math.floor(random() * 3);
      const order = simulatedOrder({ padAxis: random() < 0.5 ? 1 : null });
      const { clock, pool, simulation } = await open({
        seed,
        instances,
        order,
        runMs: (rows) => 2 + rows * random() * 4,
      });
      expect(pool.batching).toMatchObject({ mode: "dynamic", padAxis: order.batching.padAxis, reason: null });
      let outsideKills = random() < 0.5 ? 1 : 0;
      const all: {
        sent: ReturnType<typeof send>;
        values: readonly number[];
        rows: number;
        deadline: number;
        endedAt: number | null;
        isPoison: boolean;
        isCancelled: boolean;
      }[] = [];
      for (let i = 0; i < 250; i++) {
        await clock.advanceAsync(random() * 12);
        const rows = 1 + Math.floor(random() * 4);
        const width = random() < 0.8 ? 2 : 3;
        const values = Array.from({ length: rows * width }, () => Math.floor(random() * 1000));
        const isPoison = random() < 0.03;
        if (isPoison) values[0] = Object.values(POISON)[Math.floor(random() * 3)]!;
        const deadline = clock.now() + (random() < 0.2 ? random() * 60 : 1e7);
        const entry: (typeof all)[number] = {
          sent: { outcome: null, calls: 0, cancel: () => undefined },
          values,
          rows,
          deadline,
          endedAt: null,
          isPoison,
          isCancelled: false,
        };
        entry.sent.cancel = pool.run(request(clock, values, { rows, deadline }), (outcome) => {
          entry.sent.outcome = outcome;
          entry.sent.calls++;
          entry.endedAt = clock.now();
        });
        all.push(entry);
        const picked = all[Math.floor(random() * all.length)]!;
        if (random() < 0.08 && picked.sent.calls === 0) {
          picked.sent.cancel();
          picked.isCancelled = true;
        }
        if (random() < 0.02 && outsideKills > 0) {
          outsideKills--;
          const [victim] = simulation.live;
          victim?.die("SIGKILL");
        }
      }
      await clock.advanceAsync(60_000);
      for (const { sent, values, rows, deadline, endedAt, isPoison, isCancelled } of all) {
        expect(sent.calls).toBe(isCancelled ? 0 : 1);
        if (isCancelled) continue;
        const { outcome } = sent;
        const code = codeOf(outcome);
        if (outcome?.ok === true) {
          expect(isPoison).toBe(false);
          expect(outcome.outputs[0]!.data).toEqual(Float32Array.from(values, (value) => 2 * value + 1));
          expect(outcome.outputs[0]!.shape).toEqual([rows, values.length / rows]);
          if (outcome.times.batchRequests > 1) expect(outcome.times.batchRows).toBeLessThanOrEqual(8);
        } else if (code === "DEADLINE_EXCEEDED") expect(endedAt).toBeGreaterThanOrEqual(deadline);
        else {
          expect(isPoison).toBe(true);
          expect(["RUN_TIMEOUT", "RUNNER_DIED", "RUNNER_MEMORY"]).toContain(code);
        }
      }
      expect(pool.status().state).toBe("ready");
      for (const runner of pool.status().runners) expect(runner.inFlight).toBe(0);
      const closed = pool.close();
      await clock.advanceAsync(1_000);
      await closed;
      expect(simulation.live.size).toBe(0);
    });
  }
});
