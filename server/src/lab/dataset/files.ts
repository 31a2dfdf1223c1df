// The files of a dataset: found by path, folder or pattern, in one order, and known by the hash of their bytes.
import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { glob, readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import type { DatasetManifest } from "./dataset.ts";

/** A file as it lies on the disk. */
export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** As the description names it, for people: relative to where it stands. */
  readonly shown: string;
  readonly sizeBytes: number;
}

const MOST_FILES = 2_000_000;
const PATTERN = /[*?[\]{}]/;
const ENDINGS: Readonly<Record<DatasetManifest["format"], RegExp>> = {
  csv: /\.[ct]sv(\.gz)?$/i,
  parquet: /\.(parquet|pq)$/i,
  jsonl: /\.(jsonl|ndjson)(\.gz)?$/i,
  arrays: /\.np[yz]$/i,
  images: /\.(png|jpe?g|webp)$/i,
};

/** Pictures by their endings that are not read, so that they can be told. */
const OTHER_IMAGES = /\.(gif|bmp|tiff?|heic|heif|avif|jp2|jxl|ico|svg|p[bgpn]m)$/i;

/** What a file is by its name; null where that does not say. */
export function formatOf(name: string): DatasetManifest["format"] | null {
  const formats = Object.keys(ENDINGS) as DatasetManifest["format"][];
  return formats.find((format) => ENDINGS[format].test(name)) ?? null;
}

export function endingsText(): string {
  return ".csv, .tsv, .parquet, .jsonl (.gz too, but for Parquet), .npy, .npz, or folders of .png, .jpg and .webp";
}

/**
 * The files that paths and patterns name, in the order they are named; those of one pattern or folder by name.
 * @param named absolute
 * @param shownAs a path as it is told
 * @throws SlipwayError FILE_UNREADABLE where a path names nothing, or a pattern matches nothing
 */
export async function findFiles(
  named: readonly string[],
  shownAs: (path: string) => string,
): Promise<{ readonly files: readonly FoundFile[]; readonly folders: readonly string[] }> {
  const files: FoundFile[] = [];
  const folders: string[] = [];
  for (const name of named) {
    const found = await statOf(name, shownAs(name));
    if (found !== null && found.isDirectory()) {
      folders.push(name);
      continue;
    }
    if (found === null && PATTERN.test(name)) {
      const matches: string[] = [];
      for await (const match of glob(name, { cwd: "/" })) matches.push(path.resolve("/", match));
      if (matches.length === 0) throw unreadable(`No file matches "${shownAs(name)}".`);
      for (const match of matches.toSorted(byCodeUnit)) files.push(await fileAt(match, shownAs(match)));
    } else files.push(await fileAt(name, shownAs(name)));
  }
  return { files, folders };
}

/**
 * A path as whoever named it wrote it: from a folder on, where that is shorter.
 * @param folder null tells it as it is
 */
export function shownFrom(folder: string | null, full: string): string {
  const relative = folder === null ? full : path.relative(folder, full);
  return relative === "" ? "." : relative.length < full.length ? relative : full;
}

/** What is in a folder and the folders within. */
export interface FolderFiles {
  /** Of some formats, by path, shown as the folder sees it. */
  readonly files: readonly FoundFile[];
  /** Names of pictures of other formats. */
  readonly otherImages: readonly string[];
}

/**
 * Every file of some formats in a folder and the folders within.
 * @param told the folder, for messages
 * @throws SlipwayError DATASET_INVALID where there are too many; FILE_UNREADABLE
 */
export async function filesIn(folder: string, told: string): Promise<FolderFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const all = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"));
  const names = all.filter((name) => formatOf(name) !== null);
  if (names.length > MOST_FILES) {
    throw new SlipwayError("DATASET_INVALID", `${told} holds ${names.length} files; at most ${MOST_FILES} are read.`);
  }
  const found: FoundFile[] = [];
  for (const name of names.toSorted(byCodeUnit)) found.push(await fileAt(path.join(folder, name), name));
  return { files: found, otherImages: all.filter((name) => OTHER_IMAGES.test(name)).toSorted(byCodeUnit) };
}

/**
 * A file that rows name, which must lie in a folder or below it.
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function fileInside(folder: string, name: string): Promise<FoundFile> {
  const full = path.resolve(folder, name);
  const isBelow = (one: string, root: string) => one.startsWith(`${root}${path.sep}`);
  if (!isBelow(full, folder)) throw unreadable(`"${name}" is not in the folder of the file that names it.`);
  const file = await fileAt(full, name);
  if (!isBelow(await realpath(full), await realpath(folder))) {
    throw unreadable(`"${name}" is a link to something outside the folder of the file that names it.`);
  }
  return file;
}

/** SHA-256 of a file's bytes, read as a stream. @throws SlipwayError FILE_UNREADABLE; the signal's reason */
export async function hashFile(
  file: Pick<FoundFile, "path" | "shown">,
  signal: AbortSignal,
  onBytes: (count: number) => void = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(file.path, { highWaterMark: 2 ** 20, signal })) {
      hash.update(chunk as Buffer);
      onBytes((chunk as Buffer).byteLength);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(`${file.shown} can't be read (${(error as NodeJS.ErrnoException).code}).`, error);
  }
  return hash.digest("hex");
}

async function fileAt(full: string, shown: string): Promise<FoundFile> {
  const found = await statOf(full, shown);
  if (found === null) throw unreadable(`The file "${shown}" does not exist. Check the path.`);
  if (!found.isFile()) throw unreadable(`"${shown}" is not a regular file.`);
  return { path: full, shown, sizeBytes: found.size };
}

async function statOf(full: string, shown: string): Promise<Stats | null> {
  try {
    return await stat(full);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw unreadable(`"${shown}" can't be read (${code}).`, error);
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function unreadable(message: string, cause?: unknown): SlipwayError {
  return new SlipwayError("FILE_UNREADABLE", message, { cause });
}
