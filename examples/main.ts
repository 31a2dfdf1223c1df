// `npm run models -- [NAME…] [--out DIR]`: makes the bundled models from their seeds, in place or elsewhere. On the kind of processor
// that a model's run.json names, the same bytes come of it.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";
import { digits } from "./digits/make.ts";
import { loans } from "./loans/make.ts";
import type { Recipe } from "./recipe.ts";

const RECIPES: Readonly<Record<string, Recipe>> = { digits, loans };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: "string" } } });
for (const name of positionals.length === 0 ? Object.keys(RECIPES) : positionals) {
  const recipe = RECIPES[name];
  if (recipe === undefined)
    throw new Error(`There is no model "${name}"; there are ${Object.keys(RECIPES).join(", ")}.`);
  const { files, record } = await recipe.make({
    backend: createOnnxRuntimeBackend(),
    now: () => performance.now(),
    log: (line) => console.error(line),
  });
  const folder = path.join(values.out === undefined ? import.meta.dirname : path.resolve(values.out), name);
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of files) writeFileSync(path.join(folder, file), bytes);
  writeFileSync(path.join(folder, "run.json"), `${JSON.stringify(record, null, 2)}\n`);
  console.log(`${name}: ${[...files.keys(), "run.json"].join(", ")} in ${path.relative(process.cwd(), folder)}`);
}
