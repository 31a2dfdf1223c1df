// Processes under measurement: on a core of their own where the machine has `taskset`, ended with all they started, their
// memory counted fairly.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
/** Slipway as people start it: its launcher, with compiled code cached beside the packages. */
export const SLIPWAY = [path.join(root, "server/bin/slipway.js")];
/** What is measured runs on the first core, what measures on the second. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** Whether processes can be kept on a core here. */
export const canPin = os.availableParallelism() >= 2 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a program on a core, or on some. */
export function spawnPinned(
  command: readonly string[],
  cores: number | readonly number[],
  { cwd = root, env }: Surroundings = {},
): ChildProcess {
  const [program, ...rest] = canPin ? ["taskset", "-c", String(cores), ...command] : command;
  return spawn(program!, rest, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Starts a program on some cores, told what to do line by line on its standard input. */
export function spawnOn(command: readonly string[], cores: readonly number[]): ChildProcess {
  const [program, ...rest] = canPin ? ["taskset", "-c", cores.join(), ...command] : command;
  return spawn(program!, rest, { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
}

/** Starts a Node script on all cores, though what starts it is kept on one. */
export function spawnFree(script: readonly string[]): ChildProcess {
  const node = [process.execPath, "--conditions=source", "--disable-warning=ExperimentalWarning", ...script];
  const [program, ...rest] = canPin ? ["taskset", "-c", `0-${os.cpus().length - 1}`, ...node] : node;
  return spawn(program!, rest, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
}

/** Moves a running process to another core. */
export function movePinned(pid: number, core: number): void {
  if (canPin) execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
}

/** Starts a script with the Node that runs this one, as production does: compiled code cached, sources stripped. */
export function spawnNode(
  script: readonly string[],
  cores: number | readonly number[],
  surroundings?: Surroundings,
): ChildProcess {
  const node = [process.execPath, "--conditions=source", "--disable-warning=ExperimentalWarning"];
  return spawnPinned([...node, ...script], cores, surroundings);
}

/** Runs a script to its end and answers what it printed. */
export function runNode(script: readonly string[], core: number): Promise<string> {
  return outputOf(spawnNode(script, core), script);
}

/** Runs a program to its end and answers what it printed. */
export function runPinned(command: readonly string[], cores: number | readonly number[]): Promise<string> {
  return outputOf(spawnPinned(command, cores), command);
}

/** What a program printed, when it has ended. @throws where it ended with an error */
export async function outputOf(child: ChildProcess, command: readonly string[]): Promise<string> {
  let out = "";
  let err = "";
  child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr!.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("close", resolve).once("error", reject),
  );
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${err.trim()}`);
  return out;
}

/** The first line a child prints on standard output. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let out = "";
  let err = "";
  child.stderr!.on("data", (chunk: Buffer) => (err = (err + chunk.toString()).slice(-4000)));
  return await new Promise<string>((resolve, reject) => {
    child.stdout!.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf("\n");
      if (end >= 0) resolve(out.slice(0, end));
    });
    child.once("close", (code) =>
      reject(new Error(`The process ended with ${code} before it was ready: ${err.trim()}`)),
    );
  });
}

/** Asks a process to end, and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await ended;
  clearTimeout(timer);
}

export interface Memory {
  /** Proportional set size: shared pages count by their share. */
  readonly pssBytes: number;
  readonly processes: number;
}

/** Memory of a process and all it started; null where the system does not tell (anything but Linux). */
export function memoryOf(pid: number): Memory | null {
  try {
    const all = familyOf(pid);
    return { pssBytes: all.reduce((sum, member) => sum + pssOf(member), 0), processes: all.length };
  } catch {
    return null;
  }
}

/** A process and all it started. @throws where the system does not tell, and when it ends meanwhile */
export function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

export interface CpuSeconds {
  readonly all: number;
  /** JavaScript's own thread; the others compile and collect garbage beside it. */
  readonly mainThread: number;
}

/** Processor time a process has used, in its own code and in the kernel on its behalf; Linux counts it in hundredths. */
export function cpuSecondsOf(pid: number): CpuSeconds {
  const seconds = (file: string) => {
    const fields = readFileSync(file, "utf8").split(") ").at(-1)!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  return { all: seconds(`/proc/${pid}/stat`), mainThread: seconds(`/proc/${pid}/task/${pid}/stat`) };
}

/** Processor time of a process and all it started, in seconds; null where the system does not tell. */
export function familyCpuSeconds(pid: number): number | null {
  try {
    return familyOf(pid).reduce((sum, member) => sum + cpuSecondsOf(member).all, 0);
  } catch {
    return null;
  }
}

function pssOf(pid: number): number {
  const line = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(line![1]) * 1024;
}
