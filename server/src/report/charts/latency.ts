// How long requests take: the distribution the percentiles are of, the parts of the mean, and what other settings do.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { ink } from "./palette.ts";
import { bars, chartSpec, HEIGHT, quantity, ROW_HEIGHT, WIDTH } from "./spec.ts";

const PERCENTILE = z.object({ estimate: z.number(), lower: z.number().nullable(), upper: z.number().nullable() });
const BAND = z.object({ fromMs: z.number().min(0), toMs: z.number().positive(), count: z.number() });
const STAGES = z.object({
  queueMs: z.number(),
  inputMs: z.number(),
  inferMs: z.number(),
  outputMs: z.number(),
  outsideMs: z.number(),
});
/** The first point is the model as it is served; the others are named by what differs. */
const DETAILS = z.object({
  points: z
    .array(
      z.object({
        name: z.string(),
        count: z.number(),
        p50: PERCENTILE,
        p90: PERCENTILE,
        p99: PERCENTILE,
        mean: z.object({ estimate: z.number() }),
        stages: STAGES.nullable(),
        histogram: z.array(BAND),
      }),
    )
    .min(1),
});
const NONE: NoChart = { why: "the details have no percentiles" };
const SERVED = "as served";

export function latencyDistribution({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return NONE;
  const { histogram, count, p50, p90, p99 } = data.points[0]!;
  const total = histogram.reduce((sum, band) => sum + band.count, 0);
  if (total === 0) return { why: "no request was answered" };
  // A logarithmic axis begins above nothing.
  const bands = histogram.map((band) => ({
    from: band.fromMs > 0 ? band.fromMs : band.toMs / 2,
    to: band.toMs,
    share: band.count / total,
    zero: 0,
    count: band.count,
  }));
  const marks = [p50, p90, p99].map(({ estimate }, index) => ({ name: ["p50", "p90", "p99"][index]!, at: estimate }));
  const x = { scale: { type: "log", nice: false }, axis: { format: "~r", grid: false } };
  const ms = (value: number) => amountText(value, "ms");
  return {
    title: "Latency of requests",
    caption:
      "Requests of one row to the model as it is served, one at a time, by how long they took; the scale is logarithmic.",
    description: `Of ${numberText(count)} requests half took at most ${ms(p50.estimate)}, nine of ten at most ${ms(p90.estimate)}, and 99 of 100 at most ${ms(p99.estimate)}.`,
    table: tableOf(
      [numbers("from", "ms"), numbers("to", "ms"), numbers("requests")],
      histogram.map((band) => [band.fromMs, band.toMs, band.count]),
    ),
    spec: chartSpec({
      width: WIDTH,
      height: HEIGHT - 40,
      layer: [
        {
          data: { values: bands },
          mark: { type: "rect", color: ink("chart-1") },
          encoding: {
            x: quantity("from", "latency (ms)", x),
            x2: { field: "to" },
            y: quantity("share", "of requests", { axis: { format: "~%" } }),
            y2: { field: "zero" },
          },
        },
        {
          data: { values: marks },
          mark: { type: "rule", color: ink("chart-2"), strokeDash: [4, 3] },
          encoding: { x: quantity("at", "latency (ms)", x) },
        },
        // One below the other: the percentiles of an even model lie side by side.
        ...marks.map((one, index) => ({
          data: { values: [one] },
          mark: { type: "text", align: "left", dx: 3, y: 6 + 14 * index, color: ink("ink-2") },
          encoding: { x: quantity("at", "latency (ms)", x), text: { field: "name", type: "nominal" } },
        })),
      ],
    }),
    isWide: false,
  };
}

export function latencyStages({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return NONE;
  const { stages, mean } = data.points[0]!;
  if (stages === null) return { why: "only the whole was seen from outside, no stages" };
  const parts = [
    ["the way there and back", stages.outsideMs],
    ["waiting in the runner", stages.queueMs],
    ["inputs", stages.inputMs],
    ["the run", stages.inferMs],
    ["outputs", stages.outputMs],
  ] as const;
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0);
  if (!(total > 0)) return { why: "all stages took no time that could be seen" };
  const longest = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
  return {
    title: "Where the time of a request goes",
    caption: "The mean request of one row to the model as it is served, by what happens to it, in order.",
    description: `Of a mean of ${amountText(mean.estimate, "ms")}, ${longest[0]} takes most: ${amountText(longest[1], "ms")}.`,
    table: tableOf(
      [words("stage"), numbers("mean", "ms")],
      parts.map(([name, ms]) => [name, ms]),
    ),
    spec: bars(
      parts.map(([name, ms]) => ({
        name,
        value: ms,
        text: `${amountText(ms, "ms")} · ${shareText(ms / total)}`,
      })),
      "ms",
    ),
    isWide: false,
  };
}

export function latencyBySetting({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return NONE;
  if (data.points.length < 2)
    return { why: "it was measured at one setting; --batch, --threads and --instances add others" };
  const rows = data.points.flatMap(({ name, p50, p99 }) =>
    [["p50", p50] as const, ["p99", p99] as const].map(([percentile, { estimate, lower, upper }]) => ({
      name: settingText(name),
      percentile,
      value: estimate,
      lower,
      upper,
    })),
  );
  const medians = data.points.toSorted((one, other) => one.p50.estimate - other.p50.estimate);
  const [fastest, slowest] = [medians[0]!, medians.at(-1)!];
  const x = { scale: { type: "log" }, axis: { format: "~r" } };
  const y = {
    field: "name",
    type: "nominal",
    title: null,
    sort: data.points.map(({ name }) => settingText(name)),
    axis: { grid: false },
  };
  const offset = { yOffset: { field: "percentile", type: "nominal", sort: ["p50", "p99"] } };
  const color = {
    color: {
      field: "percentile",
      type: "nominal",
      sort: ["p50", "p99"],
      scale: { range: [ink("chart-1"), ink("chart-2")] },
    },
  };
  return {
    title: "Latency by setting",
    caption:
      "Rows of a request, threads of a run, runners side by side; whiskers are 95 % intervals, where there were requests enough. The scale is logarithmic.",
    description: `The median is least ${settingText(fastest.name)} with ${amountText(fastest.p50.estimate, "ms")}, most ${settingText(slowest.name)} with ${amountText(slowest.p50.estimate, "ms")}.`,
    table: tableOf(
      [words("setting"), words("percentile"), numbers("latency", "ms"), numbers("lower", "ms"), numbers("upper", "ms")],
      rows.map(({ name, percentile, value, lower, upper }) => [name, percentile, value, lower, upper]),
    ),
    spec: chartSpec({
      width: WIDTH - 60,
      height: { step: ROW_HEIGHT / 2 + 3 },
      data: { values: rows },
      layer: [
        {
          mark: { type: "rule" },
          encoding: { y, ...offset, ...color, x: quantity("lower", "ms", x), x2: { field: "upper" } },
        },
        { mark: { type: "point" }, encoding: { y, ...offset, ...color, x: quantity("value", "ms", x) } },
      ],
    }),
    isWide: false,
  };
}

/** `batch=8, threads=2` of `[batch=8,threads=2]`; the first has no name. */
export function settingText(name: string): string {
  return name === "" ? SERVED : name.replaceAll(/^\[|\]$/g, "").replaceAll(",", ", ");
}
