// Processor time a request costs, by process and stage: the server as it is, under load, with V8's profiler looking on.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type Contender, startSlipway, workDirectory } from "../contenders.ts";
import { closedLoop, LOAD_TOOL } from "../load.ts";
import type { ModelName } from "../models.ts";
import { type Payload, type Wire, writePayload } from "../payloads.ts";
import { cpuSecondsOf, familyOf, LOAD_CORE, movePinned } from "../processes.ts";
import { type CpuProfile, FRONT_STAGES, RUNNER_STAGES, stageShares } from "./stages.ts";

export interface ProfileFigures {
  readonly tool: string;
  readonly profiles: readonly WireProfile[];
}

interface WireProfile {
  readonly wire: Wire;
  readonly connections: number;
  readonly requests: number;
  /** With the profiler on, which slows the server. */
  readonly perSecond: number;
  readonly processes: readonly ProcessProfile[];
}

interface ProcessProfile {
  readonly process: "front" | "runner";
  readonly cpuUs: number;
  /** Microseconds a request, as shares of samples times the processor time the system counted. */
  readonly stages: readonly { readonly stage: string; readonly us: number }[];
}

interface ProfileOptions {
  readonly wires: readonly Wire[];
  readonly seconds: number;
  readonly log: (line: string) => void;
}

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
/** The profiler's start takes a while, which is not the server's. */
const SETTLE_MS = 500;

export async function benchProfile(model: ModelName, options: ProfileOptions): Promise<ProfileFigures> {
  await using directory = await workDirectory();
  const hook = pathToFileURL(path.join(import.meta.dirname, "hook.ts"));
  hook.searchParams.set("into", directory.path);
  const slipway = await startSlipway(directory.path, model, {
    env: { ...process.env, NODE_OPTIONS: `--import=${hook.href}` },
  });
  try {
    // On one core a runner that is woken takes it from the front in the midst of a write, which would count as its time.
    for (const pid of runnersOf(slipway.pid)) movePinned(pid, LOAD_CORE);
    const profiles = [];
    for (const wire of options.wires) {
      const payload = await writePayload(directory.path, model, wire);
      profiles.push(await profileWire(slipway, directory.path, wire, payload, options));
    }
    return { tool: LOAD_TOOL, profiles };
  } finally {
    await slipway.stop();
  }
}

async function profileWire(
  slipway: Contender,
  directory: string,
  wire: Wire,
  payload: Payload,
  { seconds, log }: ProfileOptions,
): Promise<WireProfile> {
  const load = { url: slipway.url, payload, connections: CONNECTIONS };
  await closedLoop({ ...load, seconds: WARM_UP_SECONDS });
  const pids = [slipway.pid, ...runnersOf(slipway.pid)];
  for (const pid of pids) process.kill(pid, "SIGUSR2");
  await sleep(SETTLE_MS);
  const before = pids.map(cpuSecondsOf);
  const { requests, perSecond } = await closedLoop({ ...load, seconds });
  const after = pids.map(cpuSecondsOf);
  for (const pid of pids) process.kill(pid, "SIGUSR2");
  log(`profile, ${wire}: ${Math.round(perSecond)}/s under the profiler`);
  const processes = [];
  for (const [index, pid] of pids.entries()) {
    const profile = await profileOf(path.join(directory, `${pid}.cpuprofile`));
    const [from, to] = [before[index]!, after[index]!];
    const mainUs = ((to.mainThread - from.mainThread) * 1e6) / requests;
    const cpuUs = ((to.all - from.all) * 1e6) / requests;
    const isFront = pid === slipway.pid;
    const shares = stageShares(profile, isFront ? FRONT_STAGES : RUNNER_STAGES);
    const stages = shares.map(([stage, share]) => ({ stage, us: share * mainUs }));
    stages.push({ stage: "other threads, the profiler's too", us: Math.max(0, cpuUs - mainUs) });
    processes.push({ process: isFront ? ("front" as const) : ("runner" as const), cpuUs, stages });
  }
  return { wire, connections: CONNECTIONS, requests, perSecond, processes };
}

/** The runner processes below a server. */
function runnersOf(pid: number): number[] {
  return familyOf(pid).filter((member) => {
    const [program, ...rest] = readFileSync(`/proc/${member}/cmdline`, "utf8").split("\0");
    return program === process.execPath && rest.some((part) => part.includes("runner-main"));
  });
}

/** The profile in a file that is about to be there; taken away so that the next has its place. */
async function profileOf(file: string): Promise<CpuProfile> {
  for (let tries = 0; !existsSync(file); tries++) {
    if (tries > 300)
      throw new Error(`No profile came at ${file}; there are ${readdirSync(path.dirname(file)).join()}.`);
    await sleep(100);
  }
  const profile = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
  rmSync(file);
  return profile;
}

export function profileText(model: ModelName, { profiles }: ProfileFigures): string {
  return profiles
    .map(({ wire, perSecond, processes }) =>
      [
        `${model}, ${wire}, ${CONNECTIONS} connections, ${Math.round(perSecond)}/s under the profiler; CPU µs a request`,
        ...processes.flatMap(({ process: name, cpuUs, stages }) => [
          `  ${name.padEnd(36)} ${cpuUs.toFixed(1)}`,
          ...stages.map(({ stage, us }) => `    ${stage.padEnd(34)} ${us.toFixed(2)}`),
        ]),
      ].join("\n"),
    )
    .join("\n");
}
