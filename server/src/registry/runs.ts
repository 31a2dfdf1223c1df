// Runs: networks that were trained, with all that decided what came of them. A run has the id of the job that trains it and outlives
// it, since it says where a version came from.
import { type Queries, type RegistryContext, timestamp } from "./context.ts";
import type { JsonObject } from "./types.ts";

export type RunState = "running" | "succeeded" | "failed" | "cancelled";

export interface TrainingRun {
  readonly tenant: string;
  /** That of its job. */
  readonly id: string;
  /** The name its version has, or would have. */
  readonly name: string;
  /** Of the version that came of it; null before that. */
  readonly number: number | null;
  readonly state: RunState;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** What was asked for, how it went and what it came to. */
  readonly record: JsonObject;
}

export type BegunRun = Pick<TrainingRun, "id" | "name" | "record">;
export type RunEnd = Pick<TrainingRun, "number" | "record"> & { readonly state: Exclude<RunState, "running"> };

/** Notes that a run begins; one that goes on keeps when it was begun. */
export async function beginRun(context: RegistryContext, { id, name, record }: BegunRun): Promise<void> {
  const { tenant, database } = context;
  const text = JSON.stringify(record);
  const fresh = { number: null, state: "running", started_at: timestamp(context), ended_at: null };
  await database
    .insertInto("training_run")
    .values({ tenant, id, name, record: text, ...fresh })
    .onConflict((conflict) =>
      conflict.columns(["tenant", "id"]).doUpdateSet({ state: "running", ended_at: null, record: text }),
    )
    .execute();
}

/** Keeps how a run goes. */
export async function keepRun({ tenant, database }: RegistryContext, id: string, record: JsonObject): Promise<void> {
  const where = database.updateTable("training_run").set({ record: JSON.stringify(record) });
  await where.where("tenant", "=", tenant).where("id", "=", id).execute();
}

/** Notes how a run ended. */
export async function endRun(
  context: RegistryContext,
  queries: Queries,
  id: string,
  { state, number, record }: RunEnd,
): Promise<void> {
  const ended = { state, number, record: JSON.stringify(record), ended_at: timestamp(context) };
  await queries
    .updateTable("training_run")
    .set(ended)
    .where("tenant", "=", context.tenant)
    .where("id", "=", id)
    .execute();
}

/** Runs, newest first. */
export async function listRuns(
  { tenant, database }: RegistryContext,
  { name, limit }: { readonly name?: string; readonly limit: number },
): Promise<readonly TrainingRun[]> {
  let query = database.selectFrom("training_run").selectAll().where("tenant", "=", tenant);
  if (name !== undefined) query = query.where("name", "=", name);
  return (await query.orderBy("id", "desc").limit(limit).execute()).map(runFrom);
}

export async function findRun({ tenant, database }: RegistryContext, id: string): Promise<TrainingRun | null> {
  const query = database.selectFrom("training_run").selectAll().where("tenant", "=", tenant).where("id", "=", id);
  const row = await query.executeTakeFirst();
  return row === undefined ? null : runFrom(row);
}

interface RunRow {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly number: number | null;
  readonly state: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly record: string;
}

function runFrom({ tenant, id, name, number, state, started_at, ended_at, record }: RunRow): TrainingRun {
  return {
    tenant,
    id,
    name,
    number,
    state: state as RunState,
    startedAt: started_at,
    endedAt: ended_at,
    record: JSON.parse(record) as JsonObject,
  };
}
