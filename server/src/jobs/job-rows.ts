// Jobs as rows of the database: read, ended, forgotten.
import { SlipwayError } from "@slipway/core/base";
import type { Database } from "#store";
import type { Job, JobBlob, JobEnd, JobState } from "./job.ts";
import type { JobProgress } from "./job-run.ts";

/** Of a checkpoint, and of a result, as JSON. */
export const MOST_STATE_BYTES = 16 * 2 ** 20;
const MOST_FORGOTTEN = 1000;

export type Row = Awaited<ReturnType<typeof rowOf>> & object;

export async function rowOf(queries: Database, tenant: string, id: string) {
  return await queries
    .selectFrom("job")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("id", "=", id)
    .executeTakeFirst();
}

/** Removes jobs that ended before a time, the oldest first, so many at most that it takes no time to speak of. */
export async function forgetEnded(queries: Database, tenant: string, endedBefore: number): Promise<void> {
  const old = queries.selectFrom("job").select("id").where("tenant", "=", tenant).where("ended_at", "<", endedBefore);
  const ids = (await old.orderBy("id").limit(MOST_FORGOTTEN).execute()).map(({ id }) => id);
  if (ids.length === 0) return;
  await deleteBlobs(queries, tenant, ids);
  await queries.deleteFrom("job").where("tenant", "=", tenant).where("id", "in", ids).execute();
}

export async function deleteBlobs(queries: Database, tenant: string, ids: readonly string[]): Promise<void> {
  await queries.deleteFrom("job_blob").where("tenant", "=", tenant).where("job_id", "in", ids).execute();
}

export async function insertBlobs(
  queries: Database,
  tenant: string,
  id: string,
  blobs: readonly JobBlob[],
): Promise<void> {
  for (const { hash, sizeBytes } of new Map(blobs.map((blob) => [blob.hash, blob])).values()) {
    await queries
      .insertInto("job_blob")
      .values({ tenant, job_id: id, blob_hash: hash, size_bytes: sizeBytes })
      .execute();
  }
}

/** What becomes of a job that was to be begun, and is not; null where it may be. */
export function endInsteadOf({ id, attempts, cancel_asked_at }: Row, mostAttempts: number): JobEnd | null {
  if (cancel_asked_at !== null) return { state: "cancelled" };
  if (attempts < mostAttempts) return null;
  return {
    state: "failed",
    code: "JOB_DIED",
    message: `The job was begun ${attempts} times, and each time its process or the server ended before any part of it was finished. See the server's log for why; \`slipway job resume ${id}\` tries again.`,
  };
}

/** What a row says of a job that ended. @throws SlipwayError REQUEST_TOO_LARGE for a result over 16 MiB */
export function columnsOf(end: JobEnd, at: number) {
  const over = { state: end.state, holder: null, leased_until: null, cancel_asked_at: null, ended_at: at };
  switch (end.state) {
    case "succeeded":
      // What would have let it go on is needed no more.
      return { ...over, checkpoint: null, result: jsonText(end.result, MOST_STATE_BYTES, "result") };
    case "failed":
      return { ...over, error_code: end.code, error_message: end.message };
    case "cancelled":
      return over;
  }
}

export function jobFromRow(row: Row): Job {
  const { holder, leased_until: until, error_code: code, error_message: message } = row;
  return {
    tenant: row.tenant,
    id: row.id,
    kind: row.kind,
    schema: row.schema,
    subject: row.subject,
    order: parsed(row.order),
    state: row.state as JobState,
    progress: parsed(row.progress) as JobProgress | null,
    checkpoint: parsed(row.checkpoint),
    result: parsed(row.result),
    error: code === null ? null : { code, message: message ?? "" },
    attempts: row.attempts,
    lease: holder === null || until === null ? null : { holder, until },
    cancelAskedAt: row.cancel_asked_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    actor: row.actor,
    reason: row.reason,
    revision: row.revision,
  };
}

function parsed(text: string | null): unknown {
  return text === null ? null : (JSON.parse(text) as unknown);
}

/** @throws SlipwayError REQUEST_TOO_LARGE */
export function jsonText(value: unknown, mostBytes: number, what: string): string {
  const text = JSON.stringify(value ?? null);
  if (text.length <= mostBytes) return text;
  throw new SlipwayError(
    "REQUEST_TOO_LARGE",
    `The ${what} of a job takes ${text.length} characters of JSON; at most ${mostBytes} are kept.`,
  );
}
