// `slipway plan`: what it takes to meet an objective at a rate, measured on this machine.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { shellQuoted, SlipwayError } from "@slipway/core/base";
import { type Plan } from "#lab/plan";
import { type Command, type CommandContext, type CommandOptions, textOption } from "../command.ts";
import { flagsText } from "../deployment-flags.ts";
import { fileError } from "../files.ts";
import { objectiveFrom } from "../load/search-text.ts";
import { durationOption, wholeOption } from "../option-values.ts";
import { partsOf } from "../plan/kept-plan.ts";
import { planText } from "../plan/plan-text.ts";
import { planned, type PlanWanted } from "../plan/planning.ts";
import { readPrices } from "../plan/prices-file.ts";
import { slipwayCommand } from "../running.ts";
import { type Subject, subjectFrom } from "../stand/subject.ts";
import { withTemporaryDirectory } from "../temporary-server.ts";
import { duration } from "../text.ts";

export const plan: Command = {
  about:
    "Says what it takes to answer so many requests a second within a latency: settings on this machine, a number of machines like it, or that neither helps and the model is too slow or the objective too tight. It races settings, looks for the highest rate that meets the objective, keeps as much of it free as the machine was seen to vary, and confirms the rate in window after window of open-loop Poisson load until chance is ruled out. Then it compares larger machines with more of them, each priced from a table you can edit. A registered model's plan is kept as evidence; deploy it with `slipway deploy --plan`.",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    { flags: "--rate <rate>", description: "Requests a second, such as 500/s; the highest there is if left out" },
    { flags: "--p50 <duration>", description: "Objective for half of all requests" },
    { flags: "--p90 <duration>", description: "Objective for 90 % of all requests" },
    { flags: "--p95 <duration>", description: "Objective for 95 % of all requests" },
    { flags: "--p99 <duration>", description: "Objective for 99 % of all requests" },
    { flags: "--p999 <duration>", description: "Objective for 99.9 % of all requests" },
    { flags: "--budget <duration>", description: "Time it may take, loading included; 3min if left out" },
    { flags: "--connections <number>", description: "Connections the load comes on; 64 if left out" },
    { flags: "--payload <file>", description: "Body to send instead of made-up inputs: .json, an image, or bytes" },
    { flags: "--rows <number>", description: "Rows of made-up inputs; 1 if left out" },
    { flags: "--binary", description: "Send made-up inputs, and want outputs, as raw bytes instead of JSON" },
    {
      flags: "--seed <number>",
      description: "Seed of made-up inputs, arrivals and the order of candidates; 1 if left out",
    },
    {
      flags: "--prices <file>",
      description: "Machines and what they cost by the hour (YAML); prices.yaml of the data directory if left out",
    },
    { flags: "--save <file>", description: "Write the plan into this file (JSON) as well" },
    { flags: "--endpoint <name>", description: "Endpoint whose settings are planned; the version's name if left out" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  settings: "deployment",
  examples: [
    { line: "slipway plan digits --p99 20ms --rate 500/s", says: "what 500 requests a second within 20 ms take" },
    { line: "slipway plan digits --p99 20ms", says: "the most this machine carries within 20 ms" },
    {
      line: "slipway plan model.onnx --p99 50ms --rate 2000/s --rows 8 --prices prices.yaml --save plan.json",
      says: "batches of 8 rows, priced by your own table, into a file",
    },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const wanted = await wantedFrom(context);
    try {
      await withTemporaryDirectory(async (directory) => {
        const files = path.join(directory, "model");
        await mkdir(files);
        const subject = await subjectFrom(context, files);
        const made = await planned(context, wanted, subject, directory);
        const kept = await keep(context, subject, made);
        context.progress.end();
        context.answer({ ...made, evidenceId: kept.evidenceId }, () => planText(made, kept.lines));
      });
    } catch (error) {
      if (!context.signal.aborted) throw error;
      throw new SlipwayError("INTERRUPTED", "Given up; nothing was kept.", { cause: error });
    }
  },
};

/** Keeps a plan as evidence where its model is registered, and in a file where one is named; says how to make use of it. */
async function keep(
  context: CommandContext,
  { origin }: Subject,
  made: Plan,
): Promise<{ readonly evidenceId: string | null; readonly lines: readonly string[] }> {
  const slipway = slipwayCommand(context.environment);
  const file = textOption(context.options, "save");
  if (file !== undefined) {
    await writeFile(
      path.resolve(context.environment.workingDirectory, file),
      `${JSON.stringify(made, null, 2)}\n`,
    ).catch((error: unknown) => {
      throw fileError(file, error, "written");
    });
  }
  const isUseful = made.outcome === "fits" || made.outcome === "replicas";
  const { ofDeployment, ofServer } = partsOf(made);
  const isDefaultServer = Object.values(ofServer["server"] ?? {}).every((value) => value === 1);
  const start = isDefaultServer ? [] : [`${slipway} start ${flagsText(ofServer)}`];
  if (origin.kind === "version") {
    const { session, endpoint, name, number } = origin;
    const reason = textOption(context.options, "reason") ?? null;
    const evidence = await session.client.keepPlan({ params: { name, number }, body: { plan: made, reason } });
    const at = endpoint === name ? "" : ` --endpoint ${endpoint}`;
    const deploy = `${slipway} deploy ${name}@${number}${at} --plan ${evidence.id}`;
    return { evidenceId: evidence.id, lines: isUseful ? [...start, deploy] : [] };
  }
  const serve =
    origin.kind === "file"
      ? [
          `${slipway} serve ${shellQuoted(origin.given)} ${flagsText({ ...ofDeployment, ...(isDefaultServer ? {} : ofServer) })}`,
        ]
      : [];
  const deploy = file === undefined ? [] : [`${slipway} deploy NAME --plan ${shellQuoted(file)}`];
  return { evidenceId: null, lines: isUseful ? [...serve, ...deploy] : [] };
}

async function wantedFrom({ options, environment, configuration }: CommandContext): Promise<PlanWanted> {
  const objective = objectiveFrom(options);
  if (objective === null) throw new SlipwayError("USAGE", "A plan needs an objective, such as --p99 20ms.");
  const budgetMs = durationOption(options, "budget", 180_000);
  if (budgetMs < 1000 || budgetMs > 3_600_000)
    throw new SlipwayError("USAGE", `--budget is ${duration(budgetMs)}; it must be from 1s to 1h.`);
  const { workingDirectory } = environment;
  return {
    objective,
    budgetMs,
    ratePerSecond: rateFrom(options),
    connections: wholeOption(options, "connections", 1, 10_000) ?? 64,
    rows: wholeOption(options, "rows", 1, 1_000_000) ?? 1,
    seed: wholeOption(options, "seed", 0, 2 ** 32 - 1) ?? 1,
    // What took this much longer than the objective missed it, however long it goes on.
    timeoutMs: Math.min(30_000, Math.max(2000, 20 * objective.latencyMs)),
    prices: await readPrices(workingDirectory, configuration.settings.dataDir, textOption(options, "prices")),
  };
}

const PER_SECOND: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

/** `500`, `500/s`, `30000/min`. @throws SlipwayError USAGE */
function rateFrom(options: CommandOptions): number | null {
  const text = textOption(options, "rate");
  if (text === undefined) return null;
  const [, amount, unit = "s"] = /^\s*([\d.]+(?:e\d+)?)\s*(?:\/\s*(s|min|h))?\s*$/.exec(text) ?? [];
  const rate = amount === undefined ? Number.NaN : Number(amount) / PER_SECOND[unit]!;
  if (rate >= 0.001 && rate <= 1e7) return rate;
  throw new SlipwayError("USAGE", `--rate is "${text}"; it must be a rate such as 500/s, from 0.001/s to 10000000/s.`);
}
