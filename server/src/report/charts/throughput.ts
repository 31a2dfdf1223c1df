// Rate over latency: what can be had of both at once. Of settings that nothing else beats at both there is a front (Pareto);
// the others are dominated, and shown paler.
import { z } from "zod";
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, numberText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { settingText } from "./latency.ts";
import { ink } from "./palette.ts";
import { chartSpec, HEIGHT, LABEL_LIMIT, quantity, WIDTH } from "./spec.ts";

const ESTIMATE = z.union([z.number(), z.object({ estimate: z.number() }).transform(({ estimate }) => estimate)]);
/** Points of throughput have their rate; those of latency, one request at a time, have it by their mean. */
const DETAILS = z.object({
  points: z
    .array(
      z.object({
        name: z.string(),
        settings: z.object({ batch: z.number().positive() }).partial().optional(),
        /** Rows a second. */
        rate: ESTIMATE.optional(),
        mean: ESTIMATE.optional(),
        p50: ESTIMATE,
        p99: ESTIMATE,
        /** Where the measurement found the front itself. */
        isFront: z.boolean().optional(),
      }),
    )
    .min(1),
});

interface Point {
  readonly name: string;
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly isFront: boolean;
}

export function throughputOverLatency(evidence: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(evidence.details);
  if (data === undefined) return { why: "the details have no rates with latencies" };
  const found = data.points.flatMap(({ name, settings, rate, mean, p50, p99, isFront }) => {
    const own = rate ?? (mean === undefined || mean <= 0 ? null : (1000 * (settings?.batch ?? 1)) / mean);
    return own === null || own <= 0 || p99 <= 0 ? [] : [{ name: settingText(name), rate: own, p50, p99, isFront }];
  });
  if (found.length < 2) return { why: "it was measured at one setting, and a curve needs several" };
  const points = found.map(
    (one): Point => ({ ...one, isFront: one.isFront ?? !found.some((other) => dominates(other, one)) }),
  );
  const front = points.filter(({ isFront }) => isFront).toSorted((one, other) => one.rate - other.rate);
  const [slowest, fastest] = [front[0], front.at(-1)];
  if (slowest === undefined || fastest === undefined) return { why: "the details have no setting on the front" };
  const isAlone = data.points.every(({ rate }) => rate === undefined);
  const where = datasetText(evidence);
  return {
    title: "Throughput over latency",
    caption: `Rows a second and the 99th percentile of latency${isAlone ? ", one request at a time" : ""}${where === null ? "" : `, on ${where}`}. Settings on the line are beaten by none at both; the paler ones are. The scale of latency is logarithmic.`,
    description: `${front.length} of ${points.length} settings are on the front, from ${pointText(slowest)} to ${pointText(fastest)}.`,
    table: tableOf(
      [words("setting"), numbers("rate", "/s"), numbers("p50", "ms"), numbers("p99", "ms"), words("front")],
      points.map(({ name, rate, p50, p99, isFront }) => [name, rate, p50, p99, isFront ? "yes" : "no"]),
    ),
    spec: spec(points, front),
    isWide: false,
  };
}

function spec(points: readonly Point[], front: readonly Point[]) {
  const x = quantity("rate", "rows a second", { scale: { zero: true }, axis: { format: "~s" } });
  const y = quantity("p99", "p99 (ms)", { scale: { type: "log", zero: false }, axis: { format: "~r" } });
  const middle = Math.max(...points.map(({ rate }) => rate)) / 2;
  return chartSpec({
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: front.map((point) => ({ ...point })) },
        mark: { type: "line", color: ink("chart-1"), strokeWidth: 1.25 },
        encoding: { x, y, order: { field: "rate", type: "quantitative" } },
      },
      {
        data: { values: points.map((point) => ({ ...point })) },
        mark: { type: "point" },
        encoding: {
          x,
          y,
          color: {
            condition: { test: { field: "isFront", equal: true }, value: ink("chart-1") },
            value: ink("chart-5"),
          },
          opacity: { condition: { test: { field: "isFront", equal: true }, value: 1 }, value: 0.6 },
        },
      },
      // Names stand where there is room: right of points in the left half, and left of the others.
      ...(["left", "right"] as const).map((align) => ({
        data: {
          values: front.filter(({ rate }) => rate < middle === (align === "left")).map((point) => ({ ...point })),
        },
        mark: {
          type: "text",
          align,
          baseline: "bottom",
          dx: align === "left" ? 6 : -6,
          dy: -3,
          limit: LABEL_LIMIT,
          color: ink("ink-2"),
        },
        encoding: { x, y, text: { field: "name", type: "nominal" } },
      })),
    ],
  });
}

/** At least as good at both, and better at one. */
function dominates(one: Pick<Point, "rate" | "p99">, other: Pick<Point, "rate" | "p99">): boolean {
  const isNoWorse = one.rate >= other.rate && one.p99 <= other.p99;
  return isNoWorse && (one.rate > other.rate || one.p99 < other.p99);
}

function pointText({ name, rate, p99 }: Point): string {
  return `${name} (${numberText(Math.round(rate))} rows a second at ${amountText(p99, "ms")})`;
}
