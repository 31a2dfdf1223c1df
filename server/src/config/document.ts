// The settings as a table of docs/configuration.md. A test holds the document against it.
import { describeSettings, type SettingKey } from "./keys.ts";
import { expectation, textFromValue } from "./values.ts";

const TITLES: Readonly<Record<string, string>> = {
  "": "Everything",
  server: "Listeners",
  runtime: "Running models",
  queue: "Waiting requests",
  log: "Logs",
};

/** Every setting with its names, default and meaning, in Markdown; one table per group. */
export function settingsDocument(): string {
  const groups = new Map<string, SettingKey[]>();
  for (const setting of describeSettings()) {
    const group = setting.path.slice(0, -1).join(".");
    groups.set(group, [...(groups.get(group) ?? []), setting]);
  }
  return [...groups].map(([group, settings]) => groupDocument(group, settings)).join("\n\n");
}

function groupDocument(group: string, settings: readonly SettingKey[]): string {
  const rows = settings.map((setting) => {
    const text = textFromValue(setting.kind, setting.defaultValue);
    return `| \`${setting.key}\` | ${text === "" ? "none" : `\`${text}\``} | ${setting.description}; ${expectation(setting)} | \`${setting.flag}\`<br>\`${setting.environment}\` |`;
  });
  const title = group === "" ? TITLES[group] : `${TITLES[group] ?? group}: \`${group}\``;
  return [
    `### ${title}`,
    "",
    "| key | default | what it does; what it takes | flag, variable |",
    "|---|---|---|---|",
    ...rows,
  ].join("\n");
}
