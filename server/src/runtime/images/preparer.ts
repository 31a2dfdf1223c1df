// Turning images into model inputs off the front: a contained process, started when the first image comes, that works on
// one request at a time. So the file that kills it is known, and only its request fails. While it is at something slow, a
// second one takes what comes after, so that one image made to take long does not hold up the others.
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { startContainedScript } from "../contained-child.ts";
import type { Preparation } from "./messages.ts";
import { type Job, Lane } from "./preparer-lane.ts";

export interface ImagePreparerOptions {
  readonly clock: Clock;
  /** Requests that may wait, and the bytes of their files together. */
  readonly maxWaiting?: number;
  readonly maxWaitingBytes?: number;
  /** Hard limit of one request; past it the process is killed. */
  readonly timeoutMs?: number;
  /** After this long at one request, others do not wait for it. */
  readonly slowMs?: number;
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

/** What images may take while they are decoded and prepared: all pixels of a request, and what becomes of them. */
const MEMORY_LIMIT_BYTES = 2 * 2 ** 30;
const LANES = 2;
/** Timers can't be set further ahead than about 24 days. */
const LONGEST_TIMER_MS = 2 ** 30;

export class ImagePreparer {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #waiting: Job[] = [];
  readonly #lanes: readonly Lane[];
  #waitingBytes = 0;
  #isClosed = false;

  constructor(options: ImagePreparerOptions) {
    this.#clock = options.clock;
    this.#maxWaiting = options.maxWaiting ?? 256;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 256 * 2 ** 20;
    const lane = {
      clock: options.clock,
      timeoutMs: options.timeoutMs ?? 10_000,
      slowMs: options.slowMs ?? 500,
      idleMs: options.idleMs ?? 60_000,
      start: () =>
        startContainedScript({
          beside: import.meta.url,
          name: "preparer-main",
          memoryLimitBytes: MEMORY_LIMIT_BYTES,
          files: [],
          environment: options.environment ?? {},
        }),
      changed: () => this.#next(),
    };
    this.#lanes = Array.from({ length: LANES }, () => new Lane(lane));
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
    for (const lane of this.#lanes) lane.end(error);
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

  /** Gives what waits to a free lane; to a further one only where all before it are at something slow. */
  #next(): void {
    for (const lane of this.#lanes) {
      if (lane.isFree) {
        const job = this.#waiting.shift();
        if (job === undefined) return;
        this.#waitingBytes -= job.sizeBytes;
        lane.work(job);
      }
      if (!lane.isSlow) return;
    }
  }
}
