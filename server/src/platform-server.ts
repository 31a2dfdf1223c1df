// The running server: both listeners over the parts, brought up in an order that never shows half a system, and taken
// down in one that loses no request.
import { randomBytes } from "node:crypto";
import {
  type AdminServer,
  checkListenAddress,
  clientFromHandlers,
  createAdminServer,
  createHandlers,
  createInferenceServer,
  createPredict,
  createRecords,
  type Handlers,
  httpAddress,
  type InferenceServer,
  modelStatistics,
  type RecordsPort,
  repositoryIndex,
} from "#api";
import type { RunningServer, StartOptions } from "#cli";
import type { Configuration, Settings } from "#config";
import { processingOf, serveRepository } from "#launch";
import { LiveWindow, metricsText } from "#monitor";
import { SlipwayError } from "@slipway/core/base";
import { ImagePreparer } from "#runtime";
import {
  childEnvironment,
  clock,
  CONSOLE_DIRECTORY,
  openParts,
  type Parts,
  type PlatformSurroundings,
  processFacts,
  VERSION,
} from "./platform-parts.ts";
import { submitMeasure } from "./platform-jobs.ts";
import { submitTraining } from "./platform-train.ts";

/** The live view keeps this much. */
const LIVE_SECONDS = 300;
/** Whoever asks for a stop hears that it happens, then it happens. */
const STOP_DELAY_MS = 50;

/**
 * Starts a server; resolves when what was live before is live again.
 * @param signal gives the start up, also while models load
 * @param options.isForOneCommand it leaves the jobs that wait to the next server
 * @throws SlipwayError PUBLIC_REFUSED, PORT_IN_USE, DATA_DIRECTORY_*, or the signal's reason; nothing is left running
 */
export async function startServer(
  configuration: Configuration,
  surroundings: PlatformSurroundings,
  signal: AbortSignal,
  { isForOneCommand = false }: StartOptions = {},
): Promise<RunningServer> {
  const { server, repository } = configuration.settings;
  checkListenAddress(server.host, server.insecurePublic, "server.host");
  checkListenAddress(server.adminHost, server.insecurePublic, "server.adminHost");
  checkFronts(server.fronts);
  const parts = await openParts(configuration.settings, "slipway start", surroundings, true);
  const running = new Server(configuration, parts, surroundings);
  try {
    await running.listen();
    await parts.launcher.restore(signal);
    if (repository !== null) await serveRepositoryOf(repository, parts, signal);
    signal.throwIfAborted();
    if (!isForOneCommand) releaseStart();
    // Last, so that they take nothing from what is loaded.
    parts.jobs.start({ isForAll: !isForOneCommand });
  } catch (error) {
    await running.stop(0);
    throw error;
  }
  return running;
}

