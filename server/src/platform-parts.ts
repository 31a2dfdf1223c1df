// The parts every use of a data directory needs, running server or single command: store, registry, serving, launcher.
// Clock, randomness and environment enter here, for the composition root alone.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { modelStatistics, repositoryIndex } from "#api";
import { Backups } from "#backup";
import type { Settings } from "#config";
import { Launcher } from "#launch";
import { Fleet, FleetServing } from "#fronts";
import { JobBook, JobQueue } from "#jobs";
import { AnswerBook, createLog, type Log, TrafficBook } from "#monitor";
import { MEASUREMENT_NAMES, MEASUREMENTS } from "#lab/measure";
import {
  createIdentifiers,
  type EvidenceMachine,
  machineFrom,
  openRegistry,
  type Registry,
  scanInProcess,
} from "#registry";
import { Drawer, Reporter } from "#report";
import { createOnnxRuntimeBackend, LongTurns, planThreads, startContainedScript, systemClock } from "#runtime";
import { createServing, type Serving, type VariantStatus } from "#serve";
import { openStore, type Store } from "#store";
import { jobKinds } from "./platform-jobs.ts";

export const clock = systemClock;

const here = path.dirname(fileURLToPath(import.meta.url));
/** Where the console is built to; it is published with the compiled output. */
export const CONSOLE_DIRECTORY = path.resolve(here, "../dist/console");
/** The digits example: that of the clone, or the copy that is published. */
export const EXAMPLE_DIRECTORY = path.resolve(here, import.meta.url.endsWith(".ts") ? "../.." : ".", "examples/digits");
export const VERSION = (JSON.parse(readFileSync(path.resolve(here, "../package.json"), "utf8")) as { version: string })
  .version;

/** Of the machine's memory, what runners may need together unless configured. */
const BUDGET_SHARE = 0.8;

/** What this process is surrounded by. */
export interface PlatformSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where log lines go, and whether a person reads them. */
  readonly logTo: { readonly write: (line: string) => void; readonly isTerminal: boolean };
}

export interface Parts {
  readonly log: Log;
  readonly store: Store;
  readonly registry: Registry;
  /** What this process answered itself. */
  readonly book: TrafficBook;
  /** Looks at the links to this process's runners. */
  readonly longTurns: LongTurns;
  readonly answers: AnswerBook;
  readonly serving: Serving;
  /** The front processes; null where this process is the only front. */
  readonly fleet: Fleet | null;
  readonly launcher: Launcher;
  readonly backups: Backups;
  readonly jobs: JobQueue;
  readonly reporter: Reporter;
  readonly drawer: Drawer;
  readonly machine: EvidenceMachine;
  /** All that child processes see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every endpoint there is or was since the start, for the repository index. */
  readonly endpointNames: Set<string>;
  readonly backend: string;
}

/**
 * Opens a data directory and what stands on it.
 * @param holder what this process is doing, for those who find the directory locked
 * @param hasFronts whether requests are to be answered by front processes, where more than one is asked for
 * @throws SlipwayError DATA_DIRECTORY_*, DISK_*
 */
