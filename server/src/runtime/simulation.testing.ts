// Runners in simulated time, for tests: the pool, the frames and the runner's core are the real ones; the process, the
// link and the time a run takes are made up, and everything that is random comes from a seed.
import { type Backend, createReferenceBackend, type Session } from "@slipway/core/backend";
import type { FakeClock } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import type { NamedTensor } from "@slipway/core/tensor";
import type { LoadOrder } from "./control.ts";
import type { Send } from "./frame-writer.ts";
import { RunnerCore, type RunnerPeer } from "./runner.ts";
import type { RunnerHandle, RunnerListener, StartRunner } from "./runner-handle.ts";

/** Values of an input that do something to the runner that runs them. */
export const POISON = { crash: 1_000_001, hang: 1_000_002, hog: 1_000_003 } as const;

export interface SimulationOptions {
  readonly clock: FakeClock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly linkMs: number;
  /** How long a run takes. */
  readonly runMs: (rows: number, width: number) => number;
}

/** y = 2x + 1 for each element of x [N, W]; z = Σ x over the row. */
export function simulatedModel(): Uint8Array {
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", ["N", "W"]);
  const twice = graph.op("Mul", [x, graph.values("float32", [2])]);
  graph.output("y", graph.op("Add", [twice, graph.values("float32", [1])]), "float32", ["N", "W"]);
  graph.output("z", graph.op("ReduceSum", [x, graph.values("int64", [1])], { keepdims: 0 }), "float32", ["N"]);
  return bytesFromModel(graph.model());
}

export function simulatedOrder(change: Partial<LoadOrder["batching"]> = {}): LoadOrder {
  return {
    files: { model: { name: "model.onnx", path: "", offset: 0, sizeBytes: 0 }, externalData: [] },
    session: { intraOpThreads: 1, graphOptimizationLevel: "all", executionProviders: ["cpu"], configEntries: {} },
    batching: {
      mode: "auto",
      maxRows: 8,
      padAxis: null,
      padValues: {},
      maskInput: null,
      grouping: "cost",
      ...change,
    },
    warmUpRuns: 1,
    reportsMemory: false,
  };
}

/** Numbers in [0, 1) from a seed. Mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runners as a simulation sees them. */
export class Simulation {
  readonly live = new Set<SimulatedRunner>();
  readonly options: SimulationOptions;
  /** Rows of every run, how wide they were, and when it began. */
  readonly runs: { readonly rows: number; readonly width: number; readonly at: number }[] = [];
  started = 0;
  /** Makes the next starts fail at load. */
  failingLoads = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
  }

  readonly start: StartRunner = (listener) => {
    this.started++;
    const runner = new SimulatedRunner(this, listener, this.failingLoads-- > 0);
    this.failingLoads = Math.max(0, this.failingLoads);
    this.live.add(runner);
    return runner;
  };
}

export class SimulatedRunner implements RunnerHandle {
  readonly pid = null;
  readonly isKillable = true;
  readonly #simulation: Simulation;
  readonly #listener: RunnerListener;
  readonly #core: RunnerCore;
  readonly #peer: RunnerPeer;
  /** What to tell when it dies: the other ends of its further links. */
  readonly #links = new Set<() => void>();
  #isDead = false;
  #residentBytes = 50 * 2 ** 20;

  constructor(simulation: Simulation, listener: RunnerListener, failsToLoad: boolean) {
    this.#simulation = simulation;
    this.#listener = listener;
    const { clock } = simulation.options;
    const core = new RunnerCore({
      backend: this.#backend(failsToLoad),
      clock: {
        now: () => clock.now(),
        wall: () => clock.wall(),
        after: (delayMs, task) => clock.after(delayMs, () => this.#isDead || task()),
        soon: (task) => clock.soon(() => this.#isDead || task()),
      },
      readFiles: async () => ({ model: simulatedModel(), externalData: new Map() }),
    });
    this.#core = core;
    this.#peer = core.attach((chunks) => {
      if (!this.#isDead) for (const chunk of chunks) this.#carry(chunk, (part) => listener.receive(part));
      return true;
    });
  }

  readonly send = (chunks: readonly Uint8Array[]): boolean => {
    for (const chunk of chunks) {
      this.#carry(chunk, (part) => {
        if (!this.#isDead) this.#peer.receive(part);
      });
    }
    return true;
  };

  /** A further link: answers how to send on it. `closed` is called when the runner is gone. */
  attach(receive: (chunk: Uint8Array) => void, closed: () => void): Send {
    const peer = this.#core.attach((chunks) => {
      if (!this.#isDead) for (const chunk of chunks) this.#carry(chunk, receive);
      return true;
    });
    this.#links.add(closed);
    return (chunks) => {
      for (const chunk of chunks) {
        this.#carry(chunk, (part) => {
          if (!this.#isDead) peer.receive(part);
        });
      }
      return true;
    };
  }

  kill(): void {
    this.die("SIGKILL");
  }

  /** Ends it as a crash or an outside signal would. */
  die(signal: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    const { clock, linkMs } = this.#simulation.options;
    this.#simulation.live.delete(this);
    // What it sent before still arrives; the end comes after.
    for (const closed of this.#links) clock.after(linkMs + 1, closed);
    clock.after(linkMs + 1, () => this.#listener.exited({ code: null, signal, lastWords: "" }));
  }

  residentBytes(): number {
    return this.#residentBytes;
  }

  /** Brings bytes to the other end: later, in order, cut anywhere. */
  #carry(bytes: Uint8Array, deliver: (part: Uint8Array) => void): void {
    const { clock, random, linkMs } = this.#simulation.options;
    const copy = bytes.slice();
    for (let at = 0; at < copy.byteLength; ) {
      const next = Math.min(copy.byteLength, at + 1 + Math.floor(random() * 400));
      const part = copy.subarray(at, next);
      clock.after(linkMs, () => deliver(part));
      at = next;
    }
  }

  #backend(failsToLoad: boolean): Backend {
    const reference = createReferenceBackend(modelFromBytes);
    return {
      name: "simulated",
      residentBytes: () => this.#residentBytes,
      load: async (model, settings) => {
        if (failsToLoad) this.die("SIGSEGV");
        return this.#slowed(await reference.load(model, settings));
      },
    };
  }

  #slowed(session: Session): Session {
    const { clock, runMs } = this.#simulation.options;
    return {
      signature: session.signature,
      unload: () => session.unload(),
      run: async (inputs, outputs) => {
        const [rows, width] = inputs[0]!.shape as [number, number];
        this.#simulation.runs.push({ rows, width, at: clock.now() });
        this.#suffer(inputs[0]!);
        await new Promise<void>((resolve) => {
          if (!includes(inputs[0]!, POISON.hang) && !includes(inputs[0]!, POISON.hog))
            clock.after(runMs(rows, width), resolve);
        });
        return session.run(inputs, outputs);
      },
    };
  }

  #suffer(input: NamedTensor): void {
    if (includes(input, POISON.crash)) this.#simulation.options.clock.after(1, () => this.die("SIGSEGV"));
    if (includes(input, POISON.hog)) this.#residentBytes = 2 ** 40;
  }
}

function includes({ data }: NamedTensor, value: number): boolean {
  return (data as Float32Array).includes(value);
}
