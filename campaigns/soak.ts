// A long while of everything at once: several models, version switches, wrong requests, clients that leave, collections.
// What the server holds is measured at rest before and after: memory, descriptors, sockets, processes and temporary files
// must end where they began.
import { mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { memoryOf } from "../bench/processes.ts";
import { MODELS } from "../bench/models.ts";
import { importModel, scaleModel } from "../test/platform.ts";
import { BODIES, COMPRESSED, HEADS } from "../test/support/bad-requests.ts";
import { exchangeRaw, requestBytes } from "../test/support/raw-http.ts";
import { childrenOf, type ServerProcess, startServerProcess } from "../test/support/server-process.ts";
import { type Campaign, type CampaignRun, check, type Figures, pause } from "./campaign.ts";
import { Endings, LoadClient } from "./load.ts";

/** At rest, the memory of all processes may have grown by this share and this many bytes: garbage is collected late. */
const GROWTH = 0.15;
const GROWTH_BYTES = 24 * 2 ** 20;
const WARM_UP_MS = 120_000;
/** Until it is at rest: connections closed, replaced runners gone, idle memory given back. */
const REST_MS = { short: 3000, long: 10_000 };
const SAMPLES = 20;

export const soak: Campaign = {
  name: "soak",
  what: "Mixed models, version switches, wrong requests and cancellations for an hour: memory, descriptors, sockets and temporary files end where they began",
  unit: "minutes",
  short: 0.15,
  long: 60,
  run: soakServer,
};

interface Holdings {
  /** Proportional memory of all processes; null where the system does not tell. */
  readonly pssBytes: number | null;
  readonly processes: number;
  readonly descriptors: number;
  readonly sockets: number;
  readonly temporaryFiles: number;
}

interface Soaked {
  readonly server: ServerProcess;
  readonly random: () => number;
  readonly good: Endings;
  readonly bad: Endings;
  cancelled: number;
  changes: number;
  isOver: boolean;
}

async function soakServer(run: CampaignRun): Promise<Figures> {
  const scratch = path.join(run.directory, "scratch");
  mkdirSync(scratch);
  const flags = ["--max-body-bytes", String(4 * 2 ** 20)];
  const server = await startServerProcess(path.join(run.directory, "data"), flags, { TMPDIR: scratch });
  try {
    await importModel(server, "scale", scaleModel(1));
    await importModel(server, "scale", scaleModel(2));
    await importModel(server, "wide", scaleModel(3, 500));
    await importModel(server, "mid", MODELS.mid.build());
    for (const endpoint of ["scale", "wide", "mid"]) await server.client.deploy({ params: { endpoint }, body: {} });
    const totalMs = run.size * 60_000;
    await load(run, server, Math.min(WARM_UP_MS, totalMs / 2));
    const before = await holdingsAtRest(run, server, scratch);
    const samples: (number | null)[] = [];
    const soaked = await load(run, server, totalMs, () => samples.push(holdings(server, scratch).pssBytes));
    const after = await holdingsAtRest(run, server, scratch);
    requireSame(before, after);
    server.child.kill("SIGTERM");
    const { code } = await server.exited;
    check(code === 0, `The server ended with ${code}`);
    check(readdirSync(scratch).length === 0, `Temporary files are left: ${readdirSync(scratch).join(", ")}`);
    const { good, bad, cancelled, changes } = soaked;
    return {
      minutes: run.size,
      before,
      after,
      pssBytesOverTime: samples,
      answered: good,
      refused: bad,
      cancelled,
      changes,
    };
  } finally {
    server.child.kill("SIGKILL");
    await server.exited;
  }
}

/** All sorts of use for a while; `sample` is called now and then. */
async function load(run: CampaignRun, server: ServerProcess, forMs: number, sample = (): void => {}): Promise<Soaked> {
  const soaked: Soaked = {
    server,
    random: run.random,
    good: new Endings(),
    bad: new Endings(),
    cancelled: 0,
    changes: 0,
    isOver: false,
  };
  const users = [ask(soaked, "scale", 2), ask(soaked, "scale", 2), ask(soaked, "wide", 500), ask(soaked, "mid", 784)];
  const work = Promise.all([...users, askWrongly(soaked), leave(soaked), change(soaked)]);
  const end = performance.now() + forMs;
  const rest = (async () => {
    while (performance.now() < end && !soaked.isOver) {
      await pause(Math.min(forMs / SAMPLES, Math.max(0, end - performance.now())));
      sample();
      run.log(
        `${soaked.good.total} answered, ${soaked.bad.total} refused, ${soaked.cancelled} cancelled, ${soaked.changes} changes`,
      );
    }
    soaked.isOver = true;
  })();
  try {
    await Promise.all([work, rest]);
  } finally {
    soaked.isOver = true;
  }
  soaked.good.require(/^200$/);
  check(soaked.good.total > 0 && soaked.bad.total > 0 && soaked.cancelled > 0, "Something was not done at all.");
  return soaked;
}

async function ask(soaked: Soaked, endpoint: string, width: number): Promise<void> {
  const client = new LoadClient(soaked.server.inferenceAddress);
  while (!soaked.isOver) {
    const x = Array.from({ length: width }, () => Math.floor(soaked.random() * 100));
    const ending = await client.ask(endpoint, x);
    soaked.good.count(ending);
    const factor = endpoint === "wide" ? 3 : Number(ending.version);
    if (endpoint !== "mid" && ending.status === 200)
      check(ending.data![1] === factor * x[1]!, `${endpoint} answered ${ending.data?.join()}`);
    await pause(soaked.random() * 10);
  }
  client.close();
}

/** Sends requests that must be refused, each on a connection of its own. */
async function askWrongly(soaked: Soaked): Promise<void> {
  const { server, random, bad } = soaked;
  const cases = Object.entries({ ...BODIES, ...COMPRESSED, ...HEADS });
  while (!soaked.isOver) {
    const [name, { bytes, answers }] = cases[Math.floor(random() * cases.length)]!;
    const heard = await exchangeRaw(server.inferenceAddress, bytes, { answers: answers.length, limitMs: 120_000 });
    for (const [index, { status, body }] of heard.answers.entries()) {
      const code = (JSON.parse(body) as { code?: string }).code ?? null;
      const outcome = code === null ? String(status) : `${status} ${code}`;
      check(outcome === answers[index], `${name}: ${outcome} instead of ${answers[index]}`);
      bad.count({ status, code, version: null, data: null });
    }
    check(heard.answers.length === answers.length, `${name}: ${heard.answers.length} answers`);
    await pause(random() * 20);
  }
}

/** Asks and leaves, before or while it is answered. */
async function leave(soaked: Soaked): Promise<void> {
  const { hostname, port } = new URL(soaked.server.inferenceAddress);
  const data = Array.from({ length: 64 * 784 }, () => 1);
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [64, 784], datatype: "FP32", data }] });
  const bytes = requestBytes("/v2/models/mid/infer", { body });
  while (!soaked.isOver) {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(bytes.subarray(0, soaked.random() < 0.5 ? bytes.length : Math.floor(soaked.random() * bytes.length)));
    await pause(soaked.random() * 12);
    socket.destroy();
    soaked.cancelled++;
    await pause(soaked.random() * 100);
  }
}

