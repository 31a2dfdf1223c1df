// `npm run build`: what is published. Compiles the packages and builds the console; `--console` builds the console alone,
// which is what a fresh clone needs before it can start.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { nodeArguments } from "../server/bin/launch.js";

const root = path.resolve(import.meta.dirname, "..");
const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
const vite = path.join(root, "node_modules", "vite", "bin", "vite.js");

function run(script, arguments_, directory = root) {
  const { status } = spawnSync(process.execPath, [...nodeArguments(), script, ...arguments_], {
    cwd: directory,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

if (!process.argv.includes("--console")) for (const package_ of ["core", "edge", "server"]) run(tsc, ["-p", package_]);
run(vite, ["build", "--logLevel", "warn"], path.join(root, "console"));
