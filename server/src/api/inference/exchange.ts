// One request and its answer: collects the body within its limits, hands it on once, answers once, and gives up when the
// client does. The request path is here, so it makes no timer, no abort controller and one closure for each request.
import { IncomingMessage, type ServerResponse } from "node:http";
import { type ErrorCode, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { errorBody, OK, retryAfterSeconds, statusOf } from "../status.ts";
import type { Connection } from "./connection.ts";
import { acceptedCoding, type Coding, codingOf, compress, SMALLEST_COMPRESSED_BYTES } from "./content-encoding.ts";
import type { Front } from "./front.ts";
import { INFERENCE_ID_HEADER, REQUEST_ID_HEADER } from "./request-context.ts";

/** A request that knows its exchange, so that its listeners can be shared. */
export class InferenceMessage extends IncomingMessage {
  exchange: Exchange | null = null;
}
export type InferenceReply = ServerResponse<InferenceMessage>;

/** What an exchange does with its body once it is whole. */
export type BodyHandler = (exchange: Exchange, body: Uint8Array) => void;

/** Up to here binary answers are joined to their head. */
const JOINED_BYTES = 4096;
const EMPTY = new Uint8Array(0);
const JSON_TYPE = "application/json";

type State = "started" | "receiving" | "working" | "answered" | "gone";

export class Exchange {
  readonly front: Front;
  readonly request: InferenceMessage;
  readonly reply: InferenceReply;
  readonly connection: Connection;
  readonly inferenceId: string;
  /** In `Clock.now()` milliseconds. */
  readonly arrivedAt: number;
  /** What its route is called in metrics. */
  routeName = "none";
  /** The endpoint and version in its path, where there are any. */
  endpoint = "";
  version: string | null = null;
  #state: State = "started";
  #handler: BodyHandler | null = null;
  #coding: Coding | null = null;
  /** The body, while it is one chunk; then all of them. */
  #chunk: Uint8Array | null = null;
  #chunks: Uint8Array[] | null = null;
  #receivedBytes = 0;
  #heldBytes = 0;
  #cancelWork: (() => void) | null = null;

  constructor(front: Front, request: InferenceMessage, reply: InferenceReply, connection: Connection) {
    this.front = front;
    this.request = request;
    this.reply = reply;
    this.connection = connection;
    this.inferenceId = front.nextInferenceId();
    this.arrivedAt = front.clock.now();
    request.exchange = this;
    front.inFlight++;
    connection.exchanges.push(this);
    connection.lastReply = reply;
  }

  /** Whether the request's body is still arriving; bytes that did may not have been handed over yet. */
  get isReceiving(): boolean {
    return this.#state === "receiving" && !this.request.complete;
  }

  /** Collects the body, then calls `handler` with it, inflated. */
  receive(handler: BodyHandler): void {
    const { headers } = this.request;
    const declared = headers["content-length"];
    const { maxBodyBytes } = this.front.server;
    if (declared !== undefined && Number(declared) > maxBodyBytes) {
      this.refuse(bodyTooLarge(`${declared} bytes`, maxBodyBytes));
      return;
    }
    const encoding = headers["content-encoding"];
    if (encoding !== undefined) this.#coding = codingOf(encoding);
    this.#state = "receiving";
    this.#handler = handler;
    // Only now, when the body is wanted, is a client that asked first told to send it.
    if (headers.expect !== undefined) this.reply.writeContinue();
    this.request.on("data", onData);
    this.request.on("end", onEnd);
  }

  takeChunk(chunk: Uint8Array): void {
    if (this.#state !== "receiving") return; // the rest of a refused body
    const { front } = this;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > front.server.maxBodyBytes) {
      this.refuse(bodyTooLarge("more", front.server.maxBodyBytes));
      return;
    }
    if (front.heldBytes + chunk.length > front.maxHeldBytes) {
      this.refuse(
        new SlipwayError("QUEUE_FULL", `${front.heldBytes} bytes of requests are arriving already; try again later.`),
      );
      return;
    }
    this.#hold(chunk.length);
    if (this.#chunk === null) this.#chunk = chunk;
    else if (this.#chunks === null) this.#chunks = [this.#chunk, chunk];
    else this.#chunks.push(chunk);
  }

  takeEnd(): void {
    if (this.#state !== "receiving") return;
    const body = this.#chunks === null ? (this.#chunk ?? EMPTY) : Buffer.concat(this.#chunks);
    this.#chunk = this.#chunks = null;
    this.#state = "working";
    if (this.#coding !== null) {
      const isWanted = () => this.#state === "working";
      this.front.inflater.inflate(body, this.#coding, isWanted, (error, bytes) => {
        if (!isWanted()) return;
        if (error === null) this.#handle(bytes);
        else this.refuse(error);
      });
    } else this.#handle(body);
  }

  /** Says how to stop the work this exchange now waits for. */
  waitFor(cancelWork: () => void): void {
    if (this.#state === "gone") cancelWork();
    else if (this.#state === "working") this.#cancelWork = cancelWork;
  }

  /** Answers with JSON text. */
  answerJson(text: string): void {
    this.answer(OK, JSON_TYPE, text, null);
  }

  /** Answers with the error's status and body. What is still to come of the request's body is read and dropped. */
  refuse(error: unknown): void {
    const coded = slipwayErrorFrom(error);
    if (coded.code === "INTERNAL") {
      this.front.ports.log.error({ inferenceId: this.inferenceId, err: coded.cause ?? coded }, "a request failed");
    }
    this.refuseWith(statusOf(coded.code), coded);
  }

  /** As `refuse`, with a status of its own. */
  refuseWith(status: number, error: SlipwayError, more: readonly string[] = []): void {
    const seconds = retryAfterSeconds(error);
    const headers = seconds === null ? more : ["Retry-After", String(seconds), ...more];
    this.answer(status, JSON_TYPE, errorBody(error, this.inferenceId), headers, error.code);
  }

  /**
   * Sends the answer, compressed if it is large and the client takes that.
   * @param more further headers, as names and values in turn
   */
  answer(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    more: readonly string[] | null,
    code: ErrorCode | null = null,
  ): void {
    if (this.#state === "gone" || this.#state === "answered") return;
    this.#cancelWork = null;
    const accepted = this.request.headers["accept-encoding"];
    if (accepted !== undefined && body.length >= SMALLEST_COMPRESSED_BYTES) {
      const coding = acceptedCoding(accepted);
      if (coding !== null) {
        this.#release();
        compress(body, coding, (error, bytes) => {
          if (error === null) {
            const headers = ["Content-Encoding", coding, "Vary", "Accept-Encoding", ...(more ?? [])];
            this.#send(status, contentType, bytes, headers, code);
          } else this.#send(status, contentType, body, more, code);
        });
        return;
      }
    }
    this.#send(status, contentType, body, more, code);
  }

  /** The client went away: stops the work and forgets the body. */
  abandon(): void {
    if (this.#state === "gone" || this.#state === "answered") return;
    const cancelWork = this.#cancelWork;
    this.#leave("gone");
    cancelWork?.();
  }

  /** The server stops and waits no longer. */
  expire(): void {
    const cancelWork = this.#cancelWork;
    this.refuse(new SlipwayError("SHUTTING_DOWN", "The server stopped before the answer was ready; ask another."));
    cancelWork?.();
  }

  #handle(body: Uint8Array): void {
    const handler = this.#handler!;
    this.#handler = null;
    try {
      handler(this, body);
    } catch (error) {
      this.refuse(error);
    }
    this.#release();
  }

  #send(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    more: readonly string[] | null,
    code: ErrorCode | null,
  ): void {
    // While an answer was compressed, the client may have left, or the server stopped waiting and refused.
    if (this.#state === "gone" || this.#state === "answered") return;
    const { request, reply, front } = this;
    this.#leave("answered");
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const headers = [
      "Content-Type",
      contentType,
      "Content-Length",
      String(length),
      INFERENCE_ID_HEADER,
      this.inferenceId,
    ];
    const requestId = request.headers[REQUEST_ID_HEADER];
    if (typeof requestId === "string" && isEchoed(requestId)) headers.push(REQUEST_ID_HEADER, requestId);
    if (more !== null) headers.push(...more);
    if (front.isClosing) reply.shouldKeepAlive = false;
    reply.writeHead(status, headers);
    const text = joinedText(body, length);
    if (text === null) reply.end(body);
    else reply.end(text, "latin1");
    // Kept only while it is on its way, so that an idle connection does not keep its last exchange alive.
    const isDone = reply.writableFinished && request.complete;
    if (isDone && this.connection.lastReply === reply) this.connection.lastReply = null;
    front.ports.onAnswer?.(this.routeName, status, code);
  }

  #leave(state: "answered" | "gone"): void {
    this.#state = state;
    this.#handler = this.#cancelWork = this.#chunk = this.#chunks = null;
    this.#release();
    const { exchanges } = this.connection;
    const place = exchanges.indexOf(this);
    if (place !== -1) exchanges.splice(place, 1);
    const { front } = this;
    front.inFlight--;
    if (front.inFlight === 0 && front.isClosing) front.onIdle();
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.front.heldBytes += bytes;
  }

  #release(): void {
    this.front.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
  }
}

/**
 * A body as text of one character a byte, where that is cheap: Node joins head and text to a single write, which costs a
 * small answer much less than two. Null where the body goes as it is.
 */
function joinedText(body: string | Uint8Array, length: number): string | null {
  if (typeof body === "string") return length === body.length ? body : null; // of one byte each: ASCII
  return length <= JOINED_BYTES ? Buffer.from(body.buffer, body.byteOffset, length).toString("latin1") : null;
}

/** Whether a client's own id is sent back: visible ASCII, and not long. */
function isEchoed(requestId: string): boolean {
  return /^[!-~]{1,200}$/.test(requestId);
}

function bodyTooLarge(what: string, maxBytes: number): SlipwayError {
  return new SlipwayError(
    "REQUEST_TOO_LARGE",
    `The body has ${what}; at most ${maxBytes} are taken. Send less at once, or raise server.maxBodyBytes.`,
  );
}

function onData(this: InferenceMessage, chunk: Uint8Array): void {
  this.exchange!.takeChunk(chunk);
}

function onEnd(this: InferenceMessage): void {
  this.exchange!.takeEnd();
}
