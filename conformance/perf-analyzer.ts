// Triton's own load generator against a live server: each of its modes once, its own report kept as it printed it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { createEnvironment, type Environment, InstallFailure } from "./environments.ts";

const run = promisify(execFile);
const RUN_LIMIT_MS = 120_000;
/** Debian's name of the one library that neither Debian installs by itself nor PyPI has. */
const BASE64_PACKAGE = "libb64-0d";

/** Short windows, and no wait for calm: the runs show that it works and what it reports, not how fast the machine is. */
const BRIEF = ["--measurement-interval", "1000", "--max-trials", "3", "--stability-percentage", "900"];
const JSON_FORM = ["--input-tensor-format", "json", "--output-tensor-format", "json"];
const RUNS: Readonly<Record<string, readonly string[]>> = {
  "concurrency, binary": ["-m", "add_sub", "--concurrency-range", "1:8:7"],
  "concurrency, JSON": ["-m", "add_sub", "--concurrency-range", "1:8:7", ...JSON_FORM],
  "concurrency, binary, asynchronous, batches of 8": ["-m", "add_sub", "--concurrency-range", "4", "-b", "8", "-a"],
  "concurrency, strings": ["-m", "text", "--concurrency-range", "2", "--shape", "x:4", "--string-length", "24"],
  "request rate, binary": ["-m", "add_sub", "--request-rate-range", "100:200:100"],
  "request rate, JSON": ["-m", "add_sub", "--request-rate-range", "100:200:100", ...JSON_FORM],
  "request rate, Poisson": ["-m", "add_sub", "--request-rate-range", "100", "--request-distribution", "poisson"],
};

export interface PerfRun {
  readonly name: string;
  /** Without the address. */
  readonly options: string;
  /** The report's table: one row a level, by the report's own names of columns. */
  readonly levels: readonly Readonly<Record<string, number>>[];
}

export interface PerfReport {
  readonly runs: readonly PerfRun[];
  /** What the tool printed, run by run. */
  readonly text: string;
}

/**
 * The tool and the libraries it needs, in an environment of their own; null where it is not made for the machine.
 * @throws InstallFailure
 */
export async function createPerfAnalyzer(basePython: string): Promise<Environment | null> {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  const environment = await createEnvironment("perf-analyzer", basePython, ["--no-deps"]);
  const { directory } = environment;
  if (!(await isComplete(directory))) {
    try {
      // Fetched and unpacked beside the rest, so that nothing is installed on the machine.
      await run("apt-get", ["download", BASE64_PACKAGE], { cwd: directory });
      const file = (await readdir(directory)).find((name) => name.startsWith(BASE64_PACKAGE));
      await run("dpkg", ["-x", path.join(directory, file!), path.join(directory, "debian")]);
    } catch (error) {
      throw new InstallFailure(`perf_analyzer needs libb64.so.0d; install it (Debian: ${BASE64_PACKAGE}).`, {
        cause: error,
      });
    }
  }
  return environment;
}

const isComplete = async (directory: string): Promise<boolean> =>
  existsSync(path.join(directory, "debian")) || (await run("ldconfig", ["-p"])).stdout.includes("libb64.so.0d");

/** @throws Error with what it printed, where a run ends with an error or reports no level */
export async function runPerfAnalyzer(environment: Environment, address: string): Promise<PerfReport> {
  const { directory } = environment;
  const folder = await mkdtemp(path.join(os.tmpdir(), "slipway-perf-"));
  const [site] = (await readdir(path.join(directory, "lib"))).filter((name) => name.startsWith("python"));
  const libraries = [
    path.join(directory, "lib", site!, "site-packages/nvidia/cuda_runtime/lib"),
    path.join(directory, "debian/usr/lib/x86_64-linux-gnu"),
  ];
  const runs: PerfRun[] = [];
  const texts: string[] = [];
  try {
    for (const [name, options] of Object.entries(RUNS)) {
      const csv = path.join(folder, `${runs.length}.csv`);
      const all = [...options, "-i", "http", ...BRIEF];
      const { stdout } = await run(
        path.join(directory, "bin/perf_analyzer"),
        [...all, "-u", new URL(address).host, "-f", csv],
        { env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") }, timeout: RUN_LIMIT_MS },
      );
      if (!existsSync(csv)) throw new Error(`perf_analyzer reports nothing for ${name}: ${stdout}`);
      runs.push({ name, options: all.join(" "), levels: levelsOf(await readFile(csv, "utf8")) });
      texts.push(`## ${name}\n\nperf_analyzer ${all.join(" ")}\n\n${stdout.trim()}\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { runs, text: texts.join("\n") };
}

function levelsOf(csv: string): Record<string, number>[] {
  const [head = "", ...rows] = csv.trim().split("\n");
  const names = head.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((value, index) => [names[index]!, Number(value)])));
}
