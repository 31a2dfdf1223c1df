// One keep-alive connection of the load generator: a request at a time, its bytes written as they are, its answer reduced
// to a status. Reconnects by itself when the server closes it between requests.
import net from "node:net";
import tls from "node:tls";
import { type ResponseFacts, ResponseMalformed, ResponseReader } from "./response-reader.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** How a request ended: an answer, or what went wrong with the connection. */
export type Ending = ResponseFacts | { readonly status: 0; readonly failure: string };

const READ_BYTES = 64 * 1024;

export class Connection {
  readonly #target: Target;
  readonly #onEnd: (connection: Connection, ending: Ending) => void;
  #reader = this.#newReader();
  #socket: net.Socket | null = null;
  #isBusy = false;
  /** When the request in flight was meant to be sent, and when it was; the generator's own notes. */
  intendedAt = 0;
  sentAt = 0;

  constructor(target: Target, onEnd: (connection: Connection, ending: Ending) => void) {
    this.#target = target;
    this.#onEnd = onEnd;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Connects ahead of the first request, so that connecting is not part of its latency. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#connect();
      socket.once(this.#target.isTls ? "secureConnect" : "connect", () => resolve());
      socket.once("error", reject);
    });
  }

  /** Sends a request's bytes. `onEnd` is called once, later. */
  send(request: Buffer): void {
    this.#isBusy = true;
    (this.#socket ?? this.#connect()).write(request);
  }

  /** Gives up the request in flight and the connection under it. */
  abort(failure: string): void {
    this.#drop();
    if (this.#isBusy) this.#ended({ status: 0, failure });
  }

  close(): void {
    this.#isBusy = false;
    this.#drop();
  }

  #connect(): net.Socket {
    const { host, port, isTls } = this.#target;
    let socket: net.Socket;
    if (isTls) {
      socket = tls.connect({ host, port, servername: net.isIP(host) ? "" : host });
      socket.on("data", (bytes: Buffer) => this.#received(socket, bytes));
    } else {
      // One buffer for the connection's life, instead of one for each read.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      const callback = (count: number): boolean => {
        this.#received(socket, buffer.subarray(0, count));
        return true;
      };
      socket = net.connect({ host, port, onread: { buffer, callback } });
    }
    socket.setNoDelay(true);
    socket.on("error", (error: NodeJS.ErrnoException) => this.#lost(socket, error.code ?? error.message));
    socket.on("close", () => this.#lost(socket, "closed"));
    this.#socket = socket;
    this.#reader = this.#newReader();
    return socket;
  }

  #newReader(): ResponseReader {
    return new ResponseReader((facts) => this.#answered(facts));
  }

  #received(socket: net.Socket, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof ResponseMalformed)) throw error;
      this.abort(`malformed answer: ${error.message}`);
    }
  }

  #answered(facts: ResponseFacts): void {
    if (facts.isLast) this.#drop();
    if (this.#isBusy) this.#ended(facts);
  }

  #lost(socket: net.Socket, failure: string): void {
    if (socket !== this.#socket) return;
    this.#drop();
    // An answer without a length ends with its connection; #answered has told of it then.
    if (this.#isBusy && !this.#reader.end()) this.#ended({ status: 0, failure });
  }

  #ended(ending: Ending): void {
    this.#isBusy = false;
    this.#onEnd(this, ending);
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }
}
