// Garbage collection: stored bytes that no model and no job refers to, and what interrupted puts left behind.
import type { Database, StoredBlob } from "#store";
import { type RegistryContext, timestamp } from "./context.ts";
import { appendDecision } from "./decisions.ts";
import type { Authority } from "./types.ts";

/** How long bytes that were sent ahead of an import may wait for it. */
export const DEFAULT_GRACE_MS = 3_600_000;

export interface GarbageItem {
  readonly kind: "blob" | "leftover";
  /** The blob's hash, or the name of the unfinished file. */
  readonly what: string;
  readonly sizeBytes: number;
  readonly reason: string;
}

export interface Garbage {
  readonly isDryRun: boolean;
  /** What was removed, or would be. */
  readonly items: readonly GarbageItem[];
  readonly sizeBytes: number;
}

export interface GarbageRequest extends Authority {
  readonly isDryRun: boolean;
  /** Blobs put or renewed less long ago are kept for the import that may follow. */
  readonly graceMs: number;
}

/**
 * Removes what nothing refers to. Never takes what a model or job of any tenant refers to, what an import holds, or what was
 * stored within the grace. Each removal stands alone, so stopping half-way does no harm.
 * @throws SlipwayError DISK_READ_ONLY
 */
export async function collectGarbage(context: RegistryContext, request: GarbageRequest): Promise<Garbage> {
  const { blobs } = context;
  const { isDryRun } = request;
  const items: GarbageItem[] = [];
  for await (const { id, sizeBytes } of blobs.leftovers()) {
    if (!isDryRun) await blobs.deleteLeftover(id);
    items.push({ kind: "leftover", what: id, sizeBytes, reason: "left behind by an import that was interrupted" });
  }
  const notRenewedSince = timestamp(context) - request.graceMs;
  for await (const { hash, sizeBytes, renewedAt } of blobs.list()) {
    if (renewedAt >= notRenewedSince || (await isReferenced(context, hash))) continue;
    const isGarbage = isDryRun ? !context.leases.isHeld(hash) : await removeBlob(context, hash, { notRenewedSince });
    if (isGarbage) items.push({ kind: "blob", what: hash, sizeBytes, reason: "nothing refers to it" });
  }
  const sizeBytes = items.reduce((sum, item) => sum + item.sizeBytes, 0);
  if (!isDryRun && items.length > 0)
    await appendDecision(context, context.database, {
      actor: request.actor,
      reason: request.reason,
      kind: "collected",
      subject: "blobs",
      text: `removed ${items.length} stored ${items.length === 1 ? "file" : "files"} of ${sizeBytes} bytes that nothing referred to`,
      details: { blobs: items.filter((item) => item.kind === "blob").map((item) => item.what), sizeBytes },
    });
  return { isDryRun, items, sizeBytes };
}

/** Removes a blob that an import stored and then did not register, unless something else came to need it. */
export async function discardBlob(context: RegistryContext, hash: string): Promise<void> {
  await removeBlob(context, hash, {});
}

/** Asks again, with new holders kept out, whether anything refers to a blob, and removes it where nothing does. */
async function removeBlob(
  context: RegistryContext,
  hash: string,
  options: { readonly notRenewedSince?: number },
): Promise<boolean> {
  return await context.leases.collect(hash, async () => {
    if (await isReferenced(context, hash)) return false;
    return await context.blobs.delete(hash, options);
  });
}

/** The blobs that models and jobs of any tenant refer to, by their hashes' order. */
export async function referencedBlobs(database: Database): Promise<readonly StoredBlob[]> {
  const rows = await database
    .selectFrom("model_file")
    .select(["blob_hash", "size_bytes"])
    .union(database.selectFrom("job_blob").select(["blob_hash", "size_bytes"]))
    .orderBy("blob_hash")
    .execute();
  return rows.map(({ blob_hash: hash, size_bytes: sizeBytes }) => ({ hash, sizeBytes }));
}

/** Whether a model of any tenant refers to a blob, or a job that may yet be carried out. */
async function isReferenced({ database }: RegistryContext, hash: string): Promise<boolean> {
  for (const table of ["model_file", "job_blob"] as const) {
    const query = database.selectFrom(table).select("blob_hash").where("blob_hash", "=", hash);
    if ((await query.limit(1).executeTakeFirst()) !== undefined) return true;
  }
  return false;
}
