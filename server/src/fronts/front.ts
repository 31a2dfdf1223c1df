// The inside of a front process: the inference listener over a serving of its own, which mirrors what the server deploys.
// It owns no runner and remembers nothing; what it is told makes it, and when the server goes, it goes.
import type { AddressInfo, Socket } from "node:net";
import { assert, type Clock, SlipwayError, slipwayErrorFrom, unreachable } from "@slipway/core/base";
import { createInferenceServer, createRecords, type InferenceServer } from "#api";
import { processingOf, ServedProcessing } from "#launch";
import { AnswerBook, snapshotOf, TrafficBook } from "#monitor";
import { fingerprintWith, ImagePreparer, LongTurns } from "#runtime";
import { createServing, type Serving } from "#serve";
import { LinkedDeployment } from "./front-deployment.ts";
import type { FromFront, FrontDeployment, FrontReport, Order, Overview, ToFront } from "./messages.ts";

export interface FrontPorts {
  readonly clock: Clock;
  readonly randomBytes: (sizeBytes: number) => Uint8Array;
  readonly environment: Readonly<Record<string, string>>;
  readonly residentBytes: () => number;
  readonly send: (message: FromFront) => void;
}

type Start = Order & { readonly type: "start" };

export class FrontProcess {
  readonly #ports: FrontPorts;
  readonly #book: TrafficBook;
  readonly #answers = new AnswerBook();
  readonly #serving: Serving;
  readonly #images: ImagePreparer;
  readonly #longTurns: LongTurns;
  readonly #deployments = new Map<number, LinkedDeployment>();
  readonly #overviews = new Map<number, (overview: Overview) => void>();
  #asked = 0;
  #inference: InferenceServer | null = null;
  #start: Start | null = null;
  #fingerprint = fingerprintWith(new Uint8Array(0));

  constructor(ports: FrontPorts) {
    const { clock, environment } = ports;
    this.#ports = ports;
    this.#book = new TrafficBook(() => clock.wall());
    this.#serving = createServing({ clock, hooks: [this.#book.hooks], memoryBudgetBytes: null });
    this.#images = new ImagePreparer({ clock, environment });
    this.#longTurns = new LongTurns(clock);
  }

