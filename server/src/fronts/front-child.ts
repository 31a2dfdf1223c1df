// A front process as the server holds it: started, given orders, and known to be gone when it is. Orders are answered in
// the order they come; those that a front takes to its end are answered with its end.
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { SlipwayError } from "@slipway/core/base";
import { childScript } from "#runtime";
import {
  type AnswerTo,
  errorFromFailure,
  type FromFront,
  type Order,
  type Overview,
  type ToFront,
} from "./messages.ts";

export interface FrontChildEvents {
  onOverview(endpoint: string | null, version: string | null): Promise<Overview>;
  onBroken(loadId: number, runner: number): void;
  onLog(message: string, facts: Readonly<Record<string, unknown>>): void;
  /** Called once. */
  onExit(text: string): void;
}

/** As the server's own; see bin/launch.js. */
const NURSERY = "--max-semi-space-size=8";

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SlipwayError) => void;
}

export class FrontChild {
  readonly #child: ChildProcess;
  readonly #events: FrontChildEvents;
  readonly #calls = new Map<number, Call>();
  #ids = 0;
  #isGone = false;

  constructor(environment: Readonly<Record<string, string>>, events: FrontChildEvents) {
    this.#events = events;
    this.#child = spawn(process.execPath, [NURSERY, ...childScript(import.meta.url, "front-main")], {
      env: { ...environment },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      windowsHide: true,
    });
    this.#child.on("message", (message) => this.#receive(message as FromFront));
    this.#child.on("error", (error) => this.#gone(`it could not be started: ${error.message}`));
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

  /**
   * Has an order carried out; a socket goes with it, and is then the front's.
   * @throws SlipwayError what the front failed with, or SHUTTING_DOWN when it is gone
   */
  call<Type extends Order["type"]>(order: Order & { readonly type: Type }, socket?: Socket): Promise<AnswerTo<Type>> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      if (this.#isGone || !this.#child.connected) {
        reject(frontGone());
        return;
      }
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#send({ kind: "order", id, order }, socket);
    });
  }

  /** Ends it: its channel closes, and it goes. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  kill(): void {
    if (!this.#isGone) this.#child.kill("SIGKILL");
  }

  #send(message: ToFront, socket?: Socket): void {
    // What can't be sent any more is answered by the end of the process.
    this.#child.send(message, socket, {}, () => undefined);
  }

  #receive(message: FromFront): void {
    switch (message.kind) {
      case "answer":
        this.#take(message.id)?.resolve(message.value);
        break;
      case "failure":
        this.#take(message.id)?.reject(errorFromFailure(message));
        break;
      case "overview":
        void this.#events.onOverview(message.endpoint, message.version).then((overview) => {
          if (this.#child.connected) this.#send({ kind: "overview", id: message.id, overview });
        });
        break;
      case "broken":
        this.#events.onBroken(message.loadId, message.runner);
        break;
      case "log":
        this.#events.onLog(message.message, message.facts);
        break;
    }
  }

  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #gone(text: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const { reject } of this.#calls.values()) reject(frontGone());
    this.#calls.clear();
    this.#events.onExit(text);
  }
}

function frontGone(): SlipwayError {
  return new SlipwayError("SHUTTING_DOWN", "The front process is gone.");
}
