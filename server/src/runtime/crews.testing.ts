// Fronts in simulated time: executors of their own over links to one pool's runners, and the crews that stand for them at
// the pool, with the delays a channel between processes has.
import type { FakeClock } from "@slipway/core/base";
import type { LoadedModel } from "./control.ts";
import type { Crew } from "./crew.ts";
import type { Verdict } from "./dispatcher.ts";
import type { BatchingPlan, ExecutorState } from "./executor.ts";
import { LinkedExecutor } from "./linked-executor.ts";
import type { RunnerHandle } from "./runner-handle.ts";
import type { SimulatedRunner } from "./simulation.testing.ts";

export class SimulatedCrew implements Crew {
  /** The front's executor; there from the first runner on. */
  executor: LinkedExecutor | null = null;
  readonly #clock: FakeClock;
  readonly #turn: number;
  readonly #runners = new Map<number, RunnerHandle>();

  constructor(clock: FakeClock, turn: number) {
    this.#clock = clock;
    this.#turn = turn;
  }

  runnerReady(runner: number, handle: RunnerHandle, model: LoadedModel): void {
    this.executor ??= new LinkedExecutor({
      clock: this.#clock,
      model,
      fingerprint: (inputs) => inputs[0]!.data.join(),
      turn: this.#turn,
      onClosed: () => undefined,
    });
    this.#runners.set(runner, handle);
    this.#later(() => {
      if (this.#runners.get(runner) !== handle) return;
      // A link is told of by the runner's own end, which is later; until then it only carries bytes.
      const link = this.executor!.link(runner, (chunks) => send(chunks));
      const send = (handle as SimulatedRunner).attach(
        (chunk) => link.receive(chunk),
        () => undefined,
      );
    });
  }

  runnerLost(runner: number, report: (running: number) => void): void {
    this.#runners.delete(runner);
    this.#later(() => {
      const running = this.executor?.lose(runner) ?? 0;
      this.#later(() => report(running));
    });
  }

  judge(runner: number, verdict: Verdict, report: (fingerprint: string | null) => void): void {
    this.#later(() => {
      const fingerprint = this.executor?.judge(runner, verdict) ?? null;
      this.#later(() => report(fingerprint));
    });
  }

  resume(runner: number): void {
    this.#later(() => this.executor?.resume(runner));
  }

  stateChanged(state: ExecutorState, reason: string | null): void {
    this.#later(() => this.executor?.setState(state, reason));
  }

  batchingChanged(plan: BatchingPlan): void {
    this.#later(() => this.executor?.setBatching(plan));
  }

  /** As a channel: later, in order. */
  #later(task: () => void): void {
    this.#clock.after(3, task);
  }
}