/** Gives back what only the start needed, the grown nursery too: a third of what an idle server would hold. Takes about 100 ms. */
function releaseStart(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

class Server implements RunningServer {
  readonly client: RunningServer["client"];
  readonly stopped: Promise<void>;
  inferenceAddress = "";
  #adminAddress = "";
  readonly #settings: Settings;
  readonly #parts: Parts;
  readonly #token = randomBytes(32).toString("base64url");
  readonly #startedAt = clock.wall();
  readonly #images: ImagePreparer;
  readonly #live: LiveWindow;
  readonly #inference: Pick<InferenceServer, "listen" | "close">;
  readonly #admin: AdminServer;
  readonly #ended = Promise.withResolvers<void>();
  #stopping: Promise<void> | null = null;

  constructor(configuration: Configuration, parts: Parts, surroundings: PlatformSurroundings) {
    const { book, serving, fleet } = parts;
    this.#settings = configuration.settings;
    this.#parts = parts;
    this.stopped = this.#ended.promise;
    this.#images = new ImagePreparer({ clock, environment: childEnvironment(surroundings) });
    this.#live = new LiveWindow({
      clock,
      book: fleet?.traffic ?? book,
      status: () => serving.status(),
      keepSeconds: LIVE_SECONDS,
    });
    const records = createRecords(this.#images);
    this.#inference = fleet ?? this.#createInference(records);
    const handlers = this.#createHandlers(configuration);
    this.client = clientFromHandlers(handlers);
    this.#admin = this.#createAdmin(handlers, records);
  }

  get consoleAddress(): string {
    return `${this.#adminAddress}/?token=${this.#token}`;
  }

  /** Listens, then tells commands on this machine where. */
  async listen(): Promise<void> {
    const { registry, store, endpointNames } = this.#parts;
    this.inferenceAddress = httpAddress(await this.#inference.listen());
    this.#adminAddress = httpAddress(await this.#admin.listen());
    await store.directory.writeServerFile({
      pid: process.pid,
      adminAddress: this.#adminAddress,
      inferenceAddress: this.inferenceAddress,
      token: this.#token,
      startedAt: this.#startedAt,
      version: VERSION,
    });
    for (const { name } of await registry.listEndpoints()) endpointNames.add(name);
  }

  stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping ??= this.#stopAll(drainTimeoutMs).then(this.#ended.resolve, this.#ended.reject);
    return this.#stopping;
  }

  async #stopAll(drainTimeoutMs: number): Promise<void> {
    const { backups, drawer, jobs, log, serving, store } = this.#parts;
    log.debug("stopping");
    await backups.close();
    await drawer.close();
    await Promise.all([jobs.close(), this.#inference.close(drainTimeoutMs), serving.close(drainTimeoutMs)]);
    this.#live.close();
    this.#images.close();
    await this.#admin.close();
    await store.close();
    log.debug("stopped");
  }

  #createInference(records: RecordsPort): InferenceServer {
    const { book, longTurns, answers, serving, endpointNames, log } = this.#parts;
    return createInferenceServer({
      serving,
      longTurns,
      settings: this.#settings,
      clock,
      random: randomBytes,
      version: VERSION,
      records,
      statistics: async (endpoint, number) => modelStatistics(book, serving.status(), endpoint, number),
      repository: async () => repositoryIndex(serving.status(), [...endpointNames]),
      labels: (variant, output) => processingOf(variant).labels(output),
      onAnswer: answers.count,
      log,
    });
  }

  async #metrics(): Promise<string> {
    const { book, answers, serving, backend, fleet } = this.#parts;
    await fleet?.refresh();
    const residentBytes = process.memoryUsage.rss() + (fleet?.residentBytes() ?? 0);
    const facts = { version: VERSION, backend, node: process.version, residentBytes };
    return metricsText(fleet?.traffic ?? book, fleet?.answers() ?? answers, serving.status(), facts);
  }

  #createHandlers(configuration: Configuration): Handlers {
    const stop = () => void clock.after(STOP_DELAY_MS, () => void this.stop(this.#settings.server.drainTimeoutMs));
    return createHandlers({
      ...this.#parts,
      machine: this.#parts.machine.fingerprint,
      submitMeasure: submitMeasure(this.#parts.jobs, this.#parts),
      submitTraining: submitTraining(this.#parts.jobs, this.#parts),
      clock,
      configuration,
      actor: "administration",
      facts: () => ({
        ...processFacts(this.#settings, this.#parts),
        startedAt: this.#startedAt,
        inferenceAddress: this.inferenceAddress,
        adminAddress: this.#adminAddress,
      }),
      server: { live: this.#live, stop },
    });
  }

  #createAdmin(handlers: Handlers, records: RecordsPort): AdminServer {
    const { serving, log } = this.#parts;
    const { server, queue } = this.#settings;
    return createAdminServer({
      host: server.adminHost,
      port: server.adminPort,
      token: this.#token,
      version: VERSION,
      handlers,
      metrics: () => this.#metrics(),
      isReady: () => serving.isReady(),
      consoleDirectory: CONSOLE_DIRECTORY,
      predict: createPredict({ serving, records, clock, randomBytes, timeoutMs: queue.defaultTimeoutMs }),
      maxBodyBytes: server.maxBodyBytes,
      log,
    });
  }
}

/** @throws SlipwayError CONFIG_INVALID */
function checkFronts(fronts: number): void {
  if (fronts === 1 || process.platform === "linux") return;
  throw new SlipwayError(
    "CONFIG_INVALID",
    `server.fronts is ${fronts}; several fronts share a port only on Linux, and this is ${process.platform}. Set it to 1.`,
  );
}

async function serveRepositoryOf(
  directory: string,
  { registry, launcher, log }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const warn = (text: string, facts: Readonly<Record<string, unknown>>) => log.warn(facts, text);
  await serveRepository(directory, { registry, launcher, log: warn }, signal);
}
