// What uPlot is told: one look for every plot, taken from the page's tokens.
import uPlot from "uplot";
import type { ChartSeries } from "./chart.tsx";
import { roundUp } from "./scale.ts";

const AXIS_WIDTH = 56;
const AXIS_HEIGHT = 24;
const SECONDS_SHOWN = 60;
/** Plots with the same key show the cursor at the same second. */
const SYNC = "slipway-seconds";

export interface ChartLook {
  readonly kind: "lines" | "stacked" | "bars";
  readonly unit: string;
  readonly format: (value: number | null) => string;
  readonly series: readonly ChartSeries[];
  readonly categories: readonly string[] | null;
  readonly style: CSSStyleDeclaration;
  readonly width: number;
  readonly height: number;
  readonly onCursor: (index: number | null) => void;
}

export function chartOptions(look: ChartLook): uPlot.Options {
  const token = (name: string): string => look.style.getPropertyValue(name).trim();
  const isTime = look.categories === null;
  const axis = {
    stroke: token("--ink-3"),
    font: `11px ${token("--sans")}`,
    ticks: { show: false },
    gap: 6,
  } as const;
  const last = look.series.length;
  return {
    width: look.width,
    height: look.height,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: 6 },
      ...(isTime ? { sync: { key: SYNC, setSeries: false } } : {}),
    },
    scales: {
      x: {
        time: false,
        range: isTime ? [-SECONDS_SHOWN, 0] : [-0.5, (look.categories?.length ?? 1) - 0.5],
      },
      y: { range: (_plot, _min, max) => [0, roundUp(max)] },
    },
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT,
        grid: { show: false },
        splits: () => (isTime ? [-60, -45, -30, -15, 0] : [...(look.categories ?? []).keys()]),
        values: (_plot, splits) =>
          splits.map((x) => (isTime ? (x === 0 ? "now" : `−${-x} s`) : (look.categories?.[x] ?? ""))),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        grid: { stroke: token("--grid"), width: 1 },
        splits: (plot) => {
          const max = plot.scales["y"]?.max ?? 1;
          return [0, max / 2, max];
        },
        values: (_plot, splits) => splits.map((y) => (y === 0 ? "0" : `${tickText(y)} ${look.unit}`.trim())),
      },
    ],
    series: [
      {},
      ...look.series.map((series): uPlot.Series => {
        const color = token(`--chart-${series.color}`);
        const common = { label: series.label, stroke: color, points: { show: false }, spanGaps: false };
        if (look.kind === "bars")
          return {
            ...common,
            width: 0,
            fill: color,
            paths: uPlot.paths.bars?.({ size: [0.64, 48] }) ?? null,
          } as uPlot.Series;
        if (look.kind === "stacked")
          // The lowest area is filled down to the axis, the others down to the one below (see bands).
          return { ...common, width: 1, fill: color };
        return { ...common, width: 1.5, ...(series.dash === undefined ? {} : { dash: [...series.dash] }) };
      }),
    ],
    bands:
      look.kind === "stacked"
        ? Array.from({ length: last - 1 }, (_, i) => ({ series: [i + 2, i + 1] as [number, number] }))
        : [],
    hooks: {
      setCursor: [(plot) => look.onCursor(plot.cursor.idx ?? null)],
    },
  };
}

function tickText(value: number): string {
  return String(Number(value.toPrecision(3)));
}
