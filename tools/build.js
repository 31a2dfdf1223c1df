// `npm run build`: what is published. Compiles the packages, builds the console, and puts the example and the licence beside
// them; `--console` builds the console alone, which is what a fresh clone needs before it can start.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { nodeArguments } from "../server/bin/launch.js";

const root = path.resolve(import.meta.dirname, "..");
const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
const vite = path.join(root, "node_modules", "vite", "bin", "vite.js");
/** Of the digits example, what `slipway start` serves and says to try. */
const EXAMPLE_FILES = ["model.onnx", "processing.json", "seven.png"];

function run(script, arguments_, directory = root) {
  const { status } = spawnSync(process.execPath, [...nodeArguments(), script, ...arguments_], {
    cwd: directory,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

function copy(file, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(path.join(root, file), to);
}

if (!process.argv.includes("--console")) {
  for (const package_ of ["core", "edge", "server"]) {
    // What a source that is gone was compiled to must not be published.
    rmSync(path.join(root, package_, "dist"), { recursive: true, force: true });
    run(tsc, ["-p", package_]);
    copy("LICENSE", path.join(root, package_, "dist", "LICENSE"));
  }
  for (const name of EXAMPLE_FILES) {
    const file = path.join("examples", "digits", name);
    copy(file, path.join(root, "server", "dist", file));
  }
}
run(vite, ["build", "--logLevel", "warn"], path.join(root, "console"));
