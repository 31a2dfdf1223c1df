// A deployment inside a front: told of step by step by the server, loaded here once its first links are there, and gone
// once its last request was answered and the server said so.
import type { Socket } from "node:net";
import { assert, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import {
  type Executor,
  LinkedExecutor,
  LinkSocket,
  type LoadedModel,
  type LongTurns,
  type RunnerLink,
  type Verdict,
} from "#runtime";

/** A link that ends is given so long for the server to say that its runner did; then it is the link that is broken. */
const BROKEN_MS = 2_000;
/** What a runner sent before it ended is still on its way for so long at most. */
const LAST_WORDS_MS = 1_000;

export interface FrontDeploymentPorts {
  readonly clock: Clock;
  readonly longTurns: LongTurns;
  readonly fingerprint: (inputs: readonly NamedTensor[]) => string;
  /** This front's number, which spreads fronts over runners. */
  readonly index: number;
  readonly onBroken: (runner: number) => void;
}

interface Link {
  readonly socket: Socket;
  readonly link: RunnerLink;
  readonly ended: Promise<void>;
  isOpen: boolean;
}

export class LinkedDeployment {
  readonly deploymentId: string;
  /** What serving loads: the executor, as soon as the server has switched to it. */
  readonly loaded: Promise<Executor>;
  /** Resolves once nothing of it is left. */
  readonly gone: Promise<void>;
  readonly #ports: FrontDeploymentPorts;
  readonly #load = Promise.withResolvers<Executor>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #links = new Map<number, Link>();
  /** Of links that ended before the server told: how many requests their runners were running. */
  readonly #lost = new Map<number, number>();
  #executor: LinkedExecutor | null = null;
  #isSwitched = false;

  constructor(deploymentId: string, ports: FrontDeploymentPorts) {
    this.deploymentId = deploymentId;
    this.#ports = ports;
    this.loaded = this.#load.promise;
    this.loaded.catch(() => undefined); // a front that is closing does not ask for it any more
    this.gone = this.#gone.promise;
  }

  get executor(): LinkedExecutor {
    assert(this.#executor !== null, "A front was told of a deployment's runners before its model.");
    return this.#executor;
  }

  setModel(model: LoadedModel): void {
    const { clock, fingerprint, index } = this.#ports;
    this.#executor = new LinkedExecutor({
      clock,
      model,
      fingerprint,
      turn: index,
      onClosed: () => this.#closed(),
    });
  }

  /** The server switched to it: it goes live here. */
  switch(): void {
    this.#isSwitched = true;
    this.#load.resolve(this.executor);
  }

  /** Resolves once nothing is left of it, which is no longer live, or never was. */
  async retire(): Promise<void> {
    if (!this.#isSwitched) {
      await this.fail(new SlipwayError("ENDPOINT_NOT_READY", "The deployment was given up before it went live."));
    }
    await this.#gone.promise;
  }

  /** It does not go live. */
  async fail(error: SlipwayError): Promise<void> {
    this.#load.reject(error);
    if (this.#executor === null) this.#closed();
    else await this.#executor.close();
  }

  link(runner: number, socket: Socket): void {
    const { clock, longTurns } = this.#ports;
    const linkSocket = new LinkSocket(socket, clock);
    const link = this.executor.link(runner, linkSocket.send);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const open: Link = { socket, link, ended, isOpen: true };
    this.#links.set(runner, open);
    linkSocket.read({
      receive(chunk) {
        try {
          link.receive(chunk);
        } catch {
          socket.destroy(); // no frames: it counts as broken, which the server is told of
        }
      },
      isAwaited: () => link.isAwaited(),
      flush: () => link.flush(),
    });
    const forget = longTurns.add(linkSocket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      forget();
      open.isOpen = false;
      resolve();
      this.#ended(runner, open);
    });
  }

  /** Takes a runner out that the server saw end; answers how many requests of this front it was running. */
  async lose(runner: number): Promise<number> {
    const open = this.#links.get(runner);
    if (open !== undefined) {
      // Its last answers may not have been read yet.
      const late = Promise.withResolvers<void>();
      const cancel = this.#ports.clock.after(LAST_WORDS_MS, late.resolve);
      await Promise.race([open.ended, late.promise]);
      cancel();
      this.#drop(runner, open);
    }
    const running = this.#lost.get(runner) ?? 0;
    this.#lost.delete(runner);
    return running;
  }

  judge(runner: number, verdict: Verdict): string | null {
    return this.executor.judge(runner, verdict);
  }

  resume(runner: number): void {
    this.#lost.delete(runner);
    this.executor.resume(runner);
  }

  #ended(runner: number, open: Link): void {
    if (this.#links.get(runner) !== open) return;
    this.#drop(runner, open);
    const { state } = this.executor.status();
    if (state === "quarantined" || state === "closed") {
      this.resume(runner);
      return;
    }
    this.#ports.clock.after(BROKEN_MS, () => {
      if (this.#lost.has(runner)) this.#ports.onBroken(runner);
    });
  }

  #drop(runner: number, open: Link): void {
    if (this.#links.get(runner) !== open) return;
    this.#links.delete(runner);
    this.#lost.set(runner, this.executor.lose(runner));
    open.socket.destroy();
  }

  #closed(): void {
    for (const { socket } of this.#links.values()) socket.destroy();
    this.#links.clear();
    this.#lost.clear(); // nobody is to be told of a broken link
    this.#gone.resolve();
  }
}
