// Where the time of a run goes, node by node, as the engine's own profiler tells it.
import { comparePairedTimings, meanInterval } from "@slipway/core/stats";
import { z } from "zod";
import type { JsonObject, MeasuredValue } from "#registry";
import { planThreads, sessionSettingsFrom } from "#runtime";
import { INPUT_SHAPES } from "./compute/index.ts";
import { exact } from "./exact.ts";
import { measurement } from "./measurement.ts";
import { describeProfile, type Profile, profileInProcess } from "./operators/index.ts";

const SCHEMA = 1;
const CONFIDENCE = 0.95;
/** Nodes that are kept with it; of larger graphs the slowest. */
const MOST_NODES = 500;
/** Operators that have values of their own, by which a policy can ask for them. */
const MOST_NAMED_OPERATORS = 20;
/** Runs times nodes: what a trace of some ten megabytes holds. */
const MOST_EVENTS = 50_000;
const FEWEST_RUNS = 2;
/** Beyond loading: for the runs with and without the profiler, and for reading the trace. */
const EXTRA_MS = 60_000;

/**
 * `share[Conv]` is what an operator takes of the time of all nodes, over all runs; `overhead` is how much longer a run takes
 * with the profiler than without, from pairs of runs next to each other, so it says how far the times can be believed.
 * Nodes are those the engine runs after its optimisations; names of fused nodes are the engine's.
 */
export const operators = measurement({
  about: "Where the time of a run goes: each operator's and node's share, what it ran on, what profiling costs.",
  needsRows: false,
  needsRival: false,
  isTimed: true,
  options: z.strictObject({
    shapes: INPUT_SHAPES,
    runs: z.int().min(FEWEST_RUNS).max(1000).default(30).describe("runs that count, with the profiler and without"),
    warmUpRuns: z.int().min(0).max(1000).default(3).describe("runs before them"),
  }),
  run: async ({ model, files }, options, ports, { signal, report }) => {
    const { settings, clock, environment, machine, code } = ports;
    const { intraOpThreads } = planThreads(settings, coresOf(machine.facts));
    const runs = Math.max(FEWEST_RUNS, Math.min(options.runs, Math.floor(MOST_EVENTS / (model.scan.nodeCount + 1))));
    report({ done: 0, total: null, text: `profiling ${runs} runs` });
    const found = await profileInProcess({
      files,
      shapes: options.shapes,
      session: sessionSettingsFrom(settings, intraOpThreads),
      warmUpRuns: options.warmUpRuns,
      runs,
      clock,
      timeoutMs: settings.loadTimeoutMs + EXTRA_MS,
      memoryLimitBytes: settings.memoryLimitBytes,
      signal,
      environment,
    });
    const { profile, plainMs, watchedMs } = found;
    const overhead = comparePairedTimings(plainMs, watchedMs, CONFIDENCE).ratio;
    return {
      kind: "operators",
      schema: SCHEMA,
      values: {
        run: meanOf(plainMs, "without the profiler, Student"),
        "node-time": exact(profile.nodeUs / profile.runs / 1000, "ms", "sum of all nodes, with the profiler"),
        overhead: {
          value: overhead.estimate,
          reason: null,
          unit: "1",
          interval: { lower: overhead.lower, upper: overhead.upper, level: CONFIDENCE },
          method: "median of profiled over plain, run by run; order statistics",
          count: runs,
        },
        nodes: exact(profile.nodes.length, "1", "nodes the engine runs, after its optimisations"),
        ...sharesOf(profile),
      },
      details: detailsOf(profile, overhead.estimate),
      dataset: null,
      machine,
      settings: { inputs: found.inputs, intraOpThreads, runs, warmUpRuns: options.warmUpRuns },
      method: `ONNX Runtime's profiler over ${profile.runs} runs of made-up inputs, beside as many without it.`,
      code,
    };
  },
});

function meanOf(ms: readonly number[], method: string): MeasuredValue {
  const { estimate, lower, upper } = meanInterval(ms, CONFIDENCE);
  const interval = { lower: Math.max(0, lower), upper, level: CONFIDENCE };
  return { value: estimate, reason: null, unit: "ms", interval, method: `mean ${method}`, count: ms.length };
}

/** By operator, over all execution providers. */
function sharesOf({ operators: all }: Profile): Record<string, MeasuredValue> {
  const byName = Map.groupBy(all, ({ operator }) => operator);
  const shares = Array.from(byName, ([operator, group]) => ({
    operator,
    share: group.reduce((sum, { share }) => sum + share, 0),
  }));
  const named = shares.sort((a, b) => b.share - a.share).slice(0, MOST_NAMED_OPERATORS);
  return Object.fromEntries(
    named.map(({ operator, share }) => [`share[${operator}]`, exact(share, "1", "of the time of all nodes")]),
  );
}

function detailsOf(profile: Profile, overhead: number): JsonObject {
  const { nodes, operators: all, runs, runUs, nodeUs, peakBytes, isWhole } = profile;
  const costs =
    overhead > 1 ? `makes a run ${percent(overhead - 1)} longer here` : "makes no run longer that could be seen here";
  const details = {
    summary: [
      ...describeProfile(profile),
      `Profiling ${costs}; shares of nodes that take a few microseconds are the least certain.`,
      ...(isWhole ? [] : [`Only ${runs} runs are in the profile; the engine keeps no more than a million events.`]),
    ],
    runs,
    meanRunUs: runs === 0 ? 0 : runUs / runs,
    meanNodeUs: runs === 0 ? 0 : nodeUs / runs,
    peakBytes,
    operators: all.map(({ totalUs, ...one }) => ({ ...one, meanUs: totalUs / runs })),
    nodes: nodes.slice(0, MOST_NODES).map(({ totalUs, calls, ...one }) => ({
      ...one,
      meanUs: totalUs / runs,
      callsPerRun: calls / runs,
      share: nodeUs === 0 ? 0 : totalUs / nodeUs,
    })),
    nodesLeftOut: Math.max(0, nodes.length - MOST_NODES),
  };
  return JSON.parse(JSON.stringify(details)) as JsonObject;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

/** Cores threads are planned for, as the machine tells them. */
function coresOf(facts: JsonObject): number {
  const { cores } = facts;
  return typeof cores === "number" && cores >= 1 ? cores : 1;
}
