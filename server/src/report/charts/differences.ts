// A paired comparison of two versions: how far each figure of one is from the other's, with intervals over the same rows.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { dots } from "./spec.ts";

const AGAINST = z.object({ against: z.object({ name: z.string(), number: z.number() }) });
const ENDING = ".difference";

export function pairedDifferences({ details, values }: ReportEvidence): Drawing | NoChart {
  const { data } = AGAINST.safeParse(details);
  if (data === undefined) return { why: "the details do not say which version it was compared with" };
  const other = `${data.against.name}@${data.against.number}`;
  const rows = Object.entries(values).flatMap(([metric, { value, interval, unit }]) => {
    const isWhole = metric.endsWith(ENDING) && !metric.includes("[");
    // Others have units of their own, and would make one axis of several.
    if (!isWhole || value === null || interval === null || unit !== "1") return [];
    const { lower, upper, level } = interval;
    return [{ name: metric.slice(0, -ENDING.length), value, lower, upper, level }];
  });
  if (rows.length === 0) return { why: "no difference has an interval" };
  const apart = rows.filter(({ lower, upper }) => lower > 0 || upper < 0).map(({ name }) => name);
  return {
    title: `Differences from ${other}`,
    caption: `This version's figures less those of ${other} on the same rows, with ${shareText(rows[0]!.level)} intervals; on the dashed line they are equal.`,
    description: `${apart.length === 0 ? "No interval excludes zero." : `Intervals exclude zero for ${apart.join(", ")}.`} ${rows.map(({ name, value }) => `${name} ${value > 0 ? "+" : ""}${numberText(value)}`).join("; ")}.`,
    table: tableOf(
      [words("figure"), numbers("difference"), numbers("lower"), numbers("upper")],
      rows.map(({ name, value, lower, upper }) => [name, value, lower, upper]),
    ),
    spec: dots(
      rows.map(({ name, value, lower, upper }) => ({ name, value, lower, upper })),
      "difference",
      { reference: 0 },
    ),
    isWide: false,
  };
}
