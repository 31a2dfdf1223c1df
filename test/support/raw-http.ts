// A client that sends bytes, not requests: what it sends need not be HTTP, and it takes down all that comes back.
import { once } from "node:events";
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawExchange {
  /** All bytes that came, as latin1. */
  readonly text: string;
  readonly answers: readonly RawAnswer[];
  /** Whether the server ended the connection, or it was left open until we were done. */
  readonly isClosed: boolean;
}

export interface RawOptions {
  /** Ends our side after the last piece, as clients that cut a request do. */
  readonly isCut?: boolean;
  /** Stops waiting after this many answers. */
  readonly answers?: number;
  /** Between pieces. */
  readonly pauseMs?: number;
  readonly limitMs?: number;
}

/** Sends pieces on a connection of their own and listens until the server ends it, enough was answered, or time is up. */
export async function exchangeRaw(
  address: string,
  pieces: string | Uint8Array | readonly (string | Uint8Array)[],
  { isCut = false, answers: wanted = 1, pauseMs = 0, limitMs = 10_000 }: RawOptions = {},
): Promise<RawExchange> {
  const { hostname, port } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = "";
  let isClosed = false;
  socket.setEncoding("latin1");
  socket.on("error", () => {});
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const finish = (): void => {
    isClosed = true;
    resolve();
  };
  socket.on("end", finish);
  socket.on("close", finish);
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (!isCut && answersIn(text).length >= wanted) resolve();
  });
  const timer = setTimeout(resolve, limitMs);
  try {
    await Promise.race([once(socket, "connect"), done]);
    for (const piece of typeof pieces === "string" || pieces instanceof Uint8Array ? [pieces] : pieces) {
      if (socket.destroyed) break;
      socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
      if (pauseMs > 0) await new Promise((wake) => setTimeout(wake, pauseMs));
    }
    if (isCut) socket.end();
    await done;
    return { text, answers: answersIn(text), isClosed };
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** The whole answers in a text, in order; "100 Continue" is none. */
export function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const [first = "", ...lines] = text.slice(at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0);
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    at = end + 4;
    if (status === 100) continue;
    const length = Number(headers["content-length"] ?? 0);
    if (text.length < at + length) return answers;
    answers.push({ status, headers, body: text.slice(at, at + length) });
    at += length;
  }
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A well-formed request's bytes. */
export function requestBytes(target: string, { method = "POST", headers = {}, body = "" }: HttpRequest = {}): Buffer {
  const bytes = Buffer.from(body);
  const all = { host: "localhost", "content-length": String(bytes.length), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${head.join("")}\r\n`, "latin1"), bytes]);
}
