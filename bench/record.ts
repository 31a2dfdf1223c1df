// Kept results: the figures with everything needed to judge them, one file per run.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { canPin } from "./processes.ts";

const root = path.resolve(import.meta.dirname, "..");

/** What was measured where, with what. */
export interface Result {
  readonly schemaVersion: 1;
  readonly benchmark: string;
  /** The model, where each is measured by itself. */
  readonly subject: string | null;
  readonly command: string;
  readonly at: string;
  readonly commit: string | null;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly system: string;
    readonly isPinned: boolean;
    /** Mean number of processes that wanted a core over the last minute before the start: others' work disturbs. */
    readonly loadAverage: number;
  };
  readonly versions: { readonly slipway: string; readonly node: string; readonly onnxruntime: string };
  readonly figures: unknown;
}

/** A result to be: who measures what, and how busy the machine is before. */
export function resultOf(benchmark: string, subject: string | null): Omit<Result, "figures"> {
  return {
    schemaVersion: 1,
    benchmark,
    subject,
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`.trimEnd(),
    at: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpu: os.cpus()[0]?.model ?? "unknown",
      // All of them: a benchmark may itself be kept on one.
      cores: os.cpus().length,
      memoryBytes: os.totalmem(),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      isPinned: canPin,
      loadAverage: os.loadavg()[0]!,
    },
    versions: {
      slipway: versionIn("server/package.json"),
      node: process.versions.node,
      onnxruntime: versionIn("node_modules/onnxruntime-node/package.json"),
    },
  };
}

const RESULTS = path.join(import.meta.dirname, "results");
/** Of other machines than the tables', in a folder for each. */
const ELSEWHERE = path.join(RESULTS, "elsewhere");

function nameOf({ benchmark, subject }: Pick<Result, "benchmark" | "subject">): string {
  return subject === null ? benchmark : `${benchmark}-${subject}`;
}

/** The newest kept result of each kind. */
export function keptResults(): Result[] {
  return newestIn(RESULTS);
}

/** The same of each other machine: what was measured there too. */
export function resultsElsewhere(): Result[][] {
  return readdirSync(ELSEWHERE)
    .sort()
    .map((machine) => newestIn(path.join(ELSEWHERE, machine)));
}

function newestIn(folder: string): Result[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const newest = new Map<string, string>();
  for (const file of files.sort()) newest.set(file.slice("YYYY-MM-DD-".length), file);
  return [...newest.values()].map((file) => JSON.parse(readFileSync(path.join(folder, file), "utf8")) as Result);
}

/** Writes a result beside the others and answers its path. */
export async function keep(result: Result): Promise<string> {
  const file = path.join(RESULTS, `${result.at.slice(0, 10)}-${nameOf(result)}.json`);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  return path.relative(root, file);
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(path.join(root, file), "utf8")) as { version: string }).version;
}

/** The commit, with a mark where files differ from it. */
function commit(): string | null {
  try {
    const git = (...arguments_: string[]) => execFileSync("git", arguments_, { cwd: root, encoding: "utf8" }).trim();
    return `${git("rev-parse", "--short=12", "HEAD")}${git("status", "--porcelain", "--", "core", "server") === "" ? "" : "+changes"}`;
  } catch {
    return null;
  }
}
