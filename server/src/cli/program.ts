// The command line as commander sees it: made from the table of commands and the settings, so that flags, help and
// documentation come from one place.
import { type CommanderError, Command as Program, Option } from "commander";
import { SlipwayError } from "@slipway/core/base";
import { describeSettings, nearest, type SettingKey } from "#config";
import type { Command, CommandOptions } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { columns, wrapped } from "./text.ts";

/** What was parsed of a command's arguments. */
export interface Call {
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
  readonly settingFlags: Readonly<Record<string, string>>;
  readonly isJson: boolean;
  readonly configFile: string | undefined;
}

/** Settings every command takes. */
const COMMON: ReadonlySet<string> = new Set(["dataDir", "server.port", "server.adminPort", "log.level"]);
/** Settings whose flags `start` and `serve` show; the others work too, and docs/configuration.md has them all. */
const SHOWN: ReadonlySet<string> = new Set(["server.host", "server.insecurePublic", "repository"]);
/** Those a deployment shows. */
const SHOWN_FOR_DEPLOYMENT: ReadonlySet<string> = new Set([
  "runtime.instances",
  "runtime.intraOpThreads",
  "runtime.maxBatchRows",
  "runtime.runTimeoutMs",
  "runtime.memoryLimitBytes",
]);

const GROUPS = { own: "Options:", settings: "Settings:", common: "Options of every command:" } as const;

/** `slipway --help`. */
export function helpText(version: string): string {
  const lines = [
    `Slipway ${version}: takes a trained neural network to production.`,
    "",
    "Usage: slipway COMMAND [arguments] [options]",
  ];
  for (const group of new Set(COMMANDS.map((command) => command.group))) {
    const rows = COMMANDS.filter((command) => command.group === group);
    lines.push("", `${group}:`, ...columns(rows.map(({ name, summary }) => [`  ${name.padEnd(10)}`, summary])));
  }
  lines.push(
    "",
    "`slipway COMMAND --help` shows a command's options with examples; every command takes --json.",
    "Settings come from flags, SLIPWAY_* variables or slipway.yaml: see `slipway config`.",
    "",
    "  $ slipway start                               the platform, with its digits example",
    "  $ slipway serve model.onnx                    one file, at once",
    "  $ slipway deploy model.onnx --name NAME       import, check and put behind an endpoint",
  );
  return `${lines.join("\n")}\n`;
}

/** The help of one command, `width` characters wide. */
export function commandHelpText(name: string, command: Command, width: number): string {
  const examples = command.examples.map(({ line, says }) => `  $ ${line}\n      ${says}`);
  return `${programFrom(name, command, width).helpInformation()}\nExamples:\n${examples.join("\n")}\n`;
}

/**
 * Reads a command's arguments. Answers its help where that is asked for.
 * @throws SlipwayError USAGE with what was probably meant
 */
export function parseCall(
  name: string,
  command: Command,
  arguments_: readonly string[],
  width: number,
): Call | { readonly help: string } {
  const program = programFrom(name, command, width);
  try {
    program.parse(arguments_, { from: "user" });
  } catch (error) {
    const { code, message } = error as CommanderError;
    if (code === "commander.helpDisplayed") return { help: commandHelpText(name, command, width) };
    throw new SlipwayError("USAGE", usageMessage(name, program, message));
  }
  const options = program.opts<Record<string, string | boolean | string[]>>();
  const settingFlags: Record<string, string> = {};
  for (const setting of settingsOf(command)) {
    const value = options[attributeOf(setting)];
    if (value !== undefined) settingFlags[setting.flag] = String(value);
  }
  return {
    arguments: program.args,
    options,
    settingFlags,
    isJson: options["json"] === true,
    configFile: typeof options["config"] === "string" ? options["config"] : undefined,
  };
}

/** The error for a first argument that is no command. */
export function unknownCommand(name: string): SlipwayError {
  const meant = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const hint = meant === null ? "`slipway --help` lists the commands." : `Did you mean \`slipway ${meant}\`?`;
  return new SlipwayError("USAGE", `There is no command "${name}". ${hint}`);
}

function programFrom(name: string, command: Command, width: number): Program {
  const program = new Program(`slipway ${name}`)
    .description(wrapped(command.about, Math.min(width, 100)).join("\n"))
    .addHelpOption(new Option("-h, --help", "Show this help").helpGroup(GROUPS.common))
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureHelp({ helpWidth: width, showGlobalOptions: false })
    .configureOutput({ writeOut: () => {}, writeErr: () => {} });
  for (const argument of command.arguments) program.argument(argument.name, argument.description);
  for (const fact of command.options) {
    const option = new Option(fact.flags, fact.description).helpGroup(GROUPS.own);
    if (fact.choices) option.choices([...fact.choices]);
    if (fact.isList === true)
      option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    program.addOption(option);
  }
  // Groups are listed in the order their first option was added.
  const settings = settingsOf(command).toSorted((a, b) => Number(COMMON.has(a.key)) - Number(COMMON.has(b.key)));
  for (const setting of settings) addSetting(program, setting, isShown(command, setting));
  program.addOption(
    new Option("--config <file>", "Configuration file instead of slipway.yaml here").helpGroup(GROUPS.common),
  );
  program.addOption(new Option("--json", "Answer in JSON").helpGroup(GROUPS.common));
  return program;
}

function settingsOf(command: Command): readonly SettingKey[] {
  return describeSettings().filter(({ key }) => {
    if (COMMON.has(key) || command.settings === "all") return true;
    return command.settings === "deployment" && (key.startsWith("runtime.") || key.startsWith("queue."));
  });
}

function isShown(command: Command, { key }: SettingKey): boolean {
  return COMMON.has(key) || (command.settings === "all" ? SHOWN : SHOWN_FOR_DEPLOYMENT).has(key);
}

function addSetting(program: Program, setting: SettingKey, isVisible: boolean): void {
  const group = COMMON.has(setting.key) ? GROUPS.common : GROUPS.settings;
  const isBoolean = setting.kind.type === "boolean";
  const flags = isBoolean
    ? [setting.flag, setting.flag.replace("--", "--no-")]
    : [`${setting.flag} ${placeholder(setting)}`];
  for (const [index, text] of flags.entries()) {
    const option = new Option(text, setting.description).helpGroup(group).hideHelp(!isVisible || index > 0);
    program.addOption(option);
    // Without this, `--no-x` alone would make `x` true by default, and every command would seem to set it.
    program.setOptionValueWithSource(option.attributeName(), undefined, "default");
  }
}

function placeholder({ kind }: SettingKey): string {
  if (kind.type === "path") return "<directory>";
  if (kind.type === "choice") return "<name>";
  if (kind.type === "integer") return kind.unit === "bytes" ? "<size>" : kind.unit === "ms" ? "<duration>" : "<number>";
  return "<value>";
}

function attributeOf(setting: SettingKey): string {
  return new Option(setting.flag).attributeName();
}

/** Commander's message as ours, with what was probably meant. */
function usageMessage(name: string, program: Program, message: string): string {
  const text = message.replace(/^error: /, "").replace(/\.$/, "");
  const sentence = `${text[0]!.toUpperCase()}${text.slice(1)}.`;
  const unknown = /unknown option '(--[^'=]*)/.exec(text)?.[1];
  const meant =
    unknown === undefined
      ? null
      : nearest(
          unknown,
          program.options.map((option) => option.long ?? "").filter((long) => !long.startsWith("--no-")),
        );
  const hint = meant === null ? "" : ` Did you mean ${meant}?`;
  return `${sentence.replaceAll("'", '"')}${hint} See \`slipway ${name} --help\`.`;
}
