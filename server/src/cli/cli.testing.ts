// A terminal and surroundings for tests of commands, and a platform that must not be needed.
import { runCli } from "./run.ts";
import type { Platform } from "./platform.ts";

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command as a person would, without a terminal's comforts, and answers what was written. */
export async function cli(
  arguments_: readonly string[],
  options: {
    readonly loadPlatform?: () => Promise<Platform>;
    readonly variables?: Readonly<Record<string, string>>;
    readonly workingDirectory?: string;
    readonly signal?: AbortSignal;
    readonly onOut?: (text: string) => void;
    readonly onErr?: (text: string) => void;
  } = {},
): Promise<CliResult> {
  let out = "";
  let err = "";
  const code = await runCli({
    arguments: arguments_,
    terminal: {
      out: (text) => {
        out += text;
        options.onOut?.(text);
      },
      err: (text) => {
        err += text;
        options.onErr?.(text);
      },
      isInteractive: false,
      hasColour: false,
      columns: 100,
    },
    environment: {
      variables: options.variables ?? {},
      workingDirectory: options.workingDirectory ?? import.meta.dirname,
      now: () => performance.now(),
    },
    version: "1.2.3",
    loadPlatform: options.loadPlatform ?? unneeded,
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, out, err };
}

const unneeded = (): never => {
  throw new Error("This command was not expected to need the platform.");
};
