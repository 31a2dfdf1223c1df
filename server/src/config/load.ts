// The effective configuration: flags over environment over file over defaults, with the source of each value. Everything
// it reads is an argument, so precedence and refusals are tested without touching this process's surroundings.
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { readConfigFile } from "./file.ts";
import { describeSettings, type SettingKey } from "./keys.ts";
import { Settings } from "./settings.ts";
import { suggestion } from "./suggest.ts";
import { type Reading, valueFromData, valueFromText } from "./values.ts";

export interface ConfigSources {
  /** What was given on the command line, by the flag with its dashes: `--port` → `"8000"`. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly path: string; readonly text: string } | null;
}

export interface EffectiveValue {
  readonly setting: SettingKey;
  readonly value: unknown;
  /** `flag --port`, `environment SLIPWAY_SERVER_PORT`, `slipway.yaml line 3` or `default`. */
  readonly source: string;
}

export interface Configuration {
  readonly settings: Settings;
  /** The file that was read. */
  readonly file: string | null;
  readonly values: readonly EffectiveValue[];
}

/** Variables with our prefix that are not settings. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(["SLIPWAY_CONFIG"]);
/** What Kubernetes puts into every container for a service named "slipway…"; it was not meant for us. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/**
 * Puts the configuration together.
 * @throws SlipwayError CONFIG_INVALID naming every unknown key and wrong value with its source and what is expected;
 * a wrong value is refused even where another source overrides it
 */
export function loadConfiguration(sources: ConfigSources): Configuration {
  const problems: string[] = [];
  const found = new Map<string, EffectiveValue>();
  // Later ones win, so the weakest source comes first.
  for (const setting of describeSettings())
    found.set(setting.key, { setting, value: setting.defaultValue, source: "default" });
  const take = (setting: SettingKey, reading: Reading, seen: unknown, source: string) => {
    if (reading.ok) found.set(setting.key, { setting, value: reading.value, source });
    else problems.push(`${setting.key} is ${shown(seen)} (${source}); it must be ${reading.expected}.`);
  };

  if (sources.file) {
    const { entries, problems: wrong } = readConfigFile(sources.file);
    problems.push(...wrong);
    const directory = path.dirname(sources.file.path);
    for (const { setting, data, source } of entries) {
      const reading = valueFromData(setting, data);
      const isPath = reading.ok && setting.kind.type === "path" && typeof reading.value === "string";
      take(setting, isPath ? { ok: true, value: path.resolve(directory, reading.value) } : reading, data, source);
    }
  }
  const variables = new Map(describeSettings().map((setting) => [setting.environment, setting]));
  for (const [name, text] of Object.entries(sources.environment ?? {})) {
    if (!name.startsWith("SLIPWAY_") || text === undefined || OTHER_VARIABLES.has(name)) continue;
    if (SERVICE_LINK.test(name) || SERVICE_ADDRESS.test(text)) continue;
    const setting = variables.get(name);
    if (setting) take(setting, valueFromText(setting, text), text, `environment ${name}`);
    else problems.push(`The environment variable ${name} is no setting${suggestion(name, [...variables.keys()])}`);
  }
  const flags = new Map(describeSettings().map((setting) => [setting.flag, setting]));
  for (const [flag, text] of Object.entries(sources.flags ?? {})) {
    const setting = flags.get(flag);
    if (setting) take(setting, valueFromText(setting, text), text, `flag ${flag}`);
    else problems.push(`The flag ${flag} is no setting${suggestion(flag, [...flags.keys()])}`);
  }
  refuse(problems);
  const values = [...found.values()];
  return { settings: settingsFrom(values), file: sources.file?.path ?? null, values };
}

/**
 * Only the settings that these flags name, as a deployment's own: `{ runtime: { instances: 2 } }`.
 * @throws SlipwayError CONFIG_INVALID
 */
export function settingsFromFlags(flags: Readonly<Record<string, string>>): Record<string, unknown> {
  const { values } = loadConfiguration({ flags });
  return treeFrom(values.filter(({ source }) => source !== "default"));
}

function settingsFrom(values: readonly EffectiveValue[]): Settings {
  return Settings.parse(treeFrom(values));
}

function treeFrom(values: readonly EffectiveValue[]): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const { setting, value } of values) {
    let node = tree;
    for (const name of setting.path.slice(0, -1)) node = (node[name] ??= {}) as Record<string, unknown>;
    node[setting.path.at(-1)!] = value;
  }
  return tree;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new SlipwayError("CONFIG_INVALID", problems.join("\n"));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
