// The look all charts share, and the few shapes most of them are: bars, dots with whiskers, lines.
import type { JsonObject, JsonValue } from "#registry";
import type { ChartSpec } from "./chart.ts";
import { ink, SERIES } from "./palette.ts";
import { textWidthPx } from "@slipway/core/picture";

/** Of the plot itself; with its axes a chart is as wide as half a page. */
export const WIDTH = 340;
export const WIDE = 760;
export const HEIGHT = 220;
/** Of one bar or dot with its name. */
export const ROW_HEIGHT = 22;
/** Names longer than this are cut in a chart; its table has them whole. */
export const LABEL_LIMIT = 260;

export const FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', 'Noto Sans', sans-serif";

const CONFIG: JsonObject = {
  font: FONT,
  background: null,
  aria: false,
  view: { stroke: null },
  axis: {
    labelColor: ink("ink-2"),
    labelFontSize: 12,
    labelLimit: LABEL_LIMIT,
    titleColor: ink("ink-2"),
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 8,
    domain: false,
    ticks: false,
    labelPadding: 6,
    gridColor: ink("grid"),
  },
  axisX: { domain: true, domainColor: ink("line") },
  legend: {
    labelColor: ink("ink-2"),
    labelFontSize: 12,
    title: null,
    orient: "top",
    symbolType: "square",
    labelLimit: LABEL_LIMIT,
  },
  range: { category: SERIES as string[] },
  text: { color: ink("ink"), fontSize: 12 },
  bar: { color: ink("chart-1") },
  rule: { color: ink("chart-1"), strokeWidth: 1.5 },
  line: { color: ink("chart-1"), strokeWidth: 1.75 },
  point: { color: ink("chart-1"), filled: true, size: 48, opacity: 1 },
};

/** A specification in the house's look. */
export function chartSpec(body: JsonObject): ChartSpec {
  return { $schema: "https://vega.github.io/schema/vega-lite/v6.json", padding: 4, ...body, config: CONFIG };
}

/** A quantitative axis: its field, its title with the unit, and what else. */
export function quantity(field: string, title: string, more: JsonObject = {}): JsonObject {
  const { scale = {}, axis = {}, ...rest } = more as { scale?: JsonObject; axis?: JsonObject };
  return {
    field,
    type: "quantitative",
    title,
    scale: { nice: true, ...scale },
    axis: { tickCount: 5, ...axis },
    ...rest,
  };
}

/** Names down the left side, in the order of the rows. */
export function names(field: string, title: string | null, order: readonly string[]): JsonObject {
  return { field, type: "nominal", title, sort: [...order], axis: { grid: false, labelLimit: LABEL_LIMIT } };
}

/** What half a page has for names, plot and the numbers behind it. */
const HALF_PAGE = 450;
const LEAST_WIDTH = 120;
const FONT_SIZE_PX = 12;

/** The plot's width beside names, and texts behind its bars, so that all of it is as wide as half a page or a whole one. */
export function roomBeside(
  rows: readonly { readonly name: string; readonly text?: string }[],
  isWide: boolean,
): number {
  const widest = (of: (row: (typeof rows)[number]) => string) =>
    Math.min(LABEL_LIMIT, Math.max(0, ...rows.map((row) => textWidthPx(of(row), FONT_SIZE_PX))));
  const taken = widest(({ name }) => name) + widest(({ text = "" }) => text);
  return Math.round(
    Math.max(LEAST_WIDTH, Math.min(isWide ? WIDE : WIDTH, (isWide ? 2 * HALF_PAGE : HALF_PAGE) - taken)),
  );
}

export interface BarRow {
  readonly name: string;
  readonly value: number;
  /** Written at the bar's end. */
  readonly text: string;
}

/** Horizontal bars, each with its number at its end. */
export function bars(rows: readonly BarRow[], title: string, isWide = false): ChartSpec {
  const order = rows.map(({ name }) => name);
  // Below ten thousand a number is shorter than its prefix is clear: 300m is no millisecond.
  const format = rows.some(({ value }) => Math.abs(value) >= 10_000) ? "~s" : "~r";
  return chartSpec({
    width: roomBeside(rows, isWide),
    height: { step: ROW_HEIGHT },
    data: { values: rows as unknown as JsonValue },
    encoding: { y: names("name", null, order) },
    layer: [
      { mark: { type: "bar", height: 12 }, encoding: { x: quantity("value", title, { axis: { format } }) } },
      {
        mark: { type: "text", align: "left", dx: 4, color: ink("ink-2") },
        encoding: { x: { field: "value", type: "quantitative" }, text: { field: "text", type: "nominal" } },
      },
    ],
  });
}

export interface DotRow {
  readonly name: string;
  readonly value: number;
  readonly lower: number | null;
  readonly upper: number | null;
}

export interface DotOptions {
  /** Where a dashed line goes. */
  readonly reference?: number;
  readonly domain?: readonly [number, number];
  /** Of positive values alone. */
  readonly isLogarithmic?: boolean;
}

/** Estimates as dots, their intervals as whiskers. */
export function dots(rows: readonly DotRow[], title: string, more: DotOptions = {}): ChartSpec {
  const order = rows.map(({ name }) => name);
  const { isLogarithmic = false } = more;
  const scale: JsonObject = {
    ...(more.domain === undefined ? { zero: false } : { domain: [...more.domain], nice: false }),
    ...(isLogarithmic ? { type: "log" } : {}),
  };
  const axis: JsonObject = isLogarithmic ? { format: "~r" } : {};
  const reference: JsonObject[] =
    more.reference === undefined
      ? []
      : [
          {
            data: { values: [{ at: more.reference }] },
            mark: { type: "rule", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
            encoding: { x: { field: "at", type: "quantitative" } },
          },
        ];
  const y = names("name", null, order);
  return chartSpec({
    width: roomBeside(rows, false),
    height: { step: ROW_HEIGHT },
    data: { values: rows as unknown as JsonValue },
    layer: [
      ...reference,
      {
        mark: { type: "rule" },
        encoding: { y, x: quantity("lower", title, { scale, axis }), x2: { field: "upper" } },
      },
      { mark: { type: "point" }, encoding: { y, x: quantity("value", title, { scale, axis }) } },
    ],
  });
}
