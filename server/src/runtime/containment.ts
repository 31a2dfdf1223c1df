// What confines a child process that handles what others made: models and images. Linux offers a lot through three small
// tools that run a program after narrowing what it may do; each is tried once, and what is not to be had is said.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { isOwnToRead } from "./own-files.ts";

/** How to start a contained program, and what that confines. */
export interface Containment {
  /** Put before the program and its arguments; each narrows one thing, then becomes the next. */
  readonly command: readonly string[];
  /** Whether the kernel ends the process when its server dies. */
  readonly endsWithParent: boolean;
  /** For people, what is in force and what is not. */
  readonly text: readonly string[];
}

export interface ContainmentNeeds {
  readonly memoryLimitBytes: number;
  /** Absolute paths of what it reads besides Slipway itself; they stay readable to it. "any": what a person names, such as a dataset. */
  readonly files: readonly string[] | "any";
  /** Most bytes of a file it may write, in its own directory; it writes none unless said. */
  readonly writableBytes?: number | undefined;
}

/** What the ceiling on private memory allows beyond the memory limit: reserved pages that were never touched count too. */
const RESERVED_BYTES = 2 ** 30;
const TOOL_DIRECTORIES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
const PROBE_TIMEOUT_MS = 5_000;
/** Descriptors a runner may hold; it needs about 25, and drivers of accelerators some dozens more. */
const MAX_DESCRIPTORS = 512;
/** Threads it may have beyond two for each core; Node has about ten of its own, a run as many as are configured. */
const MAX_THREADS = 1024;
/** Added to how readily the kernel ends a process when memory runs out: by half of the machine's memory. */
const OUT_OF_MEMORY_SCORE = 500;
/** What a contained process reads to start at all. */
const START_FILES = [process.execPath, fileURLToPath(import.meta.url)];
/** What root is left with where files it needs belong to others. */
const FILE_ACCESS = ",+dac_override,+dac_read_search";

/** One way to use a tool, and what it brings. */
interface Measure {
  readonly options: readonly string[];
  readonly text: readonly string[];
}

interface Step {
  readonly tool: "unshare" | "setpriv" | "prlimit";
  /** The narrowest first; the first that works here is used. */
  readonly measures: readonly Measure[];
  /** Said where none does. */
  readonly otherwise: string;
}

const NO_NETWORK = "own network namespace, without any network";
const NO_IPC = "own namespace of shared memory and message queues";
const DIES_TOO = "killed by the kernel when the server dies";
const NO_NEW_PRIVILEGES = "can gain no privileges";
const NO_CORE = "no core dumps";
const NO_WRITING = "writes to no file";
const NO_FILE_SIZE = "--fsize=0";
const FEW_DESCRIPTORS = `at most ${MAX_DESCRIPTORS} open files`;

/** The tools in the order they run in, since each takes away what the next would need more of. */
function steps(isRoot: boolean): readonly Step[] {
  const networks: Measure[] = [
    { options: ["--net", "--ipc"], text: [NO_NETWORK, NO_IPC] },
    { options: ["--net"], text: [NO_NETWORK] },
  ];
  // Without root, a user namespace is what permits the others. With root it would only take away file access.
  const inUserNamespace = networks.map(({ options, text }) => ({ options: ["--user", ...options], text }));
  const death: Measure = { options: ["--pdeathsig", "KILL"], text: [DIES_TOO] };
  const privileges: Measure = {
    options: [...death.options, "--no-new-privs"],
    text: [...death.text, NO_NEW_PRIVILEGES],
  };
  const capabilities: Measure = {
    options: [...privileges.options, "--inh-caps=-all", "--bounding-set=-all"],
    text: [...privileges.text, "none of root's capabilities"],
  };
  const limits: Measure = {
    options: ["--core=0", NO_FILE_SIZE, `--nofile=${MAX_DESCRIPTORS}`, "--memlock=0", "--msgqueue=0"],
    text: [NO_CORE, NO_WRITING, FEW_DESCRIPTORS],
  };
  return [
    {
      tool: "unshare",
      measures: isRoot ? [...networks, ...inUserNamespace] : inUserNamespace,
      otherwise: "no network namespace: unshare is missing or not permitted here",
    },
    {
      tool: "setpriv",
      measures: canDropCapabilities() ? [capabilities, privileges, death] : [privileges, death],
      otherwise: "watches for the server's death itself: setpriv is missing here",
    },
    {
      tool: "prlimit",
      measures: [limits, { options: ["--core=0"], text: [NO_CORE] }],
      otherwise: "no limits by the kernel: prlimit is missing or not permitted here",
    },
  ];
}

interface Chosen extends Measure {
  readonly tool: Step["tool"];
  readonly path: string;
}

interface Probed {
  readonly chosen: readonly Chosen[];
  /** What could not be applied. */
  readonly missing: readonly string[];
}

let probed: Promise<Probed> | undefined;

