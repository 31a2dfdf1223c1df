// A second reading of HTTP/1.1, as strict as RFC 9112 lets a server be: the requests that are surely meant, and where the
// doubt begins. What a server answers beyond these may be somebody's smuggled request.
import { METHODS } from "node:http";

export interface ReadRequest {
  /** Of the X-Request-Id header, where there is one that is sent back. */
  readonly id: string | null;
  readonly method: string;
  /** It begins and ends without a doubt, and must be refused all the same. */
  readonly isWrong: boolean;
  /** Its body comes in chunks, about which a server may be stricter than this. */
  readonly isChunked: boolean;
}

export interface HttpReading {
  /** Those that are whole, in order. */
  readonly requests: readonly ReadRequest[];
  /**
   * What comes after them: nothing; a request that is cut off; what is no request; or things that nobody reads, since the
   * last request closes the connection.
   */
  readonly rest: "nothing" | "cut" | "malformed" | "unread";
  /** The request the rest begins with, where its head is whole. */
  readonly begun: ReadRequest | null;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A chunk's size, and extensions. Node lets names and values be empty, which changes no chunk's length. */
const CHUNK = /^(0*[0-9a-f]{1,16})(?:;[!#$%&'*+\-.^_`|~0-9a-z]*(?:=[!#$%&'*+\-.^_`|~0-9a-z]*)?)*\r$/i;
// More spaces than one may be taken for one (RFC 9112, section 3), and Node does: the request's end stays as sure as it was.
const REQUEST_LINE = /^([A-Z-]+) +([^ ]+) +HTTP\/1\.([01])$/;
/** Node counts bytes of a body in 64 bits, and refuses more. */
const LENGTHS = 2n ** 64n;
// oxlint-disable-next-line no-control-regex -- control characters are what a value may not hold
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
// oxlint-disable-next-line no-control-regex -- as above
const TARGET = /^[\u0021-\u007e\u0080-\u00ff]+$/;

/** Reads `text`, one character a byte. */
export function readHttp(text: string): HttpReading {
  const requests: ReadRequest[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === "\r" || text[at] === "\n") at++;
    if (at >= text.length) return { requests, rest: "nothing", begun: null };
    const head = headOf(text, at);
    if (head === "cut" || head === "malformed") return { requests, rest: head, begun: null };
    const found = bodyEnd(text, head);
    // Node reads on past the head of such a request only in part; what is wrong there is met when time is up.
    const end = found === "malformed" && head.asksForUpgrade ? "cut" : found;
    if (end === "cut" || end === "malformed") return { requests, rest: end, begun: head.request };
    requests.push(head.request);
    if (head.isLast) return { requests, rest: "unread", begun: null };
    at = end;
  }
}

interface Head {
  readonly request: ReadRequest;
  readonly end: number;
  /** Of the body; null where it comes in chunks. */
  readonly length: number | null;
  readonly isLast: boolean;
  readonly asksForUpgrade: boolean;
}

function headOf(text: string, at: number): Head | "cut" | "malformed" {
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return "cut";
  const lines = text.slice(at, end).split("\r\n");
  if (lines.some((line) => /[\r\n\0]/.test(line))) return "malformed";
  const first = REQUEST_LINE.exec(lines[0]!);
  if (first === null || !METHODS.includes(first[1]!) || !TARGET.test(first[2]!)) return "malformed";
  const headers = new Map<string, string[]>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    if (!TOKEN.test(name) || !VALUE.test(value)) return "malformed";
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  const length = lengthOf(headers, first[3]!);
  if (length === "malformed") return "malformed";
  const isWrong = first[3] === "1" && headers.get("host")?.length !== 1;
  if (first[1] === "CONNECT") return "malformed"; // what follows is a tunnel's
  const ids = headers.get("x-request-id") ?? [];
  const id = ids.length === 1 && /^[!-~]{1,200}$/.test(ids[0]!) ? ids[0]! : null;
  const connection = (headers.get("connection") ?? []).join(",").toLowerCase();
  const options = connection.split(",").map((option) => option.replace(/^[ \t]+|[ \t]+$/g, ""));
  const isLast =
    headers.has("upgrade") || options.includes("close") || (first[3] === "0" && !options.includes("keep-alive"));
  const asksForUpgrade = headers.has("upgrade");
  return {
    request: { id, method: first[1]!, isWrong, isChunked: length === null },
    end: end + 4,
    length,
    isLast,
    asksForUpgrade,
  };
}

function lengthOf(headers: ReadonlyMap<string, readonly string[]>, minor: string): number | null | "malformed" {
  const lengths = headers.get("content-length");
  const codings = headers.get("transfer-encoding");
  if (codings !== undefined) {
    const isChunked = codings.length === 1 && codings[0]!.toLowerCase() === "chunked";
    return isChunked && lengths === undefined && minor === "1" ? null : "malformed";
  }
  if (lengths === undefined) return 0;
  const isNumber = lengths.length === 1 && /^\d+$/.test(lengths[0]!);
  return isNumber && BigInt(lengths[0]!) < LENGTHS ? Number(lengths[0]) : "malformed";
}

function bodyEnd(text: string, { end, length }: Head): number | "cut" | "malformed" {
  if (length !== null) return end + length <= text.length ? end + length : "cut";
  for (let at = end; ; ) {
    const line = text.indexOf("\n", at);
    if (line < 0) return /^[0-9a-f]*(?:;[^\n]*)?\r?$/i.test(text.slice(at)) ? "cut" : "malformed";
    const size = CHUNK.exec(text.slice(at, line));
    if (size === null) return "malformed";
    at = line + 1;
    const bytes = Number.parseInt(size[1]!, 16);
    if (bytes === 0) return trailerEnd(text, at);
    if (at + bytes + 2 > text.length) return chunkIsCut(text, at + bytes);
    if (!text.startsWith("\r\n", at + bytes)) return "malformed";
    at += bytes + 2;
  }
}

function chunkIsCut(text: string, end: number): "cut" | "malformed" {
  return "\r\n".startsWith(text.slice(end, end + 2)) ? "cut" : "malformed";
}

function trailerEnd(text: string, start: number): number | "cut" | "malformed" {
  for (let at = start; ; ) {
    const end = text.indexOf("\r\n", at);
    const line = text.slice(at, end < 0 ? undefined : end);
    if (/[\n\0]/.test(line)) return "malformed";
    if (end < 0) return "cut";
    if (line === "") return end + 2;
    const colon = line.indexOf(":");
    if (!TOKEN.test(line.slice(0, Math.max(colon, 0))) || !VALUE.test(line.slice(colon + 1))) return "malformed";
    at = end + 2;
  }
}
