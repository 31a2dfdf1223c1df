// A client's connection: the exchanges on it, and how it ends. Errors below HTTP (a head or chunk that can't be parsed,
// a request that does not arrive in time) come here, and are answered after what was asked before them.

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { SlipwayError } from "@slipway/core/base";
import { errorBody, HEAD_TOO_LARGE, statusOf } from "../status.ts";
import type { Exchange, InferenceReply } from "./exchange.ts";
import type { Front } from "./front.ts";
import { INFERENCE_ID_HEADER } from "./request-context.ts";

const CONNECTION = Symbol("connection");

export interface Connection {
  /** Those that are not answered: rarely more than one, and no Set, for what stream-table.ts in runtime says of Maps. */
  readonly exchanges: Exchange[];
  /** The newest answer, until it is sent and its request is whole; node sends them in order. */
  lastReply: InferenceReply | null;
  isBroken: boolean;
}

interface InferenceSocket extends Socket {
  [CONNECTION]?: Connection;
}

/** Time a client has to read the last answer before its connection is cut. */
const LINGER_MS = 1000;

/** Follows a new connection; what was asked on it is cancelled when it closes. */
export function trackConnection(front: Front, socket: InferenceSocket): void {
  const connection: Connection = { exchanges: [], lastReply: null, isBroken: false };
  socket[CONNECTION] = connection;
  front.connections.add(connection);
  socket.on("close", () => {
    front.connections.delete(connection);
    for (const exchange of connection.exchanges.slice()) exchange.abandon();
  });
}

export function connectionOf(socket: InferenceSocket): Connection {
  return socket[CONNECTION]!;
}

/** Answers a request that HTTP can't read, and ends the connection, since nobody can tell where the next one begins. */
export function refuseBroken(front: Front, error: Error & { code?: string }, socket: InferenceSocket): void {
  const connection = socket[CONNECTION];
  if (connection === undefined || !socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (connection.isBroken) return;
  connection.isBroken = true;
  const [status, coded] = brokenRequest(error, front);
  for (const exchange of connection.exchanges) {
    if (!exchange.isReceiving) continue;
    // The body is what broke, so the answer is that exchange's own.
    exchange.reply.shouldKeepAlive = false;
    exchange.refuseWith(status, coded);
    hangUp(front, connection, socket, null);
    return;
  }
  const last = connection.lastReply;
  // The rest of a request that was answered before it was whole: it gets no second answer.
  const isAnswered = last !== null && last.writableEnded && !last.req.complete;
  hangUp(front, connection, socket, isAnswered ? null : () => rawAnswer(front, status, coded));
}

/** Answers a CONNECT, which asks for a tunnel: there are none, and Node by itself would hang up without a word. */
export function refuseTunnel(front: Front, socket: InferenceSocket): void {
  const connection = socket[CONNECTION];
  if (connection === undefined || connection.isBroken) return;
  connection.isBroken = true;
  socket.on("error", () => {});
  const error = new SlipwayError("METHOD_NOT_ALLOWED", "There are no tunnels here: CONNECT is not answered.");
  hangUp(front, connection, socket, () => rawAnswer(front, statusOf(error.code), error));
}

/** Ends a connection, with a last answer where there is one, after the answers that are still on their way. */
function hangUp(
  front: Front,
  connection: Connection,
  socket: InferenceSocket,
  lastAnswer: (() => string) | null,
): void {
  const end = () => {
    if (lastAnswer === null) socket.end();
    else socket.end(lastAnswer());
    front.clock.after(LINGER_MS, () => socket.destroy());
  };
  const last = connection.lastReply;
  if (last === null || last.writableFinished) end();
  else last.once("finish", end);
}

function brokenRequest(error: Error & { code?: string }, { server }: Front): [number, SlipwayError] {
  switch (error.code ?? "") {
    case "HPE_HEADER_OVERFLOW":
      return [
        HEAD_TOO_LARGE,
        new SlipwayError(
          "REQUEST_TOO_LARGE",
          `The request's head is over ${server.maxHeaderBytes} bytes; send fewer headers, or raise server.maxHeaderBytes.`,
        ),
      ];
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return codedAnswer(new SlipwayError("REQUEST_TOO_LARGE", "The chunk extensions of the body are too long."));
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return codedAnswer(
        new SlipwayError(
          "REQUEST_TIMEOUT",
          `The request did not arrive in time; its head has ${server.headersTimeoutMs} ms, all of it ${server.requestTimeoutMs} ms.`,
        ),
      );
    default:
      return codedAnswer(new SlipwayError("REQUEST_MALFORMED", `This is not HTTP: ${reasonOf(error)}.`));
  }
}

function codedAnswer(error: SlipwayError): [number, SlipwayError] {
  return [statusOf(error.code), error];
}

/** The parser's own words, which name the rule and hold nothing of the request. */
function reasonOf(error: Error & { reason?: unknown }): string {
  return typeof error.reason === "string" && error.reason !== ""
    ? error.reason
    : error.message.replace(/^Parse Error: /, "");
}

function rawAnswer(front: Front, status: number, error: SlipwayError): string {
  const inferenceId = front.nextInferenceId();
  const body = errorBody(error, inferenceId);
  front.ports.onAnswer?.("none", status, error.code);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${INFERENCE_ID_HEADER}: ${inferenceId}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
