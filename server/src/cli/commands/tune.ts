// `slipway tune`: a short measurement on this machine, and the settings it speaks for.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { DIMENSIONS, MOST_FALSE_SHARE } from "#lab/tune";
import type { Command, CommandContext } from "../command.ts";
import { yamlLines } from "../deployment-flags.ts";
import { objectiveFrom } from "../load/search-text.ts";
import { durationOption, wholeOption } from "../option-values.ts";
import { slipwayCommand } from "../running.ts";
import { withTemporaryDirectory } from "../temporary-server.ts";
import { duration } from "../text.ts";
import { applyToDeployment, commandsFor } from "../tune/apply.ts";
import { type TuneReport, tuneText } from "../tune/report.ts";
import { type Subject, subjectFrom } from "../stand/subject.ts";
import { type Tuned, tuned } from "../tune/tuning.ts";
import type { StandWanted } from "../stand/prepared.ts";

export const tune: Command = {
  about: `Finds the settings this machine serves a model fastest with (${DIMENSIONS.map(({ key }) => key).join(", ")}) by measuring candidates on servers of its own: all briefly, the better half longer, and so on; then the best and the current settings in pairs. It recommends a change only where that is better beyond the noise, and where there is nothing to gain it is wrong in at most ${MOST_FALSE_SHARE * 100} of 100 cases. The objective is the highest throughput, or with --p99 and its like the highest rate that meets it. The load comes from this machine and takes its share of the cores.`,
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    { flags: "--budget <duration>", description: "Time it may take, loading included; 60s if left out" },
    { flags: "--p50 <duration>", description: "Objective for half of all requests" },
    { flags: "--p90 <duration>", description: "Objective for 90 % of all requests" },
    { flags: "--p99 <duration>", description: "Objective for 99 % of all requests" },
    { flags: "--p999 <duration>", description: "Objective for 99.9 % of all requests" },
    {
      flags: "--concurrency <number>",
      description: "Clients that each wait for their answer, or connections with an objective; 32 if left out",
    },
    { flags: "--payload <file>", description: "Body to send instead of made-up inputs: .json, an image, or bytes" },
    { flags: "--rows <number>", description: "Rows of made-up inputs; 1 if left out" },
    { flags: "--binary", description: "Send made-up inputs, and want outputs, as raw bytes instead of JSON" },
    {
      flags: "--seed <number>",
      description: "Seed of made-up inputs, arrivals and the order of candidates; 1 if left out",
    },
    { flags: "--apply", description: "Deploy what is recommended, for a registered model" },
    { flags: "--endpoint <name>", description: "Endpoint whose settings are tuned; the version's name if left out" },
  ],
  settings: "deployment",
  examples: [
    { line: "slipway tune model.onnx", says: "the candidate of the highest throughput, with the flags to serve it" },
    { line: "slipway tune digits --p99 20ms --apply", says: "the highest rate within 20 ms; deployed if it is better" },
    { line: "slipway tune digits --budget 3min --rows 8 --binary", says: "longer, with the load it will have" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const wanted = wantedFrom(context);
    try {
      const report = await withTemporaryDirectory(async (directory) => {
        const files = path.join(directory, "model");
        await mkdir(files);
        const subject = await subjectFrom(context, files);
        return await reportFrom(context, subject, await tuned(context, wanted, subject, directory));
      });
      context.progress.end();
      context.answer(report, () => tuneText(report));
    } catch (error) {
      if (!context.signal.aborted) throw error;
      throw new SlipwayError("INTERRUPTED", "Given up; nothing was changed.", { cause: error });
    }
  },
};

/** Says how to put a recommendation into effect, and does so where that is asked for. */
async function reportFrom(context: CommandContext, subject: Subject, measured: Tuned): Promise<TuneReport> {
  const { recommendation, verdict } = measured;
  if (recommendation === null) return { ...measured, isApplied: false, commands: [], yaml: [] };
  let remaining = recommendation;
  if (context.options["apply"] === true) {
    context.progress.step(`Deploying ${subject.title} …`);
    const reason = `slipway tune: ${verdict.ratio!.median.toFixed(2)} × the settings before`;
    remaining = await applyToDeployment(subject, recommendation, reason);
  }
  const isApplied = Object.keys(remaining).length === 0;
  const commands = commandsFor(subject, remaining, slipwayCommand(context.environment));
  return { ...measured, isApplied, commands, yaml: yamlLines(remaining) };
}

function wantedFrom({ options }: CommandContext): StandWanted {
  const budgetMs = durationOption(options, "budget", 60_000);
  if (budgetMs < 1000 || budgetMs > 3_600_000)
    throw new SlipwayError("USAGE", `--budget is ${duration(budgetMs)}; it must be from 1s to 1h.`);
  return {
    budgetMs,
    objective: objectiveFrom(options),
    connections: wholeOption(options, "concurrency", 1, 10_000) ?? 32,
    rows: wholeOption(options, "rows", 1, 1_000_000) ?? 1,
    seed: wholeOption(options, "seed", 0, 2 ** 32 - 1) ?? 1,
    timeoutMs: 30_000,
  };
}
