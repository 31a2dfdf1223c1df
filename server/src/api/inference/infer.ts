// POST …/infer: tensors in, tensors out, as JSON or with binary data after it.
import { SlipwayError } from "@slipway/core/base";
import {
  checkRequestedForms,
  decodeInferRequest,
  decodeRawRequest,
  encodeInferResponse,
  type InferRequest,
} from "@slipway/core/wire";
import type { InferenceOutcome, Variant } from "#serve";
import { OK } from "../status.ts";
import type { Exchange } from "./exchange.ts";
import { requestContext } from "./request-context.ts";

const HEADER_LENGTH = "inference-header-content-length";

export function infer(exchange: Exchange, body: Uint8Array): void {
  const { front, request: message } = exchange;
  const variant = front.serving.route(exchange.endpoint, exchange.version);
  const declared = message.headers[HEADER_LENGTH];
  if (variant.isCrowded && !mayHaveParameters(declared === undefined ? body : body.subarray(0, Number(declared)))) {
    const plain = requestContext(message.headers, null, exchange.inferenceId, exchange.arrivedAt, front.queue);
    const refused = variant.refuseUnread(plain);
    if (refused !== null) {
      exchange.refuse(refused);
      return;
    }
  }
  const request = declared === undefined ? decodeInferRequest(body) : decodeWithLength(body, declared, variant);
  checkRequestedForms(request, variant.signature);
  const context = requestContext(
    message.headers,
    request.parameters,
    exchange.inferenceId,
    exchange.arrivedAt,
    front.queue,
  );
  const outputs = request.outputs === null ? null : request.outputs.map((output) => output.name);
  exchange.waitFor(
    variant.submit({ inputs: request.inputs, outputs }, context, (outcome) => {
      // `done` is called by the scheduler, which an error of ours must not reach.
      try {
        answerOutcome(exchange, variant, request, outcome);
      } catch (error) {
        exchange.refuse(error);
      }
    }),
  );
}

/** Whether a request's JSON may say more of when and before whom it is to be answered than its headers do. */
function mayHaveParameters(json: Uint8Array): boolean {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  // A name may be written with escapes, too.
  return bytes.includes('"priority"') || bytes.includes('"timeout"') || bytes.includes("\\");
}

function decodeWithLength(body: Uint8Array, declared: string | string[], variant: Variant): InferRequest {
  const length = typeof declared === "string" && /^\d{1,15}$/.test(declared) ? Number(declared) : Number.NaN;
  if (Number.isNaN(length)) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      `Inference-Header-Content-Length is ${JSON.stringify(declared).slice(0, 60)}; it is the number of bytes of JSON.`,
    );
  }
  return length === 0 ? decodeRawRequest(body, variant.signature) : decodeInferRequest(body, length);
}

function answerOutcome(exchange: Exchange, variant: Variant, request: InferRequest, outcome: InferenceOutcome): void {
  if (!outcome.ok) {
    exchange.refuse(outcome.error);
    return;
  }
  const { json, binaries } = encodeInferResponse({
    request,
    modelName: variant.endpoint,
    modelVersion: variant.version,
    inferenceId: exchange.inferenceId,
    outputs: outcome.outputs,
    labelsOf: (output) => exchange.front.ports.labels(variant, output),
  });
  if (binaries.length === 0) {
    exchange.answerJson(json);
    return;
  }
  const head = Buffer.from(json);
  exchange.answer(OK, "application/octet-stream", Buffer.concat([head, ...binaries]), [
    "Inference-Header-Content-Length",
    String(head.length),
  ]);
}
