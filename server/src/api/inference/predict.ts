// POST …/predict: records in (an image, or JSON instances), labels and scores out, through the version's processing.
import { SlipwayError } from "@slipway/core/base";
import { parseJson } from "@slipway/core/wire";
import type { Variant } from "#serve";
import type { Exchange } from "./exchange.ts";
import type { PredictOutcome, PredictRecord } from "./ports.ts";
import { requestContext } from "./request-context.ts";

/** Records of one request. */
const MAX_RECORDS = 4096;

export function predict(exchange: Exchange, body: Uint8Array): void {
  const { front, request } = exchange;
  const variant = front.serving.route(exchange.endpoint, exchange.version);
  const context = requestContext(request.headers, null, exchange.inferenceId, exchange.arrivedAt, front.queue);
  const refused = variant.refuseUnread(context);
  if (refused !== null) {
    exchange.refuse(refused);
    return;
  }
  const records = recordsFromBody(request.headers["content-type"], body);
  exchange.waitFor(
    front.ports.records.predict(variant, records, context, (outcome) => {
      // As in infer.ts: an error of ours ends this request, not the scheduler that calls.
      try {
        answerOutcome(exchange, variant, outcome);
      } catch (error) {
        exchange.refuse(error);
      }
    }),
  );
}

function answerOutcome(exchange: Exchange, variant: Variant, outcome: PredictOutcome): void {
  if (outcome.ok)
    exchange.answerJson(JSON.stringify(predictAnswer(variant, exchange.inferenceId, outcome.predictions)));
  else exchange.refuse(outcome.error);
}

/** The records route's answer, the same on both listeners. */
export function predictAnswer(
  { endpoint, version }: Variant,
  inferenceId: string,
  predictions: readonly unknown[],
): Readonly<Record<string, unknown>> {
  return { model_name: endpoint, model_version: version, inference_id: inferenceId, predictions };
}

/**
 * The records of a body: an image where its Content-Type is `image/…`, else JSON `{"instances": […]}`.
 * @throws SlipwayError REQUEST_MALFORMED or RECORD_INVALID
 */
export function recordsFromBody(contentType: string | undefined, body: Uint8Array): PredictRecord[] {
  if (contentType?.trimStart().toLowerCase().startsWith("image/")) {
    if (body.length === 0) throw new SlipwayError("RECORD_INVALID", "The body is empty; send the bytes of an image.");
    return [{ kind: "image", bytes: body }];
  }
  if (isImage(body)) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      `The body is an image, but its Content-Type is ${JSON.stringify(contentType ?? "")}; say image/png, image/jpeg or image/webp.`,
    );
  }
  const value = parseJson(body);
  const instances = isObject(value) ? value["instances"] : undefined;
  if (!Array.isArray(instances)) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      'The body has no "instances"; send {"instances": […]}, or an image with its Content-Type.',
    );
  }
  if (instances.length === 0 || instances.length > MAX_RECORDS) {
    throw new SlipwayError(
      "RECORD_INVALID",
      `"instances" has ${instances.length} records; send 1 to ${MAX_RECORDS} at once.`,
    );
  }
  return instances.map(recordFromInstance);
}

/** Whether a body begins as PNG, JPEG or WebP files do; JSON never does. */
function isImage(body: Uint8Array): boolean {
  const start = Buffer.from(body.subarray(0, 4)).toString("latin1");
  return start === "\x89PNG" || start === "RIFF" || start.startsWith("\xff\xd8\xff");
}

function recordFromInstance(instance: unknown, index: number): PredictRecord {
  if (!isObject(instance) || !Object.hasOwn(instance, "b64") || Object.keys(instance).length !== 1) {
    return { kind: "instance", value: instance };
  }
  const text = instance["b64"];
  // Buffer takes anything for base64 and drops what is not; a record must not change silently.
  if (typeof text === "string" && text !== "" && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return { kind: "image", bytes: Buffer.from(text, "base64") };
  }
  throw new SlipwayError("RECORD_INVALID", `instances[${index}].b64 is not an image in padded base64.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
