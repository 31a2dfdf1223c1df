// What `slipway bench` sends and where: an address as given, or an endpoint's, with a body from a file or made up from the
// endpoint's own description.
import { SlipwayError } from "@slipway/core/base";
import { type CommandContext, listOption, textOption } from "../command.ts";
import { imageType, readNamedFile } from "../files.ts";
import { requestBytes, sampleInputs, seededRandom } from "../load/index.ts";
import { type EncodedRequest, encodeRequest, type EndpointMetadata } from "../oip.ts";
import { versionReference } from "../model-reference.ts";
import { noServerError, reachableFetch } from "../session.ts";

/** The request to send again and again. */
export async function loadRequest(
  context: CommandContext,
  made: { readonly rows: number; readonly seed: number },
): Promise<{ readonly url: URL; readonly request: Buffer }> {
  const base = await baseUrl(context);
  const method = (textOption(context.options, "method") ?? "POST").toUpperCase();
  const headers = Object.fromEntries(listOption(context.options, "header").map(headerFrom));
  const payload = textOption(context.options, "payload");
  if (payload !== undefined || method === "GET") {
    const encoded = payload === undefined ? null : await payloadRequest(context, payload);
    const url = payload !== undefined && isModel(base) ? inferUrl(base) : base;
    return { url, request: requestBytes(url, method, encoded, headers) };
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
  const url = inferUrl(base);
  return {
    url,
    request: requestBytes(url, method, encodeRequest(tensors, { isBinary, isBinaryAnswer: isBinary }), headers),
  };
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

function inferUrl(url: URL): URL {
  const at = new URL(url);
  at.pathname = `${url.pathname.replace(/\/(infer)?$/, "")}/infer`;
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

async function payloadRequest(context: CommandContext, file: string): Promise<EncodedRequest> {
  const body = await readNamedFile(context.environment.workingDirectory, file);
  const isJson = file.toLowerCase().endsWith(".json");
  const type = isJson ? "application/json" : (imageType(file) ?? "application/octet-stream");
  return { headers: { "content-type": type }, body };
}

function headerFrom(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([^\r\n]*)$/.exec(text);
  if (match === null) throw new SlipwayError("USAGE", `--header is "${text}"; it must be NAME: VALUE.`);
  return [match[1]!, match[2]!];
}