  /** Takes a message of the server, and a link where one came with it. */
  receive(message: ToFront, socket: Socket | null): void {
    if (message.kind === "overview") {
      this.#overviews.get(message.id)?.(message.overview);
      this.#overviews.delete(message.id);
      return;
    }
    const { id, order } = message;
    this.#carryOut(order, socket).then(
      (value) => this.#ports.send({ kind: "answer", id, value: value ?? null }),
      (error: unknown) => {
        socket?.destroy();
        const { code, message: text } = slipwayErrorFrom(error);
        this.#ports.send({ kind: "failure", id, code, message: text });
      },
    );
  }

  async #carryOut(order: Order, socket: Socket | null): Promise<unknown> {
    switch (order.type) {
      case "start":
        this.#start = order;
        this.#fingerprint = fingerprintWith(Buffer.from(order.fingerprintKey, "hex"));
        return null;
      case "listen":
        return await this.#listen(order.port);
      case "load":
        this.#load(order.deployment);
        return null;
      case "model":
        this.#of(order.loadId).setModel(order.model);
        return null;
      case "link":
        assert(socket !== null, "A link came without its socket.");
        this.#of(order.loadId).link(order.runner, socket);
        return null;
      case "switch":
        this.#of(order.loadId).switch();
        await this.#whenLive(order.loadId);
        return null;
      case "fail":
        await this.#deployments.get(order.loadId)?.fail(new SlipwayError(order.code, order.message));
        return null;
      case "miss":
        this.#miss(order.deployment, new SlipwayError(order.code, order.message));
        return null;
      case "unload":
        // Routing has forgotten it as soon as this returns; what it admitted is answered, and then `retire` is.
        void this.#serving.unload(order.endpoint).catch(() => undefined);
        return null;
      case "retire":
        await this.#deployments.get(order.loadId)?.retire();
        return null;
      case "lost":
        return (await this.#deployments.get(order.loadId)?.lose(order.runner)) ?? 0;
      case "judge":
        return this.#deployments.get(order.loadId)?.judge(order.runner, order.verdict) ?? null;
      case "resume":
        this.#deployments.get(order.loadId)?.resume(order.runner);
        return null;
      case "state":
        this.#deployments.get(order.loadId)?.executor.setState(order.state, order.reason);
        return null;
      case "batching":
        this.#deployments.get(order.loadId)?.executor.setBatching(order.plan);
        return null;
      case "report":
        return this.#report();
      case "close":
        await this.#close(order.drainTimeoutMs);
        return null;
      default:
        return unreachable(order);
    }
  }

  async #listen(port: number): Promise<AddressInfo> {
    const { clock, randomBytes, send } = this.#ports;
    const { settings, version } = this.#start!;
    this.#inference = createInferenceServer({
      serving: this.#serving,
      settings: { queue: settings.queue, server: { ...settings.server, port } },
      isPortShared: true,
      clock,
      longTurns: this.#longTurns,
      random: randomBytes,
      version,
      records: createRecords(this.#images),
      statistics: async (endpoint, number) => (await this.#overview(endpoint, number)).statistics,
      repository: async () => (await this.#overview(null, null)).repository,
      labels: (variant, output) => processingOf(variant).labels(output),
      onAnswer: this.#answers.count,
      log: { error: (facts, message) => send({ kind: "log", message, facts: plainFacts(facts) }) },
    });
    return await this.#inference.listen();
  }

  #load({ loadId, processing, signature, isExpected, ...spec }: FrontDeployment): void {
    const { clock } = this.#ports;
    const deployment = new LinkedDeployment(spec.deploymentId, {
      clock,
      longTurns: this.#longTurns,
      fingerprint: this.#fingerprint,
      index: this.#start!.index,
      onBroken: (runner) => this.#ports.send({ kind: "broken", loadId, runner }),
    });
    this.#deployments.set(loadId, deployment);
    void deployment.gone.then(() => this.#deployments.delete(loadId));
    const attachment = new ServedProcessing(processing, signature);
    // Whether it may go live was decided by the server, which also says what became of it.
    this.#serving
      .deploy(
        { ...spec, attachment, estimatedBytes: 0, load: () => deployment.loaded },
        { allowBreaking: true, isExpected },
      )
      .catch((error: unknown) => deployment.fail(slipwayErrorFrom(error))); // nothing is left of it then
  }

  /** Makes this front no more ready than the server is, and has it say why. */
  #miss({ loadId: _, processing, signature, isExpected, ...spec }: FrontDeployment, error: SlipwayError): void {
    const attachment = new ServedProcessing(processing, signature);
    this.#serving
      .deploy({ ...spec, attachment, estimatedBytes: 0, load: () => Promise.reject(error) }, { isExpected })
      .catch(() => undefined);
  }

  async #whenLive(loadId: number): Promise<void> {
    const { deploymentId } = this.#of(loadId);
    // The switch follows within the turn, as nothing is left to wait for.
    while (!this.#serving.status().some((status) => status.deploymentId === deploymentId && status.isLive)) {
      if (!this.#deployments.has(loadId)) return;
      await new Promise<void>((resolve) => this.#ports.clock.soon(resolve));
    }
  }

  #overview(endpoint: string | null, version: string | null): Promise<Overview> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#overviews.set(id, resolve);
      this.#ports.send({ kind: "overview", id, endpoint, version });
    });
  }

  #report(): FrontReport {
    return {
      books: snapshotOf(this.#book, this.#answers),
      residentBytes: this.#ports.residentBytes(),
      inFlight: this.#inference?.inFlight() ?? 0,
      deployments: this.#serving.status().map(({ executor, ...status }) => ({
        deploymentId: status.deploymentId,
        isLive: status.isLive,
        queuedRequests: status.queuedRequests,
        queuedBytes: status.queuedBytes,
        inFlight: status.inFlight,
        runners: executor?.runners.map(({ id, runs, inFlight: running }) => ({ id, runs, inFlight: running })) ?? [],
      })),
    };
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    await Promise.all([this.#inference?.close(drainTimeoutMs), this.#serving.close(drainTimeoutMs)]);
    this.#images.close();
  }

  #of(loadId: number): LinkedDeployment {
    const deployment = this.#deployments.get(loadId);
    assert(deployment !== undefined, `A front does not know the deployment loaded as ${loadId}.`);
    return deployment;
  }
}

/** Errors do not survive the channel; their text does. */
function plainFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) plain[name] = value instanceof Error ? String(value.stack) : value;
  return plain;
}
