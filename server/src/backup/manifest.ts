// What a backup holds, as its first file says: the database and the blobs with their hashes. A backup is whole when this
// file is there, so it is written last in a directory; in an archive, which is renamed when it is whole, it stands first.
import { createHash } from "node:crypto";
import { SlipwayError } from "@slipway/core/base";
import type { StoredBlob } from "#store";
import { z } from "zod";

export const MANIFEST_FILE = "backup.json";
/** Room for two million files; more is not read into memory. */
export const MANIFEST_LIMIT_BYTES = 2 ** 28;
const KIND = "slipway backup";
const FORMAT_VERSION = 1;

export interface Manifest {
  /** Of Slipway. */
  readonly version: string;
  /** The moment it shows, in milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly database: StoredBlob;
  readonly blobs: readonly StoredBlob[];
}

const File = z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/), sizeBytes: z.int().min(0) });
const Schema = z.strictObject({
  version: z.string(),
  createdAt: z.number(),
  database: File,
  blobs: z.array(File),
});

/** A file of a backup: its path with "/" between parts, and what its bytes must be. */
export interface BackupFile extends StoredBlob {
  readonly path: string;
  readonly kind: "database" | "blob";
}

/** The files of a backup in their order: the database, then the blobs. */
export function filesOf({ database, blobs }: Manifest): readonly BackupFile[] {
  return [
    { ...database, path: `slipway-${database.hash}.db`, kind: "database" },
    ...blobs.map(
      (blob): BackupFile => ({ ...blob, path: `blobs/${blob.hash.slice(0, 2)}/${blob.hash}`, kind: "blob" }),
    ),
  ];
}

export function textFromManifest({ version, createdAt, database, blobs }: Manifest): string {
  const facts = { kind: KIND, formatVersion: FORMAT_VERSION, version, createdAt, database, blobs };
  return `${JSON.stringify({ ...facts, checksum: checksumOf(facts) }, null, 1)}\n`;
}

/**
 * @param where the backup, for messages
 * @throws SlipwayError BACKUP_INVALID
 */
export function manifestFromText(text: string, where: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid(where, `its ${MANIFEST_FILE} is no JSON`);
  }
  const { kind, formatVersion, checksum, ...facts } = (parsed ?? {}) as Record<string, unknown>;
  if (kind !== KIND) throw invalid(where, `its ${MANIFEST_FILE} is not that of a backup`);
  if (typeof formatVersion !== "number" || formatVersion > FORMAT_VERSION)
    throw new SlipwayError(
      "BACKUP_INVALID",
      `The backup "${where}" has format ${String(formatVersion)}, of a newer Slipway; this one knows format ${FORMAT_VERSION}. Update Slipway.`,
    );
  if (checksum !== checksumOf({ kind, formatVersion, ...facts }))
    throw invalid(where, `its ${MANIFEST_FILE} was changed: its checksum does not fit`);
  const manifest = Schema.safeParse(facts);
  if (!manifest.success) throw invalid(where, `its ${MANIFEST_FILE} lacks what one has: ${manifest.error.message}`);
  return manifest.data;
}

/** The error of a backup that can't be restored. */
export function invalid(where: string, why: string): SlipwayError {
  return new SlipwayError(
    "BACKUP_INVALID",
    `The backup "${where}" can't be used: ${why}. Restore another backup, or copy this one again from where it came.`,
  );
}

/** Over the compact JSON, whose order of keys both writing and parsing keep. */
function checksumOf(facts: object): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
