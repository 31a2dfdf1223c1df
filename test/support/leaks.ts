// What no answer may hold: where things lie on the machine, how the code is laid out, or what files say.
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";

/** Planted in files that nothing may read; found in an answer, something did. */
export const SECRET = "hunter2-do-not-tell";

const PROJECT = path.resolve(import.meta.dirname, "../..");
const FORBIDDEN: readonly (readonly [string, RegExp | string])[] = [
  ["a directory of the project", PROJECT],
  ["the temporary directory", `${os.tmpdir()}${path.sep}`],
  ["the home directory", `${os.homedir()}${path.sep}`],
  ["a package's directory", "node_modules"],
  ["a stack", /\\n\s+at |\n\s+at [\w.<>#]+ ?\(/],
  ["a source file", /\w\.(?:ts|js|cc|h):\d+/],
  ["a planted secret", SECRET],
];

/** Fails where a text says more than it should; `context` tells which. */
export function expectNothingLeaked(text: string, context: string): void {
  for (const [what, pattern] of FORBIDDEN) {
    const isThere = typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
    expect(isThere, `${context}: ${what} is in ${JSON.stringify(text.slice(0, 600))}`).toBe(false);
  }
}
