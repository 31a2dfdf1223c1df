// A runner as a child process: contained, with one socket to this one and nothing else of ours.
import type { ChildProcess, StdioOptions } from "node:child_process";
import { closeSync, openSync, readSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import type { Clock } from "@slipway/core/base";
import { childScript } from "./child-script.ts";
import { startContained } from "./contained-child.ts";
import type { Containment } from "./containment.ts";
import type { Send } from "./frame-writer.ts";
import { createLinkPair } from "./link-pair.ts";
import { LinkSocket } from "./link-socket.ts";
import type { LongTurns } from "./long-turns.ts";
import type { RunnerHandle, RunnerListener, StartRunner } from "./runner-handle.ts";

export interface ProcessOptions {
  readonly containment: Containment;
  /** Where the runner's empty directory is made. */
  readonly scratchDirectory: string;
  /** The runner's whole environment; usually empty. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether further links to it may be opened, for other fronts. */
  readonly isShared: boolean;
  readonly clock: Clock;
  readonly longTurns: LongTurns;
}

/** The runner's end of the link; see runner-main.ts. */
const LINK_DESCRIPTOR = 3;
const LAST_WORDS_LENGTH = 2_000;
/**
 * What a runner makes in JavaScript is garbage within a batch, so a small nursery serves it as well as V8's own choice:
 * under full load it held 110 MiB instead of 185, at the same rate.
 */
const NURSERY = "--max-semi-space-size=4";

export function processRunner(options: ProcessOptions): StartRunner {
  return (listener) => {
    const { endsWithParent } = options.containment;
    // A runner that watches its parent takes the name of its directory away itself, once it does.
    const args = [
      NURSERY,
      ...childScript(import.meta.url, "runner-main"),
      ...(endsWithParent ? [] : ["--watch-parent"]),
    ];
    // Links of other fronts are handed over on a channel of Node's; tensors never go there.
    const stdio: StdioOptions = ["ignore", "ignore", "pipe", "pipe", ...(options.isShared ? (["ipc"] as const) : [])];
    const { child, directory } = startContained(args, { ...options, stdio });
    // Out of descriptors or processes, there is a child without streams, and an error to come.
    if (child.stderr === null || child.stdio?.[LINK_DESCRIPTOR] === undefined) {
      child.on("error", () => undefined);
      rmSync(directory, { recursive: true, force: true });
      throw new Error("The runner's process could not be made.");
    }
    return new ProcessHandle(child, directory, options, listener);
  };
}

class ProcessHandle implements RunnerHandle {
  readonly isKillable = true;
  readonly send: Send;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #memory: MemoryFile;
  readonly #scratchDirectory: string;
  #hasExited = false;
  /** What to call when it ends while a link is handed over: Node forgets what was to be sent to a process that is gone. */
  readonly #onExit = new Set<() => void>();

  constructor(
    child: ChildProcess,
    directory: string,
    { scratchDirectory, clock, longTurns }: ProcessOptions,
    listener: RunnerListener,
  ) {
    this.#child = child;
    this.#scratchDirectory = scratchDirectory;
    this.#socket = child.stdio[LINK_DESCRIPTOR] as Socket;
    const link = new LinkSocket(this.#socket, clock);
    this.send = link.send;
    this.#memory = new MemoryFile(child.pid);
    let lastWords = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString("utf8")).slice(-LAST_WORDS_LENGTH);
    });
    link.read(listener);
    const forget = longTurns.add(link);
    // A broken socket is the runner's end, which `exit` reports; a runner that only lost its socket is of no use.
    this.#socket.on("error", () => this.kill());
    this.#socket.on("close", () => {
      forget();
      this.kill();
    });
    const exited = (code: number | null, signal: string | null): void => {
      if (this.#hasExited) return;
      this.#hasExited = true;
      this.#memory.close();
      this.#socket.destroy();
      for (const hear of this.#onExit) hear();
      rmSync(directory, { recursive: true, force: true });
      listener.exited({ code, signal, lastWords });
    };
    // "close" comes after the last bytes of the socket and of standard error were read, so that no answer is lost.
    child.on("close", exited);
    child.on("error", (error) => {
      lastWords ||= error.message;
      if (child.pid === undefined) setImmediate(exited, null, null);
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  kill(): void {
    if (!this.#hasExited) this.#child.kill("SIGKILL");
  }

  async openLink(send: (end: Socket) => Promise<void>): Promise<void> {
    const { still, other } = await createLinkPair(this.#scratchDirectory);
    try {
      await send(other);
      await this.#handOver(still);
    } finally {
      // Where they were not handed over; what was is no longer held here.
      still.destroy();
      other.destroy();
    }
  }

  async #handOver(end: Socket): Promise<void> {
    const gone = new Error("The runner is gone.");
    if (this.#hasExited || !this.#child.connected) throw gone;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const hear = (): void => reject(gone);
    this.#onExit.add(hear);
    try {
      this.#child.send("link", end, (error) => (error === null ? resolve() : reject(error)));
      await promise;
    } finally {
      this.#onExit.delete(hear);
    }
  }

  residentBytes(): number | null {
    return this.#memory.residentBytes();
  }
}

/** Reads a process's resident memory from /proc, where there is one. */
class MemoryFile {
  #descriptor: number | null = null;
  readonly #buffer = Buffer.alloc(4096);

  constructor(pid: number | undefined) {
    if (pid === undefined || process.platform !== "linux") return;
    try {
      this.#descriptor = openSync(`/proc/${pid}/status`, "r");
    } catch {
      this.#descriptor = null; // It ended already.
    }
  }

  residentBytes(): number | null {
    if (this.#descriptor === null) return null;
    try {
      const length = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, 0);
      const found = /VmRSS:\s+(\d+) kB/.exec(this.#buffer.toString("latin1", 0, length));
      return found === null ? null : Number(found[1]) * 1024;
    } catch {
      return null;
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
