// The program of docs/passes.md runs, and prints what the page says.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PAGE = readFileSync(path.join(ROOT, "docs", "passes.md"), "utf8");

/** The block of a language. */
const blockOf = (language: string): string => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(PAGE)![1]!;

it("runs from start to end", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-passes-"));
  try {
    const file = path.join(folder, "new.onnx");
    const program = blockOf("ts").replace('"new.onnx"', JSON.stringify(file));
    const arguments_ = ["--conditions=source", "--input-type=module-typescript", "--eval", program];
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, { cwd: ROOT, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe(blockOf("text"));
    expect(statSync(file).size).toBeGreaterThan(10_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
