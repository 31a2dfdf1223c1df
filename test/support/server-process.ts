// A server as users have it: `slipway start` in a process of its own, to be asked, signalled and killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { type Client, createClient } from "slipway/client";

const PROJECT = path.resolve(import.meta.dirname, "../..");

export interface ExitFacts {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly client: Client;
  readonly inferenceAddress: string;
  /** With the token in it. */
  readonly consoleAddress: string;
  readonly exited: Promise<ExitFacts>;
  /** All it wrote so far. */
  output(): string;
  /** Its runner processes; none on systems without /proc. */
  runners(): number[];
}

export class StartFailure extends Error {
  readonly exit: ExitFacts;
  readonly output: string;
  constructor(exit: ExitFacts, output: string) {
    super(`The server ended with ${JSON.stringify(exit)}: ${output}`);
    this.exit = exit;
    this.output = output;
  }
}

/** Starts a command of the CLI in a process of its own. */
export function spawnSlipway(
  arguments_: readonly string[],
  options: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): ChildProcess {
  const main = path.join(PROJECT, "server/src/main.ts");
  return spawn(
    process.execPath,
    ["--conditions=source", "--disable-warning=ExperimentalWarning", main, ...arguments_],
    {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd ?? path.parse(PROJECT).root,
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: path.join(PROJECT, "node_modules/.cache/slipway-tests"),
        ...options.environment,
      },
    },
  );
}

/**
 * Starts a server and answers when it is ready.
 * @throws StartFailure when it ends instead
 */
export async function startServerProcess(
  dataDirectory: string,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const ports = ["--port", "0", "--admin-port", "0"];
  const child = spawnSlipway(["start", "--empty", "--json", "--data-dir", dataDirectory, ...ports, ...flags], {
    environment,
  });
  let output = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => void (output += text));
  const exited = once(child, "exit").then(([code, signal]): ExitFacts => ({ code, signal }));
  const { promise: ready, resolve } = Promise.withResolvers<{ inferenceAddress: string; consoleAddress: string }>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    output += `${line}\n`;
    if (line.includes('"event":"ready"'))
      resolve(JSON.parse(line) as { inferenceAddress: string; consoleAddress: string });
  });
  const facts = await Promise.race([ready, exited]);
  if ("code" in facts) throw new StartFailure(facts, output);
  const { origin, searchParams } = new URL(facts.consoleAddress);
  return {
    child,
    pid: child.pid!,
    client: createClient({ address: origin, token: searchParams.get("token")! }),
    inferenceAddress: facts.inferenceAddress,
    consoleAddress: facts.consoleAddress,
    exited,
    output: () => output,
    runners: () => childrenOf(child.pid!),
  };
}

/** The processes whose parent is `pid`; none on systems without /proc. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number | null {
  try {
    // The name in parentheses may hold anything; the parent is the second field after it.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

/** Whether a process is there and not only waiting to be buried. */
export function isAlive(pid: number): boolean {
  try {
    if (process.platform !== "linux") return process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
