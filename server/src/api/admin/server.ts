// The administration listener: the console's pages, the API made from the table of operations, metrics and health.
// It controls the server, so it listens on loopback, wants the token, and refuses pages of other origins.
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { SlipwayError } from "@slipway/core/base";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Log } from "#monitor";
import type { FileAnswer } from "../client.ts";
import { OK } from "../status.ts";
import { type ConsoleFile, readConsole } from "./console-files.ts";
import { answerError, refuseBroken } from "./errors.ts";
import { createGuard, type Guard } from "./guard.ts";
import { callHandler, type Handlers } from "./handlers.ts";
import { openApiDocument } from "./openapi.ts";
import { type Operation, type OperationName, OPERATIONS } from "./operations.ts";

export interface AdminServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  readonly version: string;
  readonly handlers: Handlers;
  readonly metrics: () => Promise<string>;
  readonly isReady: () => boolean;
  /** Directory of the built console; where it is missing, pages say how to build it. */
  readonly consoleDirectory: string;
  /** A record from the console to an endpoint: answers the records route's JSON. */
  readonly predict: (endpoint: string, contentType: string, body: Buffer, signal: AbortSignal) => Promise<unknown>;
  readonly maxBodyBytes: number;
  readonly log: Log;
}

export interface AdminServer {
  /** Starts listening. @throws SlipwayError PORT_IN_USE */
  listen(): Promise<AddressInfo>;
  close(): Promise<void>;
}

/** The largest JSON there is to send: the names and hashes of a model in ten thousand files. */
const JSON_LIMIT_BYTES = 4 * 2 ** 20;

