// The inference listener: bare node:http, since for small models the front end is what limits throughput.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, SlipwayError, unreachable } from "@slipway/core/base";
import type { Settings } from "#config";
import type { Serving } from "#serve";
import { EXPECTATION_FAILED, statusOf } from "../status.ts";
import { connectionOf, refuseBroken, refuseTunnel, trackConnection } from "./connection.ts";
import { Inflater } from "./content-encoding.ts";
import {
  answerConfig,
  answerLive,
  answerMetadata,
  answerModelReady,
  answerModels,
  answerReady,
  answerRepository,
  answerServer,
  answerStatistics,
} from "./describe.ts";
import { Exchange, InferenceMessage, type InferenceReply } from "./exchange.ts";
import type { Front } from "./front.ts";
import { infer } from "./infer.ts";
import { createInferenceIds } from "./inference-ids.ts";
import type { FrontLog, InferencePorts } from "./ports.ts";
import { predict } from "./predict.ts";
import { methodOf, parseRoute, type Route, routeName } from "./routes.ts";

export interface InferenceServerOptions extends InferencePorts {
  readonly serving: Serving;
  /** Told of every request, so that a turn that takes hundreds of them in does not keep answers waiting. */
  readonly longTurns: { look(now: number): void };
  readonly settings: Pick<Settings, "server" | "queue">;
  readonly clock: Clock;
  /** Makes random bytes, for ids. */
  readonly random: (length: number) => Uint8Array;
  /** Of Slipway, for GET /v2. */
  readonly version: string;
  /** Whether other fronts listen on the same port; the kernel then spreads connections over them. */
  readonly isPortShared?: boolean;
}

export interface InferenceServer {
  /**
   * Starts to listen; answers with where.
   * @throws SlipwayError PORT_IN_USE or CONFIG_INVALID
   */
  listen(): Promise<AddressInfo>;
  /** Takes no new connections, lets what was asked be answered within the time given, and refuses what is left. */
  close(drainTimeoutMs: number): Promise<void>;
  /** Requests that are not answered. */
  inFlight(): number;
}

/** Bodies of the largest size that may be arriving at once, over all connections. */
const HELD_BODIES = 8;
/** A connection on which nothing moves for this much longer than the longest deadline is closed. */
const IDLE_MARGIN_MS = 60_000;
const SHORTEST_CHECK_MS = 50;
/** Time the last answers have to leave when the listener closes. */
const FLUSH_MS = 1000;

const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const { server: limits, queue } = options.settings;
  const front: Front = {
    serving: options.serving,
    ports: options,
    clock: options.clock,
    server: limits,
    queue,
    version: options.version,
    nextInferenceId: createInferenceIds(options.random(8)),
    inflater: new Inflater(limits.maxBodyBytes),
    heldBytes: 0,
    maxHeldBytes: limits.maxBodyBytes * HELD_BODIES,
    connections: new Set(),
    inFlight: 0,
    isClosing: false,
    onIdle: () => {},
  };
  const server = createServer<typeof InferenceMessage>({
    IncomingMessage: InferenceMessage,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, limits.headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.max(
      SHORTEST_CHECK_MS,
      Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4,
    ),
    noDelay: true,
    insecureHTTPParser: false,
    requireHostHeader: false,
  });
  server.timeout = Math.max(queue.maxTimeoutMs, limits.requestTimeoutMs) + IDLE_MARGIN_MS;
  server.maxConnections = limits.maxConnections;
  const begin = (request: InferenceMessage, reply: InferenceReply): Exchange => {
    // Nobody is upgraded here, and Node drops what came in one packet after such a request: where the next begins is in doubt.
    if (request.headers.upgrade !== undefined) reply.shouldKeepAlive = false;
    // Node keeps a connection that HTTP/1.0 asks both to keep and to close; "close" wins (RFC 9112, section 9.3).
    if (request.httpVersionMinor === 0 && CLOSE.test(request.headers.connection ?? "")) reply.shouldKeepAlive = false;
    const exchange = new Exchange(front, request, reply, connectionOf(request.socket));
    options.longTurns.look(exchange.arrivedAt);
    return exchange;
  };
  const start = (request: InferenceMessage, reply: InferenceReply) => handle(begin(request, reply));
  server.on("connection", (socket) => trackConnection(front, socket));
  server.on("request", start);
  server.on("checkContinue", start);
  server.on("checkExpectation", (request: InferenceMessage, reply: InferenceReply) => {
    const exchange = begin(request, reply);
    if (doubtOf(request) !== null) reply.shouldKeepAlive = false;
    exchange.refuseWith(
      EXPECTATION_FAILED,
      new SlipwayError("REQUEST_MALFORMED", "The Expect header is not 100-continue, the only one there is."),
    );
  });
  server.on("clientError", (error, socket) => refuseBroken(front, error, socket as Parameters<typeof refuseBroken>[2]));
  server.on("connect", (_request, socket) => refuseTunnel(front, socket as Parameters<typeof refuseTunnel>[1]));
  return {
    listen: () => listen(server, limits, options.isPortShared === true, options.log),
    close: (drainTimeoutMs) => close(server, front, drainTimeoutMs),
    inFlight: () => front.inFlight,
  };
}

