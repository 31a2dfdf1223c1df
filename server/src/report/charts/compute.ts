// What a run computes and holds: work by operator, and activations that are alive at once, node after node.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { ink } from "./palette.ts";
import { bars, chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

const OPERATORS = z.object({
  operators: z.array(z.object({ operator: z.string(), nodes: z.number(), macs: z.number(), flops: z.number() })).min(1),
});
const LIVENESS = z.object({
  liveBytes: z.array(z.number()).min(2),
  nodes: z.array(z.object({ place: z.string() })),
  peakNode: z.string().nullable().optional(),
});
const PARAMETERS = z.object({
  parametersByDType: z
    .array(z.object({ dtype: z.string(), tensors: z.number(), count: z.number(), sizeBytes: z.number() }))
    .min(1),
});
const MOST_OPERATORS = 12;
/** Points of a curve; of longer ones, the largest of each stretch. */
const MOST_STEPS = 600;

export function operatorWork({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = OPERATORS.safeParse(details);
  if (data === undefined) return { why: "the details have no operators" };
  const isCounted = data.operators.some(({ macs }) => macs > 0);
  const unit = isCounted ? "MAC" : "FLOP";
  const workOf = (one: { macs: number; flops: number }) => (isCounted ? one.macs : one.flops);
  const all = data.operators.toSorted((one, other) => workOf(other) - workOf(one));
  const total = all.reduce((sum, one) => sum + workOf(one), 0);
  if (total === 0) return { why: "no operator does arithmetic" };
  const shown = all.filter((one) => workOf(one) > 0).slice(0, MOST_OPERATORS);
  return {
    title: "Work by operator",
    caption: `${isCounted ? "Multiply-accumulates" : "Floating-point operations"} of one run, counted from shapes. What an operator takes in time is another matter: this is arithmetic alone.`,
    description: `${shown[0]!.operator} does most: ${amountText(workOf(shown[0]!), unit)} of ${amountText(total, unit)}, ${shareText(workOf(shown[0]!) / total)}.`,
    table: tableOf(
      [words("operator"), numbers("nodes"), numbers("multiply-accumulates", "MAC"), numbers("operations", "FLOP")],
      all.map(({ operator, nodes, macs, flops }) => [operator, nodes, macs, flops]),
    ),
    spec: bars(
      shown.map((one) => ({
        name: one.operator,
        value: workOf(one),
        text: `${amountText(workOf(one), unit)} · ${shareText(workOf(one) / total)}`,
      })),
      unit,
    ),
    isWide: false,
  };
}

export function activationLiveness({ details, values }: ReportEvidence): Drawing | NoChart {
  const { data } = LIVENESS.safeParse(details);
  if (data === undefined) return { why: "the details have no bytes node after node" };
  const { liveBytes, nodes, peakNode = null } = data;
  const peak = largest(liveBytes);
  const at = liveBytes.indexOf(peak);
  const whole = values["activations"]?.value ?? peak;
  const place = peakNode ?? nodes[at]?.place ?? `step ${at}`;
  return {
    title: "Activations alive, node by node",
    caption:
      "Bytes of intermediate values that are needed at once, in the order nodes run, none reused in place. The engine may need more.",
    description: `The most is ${amountText(whole, "B")}, at ${place}, step ${at + 1} of ${liveBytes.length}.`,
    table: tableOf(
      [numbers("step"), words("node"), numbers("alive", "B")],
      liveBytes.map((bytes, step) => [step + 1, nodes[step]?.place ?? null, bytes]),
    ),
    spec: chartSpec({
      width: WIDTH,
      height: HEIGHT - 40,
      layer: [
        {
          data: { values: thinned(liveBytes) as never },
          mark: { type: "area", interpolate: "step-after", color: ink("chart-1"), opacity: 0.75 },
          encoding: {
            x: quantity("step", "node, in running order", { scale: { nice: false } }),
            y: quantity("bytes", "alive (B)", { axis: { format: "~s" } }),
          },
        },
        {
          data: { values: [{ step: at + 1, bytes: peak }] },
          mark: { type: "point", color: ink("chart-2"), size: 64 },
          encoding: { x: quantity("step", "node, in running order"), y: quantity("bytes", "alive (B)") },
        },
      ],
    }),
    isWide: false,
  };
}

export function parametersByType({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = PARAMETERS.safeParse(details);
  if (data === undefined) return { why: "the details have no stored numbers by type" };
  if (data.parametersByDType.length < 2) return { why: "all stored numbers are of one type" };
  const all = data.parametersByDType.toSorted((one, other) => other.sizeBytes - one.sizeBytes);
  const total = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    title: "Stored numbers by type",
    caption: "Bytes of the model's stored tensors by element type, each tensor once.",
    description: `${all[0]!.dtype} takes most: ${amountText(all[0]!.sizeBytes, "B")} of ${amountText(total, "B")}.`,
    table: tableOf(
      [words("type"), numbers("tensors"), numbers("elements"), numbers("bytes", "B")],
      all.map(({ dtype, tensors, count, sizeBytes }) => [dtype, tensors, count, sizeBytes]),
    ),
    spec: bars(
      all.map(({ dtype, sizeBytes, count }) => ({
        name: dtype,
        value: sizeBytes,
        text: `${amountText(sizeBytes, "B")} · ${numberText(count)}`,
      })),
      "B",
    ),
    isWide: false,
  };
}

/** A curve of at most `MOST_STEPS` points that keeps its peaks. */
function thinned(liveBytes: readonly number[]): readonly { step: number; bytes: number }[] {
  const width = Math.ceil(liveBytes.length / MOST_STEPS);
  return Array.from({ length: Math.ceil(liveBytes.length / width) }, (_, index) => ({
    step: index * width + 1,
    bytes: largest(liveBytes.slice(index * width, (index + 1) * width)),
  }));
}

/** Of any number of values; as arguments of a function there may be too many. */
function largest(values: readonly number[]): number {
  return values.reduce((most, one) => Math.max(most, one), 0);
}
