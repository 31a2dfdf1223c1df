// Serving over the real pool, real frames, real batches and the reference back end, with a fake clock and a link in
// memory: runners that crash and hang are replaced, and only the requests that do it to them fail.
import { type Backend, createReferenceBackend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { FakeClock, SlipwayError } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import type { NamedTensor } from "@slipway/core/tensor";
import { describe, expect, test } from "vitest";
import { RunnerPool } from "../runtime/pool.ts";
import type { RunnerExit, StartRunner } from "../runtime/runner-handle.ts";
import { RunnerCore } from "../runtime/runner.ts";
import { createServing } from "./create-serving.ts";
import type { DeploymentSpec, InferenceOutcome, Serving } from "./serving.ts";
import { randomFrom } from "./simulated-executor.testing.ts";

const LINK_MS = 0.05;
const RUN_TIMEOUT_MS = 200;
/** Inputs that crash the runner, and that never end. */
const CRASH = 666;
const HANG = 777;

const graph = graphBuilder({ opset: 17 });
const x = graph.input("x", "float32", ["N", 2]);
graph.output("y", graph.op("Add", [x, x]), "float32", ["N", 2]);
const MODEL = bytesFromModel(graph.model());

/** The reference back end, taking time, and dying or hanging on what it is told to. */
function timedBackend(clock: FakeClock, runMs: number, crash: () => void): Backend {
  const reference = createReferenceBackend(modelFromBytes);
  return {
    name: "reference",
    residentBytes: () => null,
    load: async (model, settings): Promise<Session> => {
      const session = await reference.load(model, settings);
      return {
        signature: session.signature,
        unload: () => session.unload(),
        run: async (inputs, outputs) => {
          const values = inputs.flatMap(({ data }) => Array.from(data as Float32Array));
          if (values.includes(HANG)) return new Promise<never>(() => undefined);
          await new Promise<void>((resolve) => clock.after(runMs, resolve));
          if (!values.includes(CRASH)) return session.run(inputs, outputs);
          crash();
          return new Promise<never>(() => undefined);
        },
      };
    },
  };
}

/** A runner at the other end of a link that takes time and copies, as a socket does. */
function simulatedRunner(clock: FakeClock, runMs: number): StartRunner {
  return (listener) => {
    let isLive = true;
    const end = (exit: RunnerExit): void => {
      if (!isLive) return;
      isLive = false;
      clock.after(1, () => {
        peer.closed();
        listener.exited(exit);
      });
    };
    const crash = (): void => end({ code: null, signal: "SIGSEGV", lastWords: "" });
    const core = new RunnerCore({
      backend: timedBackend(clock, runMs, crash),
      clock,
      readFiles: async () => ({ model: MODEL, externalData: new Map() }),
    });
    const over = (receive: (chunk: Uint8Array) => void) => (chunks: readonly Uint8Array[]) => {
      const copies = chunks.map((chunk) => chunk.slice());
      clock.after(LINK_MS, () => {
        if (isLive) for (const copy of copies) receive(copy);
      });
      return true;
    };
    const peer = core.attach(over((chunk) => listener.receive(chunk)));
    return {
      pid: null,
      isKillable: true,
      send: over((chunk) => peer.receive(chunk)),
      kill: () => end({ code: null, signal: "SIGKILL", lastWords: "" }),
      residentBytes: () => null,
    };
  };
}

interface WorldOptions {
  readonly instances?: number;
  readonly maxDistinctDeaths?: number;
  readonly runMs?: number;
}

interface Sent {
  readonly values: readonly number[];
  outcome: InferenceOutcome | null;
  isCancelled: boolean;
  cancel: () => void;
}

class World {
  readonly clock = new FakeClock();
  readonly serving: Serving;
  readonly sent: Sent[] = [];
  readonly counts = { admitted: 0, ended: 0, refused: 0 };
  #versions = 0;

  constructor() {
    this.serving = createServing({
      clock: this.clock,
      memoryBudgetBytes: null,
      hooks: [
        {
          onAdmitted: () => this.counts.admitted++,
          onEnded: () => this.counts.ended++,
          onRefused: () => this.counts.refused++,
        },
      ],
    });
  }

  async deploy({ instances = 1, maxDistinctDeaths = 1000, runMs = 3 }: WorldOptions = {}): Promise<void> {
    const { clock } = this;
    const version = String(++this.#versions);
    const spec: DeploymentSpec = {
      deploymentId: `d${version}`,
      endpoint: "e",
      version,
      queue: { maxRequests: 500, maxBytes: 1e6, priorityLevels: 4, agingMs: 100 },
      attachment: null,
      estimatedBytes: 0,
      load: (signal) =>
        RunnerPool.open({
          order: {
            files: { model: { name: "model.onnx", path: "", offset: 0, sizeBytes: MODEL.length }, externalData: [] },
            session: DEFAULT_SESSION_SETTINGS,
            batching: { mode: "auto", maxRows: 8, padAxis: null, padValues: {}, maskInput: null, grouping: "cost" },
            warmUpRuns: 1,
            reportsMemory: false,
          },
          instances,
          runTimeoutMs: RUN_TIMEOUT_MS,
          loadTimeoutMs: 10_000,
          memoryLimitBytes: 2 ** 30,
          maxDistinctDeaths,
          start: simulatedRunner(clock, runMs),
          clock,
          fingerprint: (inputs: readonly NamedTensor[]) =>
            JSON.stringify(inputs.map(({ data }) => Array.from(data as Float32Array))),
          containment: [],
          log: () => undefined,
          signal,
        }),
    };
    await this.serving.deploy(spec);
  }

  async start(options: WorldOptions = {}): Promise<void> {
    const deploying = this.deploy(options);
    await this.clock.advanceAsync(500);
    await deploying;
  }

  send(values: readonly number[], timeoutMs = 60_000): Sent {
    const { clock } = this;
    const arrivedAt = clock.now();
    const sent: Sent = { values, outcome: null, isCancelled: false, cancel: () => undefined };
    this.sent.push(sent);
    const data = Float32Array.from(values);
    const input = { name: "x", dtype: "float32", shape: [values.length / 2, 2], data } as const;
    const cancel = this.serving.route("e", null).submit(
      { inputs: [input], outputs: null },
      {
        inferenceId: String(this.sent.length),
        tenant: "default",
        principal: null,
        purpose: null,
        priority: 0,
        arrivedAt,
        deadline: arrivedAt + timeoutMs,
        traceparent: null,
      },
      (outcome) => {
        expect(sent.outcome, "answered twice").toBeNull();
        expect(sent.isCancelled, "answered after it was cancelled").toBe(false);
        sent.outcome = outcome;
      },
    );
    sent.cancel = () => {
      if (sent.outcome === null) sent.isCancelled = true;
      cancel();
    };
    return sent;
  }

  /** Every request ended, each as it had to: by its own answer, or by what it did to its runner. */
  checkEnd(): void {
    for (const { values, outcome, isCancelled } of this.sent) {
      if (isCancelled) continue;
      const expected = values.includes(HANG) ? "RUN_TIMEOUT" : values.includes(CRASH) ? "RUNNER_DIED" : "OK";
      expect(outcome === null ? "lost" : outcome.ok ? "OK" : outcome.error.code).toBe(expected);
      if (outcome?.ok !== true) continue;
      expect(Array.from(outcome.outputs[0]!.data as Float32Array)).toEqual(values.map((value) => 2 * value));
    }
    expect(this.counts.ended).toBe(this.counts.admitted);
    expect(this.counts.admitted + this.counts.refused).toBe(this.sent.length);
  }
}

test("requests share runs, and get their own rows back", async () => {
  const world = new World();
  await world.start();
  for (let i = 0; i < 20; i++) world.send([i, i + 0.5]);
  await world.clock.advanceAsync(100);
  world.checkEnd();
  const batches = world.sent.map(({ outcome }) => (outcome?.ok === true ? outcome.times.run.batchRequests : 0));
  expect(Math.max(...batches)).toBe(8);
});

test("a request that crashes its runner fails alone; its batch mates are answered", async () => {
  const world = new World();
  await world.start();
  for (let i = 0; i < 8; i++) world.send(i === 3 ? [CRASH, 1] : [i, i]);
  await world.clock.advanceAsync(5);
  expect(world.serving.isReady()).toBe(false);
  await world.clock.advanceAsync(10_000);
  world.checkEnd();
  expect(world.serving.isReady()).toBe(true);
});

test("a run that never ends is cut off, and the others are answered", async () => {
  const world = new World();
  await world.start();
  for (let i = 0; i < 30; i++) world.send(i === 12 ? [HANG, 1] : [i, i]);
  await world.clock.advanceAsync(10_000);
  world.checkEnd();
});

test("quarantine ends what waits, and a release brings it back", async () => {
  const world = new World();
  await world.start({ maxDistinctDeaths: 2 });
  const first = world.send([CRASH, 1]);
  await world.clock.advanceAsync(5000);
  const second = world.send([CRASH, 2]);
  await world.clock.advanceAsync(5000);
  expect([first, second].map(({ outcome }) => outcome?.ok === false && outcome.error.code)).toEqual([
    "RUNNER_DIED",
    "RUNNER_DIED",
  ]);
  expect(world.serving.status()[0]?.executor?.state).toBe("quarantined");
  const refused = world.send([1, 1]);
  await world.clock.advanceAsync(1);
  expect(refused.outcome).toMatchObject({ ok: false, error: { code: "DEPLOYMENT_QUARANTINED" } });
  const released = world.serving.release("e");
  await world.clock.advanceAsync(1000);
  await released;
  const served = world.send([1, 1]);
  await world.clock.advanceAsync(100);
  expect(served.outcome?.ok).toBe(true);
});

describe("random load with crashes, hangs, cancels and reloads", () => {
  test.each([1, 2, 3, 4])("seed %i", async (seed) => {
    const world = new World();
    const { clock } = world;
    const random = randomFrom(seed);
    await world.start({ instances: 2 });
    for (let step = 0; step < 300; step++) {
      const draw = random();
      const special = draw < 0.01 ? CRASH : draw < 0.015 ? HANG : step;
      const rows = 1 + Math.floor(3 * random());
      const sent = world.send([special, ...Array.from({ length: 2 * rows - 1 }, () => Math.floor(100 * random()))]);
      if (random() < 0.1) clock.after(10 * random(), sent.cancel);
      if (step % 100 === 60) void world.deploy({ instances: 1 + Math.floor(2 * random()) });
      await clock.advanceAsync(4 * random());
    }
    await clock.advanceAsync(60_000);
    world.checkEnd();
    expect(world.serving.status()).toMatchObject([{ version: "4", isLive: true, inFlight: 0, queuedRequests: 0 }]);
    const closed = world.serving.close(100);
    await clock.advanceAsync(200);
    await closed;
    expect(() => world.send([1, 1])).toThrow(SlipwayError);
  });
});
