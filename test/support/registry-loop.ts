// A process to be killed: imports, deploys, rolls back, unloads and collects garbage without end, saying on its standard
// output what it is about to do and what is done. Arguments: the data directory, a folder for model files, a seed.
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Clock } from "@slipway/core/base";
import { openRegistry, type Registry } from "../../server/src/registry/index.ts";
import { openStore } from "../../server/src/store/index.ts";
import { sampleModel, sampleModelWithExternalData } from "./sample-models.ts";

/** A line of this process. `begin` may or may not have happened when it is killed; `done` has. */
export type LoopLine =
  | { readonly kind: "ready"; readonly pid: number }
  | { readonly kind: "done-import"; readonly name: string; readonly number: number; readonly modelHash: string }
  | { readonly kind: "begin-live" | "done-live"; readonly deploymentId: string | null };

const BY = { actor: "loop", reason: null };
const NAMES = ["alpha", "beta"];

const say = (line: LoopLine) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Numbers from 0 up to 1; Marsaglia's xorshift32. */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

async function importNext(registry: Registry, sources: string, random: () => number): Promise<string> {
  const name = NAMES[Math.floor(random() * NAMES.length)]!;
  const value = random();
  const hasExternalData = random() < 0.5;
  await writeFile(
    path.join(sources, "model.onnx"),
    hasExternalData ? sampleModelWithExternalData("w.bin") : sampleModel(value),
  );
  await writeFile(path.join(sources, "w.bin"), Float32Array.of(value));
  const { version } = await registry.importFile({
    ...BY,
    name,
    file: path.join(sources, "model.onnx"),
    limitBytes: null,
    processing: random() < 0.5 ? null : { value },
    source: "loop",
    note: null,
    number: null,
  });
  say({ kind: "done-import", name, number: version.number, modelHash: version.modelHash });
  return name;
}

/** Makes one step of the endpoint's life. */
async function changeLive(registry: Registry, name: string, choice: number): Promise<void> {
  if (choice < 0.7) {
    const { id } = await registry.stage({ endpoint: "front", name, number: null, settings: {} });
    say({ kind: "begin-live", deploymentId: id });
    await registry.promote(id, "deployed", BY);
    say({ kind: "done-live", deploymentId: id });
    return;
  }
  const endpoint = (await registry.listEndpoints()).find((endpoint) => endpoint.name === "front");
  if (endpoint === undefined) return;
  const deploymentId = choice < 0.9 ? endpoint.previousDeploymentId : null;
  if (choice < 0.9 && deploymentId === null) return;
  say({ kind: "begin-live", deploymentId });
  if (deploymentId === null) await registry.unload("front", BY);
  else await registry.promote(deploymentId, "rolled-back", BY);
  say({ kind: "done-live", deploymentId });
}

const { positionals } = parseArgs({ allowPositionals: true });
const [directory, sources, seed] = positionals as [string, string, string];
const clock: Pick<Clock, "wall"> = { wall: () => Date.now() };
const store = await openStore({
  path: directory,
  clock,
  random: randomBytes,
  holder: { pid: process.pid, what: "loop" },
});
const address = "http://127.0.0.1:1";
await store.directory.writeServerFile({
  pid: process.pid,
  adminAddress: address,
  inferenceAddress: address,
  token: "token",
  startedAt: clock.wall(),
  version: "0.0.0",
});
const registry = openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes });
await registry.abandonStaged("the server stopped while it was loaded");
await mkdir(sources, { recursive: true });
say({ kind: "ready", pid: process.pid });
const random = randomFrom(Number(seed));
for (;;) {
  const name = await importNext(registry, sources, random);
  await changeLive(registry, name, random());
  if (random() < 0.2) await registry.collectGarbage({ ...BY, isDryRun: false, graceMs: 0 });
}
