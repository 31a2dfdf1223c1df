// Checks a batch that was opened: rows are answered as they were, however many there are.
import { type Model, verifyModel } from "@slipway/core/graph";
import { passesNamed, pinShapes, runPasses, symboliseBatch } from "@slipway/core/passes";
import type { Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import { answersOf, engineOn, tensorOf } from "../autodiff/gradient-check.ts";
import { exportedModel } from "./sample-models.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** Rows by their numbers, on the first axis of every tensor. */
function rowsOf(tensors: Feeds, rows: readonly number[]): Feeds {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => {
      const size = dims.slice(1).reduce((product, length) => product * length, 1);
      const values = rows.flatMap((row) =>
        Array.from((data as Float32Array).slice(row * size, (row + 1) * size), Number),
      );
      return [name, tensorOf(type, values, [rows.length, ...dims.slice(1)])];
    }),
  );
}

function expectSame(found: Feeds, expected: Feeds): void {
  for (const [name, tensor] of Object.entries(expected)) {
    expect([name, ...found[name]!.dims]).toEqual([name, ...tensor.dims]);
    const values = Array.from(tensor.data as Float32Array, Number);
    const largest = Math.max(1e-3, ...values.map(Math.abs));
    const apart = Array.from(found[name]!.data as Float32Array, (value, at) => Math.abs(value - values[at]!));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1e-5 * largest);
  }
}

/** Compares what the opened model answers for several rows at once with what the model it was answers for each of them. */
async function checkOpened(model: Model, feeds: Feeds, size: number): Promise<void> {
  const opened = symboliseBatch(model);
  verifyModel(opened);
  expectSame(
    await answersOf(opened, rowsOf(feeds, rangeOf(size))),
    await answersOf(model, rowsOf(feeds, rangeOf(size))),
  );
  const rows = [1, 0, 1];
  const found = await answersOf(opened, rowsOf(feeds, rows));
  for (const [place, row] of rows.entries()) {
    const alone = await answersOf(model, rowsOf(feeds, Array(size).fill(row)));
    expectSame(rowsOf(found, [place]), rowsOf(alone, [0]));
  }
}

const rangeOf = (size: number): readonly number[] => Array.from({ length: size }, (_, row) => row);

/** Opens the batch of a model as PyTorch exports it: for 2 rows, or, where it is open already, once it was pinned to so many. */
export async function checkOpenedExport(name: string, size: number): Promise<void> {
  const { model, feeds } = exportedModel(name);
  const pinned = name.endsWith("-dynamo") ? model : pinShapes(model, new Map([["N", size]]));
  const names = ["inline-functions", "constants-to-initializers", "fold-constants", "fold-shapes", "fold-constants"];
  const passes = passesNamed(name.startsWith("gpt") ? [...names, "slice-split-sequences"] : names);
  await checkOpened((await runPasses(pinned, passes, engineOn(feeds))).model, feeds, size);
}