/** Nothing but the console's own files may run in its pages, and no other page may frame it. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

const NOT_BUILT = Buffer.from(
  "<!doctype html><title>Slipway</title><p>The console is not built. Run <code>npm run build --workspace console</code> and start again.</p>",
);

export function createAdminServer(options: AdminServerOptions): AdminServer {
  const app = Fastify({
    bodyLimit: JSON_LIMIT_BYTES,
    logger: false,
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    requestTimeout: 0,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, options.log),
    clientErrorHandler: refuseBroken,
  });
  const guard = createGuard({
    token: options.token,
    hosts: ["localhost", options.host.toLowerCase()],
    port: () => (app.server.address() as AddressInfo).port,
  });
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(PAGE_HEADERS);
    guard.checkOrigin(request.headers);
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  // Anything that is not JSON reaches its handler as a stream, unread: uploads may be larger than memory.
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

  app.get("/health/live", () => ({ live: true }));
  app.get("/health/ready", (_request, reply) =>
    reply.code(options.isReady() ? 200 : 503).send({ ready: options.isReady() }),
  );
  app.get("/metrics", async (_request, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(await options.metrics()),
  );
  addOperations(app, options.handlers, guard);
  addPredict(app, options, guard);
  addRepository(app, options.handlers, guard);
  const document = openApiDocument(options.version);
  app.get("/api/openapi.json", () => document);
  addConsole(app, readConsole(options.consoleDirectory), guard);

  return {
    async listen() {
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
        throw new SlipwayError("PORT_IN_USE", `Port ${options.port} of ${options.host} is taken.`, { cause: error });
      }
      // A connection that can't be accepted, as when the machine is out of descriptors, is no reason to stop.
      app.server.on("error", (error) => options.log.error({ err: error }, "a connection could not be accepted"));
      return app.server.address() as AddressInfo;
    },
    close: () => app.close(),
  };
}

function addOperations(app: FastifyInstance, handlers: Handlers, guard: Guard): void {
  for (const [name, operation] of Object.entries(OPERATIONS) as [OperationName, Operation][]) {
    app.route({
      method: operation.method,
      url: operation.path.replace(/\{(\w+)\}/g, ":$1"),
      ...(operation.body === "bytes" ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
      onRequest: async (request) => guard.checkToken(request.headers),
      handler: async (request, reply) => {
        const { params, query } = request;
        const body = operation.body === undefined ? request.body : bodyFor(operation.body, request);
        const answer = await callHandler(handlers, name, { params, query, body }, leaving(reply));
        return operation.response === "file" ? sendFile(reply, answer as FileAnswer) : answer;
      },
    });
  }
}

/** Bytes as what they are. A page among them runs nothing, fetches nothing, and is of no origin, whatever is in it. */
function sendFile(reply: FastifyReply, { mediaType, bytes }: FileAnswer): FastifyReply {
  return reply
    .header("content-security-policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
    .header("cache-control", "no-store")
    .type(mediaType)
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** The body as its operation takes it: raw bytes as a stream, anything else as what its JSON says. */
function bodyFor(wanted: NonNullable<Operation["body"]>, { body, headers }: FastifyRequest): unknown {
  if (wanted === "bytes" && body === undefined) return Readable.from([]);
  if ((wanted === "bytes") === isStream(body)) return body;
  const form = wanted === "bytes" ? "raw bytes, as application/octet-stream" : "a JSON body";
  throw new SlipwayError(
    "REQUEST_MALFORMED",
    `This operation takes ${form}; the content type was "${headers["content-type"]}".`,
  );
}

function addPredict(app: FastifyInstance, options: AdminServerOptions, guard: Guard): void {
  // In a scope of its own every body is its bytes, JSON too, as the records route takes them on the inference port.
  app.register((scope, _scopeOptions, ready) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.route<{ Params: { endpoint: string }; Body: Buffer | undefined }>({
      method: "POST",
      url: "/api/endpoints/:endpoint/predict",
      bodyLimit: options.maxBodyBytes,
      onRequest: async (request) => guard.checkToken(request.headers),
      handler: async ({ params, headers, body }, reply) =>
        await options.predict(
          params.endpoint,
          headers["content-type"] ?? "application/json",
          body ?? Buffer.alloc(0),
          leaving(reply),
        ),
    });
    ready();
  });
}

/**
 * The repository extension's control routes, as Triton's clients call them: they load and unload models, so they are here
 * and not on the inference port. Configurations and files inside the request are refused: they would be a second way in.
 */
function addRepository(app: FastifyInstance, handlers: Handlers, guard: Guard): void {
  // In a scope of its own every body is JSON: Triton's clients send theirs as bytes, or as no type at all.
  app.register((scope, _scopeOptions, ready) => {
    scope.removeAllContentTypeParsers();
    const parse = scope.getDefaultJsonParser("error", "error");
    scope.addContentTypeParser<string>("*", { parseAs: "string" }, (request, body, done) => {
      if (body === "") done(null, undefined);
      else void parse(request, body, done);
    });
    scope.route<{ Params: { model: string; action: string } }>({
      method: "POST",
      url: "/v2/repository/models/:model/:action",
      onRequest: async (request) => guard.checkToken(request.headers),
      handler: async ({ params: { model, action }, body }, reply) => {
        const { parameters = {} } = (body ?? {}) as { parameters?: Readonly<Record<string, unknown>> };
        const refused = Object.keys(parameters).find((name) => name !== "unload_dependents");
        if (refused !== undefined) {
          throw new SlipwayError(
            "PARAMETER_INVALID",
            `The parameter "${refused}" is not taken: a model is imported first, then loaded as it was imported.`,
          );
        }
        const params = { endpoint: model };
        if (action === "load") await callHandler(handlers, "deploy", { params }, leaving(reply));
        else if (action === "unload") await callHandler(handlers, "unload", { params }, leaving(reply));
        else throw new SlipwayError("ROUTE_NOT_FOUND", `A model is loaded or unloaded; there is no "${action}".`);
        return await reply.code(OK).send();
      },
    });
    ready();
  });
}

function addConsole(app: FastifyInstance, files: ReadonlyMap<string, ConsoleFile>, guard: Guard): void {
  const page = files.get("/index.html");
  app.get("/*", (request, reply) => {
    const [path = "/", query = ""] = request.url.split("?", 2);
    const token = new URLSearchParams(query).get("token");
    // The printed address carries the token once; a cookie takes over and the address bar forgets it.
    if (token !== null && guard.isToken(token)) return reply.header("set-cookie", guard.cookie()).redirect(path, 303);
    if (path.startsWith("/api/"))
      throw new SlipwayError("ROUTE_NOT_FOUND", `There is no ${request.method} ${path}; see /api/openapi.json.`);
    const file = files.get(path);
    if (file === undefined)
      return reply
        .header("cache-control", "no-cache")
        .type("text/html; charset=utf-8")
        .send(page?.body ?? NOT_BUILT);
    return reply
      .header("cache-control", file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache")
      .type(file.type)
      .send(file.body);
  });
  app.setNotFoundHandler((request) => {
    throw new SlipwayError(
      "ROUTE_NOT_FOUND",
      `There is no ${request.method} ${request.url.split("?")[0]}; see /api/openapi.json.`,
    );
  });
}

/** Aborts when the caller goes away before its answer. */
function leaving(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}
