#!/usr/bin/env node
// The `slipway` command: finds a new enough Node and runs the platform on it.
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "./launch.js";

const package_ = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
// A clone runs its sources; what is published holds only the compiled output.
const source = path.join(package_, "src", "main.ts");
const main = existsSync(source) ? source : path.join(package_, "dist", "main.js");
await runNode([main, ...process.argv.slice(2)]).catch((error) => {
  process.stderr.write(`slipway: ${error.message}\n`);
  process.exit(1);
});
