// How a network learnt: the losses epoch by epoch, and what its answers were worth.
import { ink } from "./palette.ts";
import type { ChartSpec } from "./chart.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

/** An epoch of a fit; see `EpochPoint`. */
export interface CurvePoint {
  readonly epoch: number;
  readonly trainingLoss: number;
  readonly validationLoss: number | null;
  readonly validationScore: number | null;
}

export interface LearningCurve {
  readonly curve: readonly CurvePoint[];
  /** The name of the score. */
  readonly score: string;
}

/** Losses on the left, the score on the right; dashed, the epoch of the least validation loss. */
export function learningSpec({ curve, score }: LearningCurve): ChartSpec {
  const losses = curve.flatMap(({ epoch, trainingLoss, validationLoss }) => [
    { epoch, rows: "training", loss: trainingLoss },
    ...(validationLoss === null ? [] : [{ epoch, rows: "validation", loss: validationLoss }]),
  ]);
  const judged = curve.flatMap(({ epoch, validationLoss: loss, validationScore: value }) =>
    loss === null || value === null ? [] : [{ epoch, loss, value }],
  );
  const best = judged.reduce<(typeof judged)[number] | null>(
    (least, point) => (least === null || point.loss < least.loss ? point : least),
    null,
  );
  const x = quantity("epoch", "epoch", { axis: { format: "d", grid: false }, scale: { nice: false, zero: false } });
  const isPositive = losses.every(({ loss }) => loss > 0);
  const mark = best === null ? [] : [{ epoch: best.epoch }];
  const rule = {
    data: { values: mark },
    mark: { type: "rule", color: ink("ink-2"), strokeDash: [4, 3] },
    encoding: { x },
  };
  const lossPlot = {
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: losses },
        mark: { type: "line", point: curve.length < 2 },
        encoding: {
          x,
          y: quantity("loss", "loss", {
            scale: isPositive ? { type: "log", nice: false } : { zero: false },
            axis: { format: "~g" },
          }),
          color: {
            field: "rows",
            type: "nominal",
            sort: ["training", "validation"],
            scale: { domain: ["training", "validation"], range: [ink("chart-1"), ink("chart-2")] },
          },
        },
      },
      rule,
    ],
  };
  const scorePlot = {
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: judged },
        mark: { type: "line", color: ink("chart-2"), point: judged.length < 2 },
        encoding: { x, y: quantity("value", `${score} (validation)`, { scale: { zero: false } }) },
      },
      rule,
    ],
  };
  return chartSpec({ hconcat: judged.length === 0 ? [lossPlot] : [lossPlot, scorePlot], spacing: 24 });
}
