// Kills a real server at random moments while it imports, deploys, rolls back, unloads and answers, and looks after each
// kill whether what it acknowledged is there, what it serves is what was last said, and nothing of it still runs; now and
// then also whether garbage collection leaves exactly the files that versions are made of.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { bytesFromModel } from "@slipway/core/onnx";
import { openRegistry } from "../server/src/registry/index.ts";
import { openStore } from "../server/src/store/index.ts";
import { infer, scaleModel } from "../test/platform.ts";
import { isAlive, type ServerProcess, startServerProcess } from "../test/support/server-process.ts";
import { type Campaign, type CampaignRun, check, eventually, type Figures, pause, percentiles } from "./campaign.ts";

/** The endpoint that is asked, and the name of its versions. */
export const NAME = "front";
/** Codes a request may meet while its endpoint changes or its server stops. */
const PASSING = /^(ENDPOINT_NOT_FOUND|ENDPOINT_NOT_READY|SHUTTING_DOWN)$/;
/** What may be going on when a server is killed, and how long after its beginning it may be killed. */
const WINDOWS_MS = { import: 15, deploy: 300, rollback: 300, unload: 15, collect: 10 } as const;
type Operation = keyof typeof WINDOWS_MS;
const OPERATIONS = Object.keys(WINDOWS_MS) as Operation[];
/** Killed after this long at any rate. */
const PATIENCE_MS = 2500;
/** Kills between two looks at the files themselves. */
const FILES_EVERY = 25;

/** What is known to have happened, over all servers so far. */
export interface Known {
  /** What a version multiplies by, for those acknowledged. */
  readonly factors: Map<number, number>;
  /** As above by the hash of the model's bytes, also of imports that were not acknowledged. */
  readonly begun: Map<string, number>;
  /** The versions that may be live: what was acknowledged last, and what was begun after it; null for none. */
  live: Set<number | null>;
  /** Every version that anybody began to make live, in order. */
  readonly begunLive: (number | null)[];
  /** What was being done when a server was killed. */
  doing: Operation | "nothing";
  /** Told when an operation begins. */
  onBegin: (operation: Operation) => void;
}

export function createKnown(): Known {
  return {
    factors: new Map(),
    begun: new Map(),
    live: new Set([null]),
    begunLive: [],
    doing: "nothing",
    onBegin: () => {},
  };
}

export const killServer: Campaign = {
  name: "kill-server",
  what: "SIGKILL at random moments of importing, deploying, rolling back and unloading: what was acknowledged is there and served, and nothing is left over",
  unit: "rounds",
  short: 5,
  long: 1000,
  run: killServers,
};

async function killServers(run: CampaignRun): Promise<Figures> {
  const { random, size: kills } = run;
  const data = path.join(run.directory, "data");
  const scratch = path.join(run.directory, "scratch");
  mkdirSync(scratch);
  const known = createKnown();
  const killedWhile: Record<string, number> = {};
  const startsMs: number[] = [];
  let answers = 0;
  let collected = 0;
  for (let kill = 0; kill <= kills; kill++) {
    const context = `kill ${kill}`;
    const before = performance.now();
    const server = await startServerProcess(data, [], { TMPDIR: scratch });
    startsMs.push(performance.now() - before);
    try {
      await look(server, known, context);
      if (kill === kills) break;
      const asking = ask(server, known, context);
      const changing = change(server, known, random);
      await momentOf(OPERATIONS[Math.floor(random() * OPERATIONS.length)]!, known, random);
      const runners = server.runners();
      server.child.kill("SIGKILL");
      killedWhile[known.doing] = (killedWhile[known.doing] ?? 0) + 1;
      answers += await asking;
      await changing;
      const { signal } = await server.exited;
      check(signal === "SIGKILL", `${context}: the server ended by itself: ${server.output()}`);
      await eventually(
        `${context}: runners left`,
        () => runners.filter(isAlive),
        ({ length }) => length === 0,
      );
    } finally {
      server.child.kill("SIGKILL");
      await server.exited;
    }
    if ((kill + 1) % FILES_EVERY === 0 || kill + 1 === kills)
      collected += await lookAtFiles(data, scratch, known, context);
    if ((kill + 1) % 50 === 0) run.log(`${kill + 1} kills, ${known.factors.size} versions, ${answers} answers`);
  }
  check(answers > 0 && known.factors.size > 0, "Nothing was served: the campaign shows nothing.");
  return { kills, killedWhile, versions: known.factors.size, answers, collected, startMs: percentiles(startsMs) };
}

