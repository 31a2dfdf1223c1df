// One contained process that decodes, and the request it works on. Past the time limit the process is killed with it; the
// next request has a fresh one.
import type { ChildProcess } from "node:child_process";
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { decodeAnswer, encodeRequest, MessageReader, type Preparation, type Prepared } from "./messages.ts";

export interface Job {
  readonly preparation: Preparation;
  readonly files: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly resolve: (inputs: readonly NamedTensor[]) => void;
  readonly reject: (error: SlipwayError) => void;
}

export interface LaneOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly slowMs: number;
  readonly idleMs: number;
  readonly start: () => Promise<ChildProcess>;
  /** Called when it can take the next request, or others should no longer wait for it. */
  readonly changed: () => void;
}

const ANSWER_LIMIT_BYTES = 2 ** 31;

export class Lane {
  readonly #options: LaneOptions;
  #job: Job | null = null;
  #child: ChildProcess | null = null;
  #isSlow = false;
  #cancelTimers: readonly CancelTimer[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get isFree(): boolean {
    return this.#job === null;
  }

  /** Whether its request is at work for so long that others should not wait for it. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** Takes a request; the lane must be free. */
  work(job: Job): void {
    const { clock, slowMs, timeoutMs, changed } = this.#options;
    this.#job = job;
    this.#setTimers(
      clock.after(slowMs, () => {
        this.#isSlow = true;
        changed();
      }),
      clock.after(timeoutMs, () => this.#fail(`took longer than ${timeoutMs} ms to decode and prepare`)),
    );
    if (this.#child !== null) this.#send(job);
    else this.#start(job).catch(() => this.#fail("could not be decoded: there is no process for it"));
  }

  /** Ends the process, and the request at work with this error. */
  end(error: SlipwayError): void {
    const job = this.#job;
    this.#release();
    this.#endProcess();
    job?.reject(error);
  }

  #send(job: Job): void {
    for (const part of encodeRequest(job.preparation, job.files)) this.#child!.stdin!.write(part);
  }

  async #start(job: Job): Promise<void> {
    const child = await this.#options.start();
    child.on("error", () => this.#gone(child));
    child.on("exit", () => this.#gone(child));
    // A write to a process that just died; its exit is handled above.
    child.stdin?.on("error", () => {});
    // Ended while this waited, or another request came that started its own.
    if (this.#job !== job || this.#child !== null) return void child.kill("SIGKILL");
    this.#child = child;
    const reader = new MessageReader(ANSWER_LIMIT_BYTES, (head, body) => this.#answered(decodeAnswer(head, body)));
    child.stdout?.on("data", (chunk: Buffer) => {
      if (this.#child !== child) return;
      try {
        reader.push(chunk);
      } catch {
        this.#fail("made the decoder answer nonsense");
      }
    });
    this.#send(job);
  }

  #answered(answer: Prepared): void {
    const job = this.#job;
    if (job === null) return;
    this.#release();
    this.#setTimers(this.#options.clock.after(this.#options.idleMs, () => this.#endProcess()));
    if (answer.ok) job.resolve(answer.inputs);
    else job.reject(answer.error);
    this.#options.changed();
  }

  #gone(child: ChildProcess): void {
    if (this.#child === child) this.#fail("made the decoder end");
  }

  #fail(why: string): void {
    this.end(new SlipwayError("RECORD_INVALID", `The image ${why}.`));
    this.#options.changed();
  }

  #release(): void {
    this.#job = null;
    this.#isSlow = false;
    this.#setTimers();
  }

  #setTimers(...cancel: readonly CancelTimer[]): void {
    for (const one of this.#cancelTimers) one();
    this.#cancelTimers = cancel;
  }

  #endProcess(): void {
    this.#setTimers();
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
  }
}
