// What the Open Inference Protocol's own OpenAPI document says of answers, in our words, with what we add to it on purpose
// marked as ours: tests hold every answer of the inference listener against it. Source of the facts:
// kserve/open-inference-protocol, specification/protocol/open_inference_rest.yaml (Apache-2.0), read at commit d49cc23.
import { ERRORS } from "@slipway/core/base";
import { EXTENSIONS } from "@slipway/core/wire";
import { z } from "zod";
import { parseRoute, type Route } from "./routes.ts";

/** One answer, whatever read it. */
export interface SeenAnswer {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const Name = z.string().min(1);
/** The document's datatypes are any string; these are the ones its text lists, and BF16, which is Triton's. */
const Datatype = z.enum([
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
  "BF16",
]);
const Whole = z.number().int();
const Scalar = z.union([z.number(), z.string(), z.boolean()]);
/** Flat or nested; we answer flat. */
const TensorData: z.ZodType = z.lazy(() => z.array(z.union([Scalar, TensorData])));

const ServerMetadata = z.strictObject({ name: Name, version: Name, extensions: z.array(z.enum(EXTENSIONS)) });

const TensorMetadata = z.strictObject({ name: Name, datatype: Datatype, shape: z.array(Whole.min(-1)) });
const ModelMetadata = z.strictObject({
  name: Name,
  versions: z.array(z.string().regex(/^\d+$/)).min(1),
  platform: Name,
  inputs: z.array(TensorMetadata),
  outputs: z.array(TensorMetadata),
});

const OutputHead = { name: Name, shape: z.array(Whole.min(0)), datatype: Datatype };
const ResponseOutput = z.union([
  z.strictObject({ ...OutputHead, data: TensorData }),
  // Ours: the document asks for `data`; the binary tensor data extension puts it after the JSON.
  z.strictObject({ ...OutputHead, parameters: z.strictObject({ binary_data_size: Whole.min(0) }) }),
]);
const InferenceResponse = z.strictObject({
  id: z.string().optional(),
  model_name: Name,
  model_version: z.string().regex(/^\d+$/),
  // The document leaves parameters open; this is the one we answer.
  parameters: z.strictObject({ inference_id: Name }),
  outputs: z.array(ResponseOutput),
});

/** The document has `error` alone, and it for 400 alone; we answer the same body with every status that is no success. */
const ErrorResponse = z.strictObject({
  error: z.string().min(5),
  // Ours: what a program can branch on, and what joins an error to logs and records.
  code: z.enum(Object.keys(ERRORS) as [string, ...string[]]),
  inference_id: Name.optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  ready: z.literal(false).optional(),
});

/** Routes of the document; the others are extensions, which it is silent on. Health has no body there: theirs is ours. */
const SUCCESS: Readonly<Record<string, z.ZodType>> = {
  server: ServerMetadata,
  live: z.strictObject({ live: z.literal(true) }),
  ready: z.strictObject({ ready: z.literal(true) }),
  "model metadata": ModelMetadata,
  "model ready": z.strictObject({ name: Name, ready: z.literal(true) }),
  "model infer": InferenceResponse,
};

/** What an answer has that the document does not allow; none where it holds, or says nothing of the route. */
export function openInferenceProblems(answer: SeenAnswer): string[] {
  const { method, target, status, headers, body } = answer;
  if (method === "HEAD" || status === 204) return body.length === 0 ? [] : ["an answer without a body has one"];
  if (status !== 200) return [...typeProblems(headers, "application/json"), ...problems(ErrorResponse, jsonOf(body))];
  const schema = SUCCESS[kindOf(parseRoute(target))];
  if (schema === undefined) return [];
  const declared = headers["inference-header-content-length"];
  if (declared === undefined) return [...typeProblems(headers, "application/json"), ...problems(schema, jsonOf(body))];
  const head = jsonOf(body.subarray(0, Number(declared)));
  const found = [...typeProblems(headers, "application/octet-stream"), ...problems(schema, head)];
  const { outputs } = head as z.infer<typeof InferenceResponse>;
  const bytes = outputs.reduce(
    (sum, output) => sum + ("parameters" in output ? output.parameters.binary_data_size : 0),
    0,
  );
  if (Number(declared) + bytes !== body.length) found.push(`${body.length} bytes are not ${declared} and ${bytes}`);
  return found;
}

function kindOf(route: Route): string {
  return route.kind === "model" ? `model ${route.action}` : route.kind;
}

function typeProblems(headers: SeenAnswer["headers"], wanted: string): string[] {
  const type = headers["content-type"];
  return type === wanted ? [] : [`the Content-Type is ${type}, not ${wanted}`];
}

function problems(schema: z.ZodType, value: unknown): string[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

/** Ours: NaN and infinities stand bare in an answer, as Triton writes them; JSON itself, and the document, have no such number. */
function jsonOf(body: Uint8Array): unknown {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  return JSON.parse(text.replace(/(?<=[[,])(?:NaN|-?Infinity)(?=[\],])/g, "0"));
}

/**
 * As `fetch`, and the answer is held against the document before anyone else reads it.
 * @throws Error naming what does not hold
 */
export async function fetchChecked(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const { pathname, search } = new URL(url);
  const found = openInferenceProblems({
    method: init.method ?? "GET",
    target: pathname + search,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.clone().arrayBuffer()),
  });
  if (found.length > 0) {
    throw new Error(`The answer to ${pathname} is not the Open Inference Protocol's: ${found.join("; ")}.`);
  }
  return response;
}
