// Processes under measurement: on a core of their own where the machine has `taskset`, ended with all they started, their
// memory counted fairly.
import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from "node:child_process";
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

/** Starts a script with the Node that runs this one, as production does: compiled code cached, sources stripped. */
export function spawnNode(script: readonly string[], core: number, cwd = root): ChildProcess {
  const node = ["--conditions=source", "--disable-warning=ExperimentalWarning", ...script];
  const options = { cwd, stdio: ["ignore", "pipe", "pipe"] } as const satisfies SpawnOptions;
  if (!canPin) return spawn(process.execPath, node, options);
  return spawn("taskset", ["-c", String(core), process.execPath, ...node], options);
}

/** Runs a script to its end and answers what it printed. */
export async function runNode(script: readonly string[], core: number): Promise<string> {
  const child = spawnNode(script, core);
  let out = "";
  let err = "";
  child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr!.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${script.join(" ")} ended with ${code}: ${err.trim()}`);
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
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await closed;
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

function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

function pssOf(pid: number): number {
  const line = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(line![1]) * 1024;
}
