// Where the load generator's thread begins: it takes orders, one after the other, and answers each with its report.
import { parentPort } from "node:worker_threads";
import { assert, SlipwayError } from "@slipway/core/base";
import { type LoadOrder, runOrder } from "./order.ts";
import type { LoadAnswer, LoadOutcome } from "./thread.ts";

const port = parentPort;
assert(port !== null, "The load generator's thread was started as a program.");
port.on("message", (order: LoadOrder) => {
  void carryOut(order)
    .then(
      (outcome): LoadAnswer => ({ ok: true, outcome }),
      (error: unknown): LoadAnswer => {
        const isKnown = error instanceof SlipwayError && error.code === "SERVER_UNREACHABLE";
        const message = error instanceof Error ? error.message : String(error);
        return { ok: false, code: isKnown ? "SERVER_UNREACHABLE" : "INTERNAL", message };
      },
    )
    .then((answer) => port.postMessage(answer));
});

async function carryOut(order: LoadOrder): Promise<LoadOutcome> {
  const before = performance.eventLoopUtilization();
  const latenciesMs: number[] | null = order.keepsLatencies === true ? [] : null;
  const report = await runOrder(order, {
    now: () => performance.now(),
    onLatency: (latencyMs) => void latenciesMs?.push(latencyMs),
  });
  const busyShare = performance.eventLoopUtilization(before).utilization;
  return { report, busyShare, latenciesMs: latenciesMs === null ? null : Float64Array.from(latenciesMs) };
}
