// Decoding images off the front: a child process, started when the first image comes, that works on one file at a time.
// So the file that kills it is known, and only its request fails.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import { type Channels, decodeAnswer, type DecodedImage, encodeRequest, MessageReader } from "./messages.ts";

export interface ImageDecoderOptions {
  readonly clock: Clock;
  /** Files that may wait. */
  readonly maxWaiting?: number;
  /** Hard limit of one file; past it the process is killed. */
  readonly timeoutMs?: number;
  /** After this long without an image the process ends; the next image starts another. */
  readonly idleMs?: number;
  /** The child's whole environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Job {
  readonly file: Uint8Array;
  readonly channels: Channels;
  readonly resolve: (image: DecodedImage) => void;
  readonly reject: (error: SlipwayError) => void;
}

const ANSWER_LIMIT_BYTES = 2 ** 29;

export class ImageDecoder {
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

  constructor(options: ImageDecoderOptions) {
    this.#clock = options.clock;
    this.#maxWaiting = options.maxWaiting ?? 256;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#idleMs = options.idleMs ?? 60_000;
    this.#environment = options.environment ?? {};
  }

  /**
   * Decodes a PNG, JPEG or WebP file, turned upright as its EXIF data says.
   * @returns row-major [height, width, channels] bytes: 1 grey, 3 red-green-blue, 4 with alpha; without alpha,
   *   transparent parts become black
   * @throws SlipwayError RECORD_INVALID when the file can't be decoded, QUEUE_FULL, SHUTTING_DOWN
   */
  decode(file: Uint8Array, channels: Channels): Promise<DecodedImage> {
    if (this.#isClosed)
      return Promise.reject(new SlipwayError("SHUTTING_DOWN", "The server is stopping; it decodes no more images."));
    if (this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(
        new SlipwayError("QUEUE_FULL", `${this.#waiting.length} images wait to be decoded already; try again later.`, {
          retryAfterMs: 1000,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<DecodedImage>();
    this.#waiting.push({ file, channels, resolve, reject });
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
    for (const part of encodeRequest(job.file, job.channels)) this.#child.stdin!.write(part);
    this.#cancelTimer = this.#clock.after(this.#timeoutMs, () =>
      this.#fail(`took longer than ${this.#timeoutMs} ms to decode`),
    );
  }

  #start(): ChildProcess {
    const main = fileURLToPath(
      new URL(import.meta.url.endsWith(".ts") ? "./decoder-main.ts" : "./decoder-main.js", import.meta.url),
    );
    const child = spawn(process.execPath, ["--conditions=source", "--disable-warning=ExperimentalWarning", main], {
      stdio: ["pipe", "pipe", "ignore"],
      env: this.#environment,
    });
    const reader = new MessageReader(ANSWER_LIMIT_BYTES, (message) => this.#answered(decodeAnswer(message)));
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

  #answered(answer: DecodedImage | string): void {
    const job = this.#running;
    if (job === null) return;
    this.#running = null;
    if (typeof answer === "string")
      job.reject(invalid(`can't be decoded: ${answer.split("\n")[0]}. PNG, JPEG and WebP are read`));
    else job.resolve(answer);
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
    job?.reject(invalid(why));
    if (!this.#isClosed && this.#waiting.length > 0) this.#next();
  }

  #end(): void {
    this.#cancelTimer();
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
  }
}

function invalid(why: string): SlipwayError {
  return new SlipwayError("RECORD_INVALID", `The image ${why}.`);
}
