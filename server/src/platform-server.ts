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
import type { RunningServer } from "#cli";
import type { Configuration, Settings } from "#config";
import { processingOf, serveRepository } from "#launch";
import { AnswerBook, LiveWindow, metricsText } from "#monitor";
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

/** The live view keeps this much. */
const LIVE_SECONDS = 300;
/** Whoever asks for a stop hears that it happens, then it happens. */
const STOP_DELAY_MS = 50;

/**
 * Starts a server; resolves when what was live before is live again.
 * @param signal gives the start up, also while models load
 * @throws SlipwayError PUBLIC_REFUSED, PORT_IN_USE, DATA_DIRECTORY_*, or the signal's reason; nothing is left running
 */
export async function startServer(
  configuration: Configuration,
  surroundings: PlatformSurroundings,
  signal: AbortSignal,
): Promise<RunningServer> {
  const { server, repository } = configuration.settings;
  checkListenAddress(server.host, server.insecurePublic, "server.host");
  checkListenAddress(server.adminHost, server.insecurePublic, "server.adminHost");
  const parts = await openParts(configuration.settings, "slipway start", surroundings);
  const running = new Server(configuration, parts, surroundings);
  try {
    await running.listen();
    await parts.launcher.restore(signal);
    if (repository !== null) await serveRepositoryOf(repository, parts, signal);
    signal.throwIfAborted();
  } catch (error) {
    await running.stop(0);
    throw error;
  }
  return running;
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
  readonly #inference: InferenceServer;
  readonly #admin: AdminServer;
  readonly #ended = Promise.withResolvers<void>();
  #stopping: Promise<void> | null = null;

  constructor(configuration: Configuration, parts: Parts, surroundings: PlatformSurroundings) {
    const { book, serving } = parts;
    this.#settings = configuration.settings;
    this.#parts = parts;
    this.stopped = this.#ended.promise;
    this.#images = new ImagePreparer({ clock, environment: childEnvironment(surroundings) });
    this.#live = new LiveWindow({ clock, book, status: () => serving.status(), keepSeconds: LIVE_SECONDS });
    const records = createRecords(this.#images);
    const answers = new AnswerBook();
    this.#inference = this.#createInference(records, answers);
    const handlers = this.#createHandlers(configuration);
    this.client = clientFromHandlers(handlers);
    this.#admin = this.#createAdmin(handlers, records, answers);
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
    const { log, serving, store } = this.#parts;
    log.debug("stopping");
    await Promise.all([this.#inference.close(drainTimeoutMs), serving.close(drainTimeoutMs)]);
    this.#live.close();
    this.#images.close();
    await this.#admin.close();
    await store.close();
    log.debug("stopped");
  }

  #createInference(records: RecordsPort, answers: AnswerBook): InferenceServer {
    const { book, serving, endpointNames, log } = this.#parts;
    return createInferenceServer({
      serving,
      settings: this.#settings,
      clock,
      random: randomBytes,
      version: VERSION,
      records,
      statistics: (endpoint, number) => modelStatistics(book, serving.status(), endpoint, number),
      repository: () => repositoryIndex(serving.status(), [...endpointNames]),
      labels: (variant, output) => processingOf(variant).labels(output),
      onAnswer: answers.count,
      log,
    });
  }

  #createHandlers(configuration: Configuration): Handlers {
    const stop = () => void clock.after(STOP_DELAY_MS, () => void this.stop(this.#settings.server.drainTimeoutMs));
    return createHandlers({
      ...this.#parts,
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

  #createAdmin(handlers: Handlers, records: RecordsPort, answers: AnswerBook): AdminServer {
    const { book, serving, backend, log } = this.#parts;
    const { server, queue } = this.#settings;
    return createAdminServer({
      host: server.adminHost,
      port: server.adminPort,
      token: this.#token,
      version: VERSION,
      handlers,
      metrics: () => {
        const facts = { version: VERSION, backend, node: process.version, residentBytes: process.memoryUsage.rss() };
        return metricsText(book, answers, serving.status(), facts);
      },
      isReady: () => serving.isReady(),
      consoleDirectory: CONSOLE_DIRECTORY,
      predict: createPredict({ serving, records, clock, randomBytes, timeoutMs: queue.defaultTimeoutMs }),
      maxBodyBytes: server.maxBodyBytes,
      log,
    });
  }
}

async function serveRepositoryOf(
  directory: string,
  { registry, launcher, log }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const warn = (text: string, facts: Readonly<Record<string, unknown>>) => log.warn(facts, text);
  await serveRepository(directory, { registry, launcher, log: warn }, signal);
}
