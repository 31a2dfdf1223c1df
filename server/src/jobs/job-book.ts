// Jobs as rows: each change is one transaction that is on the disk when its promise resolves. Who carries a job out holds a
// lease on it, and only the holder may change it, so a process that was thought dead and is not can do no harm.
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { Database } from "#store";
import {
  hasEnded,
  type Job,
  type JobBlob,
  type JobEnd,
  type JobFilter,
  type JobState,
  NEXT_STATES,
  type NewJob,
} from "./job.ts";
import {
  columnsOf,
  deleteBlobs,
  endInsteadOf,
  forgetEnded,
  insertBlobs,
  jobFromRow,
  jsonText,
  MOST_STATE_BYTES,
  type Row,
  rowOf,
} from "./job-rows.ts";
import type { JobProgress } from "./job-run.ts";

export interface JobBookOptions {
  readonly database: Database;
  readonly clock: Pick<Clock, "wall" | "after">;
  readonly newId: () => string;
  /** Whose jobs these are; `default` unless said. */
  readonly tenant?: string;
}

export interface Claim {
  readonly holder: string;
  readonly leaseMs: number;
  /** Begun so often without finishing any part of it, a job has failed. */
  readonly mostAttempts: number;
  /** This one alone; the oldest unless said. */
  readonly id?: string;
}

export interface CheckpointOptions {
  readonly isPartDone: boolean;
  readonly queries?: Database;
  readonly blobs?: readonly JobBlob[];
}

/** Orders are said, not sent: rows and files are named in them. */
const MOST_ORDER_BYTES = 2 ** 20;
const MOST_QUEUED = 1000;
/** How long jobs that ended are remembered. */
const REMEMBERED_MS = 30 * 86_400_000;

