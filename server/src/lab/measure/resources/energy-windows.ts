// Windows of idling and of running in turn, so that what the machine takes anyway can be subtracted: it is measured next to
// what it is subtracted from, and drifts with it.
import type { Clock } from "@slipway/core/base";
import { pause, type ServedRuns } from "./served-runs.ts";

/** One window of running, with the window of idling before it. */
export interface EnergyWindow {
  readonly runs: number;
  readonly seconds: number;
  /** Of the whole machine while it ran; null without a meter. */
  readonly joules: number | null;
  /** Watts of the whole machine in the idle window before; null without a meter. */
  readonly idleWatts: number | null;
  /** Processor time of the runner while it ran; null where it is not told. */
  readonly processorSeconds: number | null;
}

export interface EnergyWatch {
  readonly served: Pick<ServedRuns, "run">;
  /** Joules since some moment; null without a meter. */
  readonly joules: (() => number) | null;
  /** Seconds of processor time the runner has taken so far; null where it is not told. */
  readonly processorSeconds: () => number | null;
  readonly windows: number;
  readonly windowMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onWindow: (done: number) => void;
}

/** @throws SlipwayError what a run ends with, or the signal's reason */
export async function watchEnergy(watch: EnergyWatch): Promise<readonly EnergyWindow[]> {
  const { served, joules, clock, signal, windowMs } = watch;
  const windows: EnergyWindow[] = [];
  for (let window = 0; window < watch.windows; window++) {
    watch.onWindow(window);
    const idleWatts = joules === null ? null : await idleFor(joules, windowMs, clock, signal);
    const start = clock.now();
    const [joulesBefore, processorBefore] = [joules?.() ?? 0, watch.processorSeconds()];
    let runs = 0;
    do {
      await served.run();
      runs++;
    } while (clock.now() - start < windowMs);
    const processorAfter = watch.processorSeconds();
    windows.push({
      runs,
      seconds: (clock.now() - start) / 1000,
      joules: joules === null ? null : joules() - joulesBefore,
      idleWatts,
      processorSeconds: processorBefore === null || processorAfter === null ? null : processorAfter - processorBefore,
    });
  }
  return windows;
}

async function idleFor(joules: () => number, windowMs: number, clock: Clock, signal: AbortSignal): Promise<number> {
  const [start, before] = [clock.now(), joules()];
  await pause(clock, windowMs, signal);
  return (joules() - before) / ((clock.now() - start) / 1000);
}
