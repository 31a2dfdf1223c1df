// What a person names becomes what can be opened anywhere: a path, a description's file, or a registered name, with a split;
// as plain JSON, so that it can be stored with a job and opened by the process that carries it out.
import { stat } from "node:fs/promises";
import path from "node:path";
import { isName, SlipwayError } from "@slipway/core/base";
import { z } from "zod";
import { DatasetDescription, parseDescription, readDescription } from "./description.ts";
import { formatOf } from "./files.ts";

/** A dataset that is to be opened, and which of its splits. */
export const DatasetOrder = z.strictObject({
  description: DatasetDescription,
  folder: z
    .string()
    .nullable()
    .default(null)
    .describe("absolute; paths are told from there, as whoever named them did. null tells them as they are"),
  split: z.string().min(1).nullable().default(null),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
    .nullable()
    .default(null)
    .describe("that its manifest has to have; null takes whatever is found"),
});
export type DatasetOrder = z.output<typeof DatasetOrder>;

/** What is registered under a name, as the registry keeps it. */
export interface RegisteredDescription {
  readonly name: string;
  readonly description: unknown;
  readonly hash: string;
}

export interface DatasetNaming {
  /** Absolute; relative paths begin there. */
  readonly workingDirectory: string;
  /** Finds a registered dataset; null takes its highest number. @throws SlipwayError DATASET_NOT_FOUND */
  readonly find: (name: string, number: number | null) => Promise<RegisteredDescription>;
}

/**
 * Reads what a person names: a path (with a slash, or an ending of a format, .yaml or .json) or a registered NAME or
 * NAME:NUMBER; then perhaps @SPLIT.
 * @throws SlipwayError USAGE, FILE_UNREADABLE, DATASET_INVALID, DATASET_NOT_FOUND
 * @example
 * await datasetOrder("iris.csv", naming); // the whole file
 * await datasetOrder("digits:2@test", naming); // a split of what was registered second
 */
export async function datasetOrder(text: string, { workingDirectory, find }: DatasetNaming): Promise<DatasetOrder> {
  const whole = await described(text, workingDirectory);
  if (whole !== null) return { ...whole, split: null, hash: null };
  const at = text.lastIndexOf("@");
  const [named, split] = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  if (split === "") throw unknown(text);
  const part = at < 0 ? null : await described(named, workingDirectory);
  if (part !== null) return { ...part, split, hash: null };
  const [, name, number] = /^([^:]*)(?::([1-9]\d{0,8}))?$/.exec(named) ?? [];
  if (name === undefined || !isName(name) || isPath(named)) throw unknown(text);
  const found = await find(name, number === undefined ? null : Number(number));
  const description = parseDescription(found.description, `The dataset "${name}"`);
  return { description, folder: null, split, hash: found.hash };
}

/** The description of a path's files, or the one that a description's file holds; null where there is no such path. */
async function described(name: string, folder: string): Promise<Pick<DatasetOrder, "description" | "folder"> | null> {
  const full = path.resolve(folder, name);
  const found = await stat(full).catch(() => null);
  if (found === null) {
    if (isPath(name) && !name.includes("@")) {
      throw new SlipwayError("FILE_UNREADABLE", `There is no file or folder "${name}" for the rows.`);
    }
    return null;
  }
  // A name that is registered is not shadowed by a folder that is called alike.
  if (!isPath(name)) return null;
  if (/\.(ya?ml|json)$/i.test(name))
    return { description: await readDescription(full, name), folder: path.dirname(full) };
  const called = path
    .basename(name)
    .replace(/\.(gz)$/i, "")
    .replace(/\.[^.]+$/, "");
  return { description: parseDescription({ name: called === "" ? "data" : called, files: full }, name), folder };
}

function isPath(text: string): boolean {
  return (
    /[/\\]/.test(text) || text === "." || text === ".." || /\.(ya?ml|json)$/i.test(text) || formatOf(text) !== null
  );
}

function unknown(text: string): SlipwayError {
  return new SlipwayError(
    "USAGE",
    `"${text}" names no rows: give a path (with a slash, or ending in .csv, .parquet, .jsonl, .npy, .npz, .yaml or .json) or a registered NAME or NAME:NUMBER, then perhaps @SPLIT.`,
  );
}
