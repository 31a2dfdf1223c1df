// Turning images into model inputs off the front: a child process, started when the first image comes, that works on one
// request at a time. So the file that kills it is known, and only its request fails.
import { type ChildProcess, spawn } from "node:child_process";
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { childScript } from "../child-script.ts";
import { decodeAnswer, encodeRequest, MessageReader, type Preparation, type Prepared } from "./messages.ts";

export interface ImagePreparerOptions {
  readonly clock: Clock;
  /** Requests that may wait, and the bytes of their files together. */
  readonly maxWaiting?: number;
  readonly maxWaitingBytes?: number;
  /** Hard limit of one request; past it the process is killed. */
  readonly timeoutMs?: number;
  /** After this long without an image the process ends; the next image starts another. */
  readonly idleMs?: number;
  /** The child's whole environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Until when, and how long, somebody waits for the inputs. */
export interface PrepareOptions {
  /** In `Clock.now()` milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

interface Job {
  readonly preparation: Preparation;
  readonly files: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly resolve: (inputs: readonly NamedTensor[]) => void;
  readonly reject: (error: SlipwayError) => void;
}

const ANSWER_LIMIT_BYTES = 2 ** 31;
/** Timers can't be set further ahead than about 24 days. */
const LONGEST_TIMER_MS = 2 ** 30;

export class ImagePreparer {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #waiting: Job[] = [];
  #waitingBytes = 0;
  #running: Job | null = null;
  #child: ChildProcess | null = null;
  #cancelTimer: CancelTimer = () => {};
  #isClosed = false;

  constructor(options: ImagePreparerOptions) {
    this.#clock = options.clock;
    this.#maxWaiting = options.maxWaiting ?? 256;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 256 * 2 ** 20;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#idleMs = options.idleMs ?? 60_000;
    this.#environment = options.environment ?? {};
  }

  /**
   * Decodes PNG, JPEG or WebP files and applies the steps before the model; each file becomes a row.
   * @throws SlipwayError RECORD_INVALID when a file can't be decoded or does not suit the steps, DEADLINE_EXCEEDED,
   *   REQUEST_CANCELLED, QUEUE_FULL, SHUTTING_DOWN
   */
  async prepare(
    preparation: Preparation,
    files: readonly Uint8Array[],
    { deadline, signal }: PrepareOptions,
  ): Promise<readonly NamedTensor[]> {
    const sizeBytes = files.reduce((sum, file) => sum + file.byteLength, 0);
    this.#checkRoom(sizeBytes);
    const { promise, resolve, reject } = Promise.withResolvers<readonly NamedTensor[]>();
    const job: Job = { preparation, files, sizeBytes, resolve, reject };
    const giveUp = (): void => this.#giveUp(job, new SlipwayError("REQUEST_CANCELLED", "The client went away."));
    const cancelTimer = this.#clock.after(Math.min(LONGEST_TIMER_MS, deadline - this.#clock.now()), () =>
      this.#giveUp(job, new SlipwayError("DEADLINE_EXCEEDED", "The deadline passed before the images were decoded.")),
    );
    signal.addEventListener("abort", giveUp);
    this.#waiting.push(job);
    this.#waitingBytes += sizeBytes;
    this.#next();
    if (signal.aborted) giveUp();
    try {
      return await promise;
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", giveUp);
    }
  }

  close(): void {
    this.#isClosed = true;
    const error = new SlipwayError("SHUTTING_DOWN", "The server stopped before the image was decoded.");
    for (const job of this.#waiting.splice(0)) job.reject(error);
    this.#waitingBytes = 0;
    this.#running?.reject(error);
    this.#running = null;
    this.#end();
  }

  #checkRoom(sizeBytes: number): void {
    if (this.#isClosed) throw new SlipwayError("SHUTTING_DOWN", "The server is stopping; it takes no more images.");
    const waiting = this.#waiting.length;
    const isTooMuch = waiting > 0 && this.#waitingBytes + sizeBytes > this.#maxWaitingBytes;
    if (waiting < this.#maxWaiting && !isTooMuch) return;
    const text = `${waiting} requests with images of ${this.#waitingBytes} bytes wait to be decoded already; try again later.`;
    throw new SlipwayError("QUEUE_FULL", text, { retryAfterMs: 1000 });
  }

  /** Ends a request nobody waits for. The one at work goes on to its end, since only killing the process would stop it. */
  #giveUp(job: Job, error: SlipwayError): void {
    const index = this.#waiting.indexOf(job);
    if (index !== -1) {
      this.#waiting.splice(index, 1);
      this.#waitingBytes -= job.sizeBytes;
    }
    job.reject(error);
  }

  #next(): void {
    if (this.#running !== null) return;
    this.#cancelTimer();
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#cancelTimer = this.#clock.after(this.#idleMs, () => this.#end());
      return;
    }
    this.#waitingBytes -= job.sizeBytes;
    this.#running = job;
    this.#child ??= this.#start();
    for (const part of encodeRequest(job.preparation, job.files)) this.#child.stdin!.write(part);
    this.#cancelTimer = this.#clock.after(this.#timeoutMs, () =>
      this.#fail(`took longer than ${this.#timeoutMs} ms to decode and prepare`),
    );
  }

  #start(): ChildProcess {
    const child = spawn(process.execPath, childScript(import.meta.url, "preparer-main"), {
      stdio: ["pipe", "pipe", "ignore"],
      env: this.#environment,
    });
    const reader = new MessageReader(ANSWER_LIMIT_BYTES, (head, body) => this.#answered(decodeAnswer(head, body)));
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        this.#fail("made the decoder answer nonsense");
      }
    });
    // A write to a process that just died; its exit is handled below.
    child.stdin.on("error", () => {});
    child.on("error", () => this.#gone(child));
    child.on("exit", () => this.#gone(child));
    return child;
  }

  #answered(answer: Prepared): void {
    const job = this.#running;
    if (job === null) return;
    this.#running = null;
    if (answer.ok) job.resolve(answer.inputs);
    else job.reject(answer.error);
    this.#next();
  }

  #gone(child: ChildProcess): void {
    if (this.#child === child) this.#fail("made the decoder end");
  }

  /** Ends the process and the request it was working on; the others go on in a fresh one. */
  #fail(why: string): void {
    const job = this.#running;
    this.#running = null;
    this.#end();
    job?.reject(new SlipwayError("RECORD_INVALID", `The image ${why}.`));
    if (!this.#isClosed && this.#waiting.length > 0) this.#next();
  }

  #end(): void {
    this.#cancelTimer();
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
  }
}
