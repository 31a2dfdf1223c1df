// Where the time of a run goes, as the engine's profiler told it: by operator, and node by node.
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { bars } from "./spec.ts";

const DETAILS = z.object({
  operators: z
    .array(
      z.object({
        operator: z.string(),
        provider: z.string(),
        nodes: z.number(),
        meanUs: z.number(),
        share: z.number(),
      }),
    )
    .min(1),
  nodes: z.array(z.object({ name: z.string(), operator: z.string(), meanUs: z.number(), share: z.number() })),
  nodesLeftOut: z.number(),
});
const MOST_OPERATORS = 12;
const MOST_NODES = 15;
const NONE: NoChart = { why: "the details have no operators with their times" };

export function operatorTime({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined) return NONE;
  const hasProviders = new Set(data.operators.map(({ provider }) => provider)).size > 1;
  const all = data.operators
    .map((one) => ({ ...one, name: hasProviders ? `${one.operator} on ${one.provider}` : one.operator }))
    .toSorted((one, other) => other.meanUs - one.meanUs);
  const shown = all.slice(0, MOST_OPERATORS);
  const first = shown[0]!;
  return {
    title: "Time by operator",
    caption:
      "Mean time of a run in the nodes of each operator, as the engine runs them after its optimisations, with the profiler on.",
    description: `${first.name} takes most: ${timeText(first.meanUs)} of a run, ${shareText(first.share)} of the time of all nodes.`,
    table: tableOf(
      [words("operator"), words("provider"), numbers("nodes"), numbers("time of a run", "µs"), numbers("share")],
      all.map(({ operator, provider, nodes, meanUs, share }) => [operator, provider, nodes, meanUs, share]),
    ),
    spec: bars(
      shown.map(({ name, meanUs, share }) => ({
        name,
        value: meanUs,
        text: `${timeText(meanUs)} · ${shareText(share)}`,
      })),
      "µs of a run",
    ),
    isWide: false,
  };
}

export function slowestNodes({ details }: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(details);
  if (data === undefined || data.nodes.length === 0) return NONE;
  const all = data.nodes.toSorted((one, other) => other.meanUs - one.meanUs);
  const shown = all.slice(0, MOST_NODES);
  const together = shown.reduce((sum, { share }) => sum + share, 0);
  const count = numberText(data.nodes.length + data.nodesLeftOut);
  return {
    title: shown.length === all.length ? "Time by node" : `The ${shown.length} slowest nodes`,
    caption: "Mean time of a run in single nodes; names of fused nodes are the engine's.",
    description: `Of ${count} nodes, ${shown[0]!.name || "the slowest"} (${shown[0]!.operator}) takes most: ${timeText(shown[0]!.meanUs)}; the ${shown.length} shown take ${shareText(together)} of the time.`,
    table: tableOf(
      [words("node"), words("operator"), numbers("time of a run", "µs"), numbers("share")],
      all.map(({ name, operator, meanUs, share }) => [name, operator, meanUs, share]),
    ),
    spec: bars(
      // Two nodes may have one name; their places tell them apart.
      shown.map(({ name, operator, meanUs, share }, index) => ({
        name: `${index + 1}. ${name || operator}`,
        value: meanUs,
        text: `${timeText(meanUs)} · ${shareText(share)}`,
      })),
      "µs of a run",
    ),
    isWide: false,
  };
}

function timeText(us: number): string {
  return us < 1000 ? amountText(us, "µs") : amountText(us / 1000, "ms");
}
