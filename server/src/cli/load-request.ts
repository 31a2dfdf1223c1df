// What `slipway bench`, `tune` and `plan` send and where: an address as given, or an endpoint's, with a body from a file or
// made up from the endpoint's own description.
import { SlipwayError } from "@slipway/core/base";
import {
  type EncodedRequest,
  encodeRequest,
  type EndpointMetadata,
  type LoadReport,
  requestBytes,
  sampleInputs,
  seededRandom,
} from "#load";
import { type CommandContext, listOption, textOption } from "./command.ts";
import { imageType, readNamedFile } from "./files.ts";
import { versionReference } from "./model-reference.ts";
import { noServerError, reachableFetch } from "./session.ts";

/** What is sent again and again. */
export interface LoadRequest {
  readonly url: URL;
  /** Head and body. */
  readonly request: Buffer;
  /** Rows it asks for, as far as that shows. */
  readonly rows: number;
}

/** The request to send again and again. */
export async function loadRequest(
  context: CommandContext,
  made: { readonly rows: number; readonly seed: number },
): Promise<LoadRequest> {
  return await requestAt(context, await baseUrl(context), made);
}

/** The same for the model at an address. */
export async function requestAt(
  context: CommandContext,
  base: URL,
  made: { readonly rows: number; readonly seed: number },
): Promise<LoadRequest> {
  const method = (textOption(context.options, "method") ?? "POST").toUpperCase();
  const headers = Object.fromEntries(listOption(context.options, "header").map(headerFrom));
  const payload = textOption(context.options, "payload");
  if (payload !== undefined || method === "GET") {
    const body = payload === undefined ? null : await payloadFrom(context, payload);
    const url = body !== null && isModel(base) ? modelUrl(base, body.route) : base;
    return { url, request: requestBytes(url, method, body?.encoded ?? null, headers), rows: body?.rows ?? 1 };
  }
  if (!isModel(base)) {
    throw new SlipwayError(
      "USAGE",
      `${base.href} is not the address of a model (…/v2/models/NAME), so inputs can't be made up; send a body with --payload, or use --method GET.`,
    );
  }
  const { inputs } = await describe(base);
  const isBinary = context.options["binary"] === true;
  const tensors = sampleInputs(inputs, made.rows, seededRandom(made.seed));
  const url = modelUrl(base, "infer");
  return {
    url,
    rows: made.rows,
    request: requestBytes(url, method, encodeRequest(tensors, { isBinary, isBinaryAnswer: isBinary }), headers),
  };
}

/** Why a load test means nothing, where no request was answered; null where one was. */
export function unansweredError({ options }: CommandContext, report: LoadReport): SlipwayError | null {
  if (report.answered > 0) return null;
  const [code = "no request was sent"] = Object.keys(report.failures);
  if (!code.startsWith("400")) return new SlipwayError("ENDPOINT_NOT_READY", `No request was answered: ${code}.`);
  const isMadeUp = textOption(options, "payload") === undefined;
  const hint = isMadeUp ? " Made-up inputs do not suit every model; send a body that does with --payload." : "";
  return new SlipwayError("RUN_FAILED", `Every request was refused: ${code}.${hint}`);
}

async function baseUrl(context: CommandContext): Promise<URL> {
  const [target] = context.arguments;
  if (/^https?:\/\//.test(target!)) {
    if (URL.canParse(target!)) return new URL(target!);
    throw new SlipwayError("USAGE", `"${target}" is no address.`);
  }
  const { name, number } = versionReference(target!);
  const session = await context.connect();
  if (session.kind === "offline") throw noServerError(context.configuration.settings.dataDir);
  const { inferenceAddress } = await session.client.getStatus();
  return new URL(`/v2/models/${name}${number === null ? "" : `/versions/${number}`}`, inferenceAddress);
}

const MODEL_PATH = /\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/?(infer)?$/;

function isModel(url: URL): boolean {
  return MODEL_PATH.test(url.pathname);
}

function modelUrl(url: URL, route: "infer" | "predict"): URL {
  const at = new URL(url);
  at.pathname = `${url.pathname.replace(/\/(infer)?$/, "")}/${route}`;
  return at;
}

async function describe(url: URL): Promise<EndpointMetadata> {
  const at = new URL(url);
  at.pathname = url.pathname.replace(/\/(infer)?$/, "");
  const response = await reachableFetch(at);
  if (response.ok) return (await response.json()) as EndpointMetadata;
  const text = await response.text();
  throw new SlipwayError(
    response.status === 404 ? "ENDPOINT_NOT_FOUND" : "ENDPOINT_NOT_READY",
    `${at.href} answered ${response.status}: ${errorText(text)}`,
  );
}

/** What a refusal says: its message where it is one of ours, else how it begins. */
function errorText(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // Some other server's page.
  }
  return text.slice(0, 200);
}

interface Payload {
  readonly encoded: EncodedRequest;
  /** The route of a model that takes it. */
  readonly route: "infer" | "predict";
  readonly rows: number;
}

/** A file as a body, and what shows of it: images and JSON with "instances" are records, other JSON is tensors. */
async function payloadFrom(context: CommandContext, file: string): Promise<Payload> {
  const body = await readNamedFile(context.environment.workingDirectory, file);
  const image = imageType(file);
  if (image !== null) return { encoded: { headers: { "content-type": image }, body }, route: "predict", rows: 1 };
  if (!file.toLowerCase().endsWith(".json"))
    return { encoded: { headers: { "content-type": "application/octet-stream" }, body }, route: "infer", rows: 1 };
  const { inputs, instances } = shapeOf(body);
  const encoded = { headers: { "content-type": "application/json" }, body };
  if (Array.isArray(instances)) return { encoded, route: "predict", rows: Math.max(1, instances.length) };
  const [first] = Array.isArray(inputs) ? (inputs as { readonly shape?: readonly unknown[] }[]) : [];
  const rows = Number(first?.shape?.[0] ?? 1);
  return { encoded, route: "infer", rows: rows >= 1 ? rows : 1 };
}

/** What a JSON body holds; what is no JSON is sent all the same, to see how it is refused. */
function shapeOf(body: Buffer): { readonly inputs?: unknown; readonly instances?: unknown } {
  try {
    return (JSON.parse(body.toString("utf8")) ?? {}) as object;
  } catch {
    return {};
  }
}

function headerFrom(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([^\r\n]*)$/.exec(text);
  if (match === null) throw new SlipwayError("USAGE", `--header is "${text}"; it must be NAME: VALUE.`);
  return [match[1]!, match[2]!];
}
