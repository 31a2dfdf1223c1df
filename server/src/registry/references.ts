// What people write for a model: `name`, `name@version`, its hash or the start of it.
import { assert, SlipwayError } from "@slipway/core/base";
import { isHash } from "#store";
import type { RegistryContext } from "./context.ts";
import { findModel, modelHashesWithPrefix } from "./models.ts";
import type { Model, Version } from "./types.ts";
import { getVersion, nameNotFound } from "./versions.ts";

/** Shorter starts of a hash are too likely to be something else. */
const LEAST_PREFIX = 8;

export interface ResolvedModel {
  readonly model: Model;
  /** The version that was named; null where the model was, by its hash. */
  readonly version: Version | null;
}

/**
 * Finds what a reference means. A name goes before a hash that starts with the same letters.
 * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, with `details.suggestions`; USAGE for the start of several hashes
 */
export async function resolveModelReference(context: RegistryContext, reference: string): Promise<ResolvedModel> {
  const { database } = context;
  const pinned = /^(.+)@(\d{1,9})$/.exec(reference);
  if (pinned !== null) return await named(context, pinned[1]!, Number(pinned[2]));
  if (await hasName(context, reference)) return await named(context, reference, null);
  const prefix = reference.toLowerCase();
  if (/^[0-9a-f]+$/.test(prefix) && prefix.length >= LEAST_PREFIX && prefix.length <= 64) {
    const hashes = isHash(prefix) ? [prefix] : await modelHashesWithPrefix(context, prefix, 4);
    if (hashes.length > 1)
      throw new SlipwayError(
        "USAGE",
        `Several models have hashes that start with "${reference}": ${hashes.join(", ")}. Write more of the one you mean.`,
        { details: { suggestions: hashes } },
      );
    const model = hashes[0] === undefined ? null : await findModel(context, database, hashes[0]);
    if (model !== null) return { model, version: null };
  }
  throw await nameNotFound(context, database, reference);
}

async function hasName(context: RegistryContext, name: string): Promise<boolean> {
  const row = await context.database
    .selectFrom("version_name")
    .select("name")
    .where("tenant", "=", context.tenant)
    .where("name", "=", name)
    .executeTakeFirst();
  return row !== undefined;
}

async function named(context: RegistryContext, name: string, number: number | null): Promise<ResolvedModel> {
  const version = await getVersion(context, context.database, name, number);
  const model = await findModel(context, context.database, version.modelHash);
  assert(model !== null, `The model of ${name}@${version.number} is gone.`);
  return { model, version };
}
