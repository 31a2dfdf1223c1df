// A load test as plain data: what `slipway bench` carries out itself, and `tune` and `plan` on a thread of its own.
import { SlipwayError } from "@slipway/core/base";
import { constantArrivals, poissonArrivals, seededRandom } from "./arrivals.ts";
import type { Target } from "./connection.ts";
import { type LoadMode, type LoadOptions, runLoad } from "./generator.ts";
import { type LoadPlan, type LoadReport, reportFrom } from "./report.ts";

export interface LoadOrder {
  readonly plan: LoadPlan;
  /** The whole request, head and body. */
  readonly request: Uint8Array;
  readonly timeoutMs: number;
  /** Whether every single latency is wanted, beside their distribution. */
  readonly keepsLatencies?: boolean;
}

/**
 * Carries a load test out.
 * @throws SlipwayError SERVER_UNREACHABLE
 */
export async function runOrder(
  { plan, request, timeoutMs }: LoadOrder,
  surroundings: Pick<LoadOptions, "now" | "signal" | "onLatency" | "onProgress">,
): Promise<LoadReport> {
  const url = new URL(plan.url);
  const { warmUpMs, durationMs } = plan;
  const mode = modeFrom(plan.mode, plan.seed);
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
  const options = { target: targetFrom(url), request: bytes, mode, warmUpMs, durationMs, timeoutMs, ...surroundings };
  return reportFrom(plan, await reached(url, runLoad(options)));
}

function modeFrom(mode: LoadPlan["mode"], seed: number): LoadMode {
  if (mode.kind === "closed") return mode;
  const arrivals =
    mode.arrivals === "constant"
      ? constantArrivals(mode.ratePerSecond)
      : poissonArrivals(mode.ratePerSecond, seededRandom(seed));
  return { kind: "open", arrivals, connections: mode.connections };
}

function targetFrom(url: URL): Target {
  const isTls = url.protocol === "https:";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (isTls ? 443 : 80),
    isTls,
  };
}

async function reached<Result>(url: URL, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof SlipwayError) throw error;
    throw new SlipwayError("SERVER_UNREACHABLE", `No server answers at ${url.origin}: ${message}.`, { cause: error });
  }
}
