// The guide's program runs, and prints what the guide says; and it leaves no layer out.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as chapter from "@slipway/core/build";
import { expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
const GUIDE = readFileSync(path.join(ROOT, "docs", "build.md"), "utf8");

/** Blocks of a language, one after the other. */
function blocksOf(language: string): string {
  return Array.from(GUIDE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms")), ([, text]) => text!).join(
    "",
  );
}

it("runs from start to end", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-guide-"));
  try {
    const file = path.join(folder, "network.onnx");
    const program = blocksOf("ts").replace('"network.onnx"', JSON.stringify(file));
    const arguments_ = ["--conditions=source", "--input-type=module-typescript", "--eval", program];
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, { cwd: ROOT, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe(blocksOf("text"));
    expect(statSync(file).size).toBeGreaterThan(20_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("names each layer and preset", () => {
  const functions = Object.entries(chapter).filter(([, value]) => typeof value === "function");
  const missing = functions.map(([name]) => name).filter((name) => !new RegExp(`\\b${name}\\b`).test(GUIDE));
  expect(missing.filter((name) => !name.endsWith("Layers"))).toEqual([]);
});
