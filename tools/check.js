// `npm run check`: everything that can be said about the code without running the product. Each part prints only what is
// wrong; all parts run, so one run shows everything.
import { spawn } from "node:child_process";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const bin = (name) => path.join(root, "node_modules", ".bin", name);

/** Parts by name: commands that run one after the other. */
const PARTS = {
  types: ["core", "server", "edge", "console", "."].map((project) => [bin("tsc"), "--noEmit", "-p", project]),
  lint: [[bin("oxlint"), "--type-aware", "--quiet"]],
  format: [[bin("biome"), "format", "."]],
  "dead code": [[bin("knip"), "--no-progress"]],
  architecture: [
    [bin("vitest"), "run", "--silent", "--reporter=dot", "test/architecture.test.ts", "test/docs.test.ts"],
  ],
};

function run([command, ...arguments_]) {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, arguments_, { cwd: root, shell: process.platform === "win32" });
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ code, output }));
  });
}

const only = process.argv.slice(2);
let failed = 0;
for (const [name, commands] of Object.entries(PARTS)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const start = performance.now();
  const results = [];
  for (const command of commands) results.push(await run(command));
  const bad = results.filter(({ code }) => code !== 0);
  process.stdout.write(
    `${bad.length === 0 ? "ok  " : "FAIL"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`,
  );
  for (const { output } of bad) process.stdout.write(`${output.trimEnd()}\n`);
  failed += bad.length;
}
process.exitCode = failed === 0 ? 0 : 1;
