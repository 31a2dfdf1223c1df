// Models: immutable bytes with what examining them found.
import { assert, SlipwayError } from "@slipway/core/base";
import type { ModelScan } from "@slipway/core/onnx";
import { canonicalJson, textHash } from "./canonical-json.ts";
import { type Queries, type RegistryContext, timestamp } from "./context.ts";
import { SCAN_SCHEMA, scanFromText, textFromScan } from "./scan.ts";
import type { Model, ModelFile } from "./types.ts";

/** Rows one insert takes: SQLite allows 32 766 values, PostgreSQL 65 535. */
const ROWS_AT_ONCE = 1000;

/**
 * The hash that names a model: that of its only file; with external data, of the canonical JSON of
 * `{"externalData":[{"hash","path","sizeBytes"}…],"main":hash,"manifest":1}` with the files sorted by path. What the
 * ONNX file itself is called does not matter.
 */
export function modelHash(mainFile: string, files: readonly ModelFile[]): string {
  const main = files.find((file) => file.path === mainFile);
  assert(main !== undefined, `The ONNX file "${mainFile}" is not among the model's files.`);
  if (files.length === 1) return main.hash;
  const externalData = files
    .filter((file) => file !== main)
    .map(({ path, hash, sizeBytes }) => ({ path, hash, sizeBytes }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return textHash(canonicalJson({ manifest: 1, main: main.hash, externalData }));
}

/** Registers a model where it is not yet; renews the scan of one that is where its form is an older one. */
export async function putModel(
  context: RegistryContext,
  queries: Queries,
  model: { readonly mainFile: string; readonly files: readonly ModelFile[]; readonly scan: ModelScan },
): Promise<string> {
  const { tenant } = context;
  const { mainFile, files } = model;
  const hash = modelHash(mainFile, files);
  const scan = textFromScan(model.scan);
  const inserted = await queries
    .insertInto("model")
    .values({
      tenant,
      hash,
      size_bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      main_file: mainFile,
      scan_schema: SCAN_SCHEMA,
      scan,
      imported_at: timestamp(context),
    })
    .onConflict((conflict) => conflict.columns(["tenant", "hash"]).doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) {
    await queries
      .updateTable("model")
      .set({ scan_schema: SCAN_SCHEMA, scan })
      .where("tenant", "=", tenant)
      .where("hash", "=", hash)
      .where("scan_schema", "<", SCAN_SCHEMA)
      .execute();
    return hash;
  }
  for (let at = 0; at < files.length; at += ROWS_AT_ONCE) {
    const rows = files.slice(at, at + ROWS_AT_ONCE).map((file) => ({
      tenant,
      model_hash: hash,
      path: file.path,
      blob_hash: file.hash,
      size_bytes: file.sizeBytes,
    }));
    await queries.insertInto("model_file").values(rows).execute();
  }
  return hash;
}

/** The model of this hash, or null. */
export async function findModel(context: RegistryContext, queries: Queries, hash: string): Promise<Model | null> {
  const row = await queries
    .selectFrom("model")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("hash", "=", hash)
    .executeTakeFirst();
  if (row === undefined) return null;
  const files = await queries
    .selectFrom("model_file")
    .select(["path", "blob_hash as hash", "size_bytes as sizeBytes"])
    .where("tenant", "=", context.tenant)
    .where("model_hash", "=", hash)
    .orderBy("path")
    .execute();
  return {
    tenant: row.tenant,
    hash: row.hash,
    sizeBytes: row.size_bytes,
    files,
    mainFile: row.main_file,
    scan: scanFromText(row.scan, row.scan_schema),
    importedAt: row.imported_at,
  };
}

/** @throws SlipwayError MODEL_NOT_FOUND */
export async function getModel(context: RegistryContext, hash: string): Promise<Model> {
  const model = await findModel(context, context.database, hash);
  if (model !== null) return model;
  throw new SlipwayError("MODEL_NOT_FOUND", `No model has the hash ${JSON.stringify(hash.slice(0, 200))}.`);
}

/** Hashes of models that start with `prefix`, at most `limit`. */
export async function modelHashesWithPrefix(
  context: RegistryContext,
  prefix: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await context.database
    .selectFrom("model")
    .select("hash")
    .where("tenant", "=", context.tenant)
    .where("hash", ">=", prefix)
    .where("hash", "<", `${prefix}g`) // behind every hexadecimal digit
    .orderBy("hash")
    .limit(limit)
    .execute();
  return rows.map((row) => row.hash);
}
