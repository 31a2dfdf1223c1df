// `slipway bench`: what to send where from the arguments, one measurement or a search, and how it is shown.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { findHighestRate, type LoadPlan, type LoadReport, runOrder, trialFrom } from "#load";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { fileError } from "../files.ts";
import { distributionSvg } from "../load/distribution-svg.ts";
import { reportText } from "../load/report-text.ts";
import { foundText, objectiveFrom, trialText } from "../load/search-text.ts";
import { loadRequest, unansweredError } from "../load-request.ts";
import { durationOption, numberOption, wholeOption } from "../option-values.ts";
import { count, duration } from "../text.ts";

export const bench: Command = {
  about:
    "Sends requests at a rate that does not depend on the answers (open loop) and measures latency from when each request was due, so a server that stalls can't hide it. With --concurrency so many clients each wait for their answer instead (closed loop). With --find it looks for the highest rate that meets a latency objective. Percentiles are at most 0.4 % off.",
  arguments: [
    {
      name: "<target>",
      description: "Name of an endpoint, or an address: http://HOST/v2/models/NAME, or any other with --payload",
    },
  ],
  options: [
    { flags: "--rate <number>", description: "Requests a second (open loop); 100 if nothing else is asked for" },
    { flags: "--concurrency <number>", description: "Clients that each wait for their answer (closed loop)" },
    {
      flags: "--arrivals <kind>",
      description: "Gaps between requests of an open loop",
      choices: ["constant", "poisson"],
    },
    { flags: "--duration <duration>", description: "Time measured; 10s if left out" },
    { flags: "--warm-up <duration>", description: "Time before it that is not counted; 1s if left out" },
    { flags: "--connections <number>", description: "Connections of an open loop; 64 if left out" },
    { flags: "--timeout <duration>", description: "A request without an answer for this long fails; 30s if left out" },
    { flags: "--payload <file>", description: "Body to send instead of made-up inputs: .json, an image, or bytes" },
    { flags: "--rows <number>", description: "Rows of made-up inputs; 1 if left out" },
    { flags: "--binary", description: "Send made-up inputs, and want outputs, as raw bytes instead of JSON" },
    { flags: "--method <method>", description: "HTTP method; POST if left out" },
    { flags: "--header <header>", description: "A header, as NAME: VALUE; may be repeated", isList: true },
    { flags: "--seed <number>", description: "Seed of made-up inputs and Poisson arrivals; 1 if left out" },
    { flags: "--find", description: "Find the highest rate that meets --p50, --p90, --p99 or --p999" },
    { flags: "--p50 <duration>", description: "Objective for half of all requests" },
    { flags: "--p90 <duration>", description: "Objective for 90 % of all requests" },
    { flags: "--p99 <duration>", description: "Objective for 99 % of all requests" },
    { flags: "--p999 <duration>", description: "Objective for 99.9 % of all requests" },
    { flags: "--svg <file>", description: "Draw the latency distribution into this file" },
  ],
  examples: [
    { line: "slipway bench digits --rate 500 --duration 30s", says: "the latency of 500 requests a second" },
    { line: "slipway bench digits --concurrency 32 --binary", says: "the most that 32 waiting clients get" },
    { line: "slipway bench digits --find --p99 20ms", says: "the highest rate at which 99 of 100 take at most 20 ms" },
  ],
  handlesInterrupt: true,
  reachesServe: true,
  run: async (context) => {
    const wanted = wantedFrom(context);
    const { url, request } = await loadRequest(context, { rows: wanted.rows, seed: wanted.seed });
    const measure = async (mode: LoadPlan["mode"], warmUpMs: number, durationMs: number): Promise<LoadReport> => {
      const plan = { url: url.href, mode, seed: wanted.seed, warmUpMs, durationMs };
      return await runOrder(
        { plan, request, timeoutMs: wanted.timeoutMs },
        {
          now: context.environment.now,
          signal: context.signal,
          onProgress: ({ elapsedMs, answered, failed }) =>
            context.progress.update(
              `${duration(elapsedMs)} of ${duration(warmUpMs + durationMs)}: ${count(answered)} answered, ${count(failed)} failed`,
            ),
        },
      );
    };
    if (wanted.objective !== null) await search(context, wanted, wanted.objective, measure);
    else await measureOnce(context, wanted, measure);
  },
};

