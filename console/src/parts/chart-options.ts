// What uPlot is told: one look for every plot, taken from the page's tokens.
import uPlot from "uplot";
import type { ChartMark, ChartSeries, Scale } from "./chart-series.ts";
import { logTicksBetween, roundUp, ticksBetween } from "./scale.ts";

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
  /** As it is now, of lines that are not over the last minute. */
  readonly scale: (() => Scale) | null;
  readonly marks: () => readonly ChartMark[];
  readonly style: CSSStyleDeclaration;
  readonly width: number;
  readonly height: number;
  readonly onCursor: (index: number | null) => void;
}

export function chartOptions(look: ChartLook): uPlot.Options {
  const token = (name: string): string => look.style.getPropertyValue(name).trim();
  const { scale } = look;
  const isTime = look.categories === null && scale === null;
  const sync = isTime ? SYNC : scale === null ? null : `slipway-${scale().of}`;
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
      ...(sync === null ? {} : { sync: { key: sync, setSeries: false } }),
    },
    scales:
      scale === null
        ? plainScales(look, isTime)
        : {
            x: { time: false, range: () => [...scale().x] },
            // uPlot has these as a const enum, which a module by itself can't read.
            // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
            y: { distr: scale().isLogarithmic ? 3 : 1, range: () => [...scale().y] },
          },
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT,
        grid: { show: false },
        splits: (plot) => {
          if (scale !== null) return [...ticksBetween(...scale().x, plot.width / 80, true)];
          return isTime ? [-60, -45, -30, -15, 0] : [...(look.categories ?? []).keys()];
        },
        values: (_plot, splits) =>
          splits.map((x, at) => {
            if (scale !== null) return at === 0 ? `${scale().of} ${x}` : String(x);
            return isTime ? (x === 0 ? "now" : `−${-x} s`) : (look.categories?.[x] ?? "");
          }),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        grid: { stroke: token("--grid"), width: 1 },
        ...(scale === null ? {} : { filter: (_plot: uPlot, splits: number[]) => splits }),
        splits: (plot) => {
          if (scale !== null) return [...(scale().isLogarithmic ? logTicksBetween : linearTicks)(...scale().y)];
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
      draw: [(plot) => drawMarks(plot, look, token("--ground"))],
    },
  };
}

function plainScales({ categories }: ChartLook, isTime: boolean): uPlot.Scales {
  return {
    x: { time: false, range: isTime ? [-SECONDS_SHOWN, 0] : [-0.5, (categories?.length ?? 1) - 0.5] },
    y: { range: (_plot, _min, max) => [0, roundUp(max)] },
  };
}

const linearTicks = (from: number, to: number): readonly number[] => ticksBetween(from, to, 4);

/** A dashed line at each mark, and a ring around its point. */
function drawMarks(plot: uPlot, { marks, series, style }: ChartLook, ground: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  for (const { series: of, index } of marks()) {
    const [at, value] = [plot.data[0]?.[index], plot.data[of + 1]?.[index]];
    if (at === undefined || value === undefined || value === null) continue;
    const x = plot.valToPos(at, "x", true);
    const y = plot.valToPos(value, "y", true);
    ctx.save();
    ctx.strokeStyle = style.getPropertyValue(`--chart-${series[of]!.color}`).trim();
    ctx.fillStyle = ground;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.globalAlpha = 0.7;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.restore();
  }
}

function tickText(value: number): string {
  return String(Number(value.toPrecision(3)));
}