/** Waits until an operation of this kind has begun, and then for a random part of the time it takes. */
async function momentOf(wanted: Operation, known: Known, random: () => number): Promise<void> {
  const { promise: moment, resolve } = Promise.withResolvers<void>();
  known.onBegin = (operation) => {
    if (operation === wanted) setTimeout(resolve, random() * WINDOWS_MS[wanted]);
  };
  await Promise.race([moment, pause(PATIENCE_MS)]);
}

function begin(operation: Operation, known: Known): void {
  known.doing = operation;
  known.onBegin(operation);
}

/** Looks whether a server has all that is known, whole, and serves what it should. */
export async function look(
  { client, inferenceAddress }: Pick<ServerProcess, "client" | "inferenceAddress">,
  known: Known,
  context: string,
): Promise<void> {
  const versions = await client.listVersions({ query: { name: NAME } });
  for (const number of known.factors.keys())
    check(
      versions.some((version) => version.number === number),
      `${context}: version ${number} was acknowledged and is gone`,
    );
  for (const { number, model } of versions) {
    const factor = known.begun.get(model.hash);
    check(factor !== undefined, `${context}: version ${number} was never asked for`);
    check((known.factors.get(number) ?? factor) === factor, `${context}: version ${number} is another model`);
    known.factors.set(number, factor);
  }
  const numbers = versions.map(({ number }) => number).sort((a, b) => a - b);
  check(
    numbers.every((number, index) => number === index + 1),
    `${context}: versions are numbered ${numbers.join(", ")}`,
  );
  const live = (await client.listEndpoints()).find(({ name }) => name === NAME)?.live?.number ?? null;
  check(known.live.has(live), `${context}: ${live} is live; expected one of ${[...known.live].join(", ")}`);
  known.live = new Set([live]);
  const { status, body } = await infer(inferenceAddress, NAME, [1, 2], [1, 2]);
  if (live === null) check(PASSING.test(body.code ?? ""), `${context}: ${body.code} while nothing is live`);
  else {
    check(status === 200 && body.model_version === String(live), `${context}: ${status} ${JSON.stringify(body)}`);
    const factor = known.factors.get(live)!;
    const y = body.outputs![0]!.data;
    check(y[0] === factor && y[1] === 2 * factor, `${context}: ${y.join(", ")} from version ${live}, times ${factor}`);
  }
  const ready = await fetch(`${inferenceAddress}/v2/health/ready`);
  check(ready.status === 200, `${context}: not ready`);
}

/** Asks until the server is gone; answers how often it was answered. */
async function ask({ inferenceAddress, child }: ServerProcess, known: Known, context: string): Promise<number> {
  let answers = 0;
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await infer(inferenceAddress, NAME, [1, 2], [1, 2]).catch(() => null);
    if (answer === null) break; // the connection was cut
    const { status, body } = answer;
    if (status === 200) {
      answers++;
      const factor = body.outputs![0]!.data[0]!;
      check([...known.begun.values()].includes(factor), `${context}: answered with the factor ${factor}`);
    } else check(PASSING.test(body.code ?? ""), `${context}: ${status} ${body.code}`);
  }
  return answers;
}

/** Changes the registry and the endpoint until the server is gone. */
async function change(server: ServerProcess, known: Known, random: () => number): Promise<void> {
  try {
    for (;;) await changeOnce(server, known, random);
  } catch (error) {
    // Once the server was killed, calls fail as fetch fails; an error it answered with itself has a code.
    if ((error as { code?: string }).code !== undefined || !(error instanceof TypeError)) throw error;
  }
}

