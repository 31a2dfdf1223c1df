// Runs a script or a package's command with Node 24, whatever Node npm was started with.
//   node tools/node24.js vitest run        a command from node_modules/.bin
//   node tools/node24.js bench/main.ts     a file
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { runNode } from "../server/bin/launch.js";

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");
const [what, ...rest] = process.argv.slice(2);
if (what === undefined) throw new Error("usage: node tools/node24.js FILE|COMMAND [arguments]");

/** The JavaScript file behind a package's command; works for symlinked and for Windows `.cmd` installs alike. */
function commandFile(command) {
  const require = createRequire(path.join(root, "package.json"));
  for (const name of [command, `${command}/package.json`]) {
    let file;
    try {
      file = require.resolve(name.endsWith("package.json") ? name : `${name}/package.json`);
    } catch {
      file = path.join(root, "node_modules", command, "package.json");
    }
    if (!existsSync(file)) continue;
    const { bin } = JSON.parse(readFileSync(file, "utf8"));
    const relative = typeof bin === "string" ? bin : bin?.[command];
    if (relative) return path.join(path.dirname(file), relative);
  }
  throw new Error(`no package "${command}" with a command of that name is installed; run "npm install"`);
}

const script = /\.[jt]s$/.test(what) ? path.join(root, what) : commandFile(what);
await runNode([script, ...rest]);
