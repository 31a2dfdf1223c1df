// `slipway config`: the settings in effect, and where each came from.
import { nearest, textFromValue } from "#config";
import { SlipwayError } from "@slipway/core/base";
import type { Command } from "../command.ts";
import { noServerError } from "../session.ts";
import { table } from "../text.ts";

export const config: Command = {
  about:
    "Shows the settings in effect here and where each value came from: a flag, a variable, the file, or the default. `--server` asks the running server instead, which keeps the settings it was started with.",
  arguments: [{ name: "[keys...]", description: "Only these settings, or all below a group such as runtime" }],
  options: [
    { flags: "--server", description: "The running server's settings" },
    { flags: "--changed", description: "Only settings that are not at their default" },
  ],
  settings: "all",
  examples: [
    { line: "slipway config --changed", says: "what differs from the defaults, and why" },
    { line: "SLIPWAY_SERVER_PORT=9000 slipway config server.port", says: "whether a variable is understood" },
  ],
  reachesServe: true,
  run: async (context) => {
    const { file, keys } =
      context.options["server"] === true
        ? await serverConfig(context)
        : { file: context.configuration.file, keys: own(context) };
    const shown = keys
      .filter((entry) => isAsked(entry.key, context.arguments))
      .filter((entry) => context.options["changed"] !== true || entry.source !== "default");
    refuseUnknown(
      context.arguments,
      keys.map((entry) => entry.key),
    );
    context.answer({ file, keys: shown }, () => {
      if (shown.length === 0) return "Every setting is at its default.";
      const kinds = new Map(context.configuration.values.map(({ setting }) => [setting.key, setting.kind]));
      const rows = shown.map(({ key, value, source }) => {
        const kind = kinds.get(key);
        const text = kind === undefined ? JSON.stringify(value) : textFromValue(kind, value);
        return [key, text === "" ? "none" : text, source];
      });
      return table(["setting", "value", "from"], rows).join("\n");
    });
  },
};

type Keys = readonly {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
  readonly description: string;
}[];

function own(context: Parameters<Command["run"]>[0]): Keys {
  return context.configuration.values.map(({ setting, value, source }) => ({
    key: setting.key,
    value,
    source,
    description: setting.description,
  }));
}

async function serverConfig(context: Parameters<Command["run"]>[0]): Promise<{ file: string | null; keys: Keys }> {
  const session = await context.connect();
  if (session.kind === "server") return await session.client.getConfig();
  throw noServerError(context.configuration.settings.dataDir);
}

function isAsked(key: string, asked: readonly string[]): boolean {
  return asked.length === 0 || asked.some((name) => key === name || key.startsWith(`${name}.`));
}

function refuseUnknown(asked: readonly string[], known: readonly string[]): void {
  for (const name of asked) {
    if (known.some((key) => isAsked(key, [name]))) continue;
    const meant = nearest(name, known);
    const hint = meant === null ? "`slipway config` lists them all." : `Did you mean ${meant}?`;
    throw new SlipwayError("USAGE", `There is no setting "${name}". ${hint}`);
  }
}
