// The open-loop generator of `slipway bench` as a process of its own, which also tells of a run without a single answer: in
// an overload that is a result, where the command takes it for a mistake.
//   node open-loop.ts JSON   → a report as JSON
import { readFileSync } from "node:fs";
import { requestBytes, runOrder } from "../server/src/load/index.ts";
import type { OpenLoad } from "./load.ts";

const SEED = 1;
const {
  url: address,
  payload,
  connections,
  seconds,
  ratePerSecond,
  arrivals,
  timeoutMs,
  warmUpMs,
} = JSON.parse(process.argv[2]!) as OpenLoad;
const plan = {
  url: address,
  mode: { kind: "open", ratePerSecond, arrivals, connections },
  seed: SEED,
  warmUpMs,
  durationMs: seconds * 1000,
} as const;
const body = { headers: payload.headers, body: readFileSync(payload.file) };
const request = requestBytes(new URL(address), "POST", body, {});
const report = await runOrder({ plan, request, timeoutMs }, { now: () => performance.now() });
process.stdout.write(JSON.stringify(report));