/** Finds out what confines child processes on this machine; tools are tried the first time only. */
export async function containmentOf({
  memoryLimitBytes,
  files,
  writableBytes = 0,
}: ContainmentNeeds): Promise<Containment> {
  probed ??= probe();
  const { chosen, missing } = await probed;
  const has = (tool: Step["tool"]): boolean => chosen.some((one) => one.tool === tool);
  const directory = writableBytes === 0 ? "empty working directory without a name" : "empty working directory";
  const text = ["own process, killed at its limits", directory, "empty environment"];
  const command: string[] = [];
  for (const { tool, path, options, text: brings } of chosen) {
    const writes = writableBytes > 0 && options.includes(NO_FILE_SIZE);
    text.push(
      ...brings.map((one) => (writes && one === NO_WRITING ? `writes at most ${writableBytes} bytes to a file` : one)),
    );
    command.push(path, ...options.map((one) => (writes && one === NO_FILE_SIZE ? `--fsize=${writableBytes}` : one)));
    if (
      tool === "setpriv" &&
      options.includes("--bounding-set=-all") &&
      (files === "any" || ![...START_FILES, ...files].every(isOwnToRead))
    ) {
      command.push(command.pop()! + FILE_ACCESS);
      const why = files === "any" ? "those it reads may belong to others" : "those it needs belong to another user";
      text.push(`but for root's access to all files: ${why}`);
    }
    if (tool === "prlimit") {
      command.push(`--data=${memoryLimitBytes + RESERVED_BYTES}`);
      const maxThreads = threadLimit(chosen);
      if (maxThreads !== null) {
        command.push(`--nproc=${maxThreads}`);
        text.push(`at most ${maxThreads} threads and processes`);
      }
    }
    command.push("--");
  }
  const ceiling = `memory ceiling ${(memoryLimitBytes / 2 ** 30).toFixed(1)} GiB`;
  text.push(`${ceiling} (${has("prlimit") ? "RLIMIT_DATA, and resident" : "resident"} memory is watched)`);
  if (process.platform === "linux") text.push("ended before the server where the machine runs out of memory");
  return { command, endsWithParent: has("setpriv"), text: [...text, ...missing] };
}

/**
 * Lets the kernel end this process before ours when memory runs out. Raising one's score takes no privilege; where it is
 * not to be had, as in some sandboxes, the memory limits still hold.
 */
export function endFirstWithoutMemory(pid: number | undefined): void {
  if (pid === undefined || process.platform !== "linux") return;
  try {
    const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(1000, own + OUT_OF_MEMORY_SCORE)));
  } catch {
    // It ended already, or /proc is not ours to write.
  }
}

async function probe(): Promise<Probed> {
  const all = steps(process.geteuid?.() === 0);
  if (process.platform !== "linux") return { chosen: [], missing: all.map(({ otherwise }) => otherwise) };
  const found = all.map((step) => ({ ...step, path: find(step.tool) }));
  const best = found.flatMap(({ tool, path, measures }) => (path === null ? [] : [{ tool, path, ...measures[0]! }]));
  if (best.length === all.length && (await works(best))) return { chosen: best, missing: [] };
  const chosen: Chosen[] = [];
  const missing: string[] = [];
  for (const { tool, path, measures, otherwise } of found) {
    let isFound = false;
    for (const measure of path === null ? [] : measures) {
      const one = { tool, path: path!, ...measure };
      if (isFound || !(await works([...chosen, one]))) continue;
      chosen.push(one);
      isFound = true;
      const lost = measures[0]!.text.filter((brought) => !measure.text.includes(brought));
      if (lost.length > 0) missing.push(`not permitted here: ${lost.join(", ")}`);
    }
    if (!isFound) missing.push(otherwise);
  }
  return { chosen, missing };
}

/** Without CAP_SETPCAP, setpriv would leave them and not say so; ordinary users have none to begin with. */
function canDropCapabilities(): boolean {
  const CAP_SETPCAP = 8n;
  try {
    const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    return held !== undefined && ((BigInt(`0x${held}`) >> CAP_SETPCAP) & 1n) === 1n;
  } catch {
    return false;
  }
}

function find(tool: string): string | null {
  return TOOL_DIRECTORIES.map((directory) => `${directory}/${tool}`).find(existsSync) ?? null;
}

/** Whether a program starts behind these. */
async function works(chosen: readonly Chosen[]): Promise<boolean> {
  const [program, ...args] = chosen.flatMap(({ tool, path, options }) => {
    const data = tool === "prlimit" ? [`--data=${2 ** 40}`] : [];
    return [path, ...options, ...data, "--"];
  });
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

/**
 * Threads are counted for a user, over all its processes; within a user namespace of its own, since Linux 5.14, for that
 * namespace alone. Elsewhere a limit would count what others do, and a thread that can't start hangs Node.
 */
function threadLimit(chosen: readonly Chosen[]): number | null {
  const [major = 0, minor = 0] = os.release().split(".").map(Number.parseFloat);
  const countsAlone = major > 5 || (major === 5 && minor >= 14);
  if (!countsAlone || !chosen.some(({ options }) => options.includes("--user"))) return null;
  return MAX_THREADS + 2 * os.availableParallelism();
}
