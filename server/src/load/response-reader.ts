// Reads HTTP/1.1 answers off a connection, one at a time, and keeps only what a load test asks: status, size, and the
// beginning of an error's body. node:http costs several times more per request, and the load generator must not be the limit.

/** What a load test keeps of an answer. */
export interface ResponseFacts {
  readonly status: number;
  /** Bytes of the answer, head included. */
  readonly sizeBytes: number;
  /** Whether the server closes the connection after it. */
  readonly isLast: boolean;
  /** The beginning of the body of an answer of status 400 and above; empty for others. */
  readonly errorBody: string;
}

/** A server's bytes are not HTTP/1.1. */
export class ResponseMalformed extends Error {
  override readonly name = "ResponseMalformed";
}

const ERROR_BODY_BYTES = 4096;
const HEAD_BYTES = 64 * 1024;
const HEAD_END = Buffer.from("\r\n\r\n");

type State = "head" | "body" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "until-close";

export class ResponseReader {
  readonly #onResponse: (facts: ResponseFacts) => void;
  #state: State = "head";
  /** Bytes of a head or chunk line that has not arrived whole. */
  #carry: Buffer | null = null;
  #remaining = 0;
  #status = 0;
  #sizeBytes = 0;
  #isLast = false;
  #errorBody = "";

  constructor(onResponse: (facts: ResponseFacts) => void) {
    this.#onResponse = onResponse;
  }

  /**
   * Takes the next bytes. They are not kept: the caller may reuse their memory.
   * @throws ResponseMalformed
   */
  push(bytes: Buffer): void {
    let at = 0;
    if (this.#carry !== null) {
      bytes = Buffer.concat([this.#carry, bytes]);
      this.#carry = null;
    }
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next < 0) {
        this.#carry = Buffer.from(bytes.subarray(at));
        if (this.#carry.length > HEAD_BYTES) throw new ResponseMalformed(`a head of more than ${HEAD_BYTES} bytes`);
        return;
      }
      at = next;
    }
  }

  /** Tells that the connection ended. Answers whether that ended a response properly. */
  end(): boolean {
    if (this.#state !== "until-close") return false;
    this.#finish();
    return true;
  }

  /** Consumes one part from `at` and answers where the next begins; -1 when it has not arrived whole. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "head": {
        const end = bytes.indexOf(HEAD_END, at);
        if (end < 0) return -1;
        this.#head(bytes.toString("latin1", at, end + 2));
        this.#sizeBytes += end + 4 - at;
        return end + 4;
      }
      case "body":
      case "chunk-data": {
        const take = Math.min(this.#remaining, bytes.length - at);
        this.#body(bytes, at, at + take);
        this.#remaining -= take;
        if (this.#remaining === 0) {
          if (this.#state === "body") this.#finish();
          else this.#state = "chunk-end";
        }
        return at + take;
      }
      case "until-close":
        this.#body(bytes, at, bytes.length);
        return bytes.length;
      case "chunk-end":
      case "chunk-size":
      case "trailers":
        return this.#line(bytes, at);
    }
  }

  #line(bytes: Buffer, at: number): number {
    const end = bytes.indexOf("\r\n", at, "latin1");
    if (end < 0) return -1;
    this.#sizeBytes += end + 2 - at;
    if (this.#state === "chunk-end") this.#state = "chunk-size";
    else if (this.#state === "trailers") {
      if (end === at) this.#finish();
    } else {
      const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
      if (!(size >= 0)) throw new ResponseMalformed("a chunk without a size");
      this.#remaining = size;
      this.#state = size === 0 ? "trailers" : "chunk-data";
    }
    return end + 2;
  }

  /** `head` ends with the line break of its last line. */
  #head(head: string): void {
    const match = /^HTTP\/1\.([01]) (\d{3})/.exec(head);
    if (match === null) throw new ResponseMalformed("no status line");
    const status = Number(match[2]);
    if (status >= 100 && status < 200) return; // an interim answer; the real one follows
    this.#status = status;
    this.#errorBody = "";
    this.#isLast = match[1] === "0" ? !/\r\nconnection: *keep-alive/i.test(head) : /\r\nconnection: *close/i.test(head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (status === 204 || status === 304) this.#finish();
    else if (/\r\ntransfer-encoding:.*chunked/i.test(head)) this.#state = "chunk-size";
    else if (length === null) {
      this.#state = "until-close";
      this.#isLast = true;
    } else {
      this.#remaining = Number(length[1]);
      this.#state = "body";
      if (this.#remaining === 0) this.#finish();
    }
  }

  #body(bytes: Buffer, from: number, to: number): void {
    this.#sizeBytes += to - from;
    if (this.#status >= 400 && this.#errorBody.length < ERROR_BODY_BYTES)
      this.#errorBody += bytes.toString("utf8", from, to);
  }

  #finish(): void {
    const facts = {
      status: this.#status,
      sizeBytes: this.#sizeBytes,
      isLast: this.#isLast,
      errorBody: this.#errorBody,
    };
    this.#state = "head";
    this.#sizeBytes = 0;
    this.#onResponse(facts);
  }
}
