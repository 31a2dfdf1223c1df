// A front process as the server holds it: given orders, and known to be gone when it is. Orders are answered in the order
// they come; those that a front takes to its end are answered with its end.
import type { Socket } from "node:net";
import { SlipwayError } from "@slipway/core/base";
import { ChannelChild, errorFromFailure } from "#runtime";
import type { AnswerTo, FromFront, Order, Overview, ToFront } from "./messages.ts";

export interface FrontChildEvents {
  onOverview(endpoint: string | null, version: string | null): Promise<Overview>;
  onBroken(loadId: number, runner: number): void;
  onLog(message: string, facts: Readonly<Record<string, unknown>>): void;
  /** Called once. */
  onExit(text: string): void;
}

/** As the server's own; see bin/launch.js. */
const NURSERY = "--max-semi-space-size=32";

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SlipwayError) => void;
}

export class FrontChild {
  readonly #child: ChannelChild<ToFront, FromFront>;
  readonly #events: FrontChildEvents;
  readonly #calls = new Map<number, Call>();
  #ids = 0;

  constructor(environment: Readonly<Record<string, string>>, events: FrontChildEvents) {
    this.#events = events;
    this.#child = new ChannelChild(
      { beside: import.meta.url, name: "front-main", flags: [NURSERY], environment },
      { onMessage: (message) => this.#receive(message), onExit: (text) => this.#gone(text) },
    );
  }

  get pid(): number | null {
    return this.#child.pid;
  }

  /**
   * Has an order carried out; a socket goes with it, and is then the front's.
   * @throws SlipwayError what the front failed with, or SHUTTING_DOWN when it is gone
   */
  call<Type extends Order["type"]>(order: Order & { readonly type: Type }, socket?: Socket): Promise<AnswerTo<Type>> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      if (!this.#child.isConnected) {
        reject(frontGone());
        return;
      }
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ kind: "order", id, order }, socket);
    });
  }

  /** Ends it: its channel closes, and it goes. */
  end(): void {
    this.#child.end();
  }

  kill(): void {
    this.#child.kill();
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
        void this.#events
          .onOverview(message.endpoint, message.version)
          .then((overview) => this.#child.send({ kind: "overview", id: message.id, overview }));
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
    for (const { reject } of this.#calls.values()) reject(frontGone());
    this.#calls.clear();
    this.#events.onExit(text);
  }
}

function frontGone(): SlipwayError {
  return new SlipwayError("SHUTTING_DOWN", "The front process is gone.");
}
