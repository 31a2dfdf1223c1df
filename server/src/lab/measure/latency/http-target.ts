// A loaded model timed as a client sees it: HTTP on this machine, from a thread of its own, so that sending requests does not
// take turns with answering them.
import { SlipwayError } from "@slipway/core/base";
import { encodeRequest, type LoadPlan, LoadThread, requestBytes } from "#load";
import type { ServedSubject } from "../measurement.ts";
import type { TimedRequest } from "./executor-target.ts";
import { type Burst, longestOf, type ServerTarget } from "./target.ts";

const TIMEOUT_MS = 600_000;
const SEED = 1;
/** A due request that finds them all busy waits, and its wait counts. */
const CONNECTIONS = 64;

/** @param isBinary sends and wants raw bytes instead of numbers in JSON */
export function httpTarget(
  { url }: Pick<ServedSubject, "url">,
  request: TimedRequest,
  isBinary: boolean,
): ServerTarget & { readonly close: () => Promise<void> } {
  const at = new URL(`${url.pathname}/infer`, url);
  const encoded = encodeRequest(request.inputs, { isBinary, isBinaryAnswer: isBinary });
  const bytes = requestBytes(at, "POST", encoded, {});
  const thread = new LoadThread();
  const carryOut = async (
    plan: Pick<LoadPlan, "mode" | "seed" | "durationMs">,
    signal: AbortSignal,
  ): Promise<Burst> => {
    signal.throwIfAborted();
    const giveUp = () => void thread.close();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const { report, latenciesMs } = await thread.run({
        plan: { url: at.href, warmUpMs: 0, ...plan },
        request: bytes,
        timeoutMs: TIMEOUT_MS,
        keepsLatencies: true,
      });
      const failures = Object.entries(report.failures);
      const isToAnswerAll = plan.mode.kind === "closed";
      if (latenciesMs === null || latenciesMs.length === 0 || (isToAnswerAll && failures.length > 0)) {
        const [failure] = failures;
        const what = failure === undefined ? "none was answered" : `${failure[1]} failed: ${failure[0]}`;
        throw new SlipwayError("RUN_FAILED", `Of ${report.offered} requests to the model, ${what}.`);
      }
      return {
        latenciesMs: Array.from(latenciesMs),
        answered: latenciesMs.length,
        failed: failures.reduce((sum, [, count]) => sum + count, 0),
        longestMs: longestOf(latenciesMs),
        elapsedMs: report.measuredMs,
        stages: null,
        batchRows: null,
      };
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };
  return {
    burst: ({ concurrency, durationMs }, signal) =>
      carryOut({ mode: { kind: "closed", concurrency }, seed: SEED, durationMs }, signal),
    offer: ({ ratePerSecond, durationMs, seed }, signal) => {
      const mode = { kind: "open", ratePerSecond, arrivals: "poisson", connections: CONNECTIONS } as const;
      return carryOut({ mode, seed, durationMs }, signal);
    },
    close: () => thread.close(),
  };
}
