// What confines a runner process here. Linux offers a lot through three small tools that run a program after narrowing
// what it may do; each is tried once, and what is not to be had is said.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

/** How to start a contained program, and what that confines. */
export interface Containment {
  /** Put before the program and its arguments; each narrows one thing, then becomes the next. */
  readonly command: readonly string[];
  /** Whether the kernel ends the runner when its server dies. */
  readonly endsWithParent: boolean;
  /** For people, what is in force and what is not. */
  readonly text: readonly string[];
}

/** What the ceiling on private memory allows beyond the memory limit: reserved pages that were never touched count too. */
const RESERVED_BYTES = 2 ** 30;
const TOOL_DIRECTORIES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
const PROBE_TIMEOUT_MS = 5_000;

interface Tools {
  readonly network: readonly string[] | null;
  readonly parentDeath: readonly string[] | null;
  readonly limits: string | null;
}

let probed: Promise<Tools> | undefined;

/** Finds out what confines runners on this machine; tools are tried the first time only. */
export async function containmentOf(memoryLimitBytes: number): Promise<Containment> {
  probed ??= probe();
  const { network, parentDeath, limits } = await probed;
  const command: string[] = [];
  const text = ["own process, killed at its limits", "empty working directory without a name", "empty environment"];
  if (network !== null) {
    command.push(...network);
    text.push("own network namespace, without any network");
  } else text.push("no network namespace: unshare is missing or not permitted here");
  if (parentDeath !== null) {
    command.push(...parentDeath);
    text.push("killed by the kernel when the server dies");
  } else text.push("watches for the server's death itself: setpriv is missing here");
  const ceiling = `${(memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`;
  if (limits !== null) {
    command.push(limits, "--core=0", `--data=${memoryLimitBytes + RESERVED_BYTES}`, "--");
    text.push(`memory ceiling ${ceiling} (RLIMIT_DATA, and resident memory is watched)`, "no core dumps");
  } else text.push(`memory ceiling ${ceiling} (resident memory is watched; prlimit is missing here)`);
  return { command, endsWithParent: parentDeath !== null, text };
}

async function probe(): Promise<Tools> {
  if (process.platform !== "linux") return { network: null, parentDeath: null, limits: null };
  const unshare = find("unshare");
  const setpriv = find("setpriv");
  const prlimit = find("prlimit");
  // Without root, a user namespace is what permits a network namespace. With root it would only take away file access.
  const isRoot = process.geteuid?.() === 0;
  const namespaces = isRoot ? [["--net"], ["--user", "--net"]] : [["--user", "--net"]];
  let network: readonly string[] | null = null;
  for (const flags of unshare === null ? [] : namespaces) {
    if (network === null && (await works([unshare!, ...flags, "--"]))) network = [unshare!, ...flags, "--"];
  }
  const death = setpriv === null ? null : [setpriv, "--pdeathsig", "KILL", "--"];
  return {
    network,
    parentDeath: death !== null && (await works(death)) ? death : null,
    limits: prlimit !== null && (await works([prlimit, "--core=0", `--data=${2 ** 40}`, "--"])) ? prlimit : null,
  };
}

function find(tool: string): string | null {
  for (const directory of TOOL_DIRECTORIES) {
    const path = `${directory}/${tool}`;
    if (existsSync(path)) return path;
  }
  return null;
}

/** Whether a program starts behind `command`. */
async function works(command: readonly string[]): Promise<boolean> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program!, [...args, process.execPath, "--version"], {
      stdio: "ignore",
      env: {},
      timeout: PROBE_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}
