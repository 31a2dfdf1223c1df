// The load generator as a process of its own, on the second core: `slipway bench`, closed loop.
import type { LoadReport } from "../server/src/cli/load/index.ts";
import { LOAD_CORE, runNode, SLIPWAY } from "./processes.ts";

export interface Load {
  readonly url: string;
  readonly payloadFile: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Requests a second and latencies under a closed loop. @throws when any request failed: then figures mean nothing */
export async function measure({ url, payloadFile, connections, seconds }: Load): Promise<LoadReport> {
  const flags = ["--concurrency", String(connections), "--duration", `${seconds}s`, "--warm-up", "500ms", "--json"];
  const out = await runNode([...SLIPWAY, "bench", url, "--payload", payloadFile, ...flags], LOAD_CORE);
  const report = JSON.parse(out) as LoadReport;
  const failures = JSON.stringify(report.failures);
  if (failures !== "{}") throw new Error(`Requests to ${url} failed: ${failures}`);
  return report;
}
