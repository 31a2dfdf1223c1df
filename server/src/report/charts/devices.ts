// Whether a model fits devices: how long a run takes on each, with the range the figure is good for.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { dots } from "./spec.ts";

const DETAILS = z.object({
  fits: z
    .array(
      z.object({
        device: z.string(),
        verdict: z.string(),
        checks: z.array(
          z.object({
            question: z.string(),
            found: z.number().nullable(),
            lower: z.number().nullable(),
            upper: z.number().nullable(),
            limit: z.number().nullable(),
          }),
        ),
      }),
    )
    .min(1),
});

export function latencyByDevice({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return { why: "the details have no devices" };
  const rows = data.fits.flatMap(({ device, verdict, checks }) => {
    const check = checks.find(({ question }) => question === "latency");
    if (check === undefined || check.found === null || check.found <= 0) return [];
    const { found, lower, upper, limit } = check;
    return [{ name: `${device}: ${verdict.replaceAll("-", " ")}`, value: found, lower, upper, limit }];
  });
  if (rows.length === 0) return { why: "the latency is known of no device" };
  const limit = rows[0]!.limit;
  // A logarithmic axis begins above nothing; a range that begins there is drawn from the least that is shown.
  const least = Math.min(...rows.map(({ value, lower }) => (lower !== null && lower > 0 ? lower : value)));
  const sorted = rows.toSorted((one, other) => one.value - other.value);
  const [fastest, slowest] = [sorted[0]!, sorted.at(-1)!];
  return {
    title: "A run on each device",
    caption: `How long a run takes, measured on this machine and estimated elsewhere; whiskers are the range an estimate is good for${limit === null ? "" : ", the dashed line is what may be taken"}. The scale is logarithmic. Verdicts are over all that was asked, memory and operators too.`,
    description: `From ${amountText(fastest.value, "ms")} (${fastest.name}) to ${amountText(slowest.value, "ms")} (${slowest.name}).`,
    table: tableOf(
      [
        words("device"),
        numbers("latency", "ms"),
        numbers("lower", "ms"),
        numbers("upper", "ms"),
        numbers("limit", "ms"),
      ],
      rows.map(({ name, value, lower, upper, limit: most }) => [name, value, lower, upper, most]),
    ),
    spec: dots(
      rows.map(({ name, value, lower, upper }) => ({
        name,
        value,
        lower: lower === null ? null : Math.max(lower, least),
        upper,
      })),
      "ms",
      { isLogarithmic: true, ...(limit === null || limit <= 0 ? {} : { reference: limit }) },
    ),
    isWide: false,
  };
}