type Wanted = ReturnType<typeof wantedFrom>;
type Measure = (mode: LoadPlan["mode"], warmUpMs: number, durationMs: number) => Promise<LoadReport>;

async function measureOnce(context: CommandContext, wanted: Wanted, measure: Measure): Promise<void> {
  context.progress.step(`Measuring for ${duration(wanted.durationMs)} …`);
  const report = await measure(wanted.mode, wanted.warmUpMs, wanted.durationMs);
  context.progress.end();
  const file = textOption(context.options, "svg");
  if (file !== undefined && report.latency !== null) {
    const subtitle = `${report.plan.url}, ${count(report.goodputPerSecond)} requests/s`;
    const picture = distributionSvg(report.distribution, report.latency, { title: "Latency distribution", subtitle });
    await writeFile(path.resolve(context.environment.workingDirectory, file), picture).catch((error: unknown) => {
      throw fileError(file, error, "written");
    });
  }
  context.answer(report, () => reportText(report));
  const error = report.wasInterrupted ? null : unansweredError(context, report);
  if (error !== null) throw error;
}

/** Shares of the duration, so that `--find --duration 10s` still ends within a few minutes. */
const PROBE_SHARE = 0.5;

async function search(
  context: CommandContext,
  wanted: Wanted,
  objective: NonNullable<Wanted["objective"]>,
  measure: Measure,
): Promise<void> {
  context.progress.step("Measuring the capacity first …");
  const probe = await measure(
    { kind: "closed", concurrency: wanted.connections },
    wanted.warmUpMs,
    wanted.durationMs * PROBE_SHARE,
  );
  const found = await findHighestRate({
    objective,
    startRate: Math.max(1, wanted.rate ?? probe.goodputPerSecond / 2),
    resolution: 1.05,
    repeats: 3,
    maxTrials: 60,
    trial: async (ratePerSecond) => {
      context.signal.throwIfAborted();
      const mode = { kind: "open", ratePerSecond, arrivals: wanted.arrivals, connections: wanted.connections } as const;
      return trialFrom(await measure(mode, wanted.warmUpMs, wanted.durationMs), objective);
    },
    onTrial: (trial, isMet) => {
      context.progress.end();
      context.progress.step(trialText(trial, isMet, objective));
      context.progress.end();
      if (context.terminal.isInteractive && !context.isJson)
        context.terminal.err(`${trialText(trial, isMet, objective)}\n`);
    },
  });
  context.answer({ url: probe.plan.url, closedLoopPerSecond: probe.goodputPerSecond, ...found }, () =>
    foundText(found),
  );
}

function wantedFrom(context: CommandContext) {
  const { options } = context;
  const rate = numberOption(options, "rate", 0.001, 1e7);
  const concurrency = wholeOption(options, "concurrency", 1, 10_000);
  const connections = wholeOption(options, "connections", 1, 10_000) ?? 64;
  const arrivals = (textOption(options, "arrivals") ?? "constant") as "constant" | "poisson";
  const objective = objectiveFrom(options);
  if (options["find"] === true && objective === null) {
    throw new SlipwayError("USAGE", "--find needs an objective, such as --p99 20ms.");
  }
  if (objective !== null && options["find"] !== true) {
    throw new SlipwayError("USAGE", "An objective is looked for with --find; without it --p50 to --p999 mean nothing.");
  }
  if (concurrency !== undefined && (rate !== undefined || objective !== null)) {
    throw new SlipwayError("USAGE", "--concurrency is a closed loop; it goes with neither --rate nor --find.");
  }
  const mode: LoadPlan["mode"] =
    concurrency === undefined
      ? { kind: "open", ratePerSecond: rate ?? 100, arrivals, connections }
      : { kind: "closed", concurrency };
  return {
    rate,
    mode,
    arrivals,
    connections,
    objective,
    rows: wholeOption(options, "rows", 1, 1_000_000) ?? 1,
    seed: wholeOption(options, "seed", 0, 2 ** 32 - 1) ?? 1,
    durationMs: durationOption(options, "duration", 10_000),
    warmUpMs: durationOption(options, "warmUp", 1000),
    timeoutMs: durationOption(options, "timeout", 30_000),
  };
}
