// The programs of docs/autodiff.md run one after the other as one, and print what the page says.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PAGE = readFileSync(path.join(ROOT, "docs", "autodiff.md"), "utf8");

/** Blocks of a language, in their order. */
const blocksOf = (language: string): string[] =>
  Array.from(PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms")), ([, text]) => text!);

it("runs from start to end", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-gradients-"));
  try {
    const file = path.join(folder, "step.onnx");
    // One block is a line of the code of a rule.
    const programs = blocksOf("ts").filter((block) => block.startsWith("import "));
    const program = programs.join("").replace('"step.onnx"', JSON.stringify(file));
    const arguments_ = ["--conditions=source", "--input-type=module-typescript", "--eval", program];
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, { cwd: ROOT, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe(blocksOf("text").join(""));
    expect(statSync(file).size).toBeGreaterThan(100_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
