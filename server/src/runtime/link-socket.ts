// A link's socket. The event loop reads and writes it like other sockets; besides that it is read and written whenever it is
// told to look, since in a long turn of the loop bytes would wait for its end: those to read, and those that had no room.
import { readSync, writeSync, writevSync } from "node:fs";
import type { Socket } from "node:net";
import type { Clock } from "@slipway/core/base";

const READ_BYTES = 64 * 1024;
/** Shared: what is read is taken before another link is looked at. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** What is at this end of a link. */
export interface LinkEnd {
  /** Takes bytes, in order; they are valid until it returns. */
  receive(chunk: Uint8Array): void;
  /** Whether anything is to come. */
  isAwaited(): boolean;
  /** Sends what was to be sent at the end of the turn. */
  flush(): void;
}

export class LinkSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #end: LinkEnd | null = null;
  /** Whether bytes are being taken: what comes of them may make the turn longer, and look. */
  #isBusy = false;
  /** What the system had no room for in this turn. */
  #rest: Uint8Array[] = [];
  #isHandOverDue = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  /** Begins to read, for what is at this end. */
  read(end: LinkEnd): void {
    this.#end = end;
    this.#socket.on("data", (chunk: Uint8Array) => this.#deliver(chunk));
  }

  /** As `Send` of FrameWriter; what is sent once the socket is closed is dropped: whoever closed it is told otherwise. */
  readonly send = (chunks: readonly Uint8Array[]): boolean => {
    if (!this.#socket.writable) return true;
    if (this.#rest.length > 0) {
      this.#rest.push(...chunks);
      return false;
    }
    this.#rest = this.#written(chunks);
    if (this.#rest.length === 0) return true;
    if (descriptorOf(this.#socket) === null) {
      this.#handOver();
      return false;
    }
    if (!this.#isHandOverDue) {
      this.#isHandOverDue = true;
      this.#clock.soon(this.#handOver);
    }
    return false;
  };

  /** Reads and writes what can be at once, if anything is to come. */
  look(): void {
    const end = this.#end;
    if (end === null || this.#isBusy || !end.isAwaited()) return;
    this.#readNow();
    end.flush();
    if (this.#rest.length > 0) this.#rest = this.#written(this.#rest);
  }

  #readNow(): void {
    for (let read = READ_BYTES; read === READ_BYTES; ) {
      const descriptor = descriptorOf(this.#socket);
      // What the stream holds already goes first.
      if (descriptor === null || this.#socket.readableLength > 0) return;
      try {
        read = readSync(descriptor, readBuffer);
      } catch {
        return; // Nothing is there yet; of anything else the event loop hears, too.
      }
      if (read > 0) this.#deliver(readBuffer.subarray(0, read));
    }
  }

  #deliver(chunk: Uint8Array): void {
    this.#isBusy = true;
    this.#end!.receive(chunk);
    this.#isBusy = false;
  }

  /** Writes what the system takes, after what the stream holds. Answers what is left. */
  #written(chunks: readonly Uint8Array[]): Uint8Array[] {
    const descriptor = descriptorOf(this.#socket);
    if (descriptor === null || this.#socket.writableLength > 0) return [...chunks];
    let written = 0;
    try {
      written = chunks.length === 1 ? writeSync(descriptor, chunks[0]!) : writevSync(descriptor, chunks);
    } catch {
      // There is no room; of anything else the event loop hears, once it is to write this.
    }
    let index = 0;
    while (index < chunks.length && written >= chunks[index]!.byteLength) written -= chunks[index++]!.byteLength;
    const rest = chunks.slice(index);
    if (written > 0) rest[0] = rest[0]!.subarray(written);
    return rest;
  }

  /** What is left at the end of a turn is the event loop's, which hears when there is room. */
  readonly #handOver = (): void => {
    this.#isHandOverDue = false;
    if (this.#rest.length === 0) return;
    const rest = this.#written(this.#rest);
    this.#rest = [];
    if (rest.length === 0) return;
    this.#socket.cork();
    for (const chunk of rest) this.#socket.write(chunk);
    this.#socket.uncork();
  };
}

/** The descriptor behind a socket, for which Node has no public name; null on systems without. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd;
  return descriptor === undefined || descriptor < 0 ? null : descriptor;
}
