import { describe, expect, test } from "vitest";
import { seeded } from "./simulation.testing.ts";
import { WorthwhileRows } from "./worthwhile-rows.ts";

/** Batches as a runner under full load makes them, each as large as is worth it, taking `runMs` with some noise. */
function served(
  maxRows: number,
  runMs: (rows: number) => number,
  { most = maxRows, batches = 400, noise = 0, seed = 1, rowBytes = 100 } = {},
): WorthwhileRows {
  const random = seeded(seed);
  const worthwhile = new WorthwhileRows(maxRows);
  for (let batch = 0; batch < batches; batch++) {
    const rows = batch % 3 === 0 ? 1 + Math.floor(random() * most) : most;
    const size = Math.min(worthwhile.next(), rows);
    worthwhile.observe(size, size * rowBytes, runMs(size) * (1 + noise * (2 * random() - 1)));
  }
  return worthwhile;
}

describe("how many rows a batch is worth", () => {
  test("all that may be, until something is known", () => {
    expect(new WorthwhileRows(32).next()).toBe(32);
    expect(served(32, (rows) => 10 * rows, { batches: 3 }).rows).toBe(32);
  });

  test("one, where a row takes as long in any batch", () => {
    expect(served(32, (rows) => 10 * rows).rows).toBe(1);
  });

  test("also where deadlines never let the largest batches come about", () => {
    expect(served(32, (rows) => 10 * rows, { most: 9 }).rows).toBe(1);
  });

  test("all, where the run itself is what takes the time", () => {
    expect(served(32, (rows) => 1 + 0.14 * rows).rows).toBe(32);
  });

  test("between, where the gain ends", () => {
    // 20 + 10 a row: 10.31 ms each in 64, 10.6 in 32, 11.25 in 16; 2 + 10 a row: 11 in 2, 10.5 in 4, 10.03 in 64.
    expect(served(64, (rows) => 20 + 10 * rows).rows).toBe(32);
    expect(served(64, (rows) => 2 + 10 * rows).rows).toBe(4);
  });

  test("as many as a millisecond takes, whatever they gain", () => {
    expect(served(32, (rows) => 0.05 * rows).rows).toBeGreaterThanOrEqual(19);
    expect(served(32, (rows) => 0.001 * rows).rows).toBe(32);
  });

  test.each([1, 2, 3, 4])("is not misled by noise (seed %i)", (seed) => {
    expect(served(32, (rows) => 1 + 0.14 * rows, { noise: 0.4, seed }).rows).toBe(32);
    expect(served(32, (rows) => 10 * rows, { noise: 0.25, seed }).rows).toBeLessThanOrEqual(2);
  });

  test("looks again, and notices that batches have come to pay", () => {
    const worthwhile = served(32, (rows) => 10 * rows);
    expect(worthwhile.rows).toBe(1);
    for (let batch = 0; batch < 8000; batch++) {
      const rows = worthwhile.next();
      worthwhile.observe(rows, rows, 10 + rows);
    }
    expect(worthwhile.rows).toBe(32);
  });

  test("a request of more rows than a batch has teaches nothing", () => {
    const worthwhile = new WorthwhileRows(4);
    for (let i = 0; i < 20; i++) worthwhile.observe(100, 100, 5);
    expect(worthwhile.rows).toBe(4);
  });
});

describe("how many requests should be at hand", () => {
  test("two batches, or what five milliseconds take where that is more", () => {
    expect(new WorthwhileRows(32).credits).toBe(64);
    expect(served(32, (rows) => 10 * rows).credits).toBe(2);
    expect(served(32, (rows) => 1 + 0.14 * rows).credits).toBe(64);
    expect(served(32, (rows) => 0.02 * rows).credits).toBeCloseTo(250, -1);
  });

  test("bounded, and by their size as well", () => {
    expect(served(32, (rows) => 0.001 * rows).credits).toBe(1024);
    expect(served(32, (rows) => 0.001 * rows, { rowBytes: 1024 }).credits).toBeCloseTo(128, -1);
    expect(served(32, (rows) => 0.001 * rows, { rowBytes: 1e6 }).credits).toBe(64);
  });
});
