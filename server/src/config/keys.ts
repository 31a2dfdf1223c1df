// The settings as a flat list, made by walking the schema: where each is set (file key, environment variable, flag) and
// what it takes. Loading, the CLI's flags and help, `slipway config` and docs/configuration.md all read this list.
import { assert } from "@slipway/core/base";
import type { z } from "zod";
import { Settings } from "./settings.ts";

/** What a setting takes. */
export type ValueKind =
  | { readonly type: "integer"; readonly min: number; readonly max: number; readonly unit: "bytes" | "ms" | null }
  | { readonly type: "boolean" }
  | { readonly type: "text" }
  | { readonly type: "path" }
  | { readonly type: "choice"; readonly options: readonly string[] }
  | { readonly type: "list" }
  | { readonly type: "map"; readonly holds: "text" | "numbers" };

/** One setting. */
export interface SettingKey {
  /** As written in `slipway.yaml`, with dots between levels: `runtime.maxBatchRows`. */
  readonly key: string;
  readonly path: readonly string[];
  /** `SLIPWAY_RUNTIME_MAX_BATCH_ROWS` */
  readonly environment: string;
  /** `--runtime-max-batch-rows`; those of `server` go without the prefix: `--port`. */
  readonly flag: string;
  readonly kind: ValueKind;
  readonly isNullable: boolean;
  readonly defaultValue: unknown;
  readonly description: string;
  /** Checks one value of this setting alone. */
  readonly schema: z.ZodType;
}

/** Settings that name a file or directory; in a configuration file they are relative to that file. */
const PATHS: ReadonlySet<string> = new Set(["dataDir", "repository"]);

let known: readonly SettingKey[] | undefined;

/** Every setting, in the order of the schema. */
export function describeSettings(): readonly SettingKey[] {
  known ??= walk(Settings, []);
  return known;
}

function walk(object: z.ZodObject, path: readonly string[]): SettingKey[] {
  return Object.entries(object.shape).flatMap(([name, schema]) => {
    const here = [...path, name];
    const inner = unwrap(schema as z.ZodType);
    return inner.type.def.type === "object"
      ? walk(inner.type as z.ZodObject, here)
      : [settingFrom(here, schema as z.ZodType)];
  });
}

function settingFrom(path: readonly string[], schema: z.ZodType): SettingKey {
  const key = path.join(".");
  const { type, isNullable, defaultValue } = unwrap(schema);
  assert(schema.description !== undefined, `The setting ${key} has no description.`);
  const words = path.map(kebabFromCamel);
  return {
    key,
    path,
    environment: `SLIPWAY_${words.join("_").replaceAll("-", "_").toUpperCase()}`,
    flag: `--${(words[0] === "server" ? words.slice(1) : words).join("-")}`,
    kind: kindOf(key, type),
    isNullable,
    defaultValue,
    description: schema.description,
    schema,
  };
}

function kindOf(key: string, type: z.ZodType): ValueKind {
  const { type: name } = type.def;
  if (name === "number") {
    const { minValue, maxValue } = type as z.ZodNumber;
    assert(minValue !== null && maxValue !== null, `The setting ${key} has no range.`);
    return { type: "integer", min: minValue, max: maxValue, unit: unitOf(key) };
  }
  if (name === "boolean") return { type: "boolean" };
  if (name === "string") return { type: PATHS.has(key) ? "path" : "text" };
  if (name === "enum") return { type: "choice", options: (type as z.ZodEnum).options.map(String) };
  if (name === "array") return { type: "list" };
  assert(name === "record", `The setting ${key} has a schema that has no text form: ${name}.`);
  return {
    type: "map",
    holds: (type as z.ZodRecord<z.ZodString, z.ZodType>).valueType.def.type === "number" ? "numbers" : "text",
  };
}

function unitOf(key: string): "bytes" | "ms" | null {
  if (key.endsWith("Bytes")) return "bytes";
  return key.endsWith("Ms") ? "ms" : null;
}

/** Takes off defaults and nullability. */
function unwrap(schema: z.ZodType): { type: z.ZodType; isNullable: boolean; defaultValue: unknown } {
  let type = schema;
  let isNullable = false;
  let defaultValue: unknown;
  for (;;) {
    const definition = type.def as { type: string; innerType?: z.ZodType; defaultValue?: unknown };
    if (definition.innerType === undefined) return { type, isNullable, defaultValue };
    if (definition.type === "default" || definition.type === "prefault") defaultValue ??= definition.defaultValue;
    if (definition.type === "nullable") isNullable = true;
    type = definition.innerType;
  }
}

function kebabFromCamel(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
