// The schema's history, oldest first. A migration that was released is never edited; what changes is a new one. They
// are written for SQLite and PostgreSQL alike: `bigint` for sizes and times, `text` for JSON, no expression of either.
import { SlipwayError } from "@slipway/core/base";
import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";

const MIGRATION_TABLE = "schema_migration";

/** By name; a name starts with its place in the order. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_registry": { up: createRegistry },
  "0002_evidence": { up: createEvidence },
  "0003_jobs": { up: createJobs },
  "0004_datasets": { up: createDatasets },
  "0005_training_runs": { up: createTrainingRuns },
};

/**
 * Brings a database to the newest schema, all of it or nothing.
 * @throws SlipwayError DATA_DIRECTORY_INVALID where a newer Slipway has already changed it
 */
export async function migrate<Schema>(
  database: Kysely<Schema>,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<void> {
  const done = await executedMigrations(database);
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0)
    throw new SlipwayError(
      "DATA_DIRECTORY_INVALID",
      `The data directory was written by a newer Slipway: its database has the change "${unknown.at(-1)}", and this one knows up to "${Object.keys(migrations).at(-1)}". Update Slipway, or choose another --data-dir.`,
    );
  if (done.length === Object.keys(migrations).length) return;
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: `${MIGRATION_TABLE}_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** Names of the migrations this database has seen, in order. */
async function executedMigrations<Schema>(database: Kysely<Schema>): Promise<readonly string[]> {
  const tables = await database.introspection.getTables();
  if (!tables.some((table) => table.name === MIGRATION_TABLE)) return [];
  const rows = await (database as unknown as Kysely<{ [MIGRATION_TABLE]: { name: string } }>)
    .selectFrom(MIGRATION_TABLE)
    .select("name")
    .orderBy("name")
    .execute();
  return rows.map((row) => row.name);
}

async function createRegistry(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable("model")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("size_bytes", "bigint", (column) => column.notNull())
    .addColumn("main_file", "text", (column) => column.notNull())
    .addColumn("scan_schema", "integer", (column) => column.notNull())
    .addColumn("scan", "text", (column) => column.notNull())
    .addColumn("imported_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("model_key", ["tenant", "hash"])
    .execute();
  await schema
    .createTable("model_file")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("model_hash", "text", (column) => column.notNull())
    .addColumn("path", "text", (column) => column.notNull())
    .addColumn("blob_hash", "text", (column) => column.notNull())
    .addColumn("size_bytes", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("model_file_key", ["tenant", "model_hash", "path"])
    .addForeignKeyConstraint("model_file_model", ["tenant", "model_hash"], "model", ["tenant", "hash"])
    .execute();
  // Garbage collection asks by blob, whatever the tenant.
  await schema.createIndex("model_file_blob").on("model_file").column("blob_hash").execute();
  await schema
    .createTable("version_name")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("last_number", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("version_name_key", ["tenant", "name"])
    .execute();
  await schema
    .createTable("version")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addColumn("model_hash", "text", (column) => column.notNull())
    .addColumn("processing", "text")
    .addColumn("processing_hash", "text", (column) => column.notNull())
    .addColumn("note", "text")
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("version_key", ["tenant", "name", "number"])
    .addForeignKeyConstraint("version_name_of", ["tenant", "name"], "version_name", ["tenant", "name"])
    .addForeignKeyConstraint("version_model", ["tenant", "model_hash"], "model", ["tenant", "hash"])
    .execute();
  await schema
    .createIndex("version_content")
    .on("version")
    .columns(["tenant", "name", "model_hash", "processing_hash"])
    .execute();
  await schema
    .createTable("endpoint")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("live_deployment_id", "text")
    .addColumn("previous_deployment_id", "text")
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("endpoint_key", ["tenant", "name"])
    .execute();
  await schema
    .createTable("deployment")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("endpoint", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addColumn("settings", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("reason", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("deployment_key", ["tenant", "id"])
    .addForeignKeyConstraint("deployment_endpoint", ["tenant", "endpoint"], "endpoint", ["tenant", "name"])
    .addForeignKeyConstraint("deployment_version", ["tenant", "name", "number"], "version", [
      "tenant",
      "name",
      "number",
    ])
    .execute();
  await schema.createIndex("deployment_of").on("deployment").columns(["tenant", "endpoint", "id"]).execute();
  await schema
    .createTable("variant")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("endpoint", "text", (column) => column.notNull())
    .addColumn("deployment_id", "text", (column) => column.notNull())
    .addColumn("weight", "double precision", (column) => column.notNull())
    .addPrimaryKeyConstraint("variant_key", ["tenant", "endpoint", "deployment_id"])
    .addForeignKeyConstraint("variant_endpoint", ["tenant", "endpoint"], "endpoint", ["tenant", "name"])
    .addForeignKeyConstraint("variant_deployment", ["tenant", "deployment_id"], "deployment", ["tenant", "id"])
    .execute();
  await schema
    .createTable("decision")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("text", "text", (column) => column.notNull())
    .addColumn("reason", "text")
    .addColumn("details", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("decision_key", ["tenant", "id"])
    .execute();
  await schema.createIndex("decision_subject").on("decision").columns(["tenant", "subject", "id"]).execute();
}

async function createEvidence(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable("evidence")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("model_hash", "text", (column) => column.notNull())
    .addColumn("processing_hash", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("measured_at", "bigint", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("evidence_key", ["tenant", "id"])
    .execute();
  await schema
    .createIndex("evidence_of")
    .on("evidence")
    .columns(["tenant", "model_hash", "processing_hash", "kind", "id"])
    .execute();
  await schema
    .createTable("launch_policy")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("endpoint", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("launch_policy_key", ["tenant", "endpoint"])
    .execute();
}

async function createJobs(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable("job")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("schema", "integer", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("order", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("progress", "text")
    .addColumn("checkpoint", "text")
    .addColumn("result", "text")
    .addColumn("error_code", "text")
    .addColumn("error_message", "text")
    .addColumn("attempts", "integer", (column) => column.notNull())
    .addColumn("holder", "text")
    .addColumn("leased_until", "bigint")
    .addColumn("cancel_asked_at", "bigint")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("reason", "text")
    .addColumn("revision", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("job_key", ["tenant", "id"])
    .execute();
  await schema.createIndex("job_state").on("job").columns(["tenant", "state", "id"]).execute();
  await schema
    .createTable("job_blob")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("job_id", "text", (column) => column.notNull())
    .addColumn("blob_hash", "text", (column) => column.notNull())
    .addColumn("size_bytes", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("job_blob_key", ["tenant", "job_id", "blob_hash"])
    .addForeignKeyConstraint("job_blob_job", ["tenant", "job_id"], "job", ["tenant", "id"])
    .execute();
  // Garbage collection asks by blob, whatever the tenant.
  await schema.createIndex("job_blob_hash").on("job_blob").column("blob_hash").execute();
}

async function createDatasets(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("dataset")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("manifest", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("dataset_key", ["tenant", "name", "number"])
    .execute();
}

async function createTrainingRuns(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("training_run")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("number", "integer")
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("started_at", "bigint", (column) => column.notNull())
    .addColumn("ended_at", "bigint")
    .addColumn("record", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("training_run_key", ["tenant", "id"])
    .execute();
}
