// Kills a process that changes a data directory, again and again at random moments, and looks after each kill whether
// everything it said was done is there, whole and consistent.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { openRegistry, type Registry } from "../../server/src/registry/index.ts";
import { openStore, readServerFile, type Store } from "../../server/src/store/index.ts";
import { temporaryDirectory } from "./registry.ts";
import type { LoopLine } from "./registry-loop.ts";

const BY = { actor: "tester", reason: null };
const clock = { wall: () => Date.now() };

/** What is known to have happened, over all processes so far. */
interface Known {
  /** Hash of the model by `name@number`. */
  readonly versions: Map<string, string>;
  /** What the endpoint may serve: what was done last, and what was begun after it. */
  live: Set<string | null>;
  /** Blobs whose bytes were read and found sound. */
  readonly sound: Set<string>;
}

/** Kills `kills` processes; the seed, which decides what they do, is in the message of what fails. */
export async function killAndLook(kills: number): Promise<void> {
  const root = await temporaryDirectory();
  const directory = path.join(root, "data");
  const known: Known = { versions: new Map(), live: new Set([null]), sound: new Set() };
  const seed = randomBytes(4).readUInt32LE();
  for (let kill = 0; kill < kills; kill++) {
    const context = `seed ${seed}, kill ${kill}`;
    await runAndKill(directory, path.join(root, "sources"), seed + kill, known, context);
    await look(directory, known, context);
  }
  expect(known.versions.size, "versions that were made between the kills").toBeGreaterThan(kills / 2);
}

async function runAndKill(directory: string, sources: string, seed: number, known: Known, context: string) {
  const program = path.join(import.meta.dirname, "registry-loop.ts");
  const child = spawn(process.execPath, ["--conditions=source", program, directory, sources, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    let timer: NodeJS.Timeout | null = null;
    for await (const text of createInterface({ input: child.stdout })) {
      if (!text.endsWith("}")) continue; // cut by the kill
      const line = JSON.parse(text) as LoopLine;
      // The moment is random within what a few imports take here.
      if (line.kind === "ready") timer = setTimeout(() => child.kill("SIGKILL"), (randomBytes(1)[0]! / 256) * 250);
      else if (line.kind === "done-import") known.versions.set(`${line.name}@${line.number}`, line.modelHash);
      else if (line.kind === "begin-live") known.live.add(line.deploymentId);
      else known.live = new Set([line.deploymentId]);
    }
    const [code, signal] = (await exited) as [number | null, string | null];
    expect({ code, signal, wasReady: timer !== null }, context).toEqual({
      code: null,
      signal: "SIGKILL",
      wasReady: true,
    });
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

async function look(directory: string, known: Known, context: string): Promise<void> {
  expect((await readServerFile(directory))?.isAlive, context).toBe(false);
  const holder = { pid: process.pid, what: "a test" };
  const store = await openStore({ path: directory, clock, random: randomBytes, holder });
  try {
    const registry = openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes });
    lookAtDatabase(store.directory.databaseFile, context);
    await lookAtVersions(registry, store, known, context);
    await lookAtEndpoint(registry, known, context);
  } finally {
    await store.close();
  }
}

function lookAtDatabase(file: string, context: string): void {
  const database = new DatabaseSync(file);
  try {
    expect(database.prepare("PRAGMA integrity_check").all(), context).toEqual([{ integrity_check: "ok" }]);
    expect(database.prepare("PRAGMA foreign_key_check").all(), context).toEqual([]);
  } finally {
    database.close();
  }
}

async function lookAtVersions(registry: Registry, store: Store, known: Known, context: string): Promise<void> {
  const versions = await registry.listVersions();
  const there = new Map(versions.map(({ name, number, modelHash }) => [`${name}@${number}`, modelHash]));
  for (const [version, modelHash] of known.versions)
    expect(there.get(version), `${context}: ${version}`).toBe(modelHash);
  for (const [version, modelHash] of there) known.versions.set(version, modelHash);
  const hashes = new Set<string>();
  for (const modelHash of new Set(there.values()))
    for (const { hash } of (await registry.getModel(modelHash)).files) hashes.add(hash);
  for (const hash of hashes) {
    if (!known.sound.has(hash)) await store.blobs.verify(hash);
    known.sound.add(hash);
  }
  const decisions = await registry.listDecisions({ limit: 1_000_000 });
  expect(decisions.filter(({ kind }) => kind === "imported").length, context).toBe(versions.length);
  // What the kill left half-done goes, and nothing else.
  await registry.collectGarbage({ ...BY, isDryRun: false, graceMs: -1000 });
  const stored: string[] = [];
  for await (const { hash } of store.blobs.list()) stored.push(hash);
  expect(stored.sort(), context).toEqual([...hashes].sort());
  for await (const { id } of store.blobs.leftovers()) expect.unreachable(`${context}: leftover ${id}`);
}

async function lookAtEndpoint(registry: Registry, known: Known, context: string): Promise<void> {
  const endpoint = (await registry.listEndpoints()).find(({ name }) => name === "front");
  const live = endpoint?.liveDeploymentId ?? null;
  expect([...known.live], `${context}: what the endpoint serves`).toContain(live);
  known.live = new Set([live]);
  if (endpoint === undefined) return;
  expect(endpoint.variants, context).toEqual(live === null ? [] : [{ deploymentId: live, weight: 1 }]);
  const deployments = await registry.listDeployments({ endpoint: "front", limit: 1_000_000 });
  const inState = (state: string) => deployments.filter((deployment) => deployment.state === state);
  expect(
    inState("live").map(({ id }) => id),
    context,
  ).toEqual(live === null ? [] : [live]);
  expect(inState("staged").length, context).toBeLessThanOrEqual(1);
}