export async function openParts(
  settings: Settings,
  holder: string,
  surroundings: PlatformSurroundings,
  hasFronts: boolean,
): Promise<Parts> {
  const log = logFor(settings, surroundings);
  const store = await openStore({
    path: path.resolve(settings.dataDir),
    clock,
    random: randomBytes,
    holder: { pid: process.pid, what: holder },
  });
  const environment = childEnvironment(surroundings);
  const scan = scanInProcess({ clock, start: (script) => startContainedScript({ ...script, environment }) });
  const registry = openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes, scan });
  const book = new TrafficBook(() => clock.wall());
  const endpointNames = new Set<string>();
  const naming = { onVariantChanged: ({ endpoint }: VariantStatus) => void endpointNames.add(endpoint) };
  const own = createServing({ clock, hooks: [book.hooks, naming], memoryBudgetBytes: memoryBudgetBytes(settings) });
  const answers = new AnswerBook();
  const logFacts = (text: string, facts: Readonly<Record<string, unknown>>) => log.info(facts, text);
  const fleet: Fleet | null =
    hasFronts && settings.server.fronts > 1
      ? new Fleet({
          settings,
          version: VERSION,
          clock,
          fingerprintKey: randomBytes(32),
          environment,
          book,
          answers,
          overview: (endpoint, version) => ({
            statistics: modelStatistics(fleet!.traffic, serving.status(), endpoint, version),
            repository: repositoryIndex(serving.status(), [...endpointNames]),
          }),
          log: logFacts,
        })
      : null;
  const serving: Serving = fleet === null ? own : new FleetServing(own, fleet);
  const longTurns = new LongTurns(clock);
  const machine = thisMachine();
  const launcher = new Launcher({
    registry,
    blobs: store.blobs,
    serving,
    settings,
    clock,
    randomBytes,
    runnerEnvironment: environment,
    longTurns,
    machine: machine.fingerprint,
    log: logFacts,
    fronts: fleet,
  });
  const backups = new Backups({ store, registry, clock, temporaryName, version: VERSION, log });
  const backend = createOnnxRuntimeBackend().name;
  const code = { slipway: VERSION, node: process.versions.node, backend };
  const jobs = new JobQueue({
    book: new JobBook({ database: store.database, clock, newId: createIdentifiers(clock, randomBytes) }),
    clock,
    holder: `process ${process.pid} of ${os.hostname()}, ${temporaryName()}`,
    kinds: jobKinds({
      registry,
      store,
      settings,
      memoryBudgetBytes: memoryBudgetBytes(settings),
      machine,
      environment,
      jobEnvironment: { ...environment, ...temporaryPlaces(surroundings) },
      code,
    }),
    log,
  });
  // The directory is this process's alone, so whoever else seems to carry a job out is gone.
  await jobs.open();
  const drawer = new Drawer({ clock, environment });
  const reporter = new Reporter({
    registry,
    clock,
    drawer,
    machine: machine.fingerprint,
    code,
    measurable: MEASUREMENT_NAMES.map((name) => ({ name, ...MEASUREMENTS[name] })),
  });
  return {
    log,
    store,
    registry,
    book,
    longTurns,
    answers,
    serving,
    fleet,
    launcher,
    backups,
    jobs,
    reporter,
    drawer,
    machine,
    environment,
    endpointNames,
    backend,
  };
}

/** What of this machine a measurement may depend on. */
export function thisMachine(): EvidenceMachine {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown";
  const cores = os.availableParallelism();
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30);
  const facts = { cpu, cores, memoryGiB, architecture: os.arch(), system: os.platform() };
  return machineFrom(os.hostname(), facts);
}

/** A name for what is being written; never the same twice. */
export function temporaryName(): string {
  return randomBytes(8).toString("hex");
}

/** What is known of the process and the machine, for status. */
export function processFacts(settings: Settings, { store, backend, fleet }: Parts) {
  const cores = os.availableParallelism();
  const residentBytes = process.memoryUsage.rss();
  return {
    version: VERSION,
    pid: process.pid,
    dataDirectory: store.directory.path,
    backend,
    node: process.version,
    cores,
    threadPlan: planThreads(settings.runtime, cores).text,
    totalMemoryBytes: os.totalmem(),
    residentBytes,
    fronts: fleet?.status() ?? [{ pid: process.pid, residentBytes }],
  };
}

/** All that child processes see of the environment. */
export function childEnvironment({ environment }: PlatformSurroundings): Record<string, string> {
  const cache = environment["NODE_COMPILE_CACHE"];
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
}

/** Where temporary files go, as far as the environment says. */
function temporaryPlaces({ environment }: PlatformSurroundings): Record<string, string> {
  const named = ["TMPDIR", "TEMP", "TMP"].map((name) => [name, environment[name]] as const);
  return Object.fromEntries(named.filter((one): one is readonly [string, string] => one[1] !== undefined));
}

function memoryBudgetBytes(settings: Settings): number {
  return settings.memoryBudgetBytes === 0 ? Math.floor(os.totalmem() * BUDGET_SHARE) : settings.memoryBudgetBytes;
}

function logFor(settings: Settings, { logTo }: PlatformSurroundings): Log {
  const { level, format } = settings.log;
  const isText = format === "text" || (format === "auto" && logTo.isTerminal);
  return createLog({ level, format: isText ? "text" : "json", write: logTo.write });
}
