// A child process of ours with Node's channel to it: started, spoken to, and known to be gone when it is. One that handles what
// others made is started behind what contains it.
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { ERRORS, type ErrorCode, SlipwayError } from "@slipway/core/base";
import { childScript } from "./child-script.ts";
import { type Containment, endFirstWithoutMemory } from "./containment.ts";

export interface ChannelScript {
  /** The `import.meta.url` of a file beside the script, and the script's name without its ending. */
  readonly beside: string;
  readonly name: string;
  /** Node's own. */
  readonly flags?: readonly string[];
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** "advanced" carries what JSON would lose without a word, such as NaN; "json" unless said. */
  readonly serialization?: "json" | "advanced";
  /** Whether it is ended before this process where the machine runs out of memory. */
  readonly endsFirst?: boolean;
  /** What confines it; nothing unless said. */
  readonly containment?: Containment | null;
}

export interface ChannelEvents<Heard> {
  onMessage(message: Heard): void;
  /** Called once, after the last message; `text` says how it ended. */
  onExit(text: string): void;
}

export class ChannelChild<Said, Heard> {
  readonly #child: ChildProcess;
  readonly #events: ChannelEvents<Heard>;
  #isGone = false;

  constructor(
    { beside, name, flags = [], environment, serialization = "json", endsFirst = false, containment }: ChannelScript,
    events: ChannelEvents<Heard>,
  ) {
    this.#events = events;
    const node = [process.execPath, ...flags, ...childScript(beside, name)];
    const [program, ...args] = [...(containment?.command ?? []), ...node];
    // One that may write to no file may not write to ours either, should our standard error be one.
    const isPiped = containment !== undefined && containment !== null;
    this.#child = spawn(program!, args, {
      env: { ...environment },
      stdio: ["ignore", "ignore", isPiped ? "pipe" : "inherit", "ipc"],
      serialization,
      windowsHide: true,
    });
    this.#child.stderr?.pipe(process.stderr, { end: false });
    if (endsFirst) endFirstWithoutMemory(this.#child.pid);
    this.#child.on("message", (message) => events.onMessage(message as Heard));
    this.#child.on("error", (error) => {
      // One that is there and could not be sent to tells by its end.
      if (this.#child.pid === undefined) this.#gone(`it could not be started: ${error.message}`);
    });
    // Its last message is heard before its channel closes. "close", which should follow on both, does not always come
    // where the channel was closed from here.
    const ended = (): void => {
      const { exitCode, signalCode, connected } = this.#child;
      if (connected || (exitCode === null && signalCode === null)) return;
      this.#gone(signalCode === null ? `it exited with code ${exitCode}` : `it was ended by ${signalCode}`);
    };
    this.#child.on("exit", ended);
    this.#child.on("disconnect", ended);
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Whether messages can reach it. */
  get isConnected(): boolean {
    return !this.#isGone && this.#child.connected;
  }

  /** Sends a message, and a socket, which is then the child's. What can't be sent is answered by the end of the process. */
  send(message: Said, socket?: Socket): void {
    if (this.isConnected) this.#child.send(message as object, socket, {}, () => undefined);
  }

  /** Closes the channel; the process goes by itself when it sees that. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  kill(): void {
    if (!this.#isGone) this.#child.kill("SIGKILL");
  }

  #gone(text: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#events.onExit(text);
  }
}

/** An error as it goes over a channel. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The error a failure was made from; one of a code that is not known here is INTERNAL. */
export function errorFromFailure({ code, message, details }: Failure): SlipwayError {
  return new SlipwayError(
    Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "INTERNAL",
    message,
    details === undefined ? {} : { details },
  );
}
