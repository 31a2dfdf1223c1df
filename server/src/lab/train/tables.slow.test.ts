// What `train` reaches with nothing said, on five tables of scikit-learn, beside scikit-learn's own models at their defaults on the same
// rows (tools/goldens/tables.py): ten splits each. Prints the table of docs/training.md.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { pairedTTest } from "@slipway/core/stats";
import { afterAll, expect, it } from "vitest";
import { trainNow, workplace } from "./train.testing.ts";

const FOLDER = path.resolve(import.meta.dirname, "../../../../test/goldens/tables");
const { sets } = JSON.parse(readFileSync(path.join(FOLDER, "scores.json"), "utf8")) as {
  readonly sets: Readonly<
    Record<string, readonly { readonly test: number[]; readonly scores: Record<string, number> }[]>
  >;
};

const place = workplace();
afterAll(() => place.remove());

it.each(Object.entries(sets))("%s", async (name, splits) => {
  const [head, ...rows] = gunzipSync(readFileSync(path.join(FOLDER, `${name}.csv.gz`)))
    .toString()
    .trim()
    .split("\n");
  const reached: number[] = [];
  for (const [seed, { test }] of splits.entries()) {
    const held = new Set(test);
    const lines = rows.map((row, at) => `${row},${held.has(at) ? "test" : "train"}`);
    const file = place.write(`${name}.csv`, `${head},part\n${lines.join("\n")}\n`);
    const { record } = await trainNow({
      data: { description: { files: file, name, split: "part" } },
      target: "target",
      ...(name === "diabetes" ? { task: "regression", roles: { sex: "numeric" } } : {}),
      settings: { seed },
    });
    const figures = record.result!.figures.test!;
    reached.push(figures.kind === "classification" ? figures.accuracy : figures.r2);
  }
  const of = (key: string) => splits.map(({ scores }) => scores[key]!);
  const cells = [reached, ...["network", "network, scaled", "linear", "linear, scaled"].map(of)].map(text);
  process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
  for (const key of ["network", "network, scaled", "linear", "linear, scaled"]) {
    // Worse only as far as ten splits can't tell.
    const { pValue } = pairedTTest(reached, of(key), "less");
    expect({ key, isWorse: pValue < 0.01 }).toEqual({ key, isWorse: false });
  }
});

/** `0.9733 ± 0.0306`: mean and standard deviation. */
function text(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return `${mean.toFixed(4)} ± ${Math.sqrt(squares / (values.length - 1)).toFixed(4)}`;
}
