// How many threads each runner's runs may use: all runners together never more than the cores, or they take turns on
// them and everything slows down. Unless told otherwise they leave a core to the front: threads that share a run wait for
// each other spinning, so one that has to wait for a core holds up all the others.
import { SlipwayError } from "@slipway/core/base";

export interface ThreadPlan {
  readonly intraOpThreads: number;
  /** The plan in words. */
  readonly text: string;
}

/**
 * @param settings.intraOpThreads 0 divides the cores among the instances, but for the front's
 * @throws SlipwayError CONFIG_INVALID when the threads asked for are more than the cores
 */
export function planThreads(
  settings: { readonly instances: number; readonly intraOpThreads: number },
  cores: number,
): ThreadPlan {
  const { instances, intraOpThreads: asked } = settings;
  const most = Math.max(1, Math.floor(cores / instances));
  if (asked > 1 && asked * instances > cores) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      `runtime.intraOpThreads ${asked} × runtime.instances ${instances} is ${asked * instances} threads, and this machine has ${cores} ${cores === 1 ? "core" : "cores"}. Ask for at most ${most} ${most === 1 ? "thread" : "threads"}, or 0 to divide the cores.`,
    );
  }
  const intraOpThreads = asked === 0 ? Math.max(1, Math.floor((cores - 1) / instances)) : asked;
  const used = intraOpThreads * instances;
  const total = `${instances} ${instances === 1 ? "runner" : "runners"} × ${intraOpThreads} ${intraOpThreads === 1 ? "thread" : "threads"}`;
  const text =
    used > cores
      ? `${total} on ${cores} ${cores === 1 ? "core" : "cores"}: more runners than cores, they take turns`
      : `${total} on ${cores} ${cores === 1 ? "core" : "cores"}`;
  return { intraOpThreads, text };
}
