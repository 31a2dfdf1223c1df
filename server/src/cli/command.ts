// What a command is: data that says how it is called, and one function. Commander parses and prints help from it; the
// function sees only what it needs, so tests run it like a person would.
import { SlipwayError } from "@slipway/core/base";
import type { Configuration } from "#config";
import type { Platform } from "./platform.ts";
import type { FoundServer, Session } from "./session.ts";
import type { Progress, Terminal } from "./terminal.ts";

export interface OptionFact {
  /** As commander reads it: `-n, --name <name>`. */
  readonly flags: string;
  readonly description: string;
  /** Values it takes, where these are few. */
  readonly choices?: readonly string[];
  /** It may be given more than once; its values come as a list. */
  readonly isList?: boolean;
}

export interface Example {
  readonly line: string;
  readonly says: string;
}

export interface Command {
  /** As commander reads it: `<file>`, `[more...]`. */
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionFact[];
  /** Settings whose flags this command takes beyond the common ones: all of them, or a deployment's. */
  readonly settings?: "all" | "deployment";
  /** What it does, in a few sentences, for its help. */
  readonly about: string;
  readonly examples: readonly Example[];
  /** It is about what runs, not what is kept: without --data-dir it also speaks to the server of `slipway serve`. */
  readonly reachesServe?: boolean;
  /** It ends by itself, in good order, when `signal` is aborted; other commands are simply left. */
  readonly handlesInterrupt?: boolean;
  /**
   * Does it, and writes the answer.
   * @throws SlipwayError or ApiError, which become the message and the exit code
   */
  readonly run: (context: CommandContext) => Promise<void>;
}

/** What a command works with. */
export interface CommandContext {
  /** Arguments in order, those of a list flattened. */
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
  /** Whether the answer is wanted as JSON. */
  readonly isJson: boolean;
  readonly configuration: Configuration;
  /** Flags of settings that were given, with their dashes. */
  readonly settingFlags: Readonly<Record<string, string>>;
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly environment: Environment;
  /** The platform, loaded when first asked for. */
  platform(): Promise<Platform>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** The server this command speaks to, if one runs now. */
  findServer(): Promise<FoundServer | null>;
  /** That server, or the data directory itself where none runs; closed when the command ends. */
  connect(): Promise<Session>;
  /** Writes the answer: `value` where JSON is wanted, else the text. */
  answer(value: unknown, text: () => string): void;
}

/** Options by their names in camel case, as commander answers them. */
export type CommandOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What surrounds the command; an argument so that tests can choose it. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Monotonic milliseconds with fractions. */
  readonly now: () => number;
}

/** An option's text, or undefined where it was not given. */
export function textOption(options: CommandOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/**
 * An option that has to be given.
 * @param usage how it is called, for the message
 * @throws SlipwayError USAGE
 */
export function requiredOption(options: CommandOptions, name: string, usage: string): string {
  const value = textOption(options, name);
  if (value === undefined) throw new SlipwayError("USAGE", `--${name} is missing: ${usage}`);
  return value;
}

/** An option's values, where it may be given more than once. */
export function listOption(options: CommandOptions, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value : [];
}
