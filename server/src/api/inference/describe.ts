// The routes that describe: server and model metadata, configuration, statistics, repository, health.
import { SlipwayError } from "@slipway/core/base";
import { modelConfig, modelMetadata, parseJson, serverMetadata, statisticsText } from "@slipway/core/wire";
import type { VariantState, VariantStatus } from "#serve";
import { errorBody, NOT_READY } from "../status.ts";
import type { Exchange } from "./exchange.ts";
import type { Front } from "./front.ts";

const SERVER_NAME = "slipway";
const LOADED: ReadonlySet<VariantState> = new Set<VariantState>(["ready", "not-ready", "draining"]);

export function answerServer(exchange: Exchange): void {
  exchange.answerJson(JSON.stringify(serverMetadata(SERVER_NAME, exchange.front.version)));
}

export function answerLive(exchange: Exchange): void {
  exchange.answerJson('{"live":true}');
}

export function answerReady(exchange: Exchange): void {
  const { front } = exchange;
  if (front.isClosing) {
    notReady(exchange, new SlipwayError("SHUTTING_DOWN", "The server is stopping and takes no new requests."));
  } else if (front.serving.isReady()) exchange.answerJson('{"ready":true}');
  else {
    const waiting = front.serving.status().filter((status) => status.isLive && status.state !== "ready");
    const reasons = waiting.map(
      ({ endpoint, state, reason }) => `${endpoint} is ${state}${reason === null ? "" : ` (${reason})`}`,
    );
    notReady(
      exchange,
      new SlipwayError(
        "ENDPOINT_NOT_READY",
        `Not every endpoint can answer: ${reasons.join("; ") || "none is loaded"}.`,
      ),
    );
  }
}

/** The error's body with the protocol's `ready` before it. */
function notReady(exchange: Exchange, error: SlipwayError): void {
  const body = `{"ready":false,${errorBody(error, exchange.inferenceId).slice(1)}`;
  exchange.answer(NOT_READY, "application/json", body, null, error.code);
}

/** KServe's list of names. */
export function answerModels(exchange: Exchange): void {
  const names = new Set<string>();
  for (const { endpoint, state } of exchange.front.serving.status()) if (LOADED.has(state)) names.add(endpoint);
  exchange.answerJson(JSON.stringify({ models: [...names].sort() }));
}

export function answerModelReady(exchange: Exchange, endpoint: string, version: string | null): void {
  const { front } = exchange;
  statusesOf(front, endpoint, version);
  try {
    front.serving.route(endpoint, version);
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.kind === "not-found") throw error;
    exchange.refuseWith(NOT_READY, error);
    return;
  }
  exchange.answerJson(JSON.stringify({ name: endpoint, ready: true }));
}

export function answerMetadata(exchange: Exchange, endpoint: string, version: string | null): void {
  const { front } = exchange;
  const variant = front.serving.route(endpoint, version);
  const versions = new Set(
    front.serving
      .status()
      .flatMap((status) => (status.endpoint === endpoint && LOADED.has(status.state) ? [status.version] : [])),
  );
  versions.add(variant.version);
  const sorted = [...versions].sort((a, b) => Number(a) - Number(b));
  exchange.answerJson(JSON.stringify(modelMetadata(endpoint, sorted, variant.signature)));
}

export function answerConfig(exchange: Exchange, endpoint: string, version: string | null): void {
  const { front } = exchange;
  const variant = front.serving.route(endpoint, version);
  const executor = front.serving.status().find((status) => status.deploymentId === variant.deploymentId)?.executor;
  const batching = executor?.batching;
  exchange.answerJson(
    JSON.stringify(
      modelConfig({
        name: endpoint,
        signature: variant.signature,
        maxBatchRows: batching?.mode === "dynamic" ? batching.maxRows : 0,
        instances: Math.max(1, executor?.runners.length ?? 1),
        priorityLevels: front.queue.priorityLevels,
        maxQueueRequests: front.queue.maxRequests,
        defaultTimeoutMs: front.queue.defaultTimeoutMs,
      }),
    ),
  );
}

export function answerStatistics(exchange: Exchange, endpoint: string | null, version: string | null): void {
  const { front } = exchange;
  if (endpoint !== null) statusesOf(front, endpoint, version);
  answerLater(exchange, async () => statisticsText(await front.ports.statistics(endpoint, version)));
}

/** POST /v2/repository/index with `{"ready": bool}` or nothing. */
export function answerRepository(exchange: Exchange, body: Uint8Array): void {
  const options = body.length === 0 ? {} : parseJson(body);
  if (typeof options !== "object" || options === null) {
    throw new SlipwayError("REQUEST_MALFORMED", 'The body is no object; send {"ready": true}, {} or nothing.');
  }
  const isReadyOnly = "ready" in options ? options.ready : false;
  if (typeof isReadyOnly !== "boolean") {
    throw new SlipwayError("REQUEST_MALFORMED", `"ready" is ${typeof isReadyOnly}; it is true or false.`);
  }
  answerLater(exchange, async () => {
    const entries = await exchange.front.ports.repository();
    return JSON.stringify(isReadyOnly ? entries.filter((entry) => entry.state === "READY") : entries);
  });
}

/** Answers with JSON text that has to be asked for elsewhere. */
function answerLater(exchange: Exchange, text: () => Promise<string>): void {
  text().then(
    (json) => exchange.answerJson(json),
    (error: unknown) => exchange.refuse(error),
  );
}

/** @throws SlipwayError ENDPOINT_NOT_FOUND or VERSION_NOT_SERVED */
function statusesOf(front: Front, endpoint: string, version: string | null): readonly VariantStatus[] {
  const statuses = front.serving.status().filter((status) => status.endpoint === endpoint);
  const found = version === null ? statuses : statuses.filter((status) => status.version === version);
  if (found.length > 0) return found;
  if (statuses.length > 0) {
    throw new SlipwayError("VERSION_NOT_SERVED", `The endpoint "${endpoint}" does not serve version ${version}.`);
  }
  throw new SlipwayError("ENDPOINT_NOT_FOUND", `There is no endpoint "${endpoint}"; GET /v2/models lists them.`);
}
