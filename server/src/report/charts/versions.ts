// Two versions' figures beside each other, each with its interval: where whiskers are apart the versions are, and where they
// overlap only a paired comparison can tell.
import { type ComparedValue, type Comparison, goodSide } from "../comparison.ts";
import { numberText, shareText } from "../numbers.ts";
import { subjectText } from "../report.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { ink } from "./palette.ts";
import { chartSpec, quantity, roomBeside, ROW_HEIGHT } from "./spec.ts";

/** Shares of what is right share an axis; losses, latencies and bytes would each need one of their own. */
function isShare({ metric, unit, first, second }: ComparedValue): boolean {
  return (
    unit === "1" &&
    !metric.includes("[") &&
    goodSide(metric) === "higher" &&
    [first, second].every(
      (one) => one !== null && one.interval !== null && one.value !== null && one.value >= 0 && one.value <= 1,
    )
  );
}

export function figuresOfBoth({ first, second, values }: Comparison): Drawing | NoChart {
  const shares = values.filter(isShare);
  if (shares.length === 0) return { why: "no share was measured of both on the same, with intervals" };
  // What all have in common is said once.
  const [kinds, places] = [new Set(shares.map(({ kind }) => kind)), new Set(shares.map(({ where }) => where))];
  const nameOf = ({ kind, metric, where }: ComparedValue) =>
    `${kinds.size === 1 ? "" : `${kind}.`}${metric}${places.size === 1 || where === "" ? "" : ` ${where}`}`;
  const common = places.size === 1 && !places.has("") ? ` ${[...places][0]!}` : " on the same";
  const names = [subjectText(first), subjectText(second)] as const;
  const rows = shares.flatMap((value) =>
    ([value.first!, value.second!] as const).map(({ value: of, interval }, index) => ({
      name: nameOf(value),
      version: names[index]!,
      value: of!,
      lower: interval!.lower,
      upper: interval!.upper,
    })),
  );
  const apart = shares.filter(({ verdict }) => verdict === "better" || verdict === "worse");
  const level = shares[0]!.first!.interval!.level;
  const order = [...new Set(rows.map(({ name }) => name))];
  const x = quantity("lower", "value", { scale: { zero: false }, axis: { format: "~r" } });
  const encoding = {
    y: { field: "name", type: "nominal", title: null, sort: order, axis: { grid: false } },
    yOffset: { field: "version", type: "nominal", sort: [...names] },
    color: { field: "version", type: "nominal", sort: [...names], scale: { range: [ink("chart-5"), ink("chart-1")] } },
  };
  return {
    title: "Figures of both",
    caption: `Shares of what is right that were measured of both${common}, with ${shareText(level)} intervals.`,
    description: `${apart.length === 0 ? "No two intervals are apart." : `Intervals are apart for ${apart.map(({ metric, verdict }) => `${metric} (${verdict})`).join(", ")}.`} ${shares.map(({ metric, first: one, second: other }) => `${metric} ${numberText(one!.value!)} and ${numberText(other!.value!)}`).join("; ")}.`,
    table: tableOf(
      [words("figure"), words("version"), numbers("value"), numbers("lower"), numbers("upper")],
      rows.map(({ name, version, value, lower, upper }) => [name, version, value, lower, upper]),
    ),
    spec: chartSpec({
      width: roomBeside(rows, false),
      height: { step: ROW_HEIGHT / 2 + 3 },
      data: { values: rows },
      layer: [
        { mark: { type: "rule" }, encoding: { ...encoding, x, x2: { field: "upper" } } },
        { mark: { type: "point" }, encoding: { ...encoding, x: { ...x, field: "value" } } },
      ],
    }),
    isWide: false,
  };
}
