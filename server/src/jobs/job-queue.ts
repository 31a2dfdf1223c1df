// Carries jobs out, one at a time: what is timed needs the machine for itself. It holds the lease of the job it is at, writes
// down how far that is, and takes up again what an earlier process could not finish.
import { type CancelTimer, type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { hasEnded, type Job, type JobEnd, type NewJob } from "./job.ts";
import type { CheckpointOptions, JobBook } from "./job-book.ts";
import type { JobProgress } from "./job-run.ts";
import { LatestOnly } from "./latest-only.ts";

/** A job as its kind sees it while it is carried out. */
export interface JobCarrier {
  /** Aborted where it is cancelled or the server stops; what its kind throws then is the signal's reason. */
  readonly signal: AbortSignal;
  /** May be called often; it is written down about once a second. */
  report(progress: JobProgress): void;
  /** Keeps what a later run needs to go on. See `JobBook.setCheckpoint`. */
  checkpoint(state: unknown, options: CheckpointOptions): Promise<void>;
}

/** How jobs of one kind are carried out. */
export interface JobKind {
  /** The newest version of its forms that it reads. */
  readonly schema: number;
  /**
   * Answers what came of it, as JSON.
   * @throws SlipwayError JOB_DIED where it may go better next time; anything else fails the job
   */
  readonly carryOut: (job: Job, carrier: JobCarrier) => Promise<unknown>;
}

export interface JobQueueOptions {
  readonly book: JobBook;
  readonly clock: Clock;
  /** A name for this process that no other one ever had. */
  readonly holder: string;
  readonly kinds: Readonly<Record<string, JobKind>>;
  readonly log: JobLog;
}

export interface JobLog {
  info(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

const LEASE_MS = 60_000;
const RENEW_MS = LEASE_MS / 3;
const PROGRESS_MS = 1000;
/** A job that has ended and can't be recorded as such, as on a full disk, is tried again after this. */
const RECORD_AGAIN_MS = 5000;
const MOST_ATTEMPTS = 3;

/** Why a run ends that was not at its end. */
type Stop = "cancelled" | "stopping" | "lost";

interface Current {
  readonly id: string;
  readonly controller: AbortController;
  stop: Stop | null;
}

export class JobQueue {
  readonly #options: JobQueueOptions;
  /** What is carried out besides the jobs that are named: all, those queued since its start, or none. */
  #scope: "all" | "new" | "none" = "none";
  readonly #named = new Set<string>();
  #current: Current | null = null;
  #working: Promise<void> | null = null;
  #isClosed = false;
  /** Whether there may be something to carry out that was not there at the last look. */
  #isWoken = false;
  #cancelLook: CancelTimer = () => {};
  /** Ends the wait before a job's end is recorded again. */
  readonly #closing = new AbortController();

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** What is kept of jobs; changes go through the queue. */
  get book(): JobBook {
    return this.#options.book;
  }

  /**
   * To be called before anything else by a process that has the data directory for itself: what others hold is given
   * back, since they are gone. It is carried on once this queue is started, or somebody asks for it.
   */
  async open(): Promise<void> {
    const { book, holder, log } = this.#options;
    const interrupted = await book.giveBackOthers(holder);
    if (interrupted.length > 0)
      log.info({ jobs: interrupted }, "jobs were interrupted; they go on from their checkpoints");
  }

  /**
   * Carries out what is queued from now on.
   * @param options.isForAll also what waits already
   */
  start({ isForAll = true }: { readonly isForAll?: boolean } = {}): void {
    this.#scope = isForAll ? "all" : "new";
    this.#wake();
  }

  /** Carries out one job, without all that wait before it. */
  carryOut(id: string): void {
    this.#named.add(id);
    this.#wake();
  }

  /** See `JobBook.submit`. @throws SlipwayError SHUTTING_DOWN */
  async submit(job: NewJob): Promise<Job> {
    if (this.#isClosed) throw new SlipwayError("SHUTTING_DOWN", "The server is stopping; no job is taken.");
    return this.#queued(await this.#options.book.submit(job));
  }

  /** Cancels a job; one that runs ends within seconds. See `JobBook.askCancel`. */
  async cancel(id: string): Promise<Job> {
    const job = await this.#options.book.askCancel(id);
    if (this.#current?.id === id) this.#stop("cancelled");
    return job;
  }

  /** See `JobBook.resume`. */
  async resume(id: string): Promise<Job> {
    return this.#queued(await this.#options.book.resume(id));
  }

  /** Begins no more, and gives back what runs, to go on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook();
    this.#closing.abort();
    this.#stop("stopping");
    await this.#working;
  }

  #queued(job: Job): Job {
    if (this.#scope === "new") this.#named.add(job.id);
    this.#wake();
    return job;
  }

  #stop(why: Stop): void {
    const current = this.#current;
    if (current === null || current.stop !== null) return;
    current.stop = why;
    current.controller.abort(STOP_REASONS[why]());
  }

  #wake(): void {
    if (this.#isClosed) return;
    this.#isWoken = true;
    if (this.#working !== null) return;
    this.#cancelLook();
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (this.#isWoken) this.#wake();
      else this.#lookLater();
    });
  }

  /** A job of another holder may be free by then. */
  #lookLater(): void {
    if (this.#isClosed || this.#scope !== "all") return;
    this.#cancelLook();
    this.#cancelLook = this.#options.clock.after(LEASE_MS, () => this.#wake());
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    try {
      while (!this.#isClosed) {
        this.#isWoken = false;
        const job = await this.#next();
        if (job !== null) await this.#carry(job);
        // One may have been submitted while this look came to nothing.
        else if (!this.#isWoken) return;
      }
    } catch (error) {
      // As where the database can't be written; there is another look after a while.
      this.#isWoken = false;
      this.#options.log.error({ err: error }, "no job could be begun");
    }
  }

  async #next(): Promise<Job | null> {
    const { book, holder } = this.#options;
    const claim = { holder, leaseMs: LEASE_MS, mostAttempts: MOST_ATTEMPTS };
    for (const id of this.#named) {
      this.#named.delete(id);
      const job = await book.claim({ ...claim, id });
      if (job !== null) return job;
    }
    return this.#scope === "all" ? await book.claim(claim) : null;
  }

  async #carry(job: Job): Promise<void> {
    const { book, clock, holder, log } = this.#options;
    const { id, kind, subject } = job;
    const facts = { job: id, kind, subject };
    const current: Current = { id, controller: new AbortController(), stop: null };
    this.#current = current;
    const lives = this.#keepLease(id);
    const progress = new LatestOnly<JobProgress>(clock, PROGRESS_MS, (value) => {
      void book.setProgress(id, holder, value).catch((error: unknown) => this.#heldNoMore(error, id));
    });
    const carrier: JobCarrier = {
      signal: current.controller.signal,
      report: (value) => progress.set(value),
      checkpoint: (state, options) => book.setCheckpoint(id, holder, state, options),
    };
    try {
      // Asked for, or to be stopped, between claiming it and now.
      if ((await book.get(id)).cancelAskedAt !== null) this.#stop("cancelled");
      if (this.#isClosed) this.#stop("stopping");
      log.info({ ...facts, attempt: job.attempts }, "a job begins");
      const end = await this.#endOf(job, carrier, current);
      progress.flush();
      await this.#record(current, end);
      // A job that lost its process is begun again at once, also where it alone was asked for.
      if (end === null && current.stop === null) this.#named.add(id);
      log.info({ ...facts, state: end?.state ?? "given back" }, "a job ends");
    } finally {
      progress.close();
      lives();
      this.#current = null;
    }
  }

  /** What becomes of a job when its kind is through with it; null gives it back, to be carried on. */
  async #endOf(job: Job, carrier: JobCarrier, current: Current): Promise<JobEnd | null> {
    const kind = this.#options.kinds[job.kind];
    if (kind === undefined || job.schema > kind.schema) {
      const message = `The job ${job.id} is of the kind ${job.kind}@${job.schema}, which this Slipway does not know. Update Slipway.`;
      return { state: "failed", code: "STATE_CONFLICT", message };
    }
    try {
      carrier.signal.throwIfAborted();
      return { state: "succeeded", result: await kind.carryOut(job, carrier) };
    } catch (error) {
      if (current.stop === "cancelled") return { state: "cancelled" };
      if (current.stop !== null) return null;
      const { code, message } = slipwayErrorFrom(error);
      const isOurs = code === "INTERNAL" || code === "JOB_DIED";
      if (isOurs) this.#options.log.error({ job: job.id, code, err: error }, "a job broke");
      else this.#options.log.info({ job: job.id, code, error: message }, "a job failed");
      return code === "JOB_DIED" ? null : { state: "failed", code, message };
    }
  }

  /** Writes the end down, and tries until it can or the queue closes: then the next start takes the job up again. */
  async #record(current: Current, end: JobEnd | null): Promise<void> {
    const { book, holder, clock, log } = this.#options;
    const { id } = current;
    for (;;) {
      if (current.stop === "lost") return;
      try {
        if (end === null) await book.giveBack(id, holder, current.stop === null);
        else await book.end(id, holder, end);
        return;
      } catch (error) {
        const { code, message } = slipwayErrorFrom(error);
        log.error({ job: id, code, err: error }, "the end of a job could not be recorded");
        if (code === "STATE_CONFLICT" || this.#isClosed) return;
        // What is too large to be kept will not become smaller.
        if (code === "REQUEST_TOO_LARGE") end = { state: "failed", code, message };
        else await this.#pause(clock);
      }
    }
  }

  async #pause(clock: Clock): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(RECORD_AGAIN_MS, resolve);
    const wake = (): void => resolve();
    this.#closing.signal.addEventListener("abort", wake);
    await promise;
    cancel();
    this.#closing.signal.removeEventListener("abort", wake);
  }

  /** Renews the lease until the answered function is called. */
  #keepLease(id: string): CancelTimer {
    const { book, clock, holder } = this.#options;
    let cancel: CancelTimer = () => {};
    const renewLater = (): void => {
      cancel = clock.after(RENEW_MS, () => {
        void book.renew(id, holder, LEASE_MS).catch((error: unknown) => this.#heldNoMore(error, id));
        renewLater();
      });
    };
    renewLater();
    return () => cancel();
  }

  /** A job that somebody else carries out by now is let go; another failure to write is told, and passes. */
  #heldNoMore(error: unknown, id: string): void {
    this.#options.log.error({ job: id, err: error }, "a sign of life of a job could not be written");
    if (this.#current?.id === id && slipwayErrorFrom(error).code === "STATE_CONFLICT") this.#stop("lost");
  }
}

const STOP_REASONS: Readonly<Record<Stop, () => SlipwayError>> = {
  cancelled: () => new SlipwayError("INTERRUPTED", "The job was cancelled."),
  stopping: () => new SlipwayError("SHUTTING_DOWN", "The server stops; the job goes on at its next start."),
  lost: () => new SlipwayError("STATE_CONFLICT", "Another process carries the job out by now."),
};

/** Waits for a job's end. */
export async function untilEnded(book: JobBook, id: string, signal: AbortSignal): Promise<Job> {
  let job = await book.get(id);
  while (!hasEnded(job.state) && !signal.aborted) job = await book.getChanged(id, job.revision, LEASE_MS, signal);
  return job;
}
