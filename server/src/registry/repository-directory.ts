// A directory of models as Triton and TensorFlow Serving lay it out, `NAME/VERSION/model.onnx`, listed into what can be
// imported. It belongs to the user: nothing in it is changed, and nothing outside it is reached through it.
import type { Dirent } from "node:fs";
import { lstat, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { isName, LIMITS, SlipwayError } from "@slipway/core/base";
import { systemCode } from "#store";

const MODEL = "model.onnx";

/** A model that can be imported as `name@number`. */
export interface RepositoryEntry {
  readonly name: string;
  readonly number: number;
  /** The ONNX file; its external data lies beside it. */
  readonly file: string;
}

/** Something in the directory that is not served, and why. */
export interface RepositoryNote {
  /** error: meant to be a model; info: no part of one here. */
  readonly severity: "error" | "info";
  /** Relative to the directory. */
  readonly path: string;
  readonly text: string;
}

export interface RepositoryListing {
  /** By name, then number. */
  readonly entries: readonly RepositoryEntry[];
  readonly notes: readonly RepositoryNote[];
}

/**
 * Lists a repository directory. What is wrong with one entry is a note; it does not keep the others from being served.
 * @throws SlipwayError FILE_UNREADABLE where the directory itself can't be listed
 */
export async function listRepository(directory: string): Promise<RepositoryListing> {
  let root: string;
  let names: readonly Dirent[];
  try {
    root = await realpath(directory);
    names = await entriesOf(root);
  } catch (error) {
    const code = systemCode(error);
    const why = code === "ENOENT" ? "does not exist" : `can't be listed (${code ?? String(error)})`;
    throw new SlipwayError("FILE_UNREADABLE", `The repository directory "${directory}" ${why}.`, { cause: error });
  }
  const entries: RepositoryEntry[] = [];
  const notes: RepositoryNote[] = [];
  for (const name of names) {
    if (name.name.startsWith(".")) continue; // .git, .DS_Store, …
    const problem = nameProblem(name);
    if (problem !== null) notes.push({ ...problem, path: name.name });
    else await listName(root, name.name, entries, notes);
  }
  return { entries, notes };
}

function nameProblem(entry: Dirent): Omit<RepositoryNote, "path"> | null {
  if (entry.isSymbolicLink())
    return { severity: "error", text: "is a symbolic link; put the model's folder itself here" };
  if (!entry.isDirectory()) return { severity: "info", text: "is no folder of a model, and is ignored" };
  if (!isName(entry.name))
    return {
      severity: "error",
      text: `can't be a model's name; use letters, digits, ".", "_" and "-", at most ${LIMITS.nameLength}, starting with a letter or digit`,
    };
  return null;
}

/** Adds the versions of one model. */
async function listName(
  root: string,
  name: string,
  entries: RepositoryEntry[],
  notes: RepositoryNote[],
): Promise<void> {
  const note = (severity: RepositoryNote["severity"], text: string, ...parts: string[]) =>
    notes.push({ severity, path: [name, ...parts].join("/"), text });
  let versions: readonly Dirent[];
  try {
    versions = await entriesOf(path.join(root, name));
  } catch (error) {
    note("error", `can't be listed (${systemCode(error) ?? String(error)})`);
    return;
  }
  const found: RepositoryEntry[] = [];
  let hasVersion = false;
  for (const version of versions) {
    if (version.name.startsWith(".")) continue;
    if (version.isSymbolicLink())
      note("error", "is a symbolic link; put the version's folder itself here", version.name);
    else if (version.isFile()) note("info", fileText(version.name), version.name);
    else if (!version.isDirectory()) note("error", "is neither a file nor a folder", version.name);
    // Triton ignores folders that are no number or start with a zero.
    else if (!/^[1-9]\d{0,8}$/.test(version.name))
      note("info", "is no version number (1, 2, 3, …), and is ignored", version.name);
    else {
      hasVersion = true;
      const answer = await findModelFile(path.join(root, name, version.name));
      if (typeof answer === "string") note("error", answer, version.name);
      else found.push({ name, number: Number(version.name), file: answer.file });
    }
  }
  if (!hasVersion) note("error", `has no version; put the model at ${name}/1/${MODEL}`);
  entries.push(...found.sort((a, b) => a.number - b.number));
}

function fileText(name: string): string {
  if (name === "config.pbtxt")
    return "is Triton's configuration, and is ignored: signature and batching come from the model; set the rest per deployment";
  return "is no version of the model, and is ignored";
}

/** The ONNX file of a version, or why there is none. Triton allows a folder `model.onnx` with the file inside it. */
async function findModelFile(folder: string): Promise<{ readonly file: string } | string> {
  let file = path.join(folder, MODEL);
  try {
    if ((await lstat(file)).isDirectory()) file = path.join(file, MODEL);
    const stat = await lstat(file);
    if (stat.isSymbolicLink()) return `has a symbolic link for ${MODEL}; put the file itself here`;
    if (!stat.isFile()) return `has a ${MODEL} that is not a regular file`;
    return { file };
  } catch (error) {
    const code = systemCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? `has no ${MODEL}` : `can't be read (${code ?? String(error)})`;
  }
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
