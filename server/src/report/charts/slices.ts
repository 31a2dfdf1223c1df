// Quality by slice: of rows that share a value of a column, with intervals. Where a model that is good on the whole is not.
import type { ReportEvidence } from "../evidence.ts";
import { amountText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { qualityDetail } from "./quality-details.ts";
import { dots } from "./spec.ts";

/** Of more, those furthest from the whole are drawn. */
const MOST_SLICES = 40;

export function sliceQuality(evidence: ReportEvidence): Drawing | NoChart {
  const found = qualityDetail(evidence, "slices");
  if (found === null) return { why: "no columns were sliced by" };
  const all = Object.entries(found.columns).flatMap(([column, values]) =>
    values.flatMap(({ value, rows, estimate, verdict }) =>
      estimate === null
        ? []
        : [{ name: value === null ? `${column} is missing` : `${column} = ${value}`, rows, verdict, ...estimate }],
    ),
  );
  if (all.length === 0) return { why: "no slice has rows enough" };
  const whole = evidence.values[found.metric]?.value ?? null;
  const distance = (value: number) => Math.abs(value - (whole ?? 0));
  const order = all.toSorted((one, other) => distance(other.value) - distance(one.value));
  const shown = all.length > MOST_SLICES ? order.slice(0, MOST_SLICES) : all;
  const worse = all.filter(({ verdict }) => verdict === "worse").map(({ name }) => name);
  return {
    title: all.length > MOST_SLICES ? `By slice, the ${MOST_SLICES} furthest of ${all.length}` : "By slice",
    caption: `${found.metric} of rows that share a value, with ${shareText(found.level)} intervals${whole === null ? "" : "; the dashed line is that of all rows"}.`,
    description: `Furthest from the whole is ${order[0]!.name} with ${amountText(order[0]!.value, "1")}. ${worse.length === 0 ? "None is shown to be worse than the others, after correction for their number." : `Worse than the others, after correction for their number: ${worse.slice(0, 5).join("; ")}${worse.length > 5 ? ` and ${worse.length - 5} more` : ""}.`}`,
    table: tableOf(
      [words("slice"), numbers(found.metric), numbers("lower"), numbers("upper"), numbers("rows"), words("verdict")],
      all.map(({ name, value, lower, upper, rows, verdict }) => [name, value, lower, upper, rows, verdict]),
    ),
    spec: dots(
      shown.map(({ name, value, lower, upper }) => ({ name, value, lower, upper })),
      found.metric,
      whole === null ? {} : { reference: whole },
    ),
    isWide: false,
  };
}
