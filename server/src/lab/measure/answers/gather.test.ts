// Gathering answers: batch by batch, kept as they are, going on where an earlier run ended, and refused where they can't be
// rows' answers.
import { FakeClock, SlipwayError } from "@slipway/core/base";
import type { Tensor } from "@slipway/core/tensor";
import { describe, expect, test } from "vitest";
import { fakeDataset, FakeExecutor, type FakeRows, FakeRun } from "../measure.testing.ts";
import { type Answers, gatherAnswers } from "./index.ts";

const ROWS = 10;
const rows: FakeRows = {
  inputs: Array.from({ length: ROWS }, (_none, row) => [row / 10, 1 - row / 10]),
  labels: { kind: "class", values: Int32Array.from({ length: ROWS }, (_none, row) => row % 2) },
  weights: Float64Array.from({ length: ROWS }, (_none, row) => row),
  columns: { country: ["A", null, "B", "A", "A", "B", null, "C", "A", "A"] },
};
const options = { model: "m", output: null, slices: ["country"], text: "running rows" };
const clock = new FakeClock();

async function gather(
  executor: FakeExecutor,
  run = new FakeRun(),
  given: FakeRows = rows,
  more = {},
): Promise<Answers> {
  const subject = { dataset: fakeDataset(given), split: null };
  return await gatherAnswers(executor, subject, { ...options, ...more }, clock, run);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((one: unknown) => one);
  expect(error).toBeInstanceOf(SlipwayError);
  const { code, message } = error as SlipwayError;
  return `${code} ${message}`;
}

test("all rows in their order, with labels, weights, and each column's values once", async () => {
  const run = new FakeRun();
  const answers = await gather(new FakeExecutor(), run);
  expect(answers).toMatchObject({ rows: ROWS, output: "y", width: 2, labels: rows.labels, weights: rows.weights });
  expect([...answers.numbers]).toEqual(rows.inputs.flat());
  const [country] = answers.slices;
  expect(country!.values).toEqual(["A", null, "B", "C"]);
  expect(Array.from(country!.codes, (code) => country!.values[code])).toEqual(rows.columns!["country"]);
  expect(run.reports.map(({ done }) => done)).toEqual([0, 4, 8, 10]);
  expect(run.reports.at(-1)).toEqual({ done: 10, total: 10, text: "running rows" });
});

test("what an earlier run saved is not run again, and the answers are the same to the bit", async () => {
  const whole = await gather(new FakeExecutor());
  const slow = new FakeRun();
  let asked = 0;
  const dying = new FakeExecutor((x) => {
    // Time passes, so that it saves; the third batch kills it.
    clock.advance(20_000);
    if (++asked === 3) slow.cancel(new Error("the machine went down"));
    return asked === 3 ? null : x;
  });
  await expect(gather(dying, slow)).rejects.toThrow("the machine went down");
  expect(dying.cancelled).toBe(1);
  const next = new FakeExecutor();
  expect(await gather(next, new FakeRun(slow.states.at(-1)))).toEqual(whole);
  expect(next.rows).toBe(2);
});

test("at the end all is saved, so that what follows can be interrupted too", async () => {
  const run = new FakeRun();
  await gather(new FakeExecutor(), run);
  const idle = new FakeExecutor();
  await gather(idle, new FakeRun(run.states.at(-1)));
  expect(idle.rows).toBe(0);
});

test("what was saved of other rows, another model or other columns is not taken", async () => {
  const run = new FakeRun();
  await gather(new FakeExecutor(), run);
  const state = run.states.at(-1);
  const again = async (given: FakeRows, more: object) => {
    const executor = new FakeExecutor();
    await gather(executor, new FakeRun(state), given, more);
    return executor.rows;
  };
  expect(await again(rows, { model: "n" })).toBe(ROWS);
  expect(await again(rows, { slices: [] })).toBe(ROWS);
  expect(await again({ ...rows, inputs: rows.inputs.slice(1), labels: rows.labels }, { slices: [] })).toBe(ROWS - 1);
});

describe("is refused", () => {
  test.each<[string, FakeRows, FakeExecutor, string]>([
    ["without labels", { ...rows, labels: null }, new FakeExecutor(), 'ROWS_INVALID The dataset "fake" has no labels'],
    [
      "an answer of fewer rows",
      rows,
      new FakeExecutor(() => ({ dtype: "float64", shape: [1, 2], data: new Float64Array(2) })),
      'ROWS_INVALID Output "y" has the shape [1, 2] for 4 rows',
    ],
    [
      "text for an answer",
      rows,
      new FakeExecutor(() => ({ dtype: "string", shape: [4], data: ["a", "b", "c", "d"] })),
      'PARAMETER_INVALID Output "y" is of string',
    ],
    [
      "a column of too many values",
      {
        inputs: Array.from({ length: 1001 }, () => [0, 1]),
        labels: { kind: "class", values: new Int32Array(1001) },
        columns: { country: Array.from({ length: 1001 }, (_none, row) => String(row)) },
      },
      new FakeExecutor(),
      'ROWS_INVALID The column "country" to slice by has more than 1000 distinct values by row 1000',
    ],
  ])("%s", async (_what, given, executor, message) => {
    expect(await codeOf(gather(executor, new FakeRun(), given))).toContain(message);
  });

  test("columns of too many values together", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const values = Array.from({ length: 900 }, (_none, row) => String(row));
    const given: FakeRows = {
      inputs: values.map(() => [0, 1]),
      labels: { kind: "class", values: new Int32Array(900) },
      columns: Object.fromEntries(names.map((name) => [name, values])),
    };
    const refused = gather(new FakeExecutor(), new FakeRun(), given, { slices: names });
    expect(await codeOf(refused)).toContain("5 columns to slice by have together 4020 distinct values by row 804");
  });

  test("an output there is none of", async () => {
    const wrong = gather(new FakeExecutor(), new FakeRun(), rows, { output: "z" });
    expect(await codeOf(wrong)).toContain('PARAMETER_INVALID The model has no output "z"; say which of y is meant');
  });
});

test.each<[string, Tensor, readonly number[]]>([
  ["float16", { dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }, [1, -2]],
  ["bfloat16", { dtype: "bfloat16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) }, [1, -2]],
  ["int64", { dtype: "int64", shape: [2], data: BigInt64Array.of(3n, -4n) }, [3, -4]],
  ["uint8", { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(200, 7) }, [200, 7]],
])("answers in %s are numbers", async (_dtype, tensor, wanted) => {
  const given: FakeRows = { inputs: [[0], [1]], labels: { kind: "number", values: Float64Array.of(0, 1) } };
  const answers = await gather(new FakeExecutor(() => tensor), new FakeRun(), given, { slices: [] });
  expect([...answers.numbers]).toEqual(wanted);
});
