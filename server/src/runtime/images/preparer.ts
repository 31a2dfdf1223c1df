// Turning images into model inputs off the front: a child process, started when the first image comes, that works on one
// request at a time. So the file that kills it is known, and only its request fails.
import { type ChildProcess, spawn } from "node:child_process";
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { childScript } from "../child-script.ts";
import { decodeAnswer, encodeRequest, MessageReader, type Preparation, type Prepared } from "./messages.ts";

export interface ImagePreparerOptions {
  readonly clock: Clock;
  /** Requests that may wait. */
  readonly maxWaiting?: number;
  /** Hard limit of one request; past it the process is killed. */
  readonly timeoutMs?: number;
  /** After this long without an image the process ends; the next image starts another. */
  readonly idleMs?: number;
  /** The child's whole environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Job {
  readonly preparation: Preparation;
  readonly files: readonly Uint8Array[];
  readonly resolve: (inputs: readonly NamedTensor[]) => void;
  readonly reject: (error: SlipwayError) => void;
}

const ANSWER_LIMIT_BYTES = 2 ** 31;

export class ImagePreparer {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #waiting: Job[] = [];
  #running: Job | null = null;
  #child: ChildProcess | null = null;
  #cancelTimer: CancelTimer = () => {};
  #isClosed = false;

  constructor(options: ImagePreparerOptions) {
    this.#clock = options.clock;
    this.#maxWaiting = options.maxWaiting ?? 256;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#idleMs = options.idleMs ?? 60_000;
    this.#environment = options.environment ?? {};
  }

  /**
   * Decodes PNG, JPEG or WebP files and applies the steps before the model; each file becomes a row.
   * @throws SlipwayError RECORD_INVALID when a file can't be decoded or does not suit the steps, QUEUE_FULL, SHUTTING_DOWN
   */
  prepare(preparation: Preparation, files: readonly Uint8Array[]): Promise<readonly NamedTensor[]> {
    if (this.#isClosed)
      return Promise.reject(new SlipwayError("SHUTTING_DOWN", "The server is stopping; it takes no more images."));
    if (this.#waiting.length >= this.#maxWaiting) {
      const text = `${this.#waiting.length} requests with images wait to be decoded already; try again later.`;
      return Promise.reject(new SlipwayError("QUEUE_FULL", text, { retryAfterMs: 1000 }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<readonly NamedTensor[]>();
    this.#waiting.push({ preparation, files, resolve, reject });
    this.#next();
    return promise;
  }

  close(): void {
    this.#isClosed = true;
    const error = new SlipwayError("SHUTTING_DOWN", "The server stopped before the image was decoded.");
    for (const job of this.#waiting.splice(0)) job.reject(error);
    this.#running?.reject(error);
    this.#running = null;
    this.#end();
  }

  #next(): void {
    if (this.#running !== null) return;
    this.#cancelTimer();
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#cancelTimer = this.#clock.after(this.#idleMs, () => this.#end());
      return;
    }
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
