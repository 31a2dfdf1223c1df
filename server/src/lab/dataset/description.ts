// What a person says of a dataset: which files, what of them goes where, and how rows are split. Strict: a key nobody knows
// is refused, since it would be ignored in silence.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { parse } from "yaml";
import { z } from "zod";

const Column = z.string().min(1).max(1000);
const Path = z.string().min(1).max(4096);

/** An input from one column, from several side by side, or with more to say about it. */
const InputSource = z.union([
  Column,
  z.array(Column).min(1).max(100_000),
  z.strictObject({
    columns: z.union([Column, z.array(Column).min(1).max(100_000)]).describe("one column, or several side by side"),
    missing: z
      .enum(["refuse", "nan"])
      .default("refuse")
      .describe("what becomes of missing numbers: an error, or NaN for models that take it"),
  }),
  z.strictObject({
    image: Column.describe("a column of paths to images, relative to the file that holds it"),
    before: z
      .array(z.unknown())
      .nullable()
      .default(null)
      .describe("steps from an image to the input, as in processing; those of the version where left out"),
  }),
]);

const Fractions = z
  .record(z.string().min(1).max(100), z.number().positive().max(1))
  .refine((fractions) => Math.abs(Object.values(fractions).reduce((sum, one) => sum + one, 0) - 1) < 1e-9, {
    message: "the fractions have to sum to 1",
  })
  .refine((fractions) => Object.keys(fractions).length <= 100, { message: "at most 100 splits" });

const SplitDescription = z.union([
  Column,
  z.strictObject({ column: Column }),
  z.strictObject({
    files: z
      .record(z.string().min(1).max(100), z.union([Path, z.array(Path).min(1).max(10_000)]))
      .refine((splits) => Object.keys(splits).length <= 100, { message: "at most 100 splits" })
      .describe("the files, folders or patterns of each split"),
  }),
  z.strictObject({
    fractions: Fractions,
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0),
    by: z
      .union([
        z.literal("rows"),
        z.strictObject({ stratified: Column }),
        z.strictObject({ group: Column }),
        z.strictObject({ time: Column }),
      ])
      .default("rows"),
  }),
]);

export const DatasetDescription = z.strictObject({
  name: z.string().min(1).max(128).default("data"),
  files: z.union([Path, z.array(Path).min(1).max(10_000)]).describe("paths, folders and patterns"),
  format: z
    .enum(["csv", "parquet", "jsonl", "arrays", "images"])
    .nullable()
    .default(null)
    .describe("guessed from the files' endings where left out"),
  inputs: z.record(z.string(), InputSource).default({}).describe("by the model's inputs"),
  label: z
    .union([
      Column,
      z.strictObject({
        column: Column,
        kind: z.enum(["class", "number"]).nullable().default(null),
        classes: z.array(z.string()).min(1).max(100_000).nullable().default(null),
      }),
    ])
    .nullable()
    .default(null)
    .describe('a column called "label" or "labels" where left out'),
  weight: Column.nullable().default(null),
  split: SplitDescription.nullable().default(null),
  csv: z
    .strictObject({
      delimiter: z.string().length(1).nullable().default(null),
      header: z.boolean().default(true),
      missing: z.array(z.string().min(1).max(100)).max(100).default([]),
    })
    .default({ delimiter: null, header: true, missing: [] })
    .describe("what stands between fields, whether names come first, and what stands for a missing value"),
  source: z.string().max(4096).nullable().default(null),
  licence: z.string().max(1024).nullable().default(null),
});

export type DatasetDescription = z.output<typeof DatasetDescription>;
export type DatasetDescriptionInput = z.input<typeof DatasetDescription>;

/**
 * Reads a description that was parsed from JSON or YAML.
 * @param where it stands, for messages
 * @throws SlipwayError DATASET_INVALID naming the key and what it takes
 */
export function parseDescription(value: unknown, where: string): DatasetDescription {
  const result = DatasetDescription.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const at = issue.path.length === 0 ? "" : `"${issue.path.join(".")}": `;
    return `${at}${issue.message}${seenAt(value, issue.path)}`;
  });
  throw new SlipwayError("DATASET_INVALID", `${where} describes no dataset: ${issues.join("; ")}.`);
}

/**
 * Reads a description's file, YAML or JSON. Its paths are relative to its own folder and answered absolute.
 * @param file absolute
 * @param shown as it was named, for messages
 * @throws SlipwayError FILE_UNREADABLE, DATASET_INVALID
 */
export async function readDescription(file: string, shown: string): Promise<DatasetDescription> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SlipwayError("FILE_UNREADABLE", `The description "${shown}" can't be read (${code}).`, { cause: error });
  }
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: true });
  } catch (error) {
    throw new SlipwayError("DATASET_INVALID", `${shown} is neither YAML nor JSON: ${(error as Error).message}`);
  }
  return absolute(parseDescription(value, shown), path.dirname(file));
}

/** The description with every path absolute. */
export function absolute(description: DatasetDescription, folder: string): DatasetDescription {
  const within = (named: string | readonly string[]) =>
    (typeof named === "string" ? [named] : named).map((file) => path.resolve(folder, file));
  const { files, split } = description;
  const isByFiles = split !== null && typeof split === "object" && "files" in split;
  return {
    ...description,
    files: within(files),
    split: isByFiles
      ? { files: Object.fromEntries(Object.entries(split.files).map(([name, named]) => [name, within(named)])) }
      : split,
  };
}

export function filesOf({ files }: Pick<DatasetDescription, "files">): readonly string[] {
  return typeof files === "string" ? [files] : files;
}

function seenAt(value: unknown, keys: readonly PropertyKey[]): string {
  let at: unknown = value;
  for (const key of keys)
    at = typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  return at === undefined || typeof at === "object" ? "" : ` (seen: ${JSON.stringify(at).slice(0, 80)})`;
}
