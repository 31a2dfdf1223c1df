#!/usr/bin/env node
// The `slipway` command: finds a new enough Node and runs the platform on it.
import { MAIN, runNode } from "./launch.js";

await runNode([MAIN, ...process.argv.slice(2)]).catch((error) => {
  process.stderr.write(`slipway: ${error.message}\n`);
  process.exit(1);
});
