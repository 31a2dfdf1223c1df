// The composition root: from a configuration to a running system, or to a data directory opened without one. Clock,
// randomness and environment are made here and handed down; nothing below reads them by itself.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SlipwayError } from "@slipway/core/base";
import {
  checkListenAddress,
  clientFromHandlers,
  createAdminServer,
  createHandlers,
  createInferenceServer,
  createRecords,
  httpAddress,
  type InferenceServer,
  modelStatistics,
  recordsFromBody,
  repositoryIndex,
} from "#api";
import type { OfflineStore, Platform, RunningServer } from "#cli";
import { type Configuration, loadConfiguration, type Settings } from "#config";
import { Launcher, processingOf, serveRepository } from "#launch";
import { AnswerBook, createLog, LiveWindow, type Log, metricsText, TrafficBook } from "#monitor";
import { openRegistry, type Registry } from "#registry";
import { createOnnxRuntimeBackend, ImagePreparer, planThreads, systemClock } from "#runtime";
import { createServing, type RequestContext, type Serving, type Variant, type VariantStatus } from "#serve";
import { openStore, readServerFile, type Store } from "#store";

const clock = systemClock;
const here = path.dirname(fileURLToPath(import.meta.url));
const CONSOLE_DIRECTORY = path.resolve(here, "../../console/dist");
const EXAMPLE_DIRECTORY = path.resolve(here, "../../examples/digits");
/** The live view keeps this much. */
const LIVE_SECONDS = 300;
/** Of the machine's memory, what runners may need together unless configured. */
const BUDGET_SHARE = 0.8;

export interface PlatformSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where log lines go, and whether a person reads them. */
  readonly logTo: { readonly write: (line: string) => void; readonly isTerminal: boolean };
}

/** What a server and an opened data directory have in common. */
interface Parts {
  readonly store: Store;
  readonly registry: Registry;
  readonly book: TrafficBook;
  readonly serving: Serving;
  readonly launcher: Launcher;
  /** Every endpoint there is or was since the start, for the repository index. */
  readonly endpointNames: Set<string>;
}

export function createPlatform(surroundings: PlatformSurroundings): Platform {
  const version = (JSON.parse(readFileSync(path.resolve(here, "../package.json"), "utf8")) as { version: string })
    .version;
  return {
    version,
    exampleDirectory: EXAMPLE_DIRECTORY,
    start: (configuration) => startServer(configuration, version, surroundings),
    findServer: async (dataDirectory) => {
      const found = await readServerFile(path.resolve(dataDirectory));
      return found?.isAlive === true ? found.file : null;
    },
    openOffline: (settings) => openOffline(settings, version, surroundings),
  };
}

async function startServer(
  configuration: Configuration,
  version: string,
  surroundings: PlatformSurroundings,
): Promise<RunningServer> {
  const { settings } = configuration;
  const { server } = settings;
  checkListenAddress(server.host, server.insecurePublic, "server.host");
  checkListenAddress(server.adminHost, server.insecurePublic, "server.adminHost");
  const log = logFor(settings, surroundings);
  const parts = await openParts(settings, "slipway start", log, surroundings);
  const { store, registry, book, serving, launcher } = parts;
  const images = new ImagePreparer({ clock, environment: childEnvironment(surroundings) });
  const live = new LiveWindow({ clock, book, status: () => serving.status(), keepSeconds: LIVE_SECONDS });
  const records = createRecords(images);
  const answers = new AnswerBook();
  const inference = createInferenceServer({
    serving,
    settings,
    clock,
    random: randomBytes,
    version,
    records,
    statistics: (endpoint, number) => modelStatistics(book, serving.status(), endpoint, number),
    repository: () => repositoryIndex(serving.status(), [...parts.endpointNames]),
    labels: (variant, output) => processingOf(variant).labels(output),
    log,
    onAnswer: answers.count,
  });
  const backend = createOnnxRuntimeBackend().name;
  const startedAt = clock.wall();
  const token = randomBytes(32).toString("base64url");
  const stopped = Promise.withResolvers<void>();
  const addresses = { inference: "", admin: "" };
  const facts = () => ({
    ...staticFacts(settings, version, backend),
    startedAt,
    dataDirectory: store.directory.path,
    inferenceAddress: addresses.inference,
    adminAddress: addresses.admin,
    residentBytes: process.memoryUsage.rss(),
  });
  let stopping: Promise<void> | null = null;
  const stop = (drainTimeoutMs: number): Promise<void> => {
    stopping ??= stopAll(drainTimeoutMs).then(stopped.resolve, stopped.reject);
    return stopping;
  };
  const handlers = createHandlers({
    registry,
    serving,
    launcher,
    clock,
    configuration,
    actor: "administration",
    facts,
    // Answered first, stopped after: whoever asked should hear that it happens.
    server: { live, stop: () => void clock.after(50, () => void stop(server.drainTimeoutMs)) },
  });
  const admin = createAdminServer({
    host: server.adminHost,
    port: server.adminPort,
    token,
    version,
    handlers,
    metrics: () =>
      metricsText(book, answers, serving.status(), {
        version,
        backend,
        node: process.version,
        residentBytes: process.memoryUsage.rss(),
      }),
    isReady: () => serving.isReady(),
    consoleDirectory: CONSOLE_DIRECTORY,
    predict: (endpoint, contentType, body, signal) =>
      predictOnce(serving, records, settings, endpoint, contentType, body, signal),
    maxBodyBytes: server.maxBodyBytes,
    log,
  });
  async function stopAll(drainTimeoutMs: number): Promise<void> {
    log.debug("stopping");
    await Promise.all([inference.close(drainTimeoutMs), serving.close(drainTimeoutMs)]);
    live.close();
    images.close();
    await admin.close();
    await store.close();
    log.debug("stopped");
  }

  try {
    await listen(inference, admin, addresses);
    await store.directory.writeServerFile({
      pid: process.pid,
      adminAddress: addresses.admin,
      inferenceAddress: addresses.inference,
      token,
      startedAt,
      version,
    });
    for (const { name } of await registry.listEndpoints()) parts.endpointNames.add(name);
    await launcher.restore();
    if (settings.repository !== null) {
      const logRepository = (text: string, more: Readonly<Record<string, unknown>>) => log.warn(more, text);
      await serveRepository(
        settings.repository,
        { registry, launcher, log: logRepository },
        new AbortController().signal,
      );
    }
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    client: clientFromHandlers(handlers),
    inferenceAddress: addresses.inference,
    consoleAddress: `${addresses.admin}/?token=${token}`,
    stopped: stopped.promise,
    stop,
  };
}