/** Switches versions, takes endpoints out and in, imports what is there already, collects. */
async function change(soaked: Soaked): Promise<void> {
  const { client } = soaked.server;
  const params = { endpoint: "scale" };
  for (let turn = 0; !soaked.isOver; turn++) {
    await client.deploy({ params, body: { number: 1 + (turn % 2) } });
    if (turn % 4 === 1) await client.rollback({ params, body: {} });
    if (turn % 8 === 3) await client.collectGarbage({ body: { isDryRun: false } });
    if (turn % 8 === 5) await importModel({ client }, "scale", scaleModel(1));
    if (turn % 8 === 7) await client.deploy({ params: { endpoint: "wide" }, body: {} });
    await client.getStatus();
    soaked.changes++;
    for (let waited = 0; waited < 30 && !soaked.isOver; waited++) await pause(100);
  }
}

async function holdingsAtRest({ size }: CampaignRun, server: ServerProcess, scratch: string): Promise<Holdings> {
  await pause(size < 1 ? REST_MS.short : REST_MS.long);
  return holdings(server, scratch);
}

function holdings({ pid }: ServerProcess, scratch: string): Holdings {
  const processes = [pid, ...childrenOf(pid)];
  const open = processes.flatMap((one) => descriptorsOf(one));
  return {
    pssBytes: memoryOf(pid)?.pssBytes ?? null,
    processes: processes.length,
    descriptors: open.length,
    sockets: open.filter((target) => target.startsWith("socket:")).length,
    temporaryFiles: readdirSync(scratch).length,
  };
}

/** What a process has open; nothing where it has ended meanwhile, or on systems without /proc. */
function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return namesIn(directory).flatMap((name) => {
    try {
      return [readlinkSync(path.join(directory, name))];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function requireSame(before: Holdings, after: Holdings): void {
  for (const what of ["processes", "descriptors", "sockets", "temporaryFiles"] as const) {
    check(after[what] <= before[what], `${what}: ${before[what]} before, ${after[what]} after`);
  }
  if (before.pssBytes === null || after.pssBytes === null) return;
  const limit = before.pssBytes * (1 + GROWTH) + GROWTH_BYTES;
  check(after.pssBytes <= limit, `Memory: ${before.pssBytes} bytes before, ${after.pssBytes} after`);
}
