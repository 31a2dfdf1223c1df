// Kept results: the figures with everything needed to judge them, one file per run.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { canPin } from "./processes.ts";

const root = path.resolve(import.meta.dirname, "..");

/** What was measured where, with what. */
export interface Result {
  readonly schemaVersion: 1;
  readonly benchmark: string;
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

export function resultOf(benchmark: string, figures: unknown): Result {
  return {
    schemaVersion: 1,
    benchmark,
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`.trimEnd(),
    at: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpu: os.cpus()[0]?.model ?? "unknown",
      cores: os.availableParallelism(),
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
    figures,
  };
}

/** Writes a result beside the others and answers its path. */
export async function keep(result: Result): Promise<string> {
  const directory = path.join(import.meta.dirname, "results");
  const file = path.join(directory, `${result.at.slice(0, 10)}-${result.benchmark}.json`);
  await mkdir(directory, { recursive: true });
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
