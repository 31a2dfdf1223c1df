// Clients under whose load servers are harmed: each keeps a connection, asks one thing at a time, and holds every answer
// against what its version must say. Bytes that nobody asked for are a second answer, and fail the campaign.
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { requestBytes } from "../test/support/raw-http.ts";
import { check } from "./campaign.ts";

/** How a request ended. */
export interface Ending {
  /** 0 where the connection ended without an answer. */
  readonly status: number;
  /** The code of an error, or what happened to the connection. */
  readonly code: string | null;
  readonly version: string | null;
  readonly data: readonly number[] | null;
}

/** One keep-alive connection that is made again when it ended. */
export class LoadClient {
  readonly #address: URL;
  #socket: Socket | null = null;
  #text = "";
  #wake = (): void => {};

  constructor(address: string) {
    this.#address = new URL(address);
  }

  /** Asks y of x for one row, and waits for the whole answer. */
  async ask(endpoint: string, x: readonly number[], headers: Readonly<Record<string, string>> = {}): Promise<Ending> {
    const body = JSON.stringify({ inputs: [{ name: "x", shape: [1, x.length], datatype: "FP32", data: x }] });
    return await this.send(requestBytes(`/v2/models/${endpoint}/infer`, { body, headers }));
  }

  /** Sends bytes that are one request, and waits for its whole answer. */
  async send(request: Uint8Array): Promise<Ending> {
    check(this.#text === "", () => `Bytes came that nobody asked for: ${this.#text}`);
    const socket = await this.#connected();
    if (socket === null) return { status: 0, code: "REFUSED", version: null, data: null };
    socket.write(request);
    for (;;) {
      const answer = wholeAnswer(this.#text);
      if (answer !== null) {
        this.#text = this.#text.slice(answer.length);
        if (answer.isLast) this.close();
        return answer.ending;
      }
      if (this.#socket !== socket) return { status: 0, code: "CUT", version: null, data: null };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    check(this.#text === "", () => `Bytes came that nobody asked for: ${this.#text}`);
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #connected(): Promise<Socket | null> {
    if (this.#socket !== null) return this.#socket;
    const socket = connect({ host: this.#address.hostname, port: Number(this.#address.port), noDelay: true });
    socket.setEncoding("latin1");
    const ended = (): void => {
      if (this.#socket === socket) this.#socket = null;
      this.#wake();
    };
    try {
      await once(socket, "connect");
    } catch {
      return null;
    }
    socket.on("data", (chunk: string) => {
      this.#text += chunk;
      this.#wake();
    });
    socket.on("error", ended);
    socket.on("close", ended);
    this.#text = "";
    this.#socket = socket;
    return socket;
  }
}

function wholeAnswer(text: string): { ending: Ending; length: number; isLast: boolean } | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = text.slice(0, end + 2);
  const size = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? Number.NaN);
  check(size >= 0, () => `An answer without a length: ${head}`);
  const length = end + 4 + size;
  if (text.length < length) return null;
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
  const body = JSON.parse(text.slice(end + 4, length)) as {
    code?: string;
    model_version?: string;
    outputs?: { data: number[] }[];
  };
  const ending = {
    status,
    code: body.code ?? null,
    version: body.model_version ?? null,
    data: body.outputs?.[0]?.data ?? null,
  };
  return { ending, length, isLast: /\r\nconnection: close\r\n/i.test(head) };
}

/** Counts of endings, as "200" and "503 QUEUE_FULL". */
export class Endings {
  readonly #counts = new Map<string, number>();

  count({ status, code }: Ending): void {
    const sort = code === null ? String(status) : `${status} ${code}`;
    this.#counts.set(sort, (this.#counts.get(sort) ?? 0) + 1);
  }

  of(sort: string): number {
    return this.#counts.get(sort) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Fails where there is one of a sort not allowed. */
  require(allowed: RegExp): void {
    for (const [sort, count] of this.#counts) check(allowed.test(sort), `${count} requests ended with ${sort}`);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => a.localeCompare(b)));
  }
}
