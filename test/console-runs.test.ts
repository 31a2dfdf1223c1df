// What the console says of runs, without a browser: curves as plots, axes, and forms as orders.
import { describe, expect, test } from "vitest";
import { RUNS, curve } from "../console/dev/runs.ts";
import { DATASETS } from "../console/dev/evidence.ts";
import { bestPoint, curvePlot, epochsNotFinite } from "../console/src/runs/curve.ts";
import { faultsOf, orderOf, refusedFields } from "../console/src/runs/run-order.ts";
import { logTicksBetween, ticksBetween } from "../console/src/parts/scale.ts";

const NOW = 1_800_000_000_000;
const loans = DATASETS.find(({ name }) => name === "loans")!;

describe("curves", () => {
  test("the best epoch is the first of the least validation loss", () => {
    const points = curve(20, 0);
    expect(bestPoint(points)?.epoch).toBe(12);
    expect(bestPoint([])).toBe(null);
    expect(bestPoint([{ ...points[0]!, validationLoss: null }])).toBe(null);
  });

  test("what is not finite is a gap, and said", () => {
    const { run } = RUNS(NOW).find(({ id }) => id === "01DIVERGED")!;
    expect(epochsNotFinite(run!)).toEqual([3]);
    const line = {
      label: "validation",
      curve: run!.curve,
      quantity: "validationLoss",
      color: 2,
      isMarked: true,
    } as const;
    const { series, marks } = curvePlot([line], true);
    expect(series[0]!.values[2]).toBe(null);
    expect(series[0]!.values[3]).toBeCloseTo(0.3 + 0.7 * Math.exp(-1), 12);
    expect(marks).toEqual([{ series: 0, index: 3 }]);
  });

  test("runs of other lengths share their epochs; losses at or below zero have no logarithm", () => {
    const line = (epochs: number, loss = 1) => ({
      label: String(epochs),
      curve: curve(epochs, 0).map((one) => ({ ...one, trainingLoss: one.trainingLoss * loss })),
      quantity: "trainingLoss" as const,
      color: 1 as const,
      isMarked: false,
    });
    const { x, series, scale } = curvePlot([line(3), line(9)], true);
    expect(x).toHaveLength(9);
    expect(series.map(({ values }) => values.filter((value) => value !== null).length)).toEqual([3, 9]);
    expect(scale.isLogarithmic).toBe(true);
    expect(scale.y[0]).toBeLessThan(0.25 + 0.75 * Math.exp(-8 / 3));
    expect(curvePlot([line(3, -1)], true).scale.isLogarithmic).toBe(false);
  });

  test("ticks are round and inside", () => {
    expect(ticksBetween(1, 24, 5, true)).toEqual([5, 10, 15, 20]);
    expect(ticksBetween(1, 5, 8, true)).toEqual([1, 2, 3, 4, 5]);
    expect(ticksBetween(-0.12, 0.33, 4)).toEqual([-0.1, 0, 0.1, 0.2, 0.3]);
    expect(ticksBetween(0.08, 0.95, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
    expect(logTicksBetween(0.03, 4)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2]);
    expect(logTicksBetween(1e-5, 1)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]);
  });
});

describe("orders", () => {
  test("say only what was said", () => {
    const typed = {
      name: "loans",
      target: "default",
      "settings.epochs": "20",
      "network.hidden": "32, 16",
      reason: " ",
    };
    expect(faultsOf(typed, loans)).toEqual({});
    expect(orderOf(typed, loans)).toEqual({
      name: "loans",
      data: { description: loans.description, hash: loans.hash },
      target: "default",
      task: null,
      badRows: "error",
      network: { kind: "mlp", hidden: [32, 16] },
      settings: { epochs: 20 },
      reason: null,
    });
    // Hidden layers that were typed before another network was chosen are of no account.
    expect(orderOf({ ...typed, network: "cnn" }, loans).network).toEqual({ kind: "cnn" });
  });

  test("faults are told by field, the server's too", () => {
    expect(Object.keys(faultsOf({ name: "-", "settings.learningRate": "fast" }, loans))).toEqual([
      "name",
      "target",
      "settings.learningRate",
    ]);
    const issues = [{ path: "network.hidden.1", message: "too small" }];
    expect(refusedFields({ code: "REQUEST_MALFORMED", message: "", details: { issues } })).toEqual({
      "network.hidden": "too small",
    });
    expect(refusedFields({ code: "BLOB_NOT_FOUND", message: "", details: {} })).toEqual({});
  });
});
