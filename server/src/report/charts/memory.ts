// The memory of a runner over time, while the model runs on it.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf } from "./chart.ts";
import { ink } from "./palette.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

const DETAILS = z.object({ series: z.array(z.tuple([z.number(), z.number().min(0)])).min(2) });
const MEBIBYTE = 2 ** 20;

export function memoryOverTime({ details, values }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return { why: "the details have no series over time" };
  const points = data.series.map(([ms, bytes]) => ({ ms, mebibytes: bytes / MEBIBYTE, zero: 0 }));
  const most = data.series.reduce((best, one) => (one[1] > best[1] ? one : best));
  const base = values["base"]?.value ?? null;
  const without = base === null ? "" : ` On the dashed line is a runner without the model, ${amountText(base, "B")}.`;
  const x = quantity("ms", "time (ms)", { scale: { nice: false } });
  return {
    title: "Memory over time",
    caption: `Resident memory of one runner while the model runs, again and again.${without}`,
    description: `It begins with ${amountText(data.series[0]![1], "B")}, is most after ${amountText(most[0], "ms")} with ${amountText(most[1], "B")}, and ends with ${amountText(data.series.at(-1)![1], "B")}.`,
    table: tableOf([numbers("time", "ms"), numbers("resident", "B")], data.series),
    spec: chartSpec({
      width: WIDTH,
      height: HEIGHT - 40,
      layer: [
        {
          data: { values: points },
          mark: { type: "area", interpolate: "step-after", color: ink("chart-1"), opacity: 0.75 },
          encoding: { x, y: quantity("mebibytes", "resident (MiB)"), y2: { field: "zero" } },
        },
        ...(base === null
          ? []
          : [
              {
                data: { values: [{ mebibytes: base / MEBIBYTE }] },
                mark: { type: "rule", color: ink("chart-2"), strokeDash: [4, 3] },
                encoding: { y: quantity("mebibytes", "resident (MiB)") },
              },
            ]),
      ],
    }),
    isWide: false,
  };
}
