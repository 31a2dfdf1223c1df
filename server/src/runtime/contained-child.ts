// Starts a contained process: behind the tools that narrow it, in an empty directory of its own.
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childScript } from "./child-script.ts";
import { type Containment, type ContainmentNeeds, containmentOf, endFirstWithoutMemory } from "./containment.ts";

export interface ContainedOptions {
  readonly containment: Containment;
  /** Where its empty directory is made. */
  readonly scratchDirectory: string;
  /** Its whole environment; usually empty. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
  /** Whether it may make files in its directory, as far as the containment lets it write at all. */
  readonly makesFiles?: boolean;
}

export interface ContainedChild {
  readonly child: ChildProcess;
  /** Its directory, to be removed when it is gone: one that watches its parent needs the name for a while. */
  readonly directory: string;
}

/** Starts Node on `args`. Where that fails, nothing is left. */
export function startContained(args: readonly string[], options: ContainedOptions): ContainedChild {
  const { containment, scratchDirectory } = options;
  const directory = mkdtempSync(join(scratchDirectory, "slipway-runner-"));
  const start = containment.endsWithParent && options.makesFiles !== true ? startInNameless : startIn;
  try {
    const child = start(directory, args, options);
    endFirstWithoutMemory(child.pid);
    return { child, directory };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * As `startIn`, in a directory whose name is taken away first: no file can be made in it, and nothing is left behind
 * should this process be killed, which may well happen in the milliseconds that starting a child takes.
 */
function startInNameless(directory: string, args: readonly string[], options: ContainedOptions): ChildProcess {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    rmdirSync(directory);
    return startIn(`/proc/self/fd/${descriptor}`, args, options);
  } finally {
    closeSync(descriptor);
  }
}

function startIn(directory: string, args: readonly string[], options: ContainedOptions): ChildProcess {
  const { containment, environment, stdio } = options;
  const [program, ...all] = [...containment.command, process.execPath, ...args];
  return spawn(program!, all, { cwd: directory, env: { ...environment }, stdio, windowsHide: true });
}

export interface ContainedScript extends ContainmentNeeds {
  /** The `import.meta.url` of a file beside the script, and the script's name without its ending. */
  readonly beside: string;
  readonly name: string;
  readonly args?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts one of our scripts, with streams for its standard input and output; its directory goes when it does.
 * @throws Error when there can be no directory or process
 */
export async function startContainedScript(script: ContainedScript): Promise<ChildProcess> {
  const { child, directory } = startContained([...childScript(script.beside, script.name), ...(script.args ?? [])], {
    containment: await containmentOf(script),
    scratchDirectory: tmpdir(),
    environment: script.environment,
    stdio: ["pipe", "pipe", "ignore"],
    makesFiles: (script.writableBytes ?? 0) > 0,
  });
  child.on("close", () => rmSync(directory, { recursive: true, force: true }));
  return child;
}
