// `npm run size`: lines per folder, code and tests apart. A folder that grows is asked why.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
}).split("\n");
const rows = new Map<string, { code: number; tests: number; files: number }>();
for (const file of files) {
  if (!/\.(ts|tsx|js|css)$/.test(file)) continue;
  const parts = file.split("/");
  const folder =
    parts[1] === "src" && parts.length > 3
      ? parts.slice(0, 3).join("/")
      : parts.slice(0, Math.min(2, parts.length - 1)).join("/") || ".";
  const row = rows.get(folder) ?? { code: 0, tests: 0, files: 0 };
  const lines = readFileSync(file, "utf8").split("\n").length - 1;
  if (/\.(test|testing)\.tsx?$/.test(file) || parts[0] === "test") row.tests += lines;
  else row.code += lines;
  row.files++;
  rows.set(folder, row);
}
const total = { code: 0, tests: 0, files: 0 };
const line = (name: string, code: number | string, tests: number | string, count: number | string) =>
  `${name.padEnd(28)}${String(code).padStart(8)}${String(tests).padStart(8)}${String(count).padStart(8)}`;
console.log(line("folder", "code", "tests", "files"));
for (const [folder, row] of [...rows].toSorted(([a], [b]) => a.localeCompare(b))) {
  console.log(line(folder, row.code, row.tests, row.files));
  total.code += row.code;
  total.tests += row.tests;
  total.files += row.files;
}
console.log(line("all", total.code, total.tests, total.files));
