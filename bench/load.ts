// The load generators, each a process of its own on the second core. Closed loop: wrk where it is installed, else `slipway
// bench`, and what made a figure is kept with it. Open loop: the generator of `slipway bench`, since wrk has none.
import { execFileSync } from "node:child_process";
import path from "node:path";
import type { LoadReport } from "../server/src/load/index.ts";
import type { Contender } from "./contenders.ts";
import type { Payload } from "./payloads.ts";
import { LOAD_CORE, runNode, runPinned, SLIPWAY } from "./processes.ts";

/** What makes closed-loop load here. */
export const LOAD_TOOL: "wrk" | "slipway bench" = hasWrk() ? "wrk" : "slipway bench";

/** Open-loop load that comes before what is measured. */
export const WARM_UP_MS = 500;
/** Of a server that has just started, at full load and not counted: V8 goes on compiling better code for some seconds. */
export const WARM_UP_SECONDS = 5;

interface Load {
  readonly url: string;
  readonly payload: Payload;
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
  /** Where wrk runs, in a thread for each; LOAD_CORE alone where left out. */
  readonly cores?: readonly number[];
}

export interface ClosedLoad {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** So many clients that each wait for their answer. @throws when any request failed: then figures mean nothing */
export async function closedLoop(load: Load): Promise<ClosedLoad> {
  return LOAD_TOOL === "wrk" ? await wrk(load) : await slipwayClosed(load);
}

/** A closed loop, and the processor time the contender spent on each request: what neighbours on the core don't change. */
export async function costlyLoop(
  contender: Contender,
  load: Omit<Load, "url">,
): Promise<ClosedLoad & { readonly cpuUs: number }> {
  const before = contender.cpuSeconds();
  const closed = await closedLoop({ ...load, url: contender.url });
  const after = contender.cpuSeconds();
  const cpuUs = before === null || after === null ? 0 : ((after - before) * 1e6) / closed.requests;
  return { ...closed, cpuUs };
}

export interface Flooded {
  readonly answeredPerSecond: number;
  readonly refusedPerSecond: number;
}

/** So many clients that each send again as soon as they have an answer, be it no; null where there is no wrk. */
export async function flood(load: Load): Promise<Flooded | null> {
  if (LOAD_TOOL !== "wrk") return null;
  const { us, requests, refused } = await seenByWrk(load);
  const perSecond = (count: number): number => (count * 1e6) / us;
  return { answeredPerSecond: perSecond(requests - refused), refusedPerSecond: perSecond(refused) };
}

async function wrk(load: Load): Promise<ClosedLoad> {
  const seen = await seenByWrk(load);
  if (seen.refused + seen.broken > 0 || seen.requests === 0)
    throw new Error(`Requests to ${load.url} failed: ${JSON.stringify(seen)}`);
  return { requests: seen.requests, perSecond: (seen.requests * 1e6) / seen.us, p50Us: seen.p50Us, p99Us: seen.p99Us };
}

/** What `wrk.lua` tells at the end; requests that were refused are counted in both. */
type SeenByWrk = Readonly<Record<"us" | "requests" | "refused" | "broken" | "p50Us" | "p99Us", number>>;

async function seenByWrk({ url, payload, connections, seconds, cores = [LOAD_CORE] }: Load): Promise<SeenByWrk> {
  const script = path.join(import.meta.dirname, "wrk.lua");
  const headers = Object.entries(payload.headers).map(([name, value]) => `${name}:${value}`);
  const flags = [`-t${cores.length}`, `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", "-s", script, url, "--"];
  const out = await runPinned(["wrk", ...flags, payload.file, ...headers], cores);
  const line = out.split("\n").findLast((text) => text.startsWith("{"));
  return JSON.parse(line!) as SeenByWrk;
}

async function slipwayClosed(load: Load): Promise<ClosedLoad> {
  const report = await slipwayBench(load, ["--concurrency", String(load.connections), "--warm-up", "200ms"]);
  const failures = JSON.stringify(report.failures);
  if (failures !== "{}") throw new Error(`Requests to ${load.url} failed: ${failures}`);
  const { p50Ms, p99Ms } = report.latency!;
  return { requests: report.answered, perSecond: report.goodputPerSecond, p50Us: p50Ms * 1000, p99Us: p99Ms * 1000 };
}

export interface OpenLoad extends Load {
  readonly ratePerSecond: number;
  readonly arrivals: "constant" | "poisson";
  readonly timeoutMs: number;
  /** Load before what is measured. None before an overload: what it left to do would take time and not count. */
  readonly warmUpMs: number;
}

/** Requests at a rate, whether or not answers came; failures are part of the report. */
export async function openLoop(load: OpenLoad): Promise<LoadReport> {
  const script = path.join(import.meta.dirname, "open-loop.ts");
  return JSON.parse(await runNode([script, JSON.stringify(load)], LOAD_CORE)) as LoadReport;
}

async function slipwayBench({ url, payload, seconds }: Load, flags: readonly string[]): Promise<LoadReport> {
  const headers = Object.entries(payload.headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  const all = ["--payload", payload.file, ...headers, "--duration", `${seconds}s`, ...flags, "--json"];
  return JSON.parse(await runNode([...SLIPWAY, "bench", url, ...all], LOAD_CORE)) as LoadReport;
}

function hasWrk(): boolean {
  try {
    execFileSync("wrk", ["-v"], { stdio: "ignore" });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // `wrk -v` ends with 1
  }
}
