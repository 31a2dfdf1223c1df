// What is tuned or planned: the model a MODEL argument names, as files, and the settings it has now, which every candidate is
// compared with.
import { SlipwayError } from "@slipway/core/base";
import { describeSettings, type Settings } from "#config";
import type { Client, EndpointView, OperationOutput } from "slipway/client";
import { type CommandContext, textOption } from "../command.ts";
import { mergedSettings, type SettingsTree, settingsFromDeploymentFlags } from "../deployment-flags.ts";
import { type ModelSource, modelSource } from "../model-files.ts";
import { findModel, findVersion, modelReference } from "../model-reference.ts";
import type { Session } from "../session.ts";
import { writeStoredModel } from "../stored-model.ts";

export interface Subject {
  /** As it is called in a sentence: `digits@2`, `model.onnx`. */
  readonly title: string;
  readonly source: ModelSource;
  /** The settings it runs with now, or would run with. */
  readonly settings: Settings;
  /** Those of them that are its deployment's own, or were given as flags. */
  readonly own: SettingsTree;
  readonly origin: Origin;
}

/** Where the model came from, which says how settings for it are given. */
export type Origin =
  | { readonly kind: "file"; readonly given: string }
  | { readonly kind: "hash" }
  | {
      readonly kind: "version";
      readonly session: Session;
      readonly endpoint: string;
      readonly name: string;
      readonly number: number;
    };

/**
 * Finds the model and its present settings.
 * @param directory where a registered model's files are written
 * @throws SlipwayError USAGE, FILE_UNREADABLE, MODEL_NOT_FOUND, VERSION_NOT_FOUND
 */
export async function subjectFrom(context: CommandContext, directory: string): Promise<Subject> {
  const [given] = context.arguments;
  const { workingDirectory } = context.environment;
  const { settings } = context.configuration;
  const flags = settingsFromDeploymentFlags(context.settingFlags);
  const reference = modelReference(given!);
  const endpointName = textOption(context.options, "endpoint");
  if (reference.kind !== "version" && (endpointName !== undefined || context.options["apply"] === true)) {
    throw new SlipwayError("USAGE", "--apply and --endpoint go with a registered model, by NAME or NAME@VERSION.");
  }
  if (reference.kind === "path") {
    const source = modelSource(workingDirectory, reference.path, undefined);
    return { title: given!, source, settings, own: flags, origin: { kind: "file", given: given! } };
  }
  const session = await context.connect();
  if (reference.kind === "hash") {
    const source = await writeStoredModel(context, await findModel(session.client, reference), null, directory);
    return { title: given!.slice(0, 12), source, settings, own: flags, origin: { kind: "hash" } };
  }
  const endpoint = endpointName ?? reference.name;
  const live = await liveOf(session.client, endpoint);
  const isByEndpoint = reference.number === null && endpointName === undefined && live !== null;
  const version = await findVersion(session.client, isByEndpoint ? live : reference, workingDirectory);
  const own = mergedSettings((live?.settings ?? {}) as SettingsTree, flags);
  const base = session.kind === "server" ? settingsOf(await session.client.getConfig(), settings) : settings;
  return {
    title: `${version.name}@${version.number}`,
    source: await writeStoredModel(context, version.model, version.processing, directory),
    settings: withOwn(base, own),
    own,
    origin: { kind: "version", session, endpoint, name: version.name, number: version.number },
  };
}

async function liveOf(client: Client, endpoint: string): Promise<EndpointView["live"]> {
  return (await client.listEndpoints()).find(({ name }) => name === endpoint)?.live ?? null;
}

/** A server's settings; those it does not have are as here. */
function settingsOf({ keys }: OperationOutput<"getConfig">, here: Settings): Settings {
  const values = new Map(keys.map(({ key, value }) => [key, value]));
  const groups: Record<string, Record<string, unknown>> = {};
  for (const { key, path } of describeSettings()) {
    const [group, name] = path;
    if (name === undefined || group === "log" || !values.has(key)) continue;
    (groups[group!] ??= {})[name] = values.get(key);
  }
  return withOwn(here, groups);
}

function withOwn(settings: Settings, own: SettingsTree): Settings {
  const groups = Object.entries(own).map(([group, values]) => [
    group,
    { ...(settings[group as keyof Settings] as object), ...values },
  ]);
  return { ...settings, ...Object.fromEntries(groups) } as Settings;
}
