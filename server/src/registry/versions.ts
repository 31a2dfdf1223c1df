// Versions: a name's models, numbered 1, 2, 3, … in the order they came, or as their repository directory numbers them.
import { assert, SlipwayError } from "@slipway/core/base";
import { canonicalJson, textHash } from "./canonical-json.ts";
import { assertName, type Queries, type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import { findModel } from "./models.ts";
import { didYouMean, suggestionsFor } from "./suggestions.ts";
import type { Authority, JsonObject, Version } from "./types.ts";

const NO_PROCESSING = "none";

export interface NewVersion {
  readonly name: string;
  readonly modelHash: string;
  readonly processing: JsonObject | null;
  readonly source: string;
  readonly note: string | null;
  /** The number it must have; null takes the next. */
  readonly number: number | null;
}

export interface CreatedVersion {
  readonly version: Version;
  /** Whether it was made now; false where the name already had this model with this processing. */
  readonly isNew: boolean;
}

/** SHA-256 of a processing's canonical JSON; "none" without. */
export function processingHashOf(processing: JsonObject | null): string {
  return processing === null ? NO_PROCESSING : textHash(canonicalJson(processing));
}

/**
 * Makes a version, or answers the one there is. Runs in the caller's transaction.
 * @throws SlipwayError NAME_INVALID, MODEL_NOT_FOUND; STATE_CONFLICT where `number` is taken by something else
 */
export async function createVersion(
  context: RegistryContext,
  queries: Queries,
  wanted: NewVersion,
  authority: Authority,
): Promise<CreatedVersion> {
  const { tenant } = context;
  const { name, number } = wanted;
  assertName(name, "a model");
  assert(number === null || (Number.isSafeInteger(number) && number >= 1), `${number} is no version number.`);
  const model = await findModel(context, queries, wanted.modelHash);
  if (model === null) throw new SlipwayError("MODEL_NOT_FOUND", `No model has the hash ${wanted.modelHash}.`);

  // Writing the name's row keeps others out of this name until the transaction ends.
  const { last_number: lastNumber } = await queries
    .insertInto("version_name")
    .values({ tenant, name, last_number: 0 })
    .onConflict((conflict) =>
      conflict.columns(["tenant", "name"]).doUpdateSet((set) => ({ last_number: set.ref("version_name.last_number") })),
    )
    .returning("last_number")
    .executeTakeFirstOrThrow();

  const processing = wanted.processing === null ? null : canonicalJson(wanted.processing);
  const processingHash = processingHashOf(wanted.processing);
  const existing = await queries
    .selectFrom("version")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("name", "=", name)
    .where((where) =>
      number === null
        ? where.and({ model_hash: wanted.modelHash, processing_hash: processingHash })
        : where.and({ number }),
    )
    .orderBy("number", "desc")
    .executeTakeFirst();
  if (existing !== undefined) {
    if (existing.model_hash !== wanted.modelHash || existing.processing_hash !== processingHash)
      throw new SlipwayError(
        "STATE_CONFLICT",
        `${name}@${existing.number} is another model or has other processing, and versions never change. Give the new one a new number.`,
      );
    return { version: versionFromRow(existing), isNew: false };
  }

  const row = {
    tenant,
    name,
    number: number ?? lastNumber + 1,
    model_hash: wanted.modelHash,
    processing,
    processing_hash: processingHash,
    note: wanted.note,
    source: wanted.source,
    created_at: timestamp(context),
  };
  await queries.insertInto("version").values(row).execute();
  await queries
    .updateTable("version_name")
    .set({ last_number: Math.max(lastNumber, row.number) })
    .where("tenant", "=", tenant)
    .where("name", "=", name)
    .execute();
  await appendDecision(context, queries, {
    ...authority,
    kind: "imported",
    subject: name,
    text: `${name}@${row.number} from ${wanted.source}`,
    details: { name, number: row.number, modelHash: wanted.modelHash },
  });
  return { version: versionFromRow(row), isNew: true };
}

/** Every version, or those of one name, newest first. */
export async function listVersions(context: RegistryContext, name?: string): Promise<readonly Version[]> {
  let query = context.database.selectFrom("version").selectAll().where("tenant", "=", context.tenant);
  if (name !== undefined) query = query.where("name", "=", name);
  const rows = await query.orderBy("created_at", "desc").orderBy("name").orderBy("number", "desc").execute();
  return rows.map(versionFromRow);
}

/**
 * One version of a name.
 * @param number null takes the highest
 * @throws SlipwayError MODEL_NOT_FOUND for the name, VERSION_NOT_FOUND for the number; `details.suggestions` has what is near
 */
export async function getVersion(
  context: RegistryContext,
  queries: Queries,
  name: string,
  number: number | null,
): Promise<Version> {
  const rows = await queries
    .selectFrom("version")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("name", "=", name)
    .orderBy("number", "desc")
    .execute();
  const row = number === null ? rows[0] : rows.find((row) => row.number === number);
  if (row !== undefined) return versionFromRow(row);
  if (rows.length === 0) throw await nameNotFound(context, queries, name);
  const numbers = rows.map((row) => row.number);
  const suggestions = numbers.slice(0, 3).map((there) => `${name}@${there}`);
  throw new SlipwayError(
    "VERSION_NOT_FOUND",
    `"${name}" has no version ${number}; it has ${numbers.length === 1 ? "only" : "versions up to"} ${numbers[0]}.${didYouMean(suggestions, "")}`,
    { details: { suggestions } },
  );
}

/** The error for a name without versions. */
export async function nameNotFound(context: RegistryContext, queries: Queries, name: string): Promise<SlipwayError> {
  const rows = await queries
    .selectFrom("version_name")
    .select("name")
    .where("tenant", "=", context.tenant)
    .orderBy("name")
    .execute();
  const names = rows.map((row) => row.name);
  const suggestions = suggestionsFor(name, names);
  const otherwise =
    names.length === 0
      ? "There are none yet; import one with `slipway import FILE.onnx`."
      : `There ${names.length === 1 ? "is" : "are"} ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}.`;
  return new SlipwayError(
    "MODEL_NOT_FOUND",
    `No model is called ${JSON.stringify(name.slice(0, 200))}.${didYouMean(suggestions, otherwise)}`,
    { details: { suggestions } },
  );
}

interface VersionRow {
  readonly tenant: string;
  readonly name: string;
  readonly number: number;
  readonly model_hash: string;
  readonly processing: string | null;
  readonly note: string | null;
  readonly source: string;
  readonly created_at: number;
}

function versionFromRow(row: VersionRow): Version {
  return {
    tenant: row.tenant,
    name: row.name,
    number: row.number,
    modelHash: row.model_hash,
    processing: row.processing === null ? null : (JSON.parse(row.processing) as JsonObject),
    note: row.note,
    source: row.source,
    createdAt: row.created_at,
  };
}
