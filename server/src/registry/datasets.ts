// Datasets by name: where rows lie, how they are read, and what was found there. The rows themselves stay where they are; the
// hash says whether they are still the same.
import { SlipwayError } from "@slipway/core/base";
import { canonicalJson } from "./canonical-json.ts";
import { assertName, type Queries, type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import { didYouMean, suggestionsFor } from "./suggestions.ts";
import type { Authority, JsonObject } from "./types.ts";

/** A dataset that was registered; never changed afterwards. */
export interface RegisteredDataset {
  readonly tenant: string;
  readonly name: string;
  /** From 1 for each name. */
  readonly number: number;
  /** Of its manifest. */
  readonly hash: string;
  /** Which files, and how they are read. */
  readonly description: JsonObject;
  /** What was found when it was registered. */
  readonly manifest: JsonObject;
  readonly createdAt: number;
}

export type NewDataset = Pick<RegisteredDataset, "name" | "hash" | "description" | "manifest">;

export interface AddedDataset {
  readonly dataset: RegisteredDataset;
  /** Whether it was made now; false where the name already had this content, read from the same place. */
  readonly isNew: boolean;
}

/** A row of a table is no place for more. */
const MOST_BYTES = 4 * 2 ** 20;

/**
 * Registers a dataset under the next number of its name, or answers the one there is.
 * @throws SlipwayError NAME_INVALID; DATASET_INVALID where description and manifest take too much
 */
export async function addDataset(
  context: RegistryContext,
  { name, hash, description, manifest }: NewDataset,
  authority: Authority,
): Promise<AddedDataset> {
  assertName(name, "a dataset");
  const texts = { description: canonicalJson(description), manifest: JSON.stringify(manifest) };
  const bytes = texts.description.length + texts.manifest.length;
  if (bytes > MOST_BYTES) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `The dataset "${name}" takes ${bytes} bytes to describe; at most ${MOST_BYTES} are kept. Name folders or patterns in place of single files.`,
    );
  }
  return await context.database.transaction().execute(async (queries) => {
    const rows = await rowsOf(context, queries, name);
    const same = rows.find((row) => row.hash === hash && row.description === texts.description);
    if (same !== undefined) return { dataset: datasetFrom(same), isNew: false };
    const row = {
      tenant: context.tenant,
      name,
      number: (rows[0]?.number ?? 0) + 1,
      hash,
      ...texts,
      created_at: timestamp(context),
    };
    // Two that take one number at once: the key lets one through.
    await queries.insertInto("dataset").values(row).execute();
    await appendDecision(context, queries, {
      ...authority,
      kind: "dataset-added",
      subject: name,
      text: `The dataset ${name}:${row.number} was registered`,
      details: { name, number: row.number, hash },
    });
    return { dataset: datasetFrom(row), isNew: true };
  });
}

/** Every dataset, or those of one name, newest first. */
export async function listDatasets(context: RegistryContext, name?: string): Promise<readonly RegisteredDataset[]> {
  let query = context.database.selectFrom("dataset").selectAll().where("tenant", "=", context.tenant);
  if (name !== undefined) query = query.where("name", "=", name);
  const rows = await query.orderBy("created_at", "desc").orderBy("name").orderBy("number", "desc").execute();
  return rows.map(datasetFrom);
}

/**
 * @param number null takes the highest
 * @throws SlipwayError DATASET_NOT_FOUND, with `details.suggestions`
 */
export async function getDataset(
  context: RegistryContext,
  name: string,
  number: number | null,
): Promise<RegisteredDataset> {
  const rows = await rowsOf(context, context.database, name);
  const row = number === null ? rows[0] : rows.find((one) => one.number === number);
  if (row !== undefined) return datasetFrom(row);
  if (rows.length > 0) {
    const suggestions = rows.slice(0, 3).map((one) => `${name}:${one.number}`);
    throw new SlipwayError(
      "DATASET_NOT_FOUND",
      `The dataset "${name}" has no number ${number}; it has ${rows.length === 1 ? "only" : "numbers up to"} ${rows[0]!.number}.`,
      { details: { suggestions } },
    );
  }
  const known = [...new Set((await listDatasets(context)).map((one) => one.name))].toSorted();
  const suggestions = suggestionsFor(name, known);
  const otherwise =
    known.length === 0
      ? "There are none yet; register one with `slipway dataset add FILE`."
      : `There ${known.length === 1 ? "is" : "are"} ${known.slice(0, 10).join(", ")}${known.length > 10 ? ", …" : ""}.`;
  throw new SlipwayError(
    "DATASET_NOT_FOUND",
    `No dataset is called ${JSON.stringify(name.slice(0, 200))}.${didYouMean(suggestions, otherwise)}`,
    { details: { suggestions } },
  );
}

type Row = Awaited<ReturnType<typeof rowsOf>>[number];

/** Rows of one name, the highest number first. */
async function rowsOf(context: RegistryContext, queries: Queries, name: string) {
  return await queries
    .selectFrom("dataset")
    .selectAll()
    .where("tenant", "=", context.tenant)
    .where("name", "=", name)
    .orderBy("number", "desc")
    .execute();
}

function datasetFrom({ tenant, name, number, hash, description, manifest, created_at }: Row): RegisteredDataset {
  return {
    tenant,
    name,
    number,
    hash,
    description: JSON.parse(description) as JsonObject,
    manifest: JSON.parse(manifest) as JsonObject,
    createdAt: created_at,
  };
}
