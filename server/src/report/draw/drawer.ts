// Draws charts in a contained process of its own: started with the first picture, ended when none was wanted for a while.
// Users' texts are in the pictures and Vega compiles functions, so it is confined as those who read models are.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import { type ContainedScript, startContainedScript } from "#runtime";
import type { ChartSpec } from "../charts/chart.ts";
import type { Theme } from "../charts/palette.ts";
import type { DrawAnswer, DrawOrder } from "./messages.ts";

export interface DrawerOptions {
  readonly clock: Pick<Clock, "after">;
  /** The process's whole environment; empty unless said. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts the process; contained unless said. */
  readonly start?: (script: ContainedScript) => Promise<ChildProcess>;
  /** Past it a picture is given up, and the process with it. */
  readonly timeoutMs?: number;
  /** How long the process waits for the next picture. */
  readonly idleMs?: number;
}

interface Waiting {
  readonly order: DrawOrder;
  readonly resolve: (picture: string) => void;
  readonly reject: (error: SlipwayError) => void;
}

const TIMEOUT_MS = 30_000;
const IDLE_MS = 20_000;
/** Vega, sharp and a picture of ten thousand marks fit many times. */
const MEMORY_LIMIT_BYTES = 2 ** 30;
/** Pictures that may wait for their turn; more is no reader's doing. */
const MOST_WAITING = 256;

/** One drawing process, and who waits for it. */
export class Drawer {
  readonly #options: DrawerOptions;
  readonly #waiting: Waiting[] = [];
  #child: Promise<ChildProcess> | null = null;
  #current: Waiting | null = null;
  #cancelTimer: CancelTimer = () => {};
  #isClosed = false;

  constructor(options: DrawerOptions) {
    this.#options = options;
  }

  /** @throws SlipwayError CHART_FAILED, QUEUE_FULL, SHUTTING_DOWN */
  async svg(spec: ChartSpec, theme: Theme): Promise<string> {
    return await this.#draw({ spec, theme, format: "svg" });
  }

  /** At twice the SVG's size in pixels. @throws SlipwayError as `svg` */
  async png(spec: ChartSpec, theme: Exclude<Theme, "page">): Promise<Buffer> {
    return Buffer.from(await this.#draw({ spec, theme, format: "png" }), "base64");
  }

  /** A picture of ours as a PNG, at twice its size. @throws SlipwayError as `svg` */
  async pngOf(svg: string): Promise<Buffer> {
    return Buffer.from(await this.#draw({ svg }), "base64");
  }

  /** Ends the process; pictures that are waited for are given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end("the server stops", "SHUTTING_DOWN");
    for (const one of this.#waiting.splice(0)) one.reject(failure("the server stops", "SHUTTING_DOWN"));
  }

  async #draw(order: DrawOrder): Promise<string> {
    if (this.#isClosed) throw failure("the server stops", "SHUTTING_DOWN");
    if (this.#waiting.length >= MOST_WAITING) throw failure(`${MOST_WAITING} others wait already`, "QUEUE_FULL");
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#current !== null) return;
    this.#cancelTimer();
    const current = this.#waiting.shift() ?? null;
    this.#current = current;
    const { clock, timeoutMs = TIMEOUT_MS, idleMs = IDLE_MS } = this.#options;
    if (current === null) {
      this.#cancelTimer = clock.after(idleMs, () => this.#end("it is no longer wanted", "CHART_FAILED"));
      return;
    }
    this.#cancelTimer = clock.after(timeoutMs, () => this.#end(`it took longer than ${timeoutMs} ms`, "CHART_FAILED"));
    this.#child ??= this.#start();
    this.#child.then(
      (child) => child.stdin!.write(`${JSON.stringify(current.order)}\n`),
      (error: Error) => this.#end(`there is no process for it (${error.message})`, "CHART_FAILED"),
    );
  }

  async #start(): Promise<ChildProcess> {
    const child = await (this.#options.start ?? startContainedScript)({
      beside: import.meta.url,
      name: "draw-main",
      files: [],
      memoryLimitBytes: MEMORY_LIMIT_BYTES,
      environment: this.#options.environment ?? {},
    });
    const gone = (): void =>
      void this.#isCurrent(child).then((is) => is && this.#end("its process ended", "CHART_FAILED"));
    child.on("error", gone);
    child.on("exit", gone);
    // A write to a process that just died; its exit is handled above.
    child.stdin!.on("error", () => {});
    createInterface({ input: child.stdout! }).on("line", (line) => {
      void this.#isCurrent(child).then((is) => is && this.#answered(JSON.parse(line) as DrawAnswer));
    });
    return child;
  }

  async #isCurrent(child: ChildProcess): Promise<boolean> {
    return this.#child !== null && (await this.#child.catch(() => null)) === child;
  }

  #answered(answer: DrawAnswer): void {
    const current = this.#current;
    this.#current = null;
    if ("picture" in answer) current?.resolve(answer.picture);
    else current?.reject(failure(answer.error, "CHART_FAILED"));
    this.#next();
  }

  /** Ends the process and the picture at work; those that wait get a fresh one. */
  #end(why: string, code: "CHART_FAILED" | "SHUTTING_DOWN"): void {
    this.#cancelTimer();
    const child = this.#child;
    this.#child = null;
    child?.then(
      (one) => one.kill("SIGKILL"),
      () => {},
    );
    const current = this.#current;
    this.#current = null;
    current?.reject(failure(why, code));
    if (!this.#isClosed && this.#waiting.length > 0) this.#next();
  }
}

function failure(why: string, code: "CHART_FAILED" | "QUEUE_FULL" | "SHUTTING_DOWN"): SlipwayError {
  return new SlipwayError(code, `The chart can't be drawn: ${why}.`);
}