async function openOffline(
  settings: Settings,
  version: string,
  surroundings: PlatformSurroundings,
): Promise<OfflineStore> {
  const log = logFor(settings, surroundings);
  const { store, registry, serving, launcher } = await openParts(settings, "a slipway command", log, surroundings);
  const backend = createOnnxRuntimeBackend().name;
  const handlers = createHandlers({
    registry,
    serving,
    launcher,
    clock,
    configuration: loadConfiguration({}),
    actor: "command line",
    facts: () => ({
      ...staticFacts(settings, version, backend),
      startedAt: 0,
      dataDirectory: store.directory.path,
      inferenceAddress: "",
      adminAddress: "",
      residentBytes: 0,
    }),
    server: null,
  });
  return {
    client: clientFromHandlers(handlers),
    close: async () => {
      await serving.close(0);
      await store.close();
    },
  };
}

async function openParts(
  settings: Settings,
  what: string,
  log: Log,
  surroundings: PlatformSurroundings,
): Promise<Parts> {
  const store = await openStore({
    path: path.resolve(settings.dataDir),
    clock,
    random: randomBytes,
    holder: { pid: process.pid, what },
  });
  const registry = openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes });
  const book = new TrafficBook(() => clock.wall());
  const memoryBudgetBytes =
    settings.memoryBudgetBytes === 0 ? Math.floor(os.totalmem() * BUDGET_SHARE) : settings.memoryBudgetBytes;
  const endpointNames = new Set<string>();
  const naming = { onVariantChanged: ({ endpoint }: VariantStatus) => void endpointNames.add(endpoint) };
  const serving = createServing({ clock, hooks: [book.hooks, naming], memoryBudgetBytes });
  const launcher = new Launcher({
    registry,
    blobs: store.blobs,
    serving,
    settings,
    clock,
    randomBytes,
    runnerEnvironment: childEnvironment(surroundings),
    log: (text, facts) => log.info(facts, text),
  });
  return { store, registry, book, serving, launcher, endpointNames };
}

async function listen(
  inference: InferenceServer,
  admin: ReturnType<typeof createAdminServer>,
  addresses: { inference: string; admin: string },
): Promise<void> {
  addresses.inference = httpAddress(await inference.listen());
  addresses.admin = httpAddress(await admin.listen());
}

/** A record from the console, through the same admission as any other request. */
function predictOnce(
  serving: Serving,
  records: ReturnType<typeof createRecords>,
  settings: Settings,
  endpoint: string,
  contentType: string,
  body: Buffer,
  signal: AbortSignal,
): Promise<unknown> {
  const variant: Variant = serving.route(endpoint, null);
  const arrivedAt = clock.now();
  const context: RequestContext = {
    inferenceId: `console-${randomBytes(8).toString("hex")}`,
    tenant: "default",
    principal: null,
    purpose: "console",
    priority: 0,
    arrivedAt,
    deadline: arrivedAt + settings.queue.defaultTimeoutMs,
    traceparent: null,
  };
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const cancel = records.predict(variant, recordsFromBody(contentType, body), context, (outcome) => {
    if (!outcome.ok) return reject(outcome.error);
    resolve({
      model_name: variant.endpoint,
      model_version: variant.version,
      inference_id: context.inferenceId,
      predictions: outcome.predictions,
    });
  });
  signal.addEventListener("abort", () => {
    cancel();
    reject(new SlipwayError("REQUEST_CANCELLED", "The page went away before the answer."));
  });
  return promise;
}

function staticFacts(settings: Settings, version: string, backend: string) {
  const cores = os.availableParallelism();
  return {
    version,
    pid: process.pid,
    backend,
    node: process.version,
    cores,
    threadPlan: planThreads(settings.runtime, cores).text,
    totalMemoryBytes: os.totalmem(),
  };
}

function logFor(settings: Settings, { logTo }: PlatformSurroundings): Log {
  const { level, format } = settings.log;
  const isText = format === "text" || (format === "auto" && logTo.isTerminal);
  return createLog({ level, format: isText ? "text" : "json", write: logTo.write });
}

/** All that child processes see of the environment. */
function childEnvironment({ environment }: PlatformSurroundings): Record<string, string> {
  const cache = environment["NODE_COMPILE_CACHE"];
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
}
