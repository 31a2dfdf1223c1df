// A deployment's own settings, from the flags they are given with and back to them.
import { shellQuoted } from "@slipway/core/base";
import { describeSettings, settingsFromFlags, textFromValue } from "#config";

/** Settings by group and name: `{ runtime: { instances: 2 } }`. */
export type SettingsTree = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The flags under `runtime` and `queue`; the others configure the command they are given to. */
export function settingsFromDeploymentFlags(flags: Readonly<Record<string, string>>): SettingsTree {
  const own = Object.entries(flags).filter(([flag]) => /^--(runtime|queue)-/.test(flag));
  return settingsFromFlags(Object.fromEntries(own)) as SettingsTree;
}

/** What both set, the second winning. */
export function mergedSettings(first: SettingsTree, second: SettingsTree): SettingsTree {
  const groups = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...groups].map((group) => [group, { ...first[group], ...second[group] }]));
}

/** Settings as a shell takes them: `--runtime-instances 2 --no-runtime-inline`. */
export function flagsText(settings: SettingsTree): string {
  const parts: string[] = [];
  for (const { path, flag, kind } of describeSettings()) {
    const [group, name] = path;
    const value = name === undefined ? undefined : settings[group!]?.[name];
    if (value === undefined) continue;
    if (kind.type === "boolean") parts.push(value === true ? flag : flag.replace("--", "--no-"));
    else parts.push(`${flag} ${shellQuoted(textFromValue(kind, value))}`);
  }
  return parts.join(" ");
}

/** Settings as lines of `slipway.yaml`; for those whose values are numbers. */
export function yamlLines(settings: SettingsTree): string[] {
  return Object.entries(settings).flatMap(([group, values]) => [
    `${group}:`,
    ...Object.entries(values).map(([name, value]) => `  ${name}: ${String(value)}`),
  ]);
}