/** Does one thing of `from`, where it can be done; what is begun and what is acknowledged becomes known. */
export async function changeOnce(
  { client }: Pick<ServerProcess, "client">,
  known: Known,
  random: () => number,
  from: readonly Operation[] = OPERATIONS,
): Promise<void> {
  const params = { endpoint: NAME };
  const goLive = async (number: number | null, change: () => Promise<unknown>): Promise<void> => {
    known.live.add(number);
    known.begunLive.push(number);
    await change();
    known.live = new Set([number]);
  };
  known.doing = "nothing";
  const endpoint = (await client.listEndpoints()).find(({ name }) => name === NAME);
  const operation = known.factors.size === 0 ? "import" : from[Math.floor(random() * from.length)]!;
  switch (operation) {
    case "import": {
      begin("import", known);
      const factor = known.begun.size + 2;
      const bytes = bytesFromModel(scaleModel(factor));
      const hash = createHash("sha256").update(bytes).digest("hex");
      known.begun.set(hash, factor);
      await client.putBlob({ params: { hash }, body: bytes });
      const { version } = await client.importVersion({ body: { name: NAME, files: [{ path: "model.onnx", hash }] } });
      known.factors.set(version.number, factor);
      return;
    }
    case "deploy": {
      begin("deploy", known);
      const numbers = [...known.factors.keys()];
      const number = numbers[Math.floor(random() * numbers.length)]!;
      const settings = { runtime: { warmUpRuns: 0, batching: "off" } } as const;
      await goLive(number, () => client.deploy({ params, body: { number, settings } }));
      return;
    }
    case "rollback": {
      const previous = endpoint?.previous?.number;
      if (previous === undefined) return;
      begin("rollback", known);
      await goLive(previous, () => client.rollback({ params, body: {} }));
      return;
    }
    case "unload": {
      if (endpoint === undefined || endpoint.live === null) return;
      begin("unload", known);
      await goLive(null, () => client.unload({ params, body: {} }));
      return;
    }
    case "collect":
      begin("collect", known);
      await client.collectGarbage({ body: { isDryRun: false } });
      return;
  }
}

/** With nobody at the data directory: collects without grace, then holds the files there are against the versions. */
async function lookAtFiles(data: string, scratch: string, known: Known, context: string): Promise<number> {
  const clock = { wall: () => Date.now() };
  const holder = { pid: process.pid, what: "a campaign" };
  const store = await openStore({ path: data, clock, random: randomBytes, holder });
  try {
    const registry = openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes });
    const by = { actor: "campaign", reason: null };
    const { items } = await registry.collectGarbage({ ...by, isDryRun: false, graceMs: -1000 });
    const stored = new Set<string>();
    for await (const { hash } of store.blobs.list()) stored.add(hash);
    for await (const { id } of store.blobs.leftovers()) check(false, `${context}: ${id} is left after collection`);
    const versions = await registry.listVersions(NAME);
    const needed = new Set(versions.map(({ modelHash }) => modelHash));
    for (const hash of needed) {
      check(stored.has(hash), `${context}: the blob ${hash} of a version is gone`);
      await store.blobs.verify(hash);
    }
    for (const hash of stored) check(needed.has(hash), `${context}: the blob ${hash} is left after collection`);
    check(versions.length >= known.factors.size, `${context}: versions are missing`);
    check(strayProcesses(data).length === 0, `${context}: processes are left: ${strayProcesses(data).join(", ")}`);
    const files = readdirSync(scratch);
    check(files.length === 0, `${context}: temporary files are left: ${files.join(", ")}`);
    return items.length;
  } finally {
    await store.close();
  }
}

/** Processes that still name the data directory. */
function strayProcesses(data: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data);
    } catch {
      return false;
    }
  });
}
