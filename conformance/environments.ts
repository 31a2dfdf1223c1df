// Throw-away Python environments: one for each list of requirements, in the system's temporary directory, named by a hash of
// the list and the Python, so that the next run finds what this one installed. Nothing is installed anywhere else.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALL_LIMIT_MS = 10 * 60_000;
const LONGEST_OUTPUT = 16 * 1024 * 1024;

/** A list of requirements in `requirements/`. */
export type Requirements = "tritonclient" | "pytriton" | "perf-analyzer";

export interface Environment {
  readonly directory: string;
  /** The interpreter in it. */
  readonly python: string;
  /** Package → version of what its list names. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The first of these interpreters that can make environments; null where there is none. */
export async function findPython(candidates: readonly string[]): Promise<string | null> {
  for (const candidate of candidates) {
    try {
      await run(candidate, ["-c", "import venv, ensurepip"]);
      return candidate;
    } catch {
      // Not there, or without venv, as Debian's is until python3-venv is installed.
    }
  }
  return null;
}

/** The packages could not be had, which says nothing of the server. */
export class InstallFailure extends Error {}

/**
 * The environment of a list of requirements, installed if it is not there yet.
 * @param options more of pip's options
 * @throws InstallFailure where pip ends with an error
 */
export async function createEnvironment(
  name: Requirements,
  basePython: string,
  options: readonly string[] = [],
): Promise<Environment> {
  const list = path.join(import.meta.dirname, "requirements", `${name}.txt`);
  const text = await readFile(list, "utf8");
  const { stdout: version } = await run(basePython, ["-c", "import sys; print(sys.executable, sys.version)"]);
  const hash = createHash("sha256")
    .update([version, text, ...options].join("\n"))
    .digest("hex")
    .slice(0, 12);
  const directory = path.join(os.tmpdir(), `slipway-conformance-${name}-${hash}`);
  const whole = path.join(directory, "whole");
  const python = path.join(directory, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  if (!existsSync(whole)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await run(basePython, ["-m", "venv", directory]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...options, "-r", list];
    try {
      await run(python, install, { timeout: INSTALL_LIMIT_MS, maxBuffer: LONGEST_OUTPUT });
    } catch (error) {
      throw new InstallFailure(`pip can't install ${name}: ${(error as Error).message}`, { cause: error });
    }
    await writeFile(whole, "");
  }
  const pinned = [...text.matchAll(/^([\w.-]+)(?:\[\w+\])?==(\S+)$/gm)];
  return { directory, python, versions: Object.fromEntries(pinned.map((match) => [match[1]!, match[2]!])) };
}