export class JobBook {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "wall" | "after">;
  readonly #newId: () => string;
  readonly #tenant: string;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor({ database, clock, newId, tenant = "default" }: JobBookOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#newId = newId;
    this.#tenant = tenant;
  }

  /**
   * Queues a job; forgets those that ended long ago.
   * @throws SlipwayError REQUEST_TOO_LARGE for an order over 1 MiB, STATE_CONFLICT where too many wait
   */
  async submit({ kind, schema, subject, order, blobs, actor, reason }: NewJob): Promise<Job> {
    const tenant = this.#tenant;
    const id = this.#newId();
    const text = jsonText(order, MOST_ORDER_BYTES, "order");
    const at = this.#now();
    await this.#database.transaction().execute(async (queries) => {
      await forgetEnded(queries, tenant, at - REMEMBERED_MS);
      const { queued } = await queries
        .selectFrom("job")
        .select((select) => select.fn.countAll<number>().as("queued"))
        .where("tenant", "=", tenant)
        .where("state", "=", "queued")
        .executeTakeFirstOrThrow();
      if (queued >= MOST_QUEUED) {
        throw new SlipwayError(
          "STATE_CONFLICT",
          `${queued} jobs wait already; no more are taken. Cancel some of them, or ask again later.`,
        );
      }
      const fresh = { state: "queued" satisfies JobState, attempts: 0, revision: 1, created_at: at };
      const row = { tenant, id, kind, schema, subject, order: text, actor, reason, ...fresh };
      await queries.insertInto("job").values(row).execute();
      await insertBlobs(queries, tenant, id, blobs);
    });
    return await this.get(id);
  }

  /** @throws SlipwayError JOB_NOT_FOUND */
  async get(id: string): Promise<Job> {
    return jobFromRow(await this.#row(this.#database, id));
  }

  /** Newest first. */
  async list({ state, kind, subject, limit }: JobFilter): Promise<readonly Job[]> {
    let query = this.#database.selectFrom("job").selectAll().where("tenant", "=", this.#tenant);
    if (state !== undefined) query = query.where("state", "=", state);
    if (kind !== undefined) query = query.where("kind", "=", kind);
    if (subject !== undefined) query = query.where("subject", "=", subject);
    return (await query.orderBy("id", "desc").limit(limit).execute()).map(jobFromRow);
  }

  /**
   * The job once it is another than at `revision`, or as it is when the time is up or the signal aborted.
   * @throws SlipwayError JOB_NOT_FOUND
   */
  async getChanged(id: string, revision: number, waitMs: number, signal: AbortSignal): Promise<Job> {
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(wake));
    const cancelTimer = this.#clock.after(waitMs, wake);
    signal.addEventListener("abort", wake);
    try {
      const job = await this.get(id);
      if (job.revision !== revision || signal.aborted) return job;
      await woken;
      return await this.get(id);
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", wake);
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    }
  }

  /**
   * Takes a job that waits, or whose holder's lease ran out, and answers it as running; null where there is none. Jobs
   * that are to be cancelled, or were begun too often, end instead.
   */
  async claim({ holder, leaseMs, mostAttempts, id }: Claim): Promise<Job | null> {
    for (;;) {
      const found = await this.#database.transaction().execute(async (queries) => {
        const at = this.#now();
        let query = queries.selectFrom("job").selectAll().where("tenant", "=", this.#tenant);
        if (id !== undefined) query = query.where("id", "=", id);
        const row = await query
          .where((where) =>
            where.or([
              where("state", "=", "queued"),
              where.and([where("state", "=", "running"), where("leased_until", "<", at)]),
            ]),
          )
          .orderBy("id")
          .limit(1)
          .executeTakeFirst();
        if (row === undefined) return null;
        const end = endInsteadOf(row, mostAttempts);
        if (end !== null) {
          await this.#update(queries, row, columnsOf(end, at));
          return { id: row.id, isRunning: false };
        }
        const attempts = row.attempts + 1;
        const lease = { holder, leased_until: at + leaseMs };
        await this.#update(queries, row, { state: "running", attempts, started_at: row.started_at ?? at, ...lease });
        return { id: row.id, isRunning: true };
      });
      if (found === null) return null;
      this.#tell(found.id);
      if (found.isRunning) return await this.get(found.id);
    }
  }

  /** A sign of life. @throws SlipwayError STATE_CONFLICT where the holder has lost the job */
  async renew(id: string, holder: string, leaseMs: number): Promise<void> {
    await this.#database.transaction().execute(async (queries) => {
      const row = await this.#held(queries, id, holder);
      // Nothing about the job changes, so its revision stays.
      await this.#update(queries, row, { leased_until: this.#now() + leaseMs, revision: row.revision });
    });
  }

  /** @throws SlipwayError STATE_CONFLICT where the holder has lost the job */
  async setProgress(id: string, holder: string, progress: JobProgress): Promise<void> {
    await this.#database.transaction().execute(async (queries) => {
      await this.#update(queries, await this.#held(queries, id, holder), { progress: JSON.stringify(progress) });
    });
    this.#tell(id);
  }

  /**
   * Keeps what a later run needs to go on.
   * @param isPartDone whether a part of the task is finished by it: then attempts are counted anew
   * @param queries a transaction it is part of; one of its own unless said
   * @param blobs all stored bytes the job needs from now on, in place of those it named before
   * @throws SlipwayError STATE_CONFLICT where the holder has lost the job, REQUEST_TOO_LARGE for more than 16 MiB
   */
  async setCheckpoint(id: string, holder: string, checkpoint: unknown, options: CheckpointOptions): Promise<void> {
    const text = jsonText(checkpoint, MOST_STATE_BYTES, "checkpoint");
    const keep = async (queries: Database) => {
      const row = await this.#held(queries, id, holder);
      if (options.blobs !== undefined) {
        await deleteBlobs(queries, this.#tenant, [id]);
        await insertBlobs(queries, this.#tenant, id, options.blobs);
      }
      await this.#update(queries, row, { checkpoint: text, ...(options.isPartDone ? { attempts: 1 } : {}) });
    };
    if (options.queries !== undefined) await keep(options.queries);
    else await this.#database.transaction().execute(keep);
    this.#tell(id);
  }

  /** @throws SlipwayError STATE_CONFLICT where the holder has lost the job, REQUEST_TOO_LARGE for a result over 16 MiB */
  async end(id: string, holder: string, end: JobEnd): Promise<Job> {
    const columns = columnsOf(end, this.#now());
    await this.#database.transaction().execute(async (queries) => {
      await this.#update(queries, await this.#held(queries, id, holder), columns);
      if (end.state === "succeeded") await deleteBlobs(queries, this.#tenant, [id]);
    });
    this.#tell(id);
    return await this.get(id);
  }

  /**
   * Gives a running job back, to be carried on from its checkpoint: to the queue, or to its end where that was asked for.
   * @param isCounted whether this attempt counts against the job; an orderly stop does not
   * @throws SlipwayError STATE_CONFLICT where the holder has lost the job
   */
  async giveBack(id: string, holder: string, isCounted: boolean): Promise<Job> {
    await this.#database.transaction().execute(async (queries) => {
      const row = await this.#held(queries, id, holder);
      await this.#giveBack(queries, row, isCounted ? row.attempts : Math.max(0, row.attempts - 1));
    });
    this.#tell(id);
    return await this.get(id);
  }

  /**
   * Gives back all that others hold, for a process that knows that there are no others any more: whoever has the lock of
   * a data directory. Answers which.
   */
  async giveBackOthers(holder: string): Promise<readonly string[]> {
    const given = await this.#database.transaction().execute(async (queries) => {
      const rows = await queries
        .selectFrom("job")
        .selectAll()
        .where("tenant", "=", this.#tenant)
        .where("state", "=", "running")
        .where("holder", "!=", holder)
        .orderBy("id")
        .execute();
      for (const row of rows) await this.#giveBack(queries, row, row.attempts);
      return rows.map(({ id }) => id);
    });
    for (const id of given) this.#tell(id);
    return given;
  }

  /**
   * Cancels a job that waits; of one that runs, notes that it is to end. One that ended before stays as it is.
   * @throws SlipwayError JOB_NOT_FOUND, STATE_CONFLICT where it has ended otherwise
   */
  async askCancel(id: string): Promise<Job> {
    await this.#database.transaction().execute(async (queries) => {
      const row = await this.#row(queries, id);
      const at = this.#now();
      switch (row.state as JobState) {
        case "queued":
          return await this.#update(queries, row, columnsOf({ state: "cancelled" }, at));
        case "running":
          return await this.#update(queries, row, { cancel_asked_at: row.cancel_asked_at ?? at });
        case "cancelled":
          return;
        case "succeeded":
        case "failed":
          throw new SlipwayError(
            "STATE_CONFLICT",
            `The job ${id} has ${row.state} already; there is nothing to cancel.`,
          );
      }
    });
    this.#tell(id);
    return await this.get(id);
  }

  /**
   * Queues a job again that failed or was cancelled, to go on from its checkpoint. One that waits or runs stays as it is.
   * @throws SlipwayError JOB_NOT_FOUND, STATE_CONFLICT where it has succeeded
   */
  async resume(id: string): Promise<Job> {
    await this.#database.transaction().execute(async (queries) => {
      const row = await this.#row(queries, id);
      if (!hasEnded(row.state as JobState)) return;
      if (row.state === "succeeded") {
        throw new SlipwayError("STATE_CONFLICT", `The job ${id} has succeeded; there is nothing to go on with.`);
      }
      const again = { error_code: null, error_message: null, ended_at: null, cancel_asked_at: null };
      await this.#update(queries, row, { state: "queued", attempts: 0, ...again });
    });
    this.#tell(id);
    return await this.get(id);
  }

  async #giveBack(queries: Database, row: Row, attempts: number): Promise<void> {
    const isToEnd = row.cancel_asked_at !== null;
    const columns = isToEnd
      ? columnsOf({ state: "cancelled" }, this.#now())
      : { state: "queued", holder: null, leased_until: null };
    await this.#update(queries, row, { ...columns, attempts });
  }

  /** Changes a row that was read in the same transaction. @throws SlipwayError STATE_CONFLICT for a state that can't follow */
  async #update(queries: Database, row: Row, columns: Partial<Omit<Row, "order">>): Promise<void> {
    const { state = row.state } = columns;
    if (state !== row.state && !NEXT_STATES[row.state as JobState].includes(state as JobState)) {
      throw new SlipwayError(
        "STATE_CONFLICT",
        `The job ${row.id} has ${row.state}; it can't become ${state} any more.`,
      );
    }
    await queries
      .updateTable("job")
      .set({ revision: row.revision + 1, ...columns } as object)
      .where("tenant", "=", this.#tenant)
      .where("id", "=", row.id)
      .execute();
  }

  async #held(queries: Database, id: string, holder: string): Promise<Row> {
    const row = await this.#row(queries, id);
    if (row.state === "running" && row.holder === holder) return row;
    throw new SlipwayError("STATE_CONFLICT", `The job ${id} is not carried out here any more: it is ${row.state}.`);
  }

  async #row(queries: Database, id: string): Promise<Row> {
    const row = await rowOf(queries, this.#tenant, id);
    if (row !== undefined) return row;
    throw new SlipwayError("JOB_NOT_FOUND", `There is no job ${JSON.stringify(id.slice(0, 100))}.`);
  }

  #tell(id: string): void {
    for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}
