// What the administration listener answers where a request fails: in a handler, in Fastify, or below HTTP. Always the same
// form, so that a client need know but one.
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "#monitor";
import { errorBody, HEAD_TOO_LARGE, statusOf } from "../status.ts";

/** Answers an error as JSON with its code, and logs what is our own fault. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const known = knownError(error);
  if (known.code === "INTERNAL")
    log.error(
      { requestId: request.id, route: request.routeOptions.url, err: known.cause ?? known },
      "an administration request broke",
    );
  return reply.code(statusOf(known.code)).send({
    error: known.message,
    code: known.code,
    details: { ...known.details, requestId: request.id },
  });
}

/** Fastify's own refusals (a body that is no JSON, one too large) as ours, and a body that ended with its connection. */
function knownError(error: unknown): SlipwayError {
  const { statusCode, message, code } = error as { statusCode?: number; message?: string; code?: string };
  if (code === "ECONNRESET")
    return new SlipwayError("REQUEST_CANCELLED", "The client went away before its request was whole.", {
      cause: error,
    });
  if (error instanceof SlipwayError || statusCode === undefined || statusCode >= 500) return slipwayErrorFrom(error);
  return new SlipwayError(
    statusCode === 413 ? "REQUEST_TOO_LARGE" : "REQUEST_MALFORMED",
    message ?? "The request can't be read.",
  );
}

/** Answers what HTTP can't read, or what did not arrive in time, and ends its connection. */
export function refuseBroken(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, refusal] = brokenRequest(error);
  const body = errorBody(refusal, null);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function brokenRequest({ code, message }: Error & { readonly code?: string }): [number, SlipwayError] {
  if (code === "HPE_HEADER_OVERFLOW")
    return [HEAD_TOO_LARGE, new SlipwayError("REQUEST_TOO_LARGE", "The request's head is too large.")];
  const error =
    code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? new SlipwayError("REQUEST_TIMEOUT", "The request did not arrive in time.")
      : new SlipwayError("REQUEST_MALFORMED", `This is not HTTP: ${message.replace(/^Parse Error: /, "")}.`);
  return [statusOf(error.code), error];
}
