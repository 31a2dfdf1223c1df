// A model in simulated time: executors that answer after as long as a test says, and a clock that runs as long as somebody waits.
import { FakeClock } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import { RuntimeSettings } from "#config";
import type { JobRun } from "#jobs";
import type { EvidenceMachine, Model } from "#registry";
import type { Executor, RunRequest } from "#runtime";
import type { MeasurePorts, Subject } from "./measurement.ts";

const SIGNATURE: Signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", 4] } }],
  outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
};
const MACHINE: EvidenceMachine = { fingerprint: "simulated", name: "simulated", facts: {} };

export interface SimulatedModel {
  /** How long a run takes, in milliseconds. @param run counted over everything that was loaded */
  readonly runMs: (request: RunRequest, run: number, changes: Partial<RuntimeSettings>) => number;
  /** Runs side by side; the others wait. */
  readonly runners?: number;
}

/** What a measurement needs, and what became of what it loaded. */
export class Simulation {
  readonly clock = new FakeClock();
  loaded = 0;
  closed = 0;
  runs = 0;
  readonly #model: SimulatedModel;

  constructor(model: SimulatedModel) {
    this.#model = model;
  }

  get ports(): MeasurePorts {
    return {
      clock: this.clock,
      load: async (changes) => this.load(changes),
      serve: async () => {
        throw new Error("Nothing is served in simulated time.");
      },
      loadAverage: () => 0.1,
      cores: 4,
      settings: RuntimeSettings.parse({}),
      machine: MACHINE,
      environment: {},
      code: { slipway: "test" },
    };
  }

  load(changes: Partial<RuntimeSettings> = {}): Executor {
    this.loaded++;
    const { runners = 1 } = this.#model;
    const freeAt = Array.from({ length: runners }, () => 0);
    return {
      signature: SIGNATURE,
      batching: { mode: "dynamic", maxRows: 8, reason: null, padAxis: null },
      credits: 64,
      run: (request, done) => {
        const runMs = this.#model.runMs(request, this.runs++, changes);
        const runner = freeAt.indexOf(Math.min(...freeAt));
        const from = Math.max(this.clock.now(), freeAt[runner]!);
        freeAt[runner] = from + runMs;
        const times = {
          queueNs: 0,
          inputNs: 0,
          inferNs: runMs * 1e6,
          outputNs: 0,
          batchRows: request.rows,
          batchRequests: 1,
        };
        return this.clock.after(from + runMs - this.clock.now(), () => done({ ok: true, outputs: [], times }));
      },
      status: () => {
        throw new Error("Nobody asks.");
      },
      onChange: () => () => {},
      release: async () => {},
      close: async () => void this.closed++,
    };
  }

  /** Lets time pass until the work has ended. */
  async drive<Result>(work: Promise<Result>): Promise<Result> {
    const state = { isOver: false };
    const over = () => void (state.isOver = true);
    work.then(over, over);
    while (!state.isOver) {
      await new Promise((resolve) => void setImmediate(resolve));
      for (let step = 0; step < 50 && this.clock.step(); step++);
    }
    return await work;
  }
}

/** Timed measurements look at no file and no row. */
export const NO_SUBJECT = { model: {} as Model, files: null as never, rows: null, rival: null } satisfies Subject;

/** A job's run that remembers what it was told. */
export class RememberedRun implements JobRun {
  readonly controller = new AbortController();
  readonly texts: string[] = [];
  saves = 0;
  saved: unknown;
  /** Stops the job after so many states were saved. */
  readonly #stopsAfter: number;

  constructor(saved: unknown = null, stopsAfter = Number.POSITIVE_INFINITY) {
    this.saved = saved;
    this.#stopsAfter = stopsAfter;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  readonly report = ({ text }: { readonly text: string }): void => void this.texts.push(text);

  readonly save = async (state: unknown): Promise<void> => {
    this.saved = JSON.parse(JSON.stringify(state));
    if (++this.saves >= this.#stopsAfter) this.controller.abort(new Error("stopped"));
  };
}