function handle(exchange: Exchange): void {
  try {
    const { request } = exchange;
    const doubt = doubtOf(request);
    if (doubt !== null) {
      exchange.reply.shouldKeepAlive = false;
      throw new SlipwayError("REQUEST_MALFORMED", doubt);
    }
    const route = parseRoute(request.url!);
    exchange.routeName = routeName(route);
    const method = methodOf(route);
    const isAllowed = method === null || request.method === method || (method === "GET" && request.method === "HEAD");
    if (isAllowed) dispatch(exchange, route);
    else refuseMethod(exchange, method);
  } catch (error) {
    exchange.refuse(error);
  }
}

/**
 * What the parser lets through although RFC 9112 (sections 2.3, 3.2 and 6.3) has it refused: a server before this one may
 * have read other requests out of the same bytes. Null where there is nothing.
 */
function doubtOf({ headers, rawHeaders, httpVersion }: InferenceMessage): string | null {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return `HTTP/${httpVersion} is not spoken here; use HTTP/1.1.`;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1) return `The request has ${hosts} Host headers; it may have one.`;
  if (hosts === 0 && httpVersion === "1.1") return "The request has no Host header, which HTTP/1.1 asks for.";
  const coding = headers["transfer-encoding"];
  if (coding === undefined || (coding.toLowerCase() === "chunked" && httpVersion === "1.1")) return null;
  return 'The only Transfer-Encoding there is, is "chunked", in HTTP/1.1.';
}

function dispatch(exchange: Exchange, route: Route): void {
  switch (route.kind) {
    case "model":
      dispatchModel(exchange, route);
      return;
    case "server":
      answerServer(exchange);
      return;
    case "live":
      answerLive(exchange);
      return;
    case "ready":
      answerReady(exchange);
      return;
    case "models":
      answerModels(exchange);
      return;
    case "statistics":
      answerStatistics(exchange, null, null);
      return;
    case "repository":
      exchange.receive(answerRepository);
      return;
    case "control":
      throw new SlipwayError(
        "CONTROL_REFUSED",
        "Models are not loaded or unloaded on the inference port; use the administration listener, or `slipway deploy` and `slipway unload`.",
      );
    case "unsupported":
      throw new SlipwayError(
        "EXTENSION_UNSUPPORTED",
        `The extension "${route.extension}" is not there; GET /v2 lists the extensions that are.`,
      );
    default:
      unreachable(route);
  }
}

function dispatchModel(exchange: Exchange, { action, endpoint, version }: Route & { kind: "model" }): void {
  exchange.endpoint = endpoint;
  exchange.version = version;
  switch (action) {
    case "infer":
      exchange.receive(infer);
      return;
    case "predict":
      exchange.receive(predict);
      return;
    case "metadata":
      answerMetadata(exchange, endpoint, version);
      return;
    case "ready":
      answerModelReady(exchange, endpoint, version);
      return;
    case "config":
      answerConfig(exchange, endpoint, version);
      return;
    case "statistics":
      answerStatistics(exchange, endpoint, version);
      return;
    default:
      unreachable(action);
  }
}

function refuseMethod(exchange: Exchange, method: string): void {
  const allowed = method === "GET" ? "GET, HEAD" : method;
  const error = new SlipwayError(
    "METHOD_NOT_ALLOWED",
    `This route answers ${allowed}, not ${exchange.request.method}.`,
  );
  exchange.refuseWith(statusOf(error.code), error, ["Allow", allowed]);
}

async function listen(
  server: Server<typeof InferenceMessage>,
  { host, port }: Settings["server"],
  isPortShared: boolean,
  log: FrontLog,
): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port, backlog: 1024, ...(isPortShared ? { reusePort: true } : {}) }, resolve);
  try {
    await promise;
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, host, port);
  }
  server.off("error", reject);
  // A connection that can't be accepted, as when the machine is out of descriptors, is no reason to stop.
  server.on("error", (error) => log.error({ err: error }, "a connection could not be accepted"));
  return server.address() as AddressInfo;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): SlipwayError {
  if (error.code === "EADDRINUSE") {
    return new SlipwayError("PORT_IN_USE", `Port ${port} of ${host} is taken.`, {
      cause: error,
    });
  }
  return new SlipwayError("CONFIG_INVALID", `Can't listen on ${host}, port ${port}: ${error.message}.`, {
    cause: error,
  });
}

async function close(server: Server<typeof InferenceMessage>, front: Front, drainTimeoutMs: number): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  front.isClosing = true;
  server.close(() => resolve());
  if (front.inFlight > 0) {
    const { promise: idle, resolve: stopWaiting } = Promise.withResolvers<void>();
    front.onIdle = stopWaiting;
    const cancel = front.clock.after(drainTimeoutMs, stopWaiting);
    await idle;
    cancel();
    for (const { exchanges } of front.connections) for (const exchange of exchanges.slice()) exchange.expire();
  }
  // What was just answered is still on its way out; connections close once it is read, and idle ones at once.
  server.closeIdleConnections();
  const cancel = front.clock.after(FLUSH_MS, () => server.closeAllConnections());
  await closed;
  cancel();
}
