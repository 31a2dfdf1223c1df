// What was found, put into effect: deployed where that is asked for, or as the command lines that do it.
import { shellQuoted } from "@slipway/core/base";
import { flagsText, mergedSettings, type SettingsTree } from "../deployment-flags.ts";
import type { Subject } from "../stand/subject.ts";

/** Settings a server is started with; the others are a deployment's. */
const OF_SERVER: ReadonlySet<string> = new Set(["server"]);

/**
 * Deploys the version with its own settings and the changes among them that a deployment has.
 * @param reason for the record
 * @returns the changes that are left, because the server is started with them
 * @throws SlipwayError or ApiError as deploying does; what was live stays
 */
export async function applyToDeployment(
  { origin, own }: Pick<Subject, "origin" | "own">,
  changes: SettingsTree,
  reason: string,
): Promise<SettingsTree> {
  const { ofDeployment, ofServer } = split(changes);
  if (origin.kind !== "version" || Object.keys(ofDeployment).length === 0) return changes;
  const { session, endpoint, name, number } = origin;
  const settings = split(mergedSettings(own, ofDeployment)).ofDeployment;
  await session.client.deploy({ params: { endpoint }, body: { name, number, settings, reason } });
  return ofServer;
}

/**
 * The command lines that put changes into effect, with the settings the model has of its own.
 * @param slipway how the command is called
 */
export function commandsFor(
  { origin, own }: Pick<Subject, "origin" | "own">,
  changes: SettingsTree,
  slipway: string,
): readonly string[] {
  const all = mergedSettings(own, changes);
  if (Object.keys(changes).length === 0) return [];
  if (origin.kind === "file") return [`${slipway} serve ${shellQuoted(origin.given)} ${flagsText(all)}`];
  const { ofDeployment, ofServer } = split(changes);
  const lines: string[] = [];
  if (Object.keys(ofDeployment).length > 0)
    lines.push(`${slipway} deploy ${versionOf(origin)} ${flagsText(split(all).ofDeployment)}`);
  if (Object.keys(ofServer).length > 0) lines.push(`${slipway} start ${flagsText(ofServer)}`);
  return lines;
}

function versionOf(origin: Exclude<Subject["origin"], { kind: "file" }>): string {
  if (origin.kind === "hash") return "NAME@VERSION";
  const { endpoint, name, number } = origin;
  return `${name}@${number}${endpoint === name ? "" : ` --endpoint ${endpoint}`}`;
}

function split(settings: SettingsTree): { readonly ofDeployment: SettingsTree; readonly ofServer: SettingsTree } {
  const entries = Object.entries(settings);
  return {
    ofDeployment: Object.fromEntries(entries.filter(([group]) => !OF_SERVER.has(group))),
    ofServer: Object.fromEntries(entries.filter(([group]) => OF_SERVER.has(group))),
  };
}
