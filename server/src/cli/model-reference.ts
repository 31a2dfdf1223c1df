// What a MODEL argument names: a file or directory, `name`, `name@version`, or a model's hash.
import { existsSync } from "node:fs";
import path from "node:path";
import { isName, SlipwayError } from "@slipway/core/base";
import { nearest } from "#config";
import type { Client, ModelView, VersionView } from "slipway/client";

export type ModelReference =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "version"; readonly name: string; readonly number: number | null }
  | { readonly kind: "hash"; readonly hash: string };

/**
 * Reads a MODEL argument. A text with a slash or ending in `.onnx` is a path, whether or not it exists.
 * @throws SlipwayError USAGE
 */
export function modelReference(text: string): ModelReference {
  if (/[/\\]/.test(text) || text.endsWith(".onnx") || text === "." || text === "..")
    return { kind: "path", path: text };
  if (/^[0-9a-f]{64}$/.test(text)) return { kind: "hash", hash: text };
  const [, name, number] = /^([^@]*)(?:@(.*))?$/.exec(text)!;
  if (!isName(name!) || (number !== undefined && !/^[1-9]\d{0,8}$/.test(number))) {
    throw new SlipwayError(
      "USAGE",
      `"${text}" names no model: give a path (with a slash, or ending in .onnx), NAME, NAME@VERSION or a hash.`,
    );
  }
  return { kind: "version", name: name!, number: number === undefined ? null : Number(number) };
}

/**
 * A name or `name@version`, where a path makes no sense.
 * @throws SlipwayError USAGE
 */
export function versionReference(text: string): { readonly name: string; readonly number: number | null } {
  const reference = modelReference(text);
  if (reference.kind === "version") return reference;
  throw new SlipwayError("USAGE", `"${text}" must be NAME or NAME@VERSION here.`);
}

/** Asks whether a path was meant, where a file or directory of that name lies in the directory; else nothing. */
export function pathHint(name: string, directory: string): string {
  return existsSync(path.join(directory, name)) ? ` Did you mean ./${name}?` : "";
}

/**
 * The version a reference names; the newest where it names no number.
 * @param directory where a path could have been meant as well, the directory it would start from
 * @throws SlipwayError VERSION_NOT_FOUND or MODEL_NOT_FOUND
 */
export async function findVersion(
  client: Client,
  reference: { readonly name: string; readonly number: number | null },
  directory?: string,
): Promise<VersionView> {
  const { name, number } = reference;
  if (number !== null) return await client.getVersion({ params: { name, number } });
  const [newest] = await client.listVersions({ query: { name } });
  if (newest !== undefined) return newest;
  const known = (await client.listVersions({ query: {} })).map((version) => version.name);
  const meant = nearest(name, known);
  const hint = directory === undefined ? "" : pathHint(name, directory);
  throw new SlipwayError(
    "MODEL_NOT_FOUND",
    `No version is named "${name}".${hint !== "" || meant === null ? hint : ` Did you mean ${meant}?`}`,
  );
}

/** The registered model a reference names; `directory` as of `findVersion`. */
export async function findModel(
  client: Client,
  reference: Exclude<ModelReference, { kind: "path" }>,
  directory?: string,
): Promise<ModelView> {
  if (reference.kind === "hash") return await client.getModel({ params: { hash: reference.hash } });
  return (await findVersion(client, reference, directory)).model;
}
