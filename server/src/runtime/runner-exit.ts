// What a runner's end means: in words, as a recorded cause, and as the error of whoever was waiting.
import { SlipwayError, unreachable } from "@slipway/core/base";
import type { RunnerDeath } from "./executor.ts";
import type { RunnerExit } from "./runner-handle.ts";

/** Why we ended a runner; null in its place means that it ended by itself. */
export type KillCause = "run-timeout" | "memory" | "protocol" | "load-timeout" | "closed";

/** The limits a runner lives under. */
export interface RunnerLimits {
  readonly runTimeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly memoryLimitBytes: number;
}

export function deathCause(killCause: KillCause | null): RunnerDeath["cause"] {
  return killCause === "run-timeout" || killCause === "memory" || killCause === "protocol" ? killCause : "crash";
}

export function exitText(killCause: KillCause | null, exit: RunnerExit, limits: RunnerLimits): string {
  const { runTimeoutMs, memoryLimitBytes, loadTimeoutMs } = limits;
  switch (killCause) {
    case "run-timeout":
      return `a run took longer than its hard limit of ${runTimeoutMs} ms`;
    case "load-timeout":
      return `loading took longer than its limit of ${loadTimeoutMs} ms`;
    case "memory":
      return `the runner went over its memory ceiling of ${Math.round(memoryLimitBytes / 2 ** 20)} MiB`;
    case "protocol":
      return "the runner sent a frame that can't be read";
    case "closed":
    case null:
      return exit.signal === null
        ? `the runner exited with code ${exit.code ?? "unknown"}`
        : `the runner was ended by ${exit.signal}`;
    default:
      return unreachable(killCause);
  }
}

export function loadError(killCause: KillCause | null, text: string, { memoryLimitBytes }: RunnerLimits): SlipwayError {
  const sentence = `While loading, ${text}.`;
  if (killCause === "load-timeout") return new SlipwayError("MODEL_LOAD_TIMEOUT", sentence);
  if (killCause === "memory") {
    return new SlipwayError(
      "MODEL_TOO_LARGE",
      `${sentence} Raise runtime.memoryLimitBytes, now ${memoryLimitBytes}, or lower runtime.maxBatchRows.`,
    );
  }
  return new SlipwayError("MODEL_LOAD_FAILED", sentence);
}

export function deathError(killCause: KillCause | null, text: string, limits: RunnerLimits): SlipwayError {
  if (killCause === "run-timeout") {
    return new SlipwayError("RUN_TIMEOUT", `The run took longer than the hard limit of ${limits.runTimeoutMs} ms.`);
  }
  if (killCause === "memory") {
    return new SlipwayError("RUNNER_MEMORY", `While running this request, ${text}.`);
  }
  return new SlipwayError("RUNNER_DIED", `While running this request, ${text}.`);
}
