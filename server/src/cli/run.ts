// Runs one command: finds it, parses its arguments, puts the configuration together, and turns how it ended into text
// and an exit code.
import { readFileSync } from "node:fs";
import path from "node:path";
import { ERRORS, SlipwayError } from "@slipway/core/base";
import { CONFIG_FILE, type Configuration, loadConfiguration } from "#config";
import { ApiError } from "slipway/client";
import type { Command, CommandContext, Environment } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { EXITS, exitCodeFor, isErrorCode } from "./exit-codes.ts";
import { untilInterrupted } from "./interrupt.ts";
import type { Platform } from "./platform.ts";
import { type Call, helpText, parseCall, unknownCommand } from "./program.ts";
import { findServer, openSession, type Session } from "./session.ts";
import { Progress, styled, type Terminal } from "./terminal.ts";

export interface CliOptions {
  /** Without the program's own name: `["status", "--json"]`. */
  readonly arguments: readonly string[];
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly version: string;
  /** Loads the platform: only commands that need it pay for ONNX Runtime and SQLite. */
  readonly loadPlatform: () => Promise<Platform>;
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
}

/** Runs a command and answers the exit code; nothing is thrown. */
export async function runCli(options: CliOptions): Promise<number> {
  const { terminal, version } = options;
  const [name, ...rest] = options.arguments;
  const isJson = rest.includes("--json");
  try {
    if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
      terminal.out(helpText(version));
      return EXITS.ok.code;
    }
    if (name === "--version" || name === "-V") {
      terminal.out(`${version}\n`);
      return EXITS.ok.code;
    }
    const [commandName, arguments_] = name === "help" ? [rest[0]!, ["--help"]] : [name, rest];
    const entry = COMMANDS.find((candidate) => candidate.name === commandName);
    if (entry === undefined) throw unknownCommand(commandName);
    const command = await entry.load();
    const call = parseCall(commandName, command, arguments_, terminal.columns);
    if ("help" in call) terminal.out(call.help);
    else await runCommand(command, call, options);
    return EXITS.ok.code;
  } catch (error) {
    return reportError(error, terminal, isJson);
  }
}

async function runCommand(command: Command, call: Call, options: CliOptions): Promise<void> {
  const { terminal, environment, signal } = options;
  const configuration = configurationFor(call, environment);
  const progress = new Progress(terminal, { isQuiet: call.isJson });
  let session: Promise<Session> | undefined;
  let platform: Promise<Platform> | undefined;
  const loadPlatform = () => (platform ??= options.loadPlatform());
  const find = async () => await findServer(await loadPlatform(), configuration, command.reachesServe === true);
  const open = async () => await openSession(await loadPlatform(), configuration, await find());
  const context: CommandContext = {
    arguments: call.arguments,
    options: call.options,
    isJson: call.isJson,
    configuration,
    settingFlags: call.settingFlags,
    terminal,
    progress,
    environment,
    platform: loadPlatform,
    signal,
    findServer: find,
    connect: () => (session ??= open()),
    answer: (value, text) => terminal.out(call.isJson ? `${JSON.stringify(value, null, 2)}\n` : `${text()}\n`),
  };
  try {
    await (command.handlesInterrupt === true ? command.run(context) : untilInterrupted(command.run(context), signal));
  } finally {
    progress.end();
    // A session that could not be opened has told why already.
    await session?.then(
      (opened) => opened.close(),
      () => {},
    );
  }
}

/** The configuration from this call's flags, the environment and the file. */
function configurationFor(call: Call, environment: Environment): Configuration {
  const named = call.configFile ?? environment.variables["SLIPWAY_CONFIG"];
  const file = path.resolve(environment.workingDirectory, named ?? CONFIG_FILE);
  return loadConfiguration({
    flags: call.settingFlags,
    environment: environment.variables,
    file: readConfigFile(file, named !== undefined),
  });
}

function readConfigFile(file: string, isNamed: boolean): { path: string; text: string } | null {
  try {
    return { path: file, text: readFileSync(file, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !isNamed) return null;
    throw new SlipwayError("CONFIG_INVALID", `The configuration file ${file} can't be read (${code}).`, {
      cause: error,
    });
  }
}

/** Writes an error as people, or programs, read it, and answers the exit code. */
function reportError(error: unknown, terminal: Terminal, isJson: boolean): number {
  const { code, message, details } = factsOf(error);
  const remedy = isErrorCode(code) ? ERRORS[code].remedy : null;
  if (isJson) terminal.err(`${JSON.stringify({ error: message, code, remedy, details })}\n`);
  else {
    terminal.err(`slipway: ${styled(terminal, "red", code)} ${message}\n`);
    const isSaid = remedy === null || message.endsWith(remedy) || code === "USAGE" || code === "INTERRUPTED";
    if (!isSaid) terminal.err(`  ${remedy}\n`);
    if (code === "INTERNAL" && error instanceof Error) terminal.err(`${error.stack ?? ""}\n`);
  }
  return exitCodeFor(code);
}

function factsOf(error: unknown): { code: string; message: string; details: Readonly<Record<string, unknown>> } {
  if (error instanceof SlipwayError || error instanceof ApiError)
    return { code: error.code, message: error.message, details: error.details ?? {} };
  if (error instanceof Error && error.name === "AbortError")
    return { code: "INTERRUPTED", message: "Stopped.", details: {} };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", message, details: {} };
}
