// The learning curves of one run or several: losses, and what the answers were worth, over the same epochs.
import type { ReactNode } from "react";
import { Chart } from "../parts/chart.tsx";
import type { ChartSeries } from "../parts/chart-series.ts";
import type { RunRecord, RunView } from "../api.ts";
import { bestPoint, type CurveLine, curvePlot, type Quantity } from "./curve.ts";
import { figureText, runLabel, shortText } from "./run-text.ts";
import "./runs.css";

/** Lines of several runs, told apart without their colour, too. */
export const RUN_LOOKS: readonly Pick<ChartSeries, "color" | "dash">[] = [
  { color: 1 },
  { color: 2, dash: [6, 3] },
  { color: 3, dash: [2, 3] },
  { color: 4, dash: [8, 3, 2, 3] },
  { color: 6, dash: [12, 3] },
  { color: 5, dash: [4, 6] },
];

/** Of one run: training and validation in one plot, the score beside it. */
export function LearningCharts({ run: { curve, score } }: { run: RunRecord }) {
  const best = bestPoint(curve);
  const note = best === null ? undefined : `best in epoch ${best.epoch}`;
  return (
    <div className="learning">
      <EpochChart
        id="loss"
        title="Loss"
        note={note ?? "by epoch"}
        isLoss
        lines={[
          { label: "training", curve, quantity: "trainingLoss", color: 1, dash: [5, 3], isMarked: false },
          { label: "validation", curve, quantity: "validationLoss", color: 2, isMarked: true },
        ]}
      />
      <EpochChart
        id="score"
        title={titleOf(score)}
        note={
          best === null
            ? "on validation rows"
            : `on validation rows, ${figureText(best.validationScore)} in epoch ${best.epoch}`
        }
        isLoss={false}
        lines={[{ label: "validation", curve, quantity: "validationScore", color: 2, isMarked: true }]}
      />
    </div>
  );
}

interface ComparedChartsProps {
  readonly runs: readonly RunView[];
}

/** Of several: a plot for each quantity, a line for each run, in the order of `RUN_LOOKS`. */
export function ComparedCharts({ runs }: ComparedChartsProps) {
  const scores = [...new Set(runs.flatMap(({ run }) => (run === null ? [] : [run.score])))];
  const lines = (quantity: Quantity): readonly CurveLine[] =>
    runs.flatMap((one, at) =>
      one.run === null
        ? []
        : [
            {
              ...RUN_LOOKS[at]!,
              label: runLabel(one),
              curve: one.run.curve,
              quantity,
              isMarked: quantity !== "trainingLoss",
            },
          ],
    );
  return (
    <div className="learning">
      <EpochChart
        id="validation"
        title="Validation loss"
        note="best epochs ringed"
        isLoss
        lines={lines("validationLoss")}
      />
      {/* Accuracy and R² are no one axis. */}
      {scores.length === 1 && (
        <EpochChart
          id="score"
          title={titleOf(scores[0]!)}
          note="on validation rows"
          isLoss={false}
          lines={lines("validationScore")}
        />
      )}
      <EpochChart id="training" title="Training loss" note="by epoch" isLoss lines={lines("trainingLoss")} />
    </div>
  );
}

interface EpochChartProps {
  readonly id: string;
  readonly title: string;
  readonly note: ReactNode;
  readonly isLoss: boolean;
  readonly lines: readonly CurveLine[];
}

function EpochChart({ id, title, note, isLoss, lines }: EpochChartProps) {
  const plot = curvePlot(lines, isLoss);
  return (
    <Chart
      id={id}
      title={title}
      note={plot.scale.isLogarithmic ? <>{note}, logarithmic</> : note}
      unit=""
      format={isLoss ? shortText : figureText}
      kind="lines"
      xTitle="Epoch"
      xText={(index) => String(plot.x[index] ?? "")}
      {...plot}
    />
  );
}

function titleOf(score: RunRecord["score"]): string {
  return score === "accuracy" ? "Accuracy" : score;
}
