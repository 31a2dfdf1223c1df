// Backs up a real server again and again while it imports, deploys, rolls back, collects garbage and answers; restores
// each backup into a fresh directory, starts it, and looks whether what was acknowledged before is there, and all whole.
import { randomBytes } from "node:crypto";
import path from "node:path";
import { expect } from "vitest";
import { changeOnce, createKnown, type Known, look, NAME } from "../../campaigns/kill-server.ts";
import { infer, removeDirectory } from "../platform.ts";
import { randomFrom } from "./random.ts";
import { type ServerProcess, spawnSlipway, startServerProcess } from "./server-process.ts";

const ASKING = 4;
/** What is done meanwhile; nothing is unloaded, so that every request has an answer. */
const CHANGES = ["import", "deploy", "rollback"] as const;

export interface BackupTally {
  readonly seed: number;
  readonly backups: number;
  readonly changes: number;
  readonly answers: number;
  /** What was answered with anything but 200 and the numbers of a version. */
  readonly failures: readonly string[];
}

/** Makes `backups` backups, archives and directories in turn. `SLIPWAY_TEST_SEED` repeats a run's choices. */
export async function backUpUnderLoad(directory: string, backups: number): Promise<BackupTally> {
  const seed = Number(process.env["SLIPWAY_TEST_SEED"] ?? randomBytes(4).readUInt32LE());
  const random = randomFrom(seed);
  const known = createKnown();
  const data = path.join(directory, "data");
  const server = await startServerProcess(data);
  const over = new AbortController();
  const tally = { answers: 0, changes: 0, failures: [] as string[] };
  try {
    // So that there is something to ask before the first backup.
    while (known.live.has(null)) await changeOnce(server, known, random, CHANGES);
    const asking = Array.from({ length: ASKING }, () => ask(server, known, over.signal, tally));
    const changing = change(server, known, random, over.signal, tally);
    for (let number = 0; number < backups; number++) {
      const context = `seed ${seed}, backup ${number}`;
      const to = path.join(directory, number % 2 === 0 ? `${number}.tar` : "directory");
      // A copy: what is known when the backup begins has to be in it, what comes later may be.
      const before: Known = { ...known, factors: new Map(known.factors), live: new Set(known.live) };
      const first = known.begunLive.length;
      expect(await slipway("backup", "--data-dir", data, "--to", to), context).toMatchObject({ code: 0 });
      for (const live of known.begunLive.slice(first)) before.live.add(live);
      await lookAt(directory, to, before, context);
    }
    over.abort();
    await Promise.all([...asking, changing]);
    server.child.kill("SIGTERM");
    expect(await server.exited, `seed ${seed}`).toEqual({ code: 0, signal: null });
  } finally {
    over.abort();
    server.child.kill("SIGKILL");
    await server.exited;
  }
  return { seed, backups, ...tally };
}

/** Restores a backup, starts a server on it and looks what it has. */
async function lookAt(directory: string, from: string, before: Known, context: string): Promise<void> {
  const fresh = path.join(directory, "fresh");
  expect(await slipway("restore", from, "--data-dir", fresh), context).toMatchObject({ code: 0 });
  const restored = await startServerProcess(fresh);
  try {
    await look(restored, before, context);
    for (const { model } of await restored.client.listVersions({ query: { name: NAME } })) {
      // Read through and compared with its hash.
      const { isStored } = await restored.client.hasBlob({ params: { hash: model.hash } });
      expect(isStored, `${context}: ${model.hash}`).toBe(true);
    }
  } finally {
    restored.child.kill("SIGKILL");
    await restored.exited;
    removeDirectory(fresh);
  }
}

/** Runs a command of the CLI to its end. */
export async function slipway(...arguments_: string[]): Promise<{ code: number | null; err: string }> {
  const child = spawnSlipway(arguments_);
  let err = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => void (err += text));
  child.stdout!.resume();
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, err };
}

async function ask(
  { inferenceAddress }: ServerProcess,
  known: Known,
  over: AbortSignal,
  tally: { answers: number; failures: string[] },
): Promise<void> {
  while (!over.aborted) {
    const { status, body } = await infer(inferenceAddress, NAME, [1, 2], [1, 2]);
    const factor = body.outputs?.[0]?.data[0];
    if (status === 200 && [...known.begun.values()].includes(factor!)) tally.answers++;
    else tally.failures.push(`${status} ${JSON.stringify(body)}`);
  }
}

async function change(
  server: ServerProcess,
  known: Known,
  random: () => number,
  over: AbortSignal,
  tally: { changes: number },
): Promise<void> {
  for (; !over.aborted; tally.changes++) {
    await changeOnce(server, known, random, [...CHANGES, "collect"]);
  }
}
