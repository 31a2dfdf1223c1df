// A typed client of the administration API, made from the same table the server's routes are made from.
// It uses fetch alone, so the console, the CLI and other programs share it: `import { createClient } from "slipway/client"`.
import type { z } from "zod";
import type { OPERATIONS } from "./admin/operations.ts";
import { ROUTES } from "./admin/routes.ts";

export type {
  BackupView,
  ConfigView,
  DatasetView,
  DecisionView,
  DeploymentView,
  EndpointView,
  EvidenceView,
  GarbageView,
  JobView,
  LiveView,
  GateView,
  MeasurementView,
  ModelView,
  PolicyVerdictView,
  PolicyView,
  PortView,
  RunnerView,
  RunView,
  SignatureView,
  StatusView,
  TrafficView,
  VersionView,
} from "./admin/views.ts";
export type { ReportView } from "./admin/report-views.ts";

type Operations = typeof OPERATIONS;
/** What can be sent as a raw body. */
type RawBody = NonNullable<RequestInit["body"]>;
type Part<Op, Key extends string, AsBody> = Op extends { readonly [K in Key]: infer Schema }
  ? AsBody & { [K in Key]: Input<Schema> }
  : AsBody;
type Input<Schema> = Schema extends z.ZodType ? z.input<Schema> : Schema extends "bytes" ? RawBody : never;

/** What an operation takes: `params`, `query` and `body`, as far as it has them. */
export type OperationInput<Name extends keyof Operations> = Part<
  Operations[Name],
  "params",
  Part<Operations[Name], "query", Part<Operations[Name], "body", unknown>>
>;
/** What an operation answers. */
export type OperationOutput<Name extends keyof Operations> = Operations[Name]["response"] extends z.ZodType
  ? z.output<Operations[Name]["response"]>
  : FileAnswer;

/** Bytes, and what they are. */
export interface FileAnswer {
  /** As of HTTP: `image/svg+xml`. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** An error the server answered with. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Stable code, see docs/errors.md. */
  readonly code: string;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/**
 * The error of an answer that is none.
 * @param answer its body as parsed JSON; null where it is not JSON
 */
export function apiErrorFrom(status: number, answer: unknown): ApiError {
  const { error, code, details } = (answer ?? {}) as {
    error?: string;
    code?: string;
    details?: Record<string, unknown>;
  };
  return new ApiError(status, code ?? "INTERNAL", error ?? `The server answered ${status}.`, details ?? {});
}

/** A method per operation. */
export type Client = {
  readonly [Name in keyof Operations]: (
    ...input: unknown extends OperationInput<Name>
      ? [input?: undefined, options?: CallOptions]
      : [input: OperationInput<Name>, options?: CallOptions]
  ) => Promise<OperationOutput<Name>>;
};

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  /** The administration address, such as `http://127.0.0.1:8010`; a page of the console leaves it empty. */
  readonly address: string;
  /** From the data directory's server file; the console's cookie stands in for it. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

/**
 * A client of a running server.
 * @throws ApiError from its methods, when the server answers with an error
 * @example
 * const client = createClient({ address: "http://127.0.0.1:8010", token });
 * const { endpoints } = await client.getStatus();
 */
export function createClient(options: ClientOptions): Client {
  const request = options.fetch ?? fetch;
  const call = async (
    name: keyof typeof ROUTES,
    input: RawInput = {},
    callOptions: CallOptions = {},
  ): Promise<unknown> => {
    const [method, template, form] = ROUTES[name] as Route;
    const path = template.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(input.params?.[key])));
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(input.query ?? {}))
      if (value !== undefined) query.set(key, String(value));
    const headers: Record<string, string> = {};
    if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
    const init: RequestInit & { duplex?: "half" } = { method, headers };
    if (callOptions.signal !== undefined) init.signal = callOptions.signal;
    if (input.body !== undefined) {
      const isRaw = name === "putBlob";
      headers["content-type"] = isRaw ? "application/octet-stream" : "application/json";
      init.body = isRaw ? (input.body as RawBody) : JSON.stringify(input.body);
      if (isRaw) init.duplex = "half";
    } else if (method === "POST") {
      headers["content-type"] = "application/json";
      init.body = "{}";
    }
    const response = await request(`${options.address}${path}${query.size > 0 ? `?${query.toString()}` : ""}`, init);
    if (response.ok && form === "file") {
      const mediaType = response.headers.get("content-type") ?? "application/octet-stream";
      return { mediaType, bytes: new Uint8Array(await response.arrayBuffer()) } satisfies FileAnswer;
    }
    const text = await response.text();
    const answer = text === "" ? {} : parsed(text);
    if (response.ok) return answer;
    throw apiErrorFrom(response.status, answer);
  };
  const client: Record<string, unknown> = {};
  for (const name of Object.keys(ROUTES) as (keyof typeof ROUTES)[]) {
    client[name] = (input?: RawInput, callOptions?: CallOptions) => call(name, input, callOptions);
  }
  return client as Client;
}

type Route = readonly [method: string, path: string, form?: "file"];

interface RawInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
