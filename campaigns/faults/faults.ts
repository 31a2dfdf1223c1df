// The machine and the clients at their worst, one fault after the other. What can't be tried on a machine is said.
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Campaign, CampaignRun, Figures } from "../campaign.ts";
import { fullDisk, readOnlyDisk } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { clockJumps, noDescriptors, outOfMemory } from "./machine.ts";
import { halfClosed, idleConnections, pipelinedGarbage, slowBodies, slowHeads } from "./sockets.ts";

const FAULTS: readonly Fault[] = [
  fullDisk,
  readOnlyDisk,
  outOfMemory,
  noDescriptors,
  clockJumps,
  slowHeads,
  slowBodies,
  halfClosed,
  pipelinedGarbage,
  idleConnections,
];

export const faults: Campaign = {
  name: "faults",
  what: "Full and read-only disks, memory and descriptors that run out, clock jumps, slow, half-closed, garbled and idle connections",
  unit: "connections",
  short: 100,
  long: 10_000,
  run: runFaults,
};

async function runFaults({ size, directory, log }: CampaignRun): Promise<Figures> {
  const outcomes: Record<string, unknown> = {};
  for (const [index, fault] of FAULTS.entries()) {
    const own = path.join(directory, String(index));
    mkdirSync(own);
    try {
      outcomes[fault.name] = await fault.run({ connections: size, directory: own, log });
    } catch (error) {
      throw new Error(`${fault.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    log(`${fault.name}: ${JSON.stringify(outcomes[fault.name])}`);
  }
  return outcomes;
}
