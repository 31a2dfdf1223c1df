// `slipway runs`: what was trained, how it went, and what came of it.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import type { Client } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { followJob } from "../follow-job.ts";
import { fileError } from "../files.ts";
import { untilInterrupted } from "../interrupt.ts";
import { progressText, queuedText } from "../job-text.ts";
import { wholeOption } from "../option-values.ts";
import { comparedRuns, runTable, runText } from "../run-text.ts";
import { slipwayCommand } from "../running.ts";
import type { Session } from "../session.ts";
import { followRun } from "./train.ts";

const ACTIONS = { list, show, compare, cancel, resume };
const USAGE = "slipway runs list, show [RUN], compare RUN RUN…, cancel RUN or resume RUN";

export const runs: Command = {
  about:
    "A run is a network that is or was trained: what was asked for, the rows by their hash, all settings, the code and machine, the learning curve, baselines and figures. It stays when its job is forgotten, since it says where a version came from. `compare` shows what differed and what came of it; `cancel` ends a run, whose last checkpoint stays; `resume` goes on from there.",
  arguments: [
    { name: "<action>", description: "list, show, compare, cancel or resume" },
    {
      name: "[run...]",
      description:
        "Its id, NAME@VERSION of what came of it, or NAME for the newest of that name; for show the newest of all if left out",
    },
  ],
  options: [
    { flags: "--of <name>", description: "list: only runs of this name" },
    { flags: "--limit <number>", description: "list: how many, the newest first; 20 if left out" },
    { flags: "--curve <file>", description: "show: writes the learning curve, as .svg or .png" },
    { flags: "--detach", description: "resume: do not wait for its end" },
    { flags: "--reason <text>", description: "cancel, resume: why, for the record" },
  ],
  examples: [
    { line: "slipway runs list", says: "what was trained" },
    { line: "slipway runs show iris@1 --curve curve.svg", says: "where version 1 of iris came from" },
    { line: "slipway runs compare iris@1 iris@2", says: "what differed" },
    { line: "slipway runs resume 01KAXQ8M4Z8VJ7Y2T5N3C6D9EF", says: "goes on from the last checkpoint" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const [action, ...named] = context.arguments;
    if (!Object.hasOwn(ACTIONS, action!)) {
      throw new SlipwayError("USAGE", `There is no "runs ${context.arguments.join(" ")}"; there is ${USAGE}.`);
    }
    const session = await untilInterrupted(context.connect(), context.signal);
    await ACTIONS[action as keyof typeof ACTIONS](context, session, named);
  },
};

async function list(context: CommandContext, { client }: Session, named: readonly string[]): Promise<void> {
  if (named.length > 0)
    throw new SlipwayError("USAGE", `list takes no run; see one with slipway runs show ${named[0]}.`);
  const name = textOption(context.options, "of");
  const limit = wholeOption(context.options, "limit", 1, 1000) ?? 20;
  const found = await client.listRuns({ query: { limit, ...(name === undefined ? {} : { name }) } });
  context.answer(found, () => (found.length === 0 ? "No runs." : runTable(found)));
}

async function show(context: CommandContext, { client }: Session, [named]: readonly string[]): Promise<void> {
  const run = await client.getRun({ params: { id: await idOf(client, named) } });
  const file = textOption(context.options, "curve");
  if (file !== undefined) await writeCurve(context, client, run.id, file);
  context.answer(run, () => runText(run, slipwayCommand(context.environment)));
}

async function writeCurve(context: CommandContext, client: Client, id: string, file: string): Promise<void> {
  const format = path.extname(file).slice(1).toLowerCase();
  if (format !== "svg" && format !== "png")
    throw new SlipwayError("USAGE", `--curve is "${file}"; its name ends in .svg or .png.`);
  const { bytes } = await client.getRunCurve({ params: { id }, query: { format } });
  try {
    await writeFile(path.resolve(context.environment.workingDirectory, file), bytes);
  } catch (error) {
    throw fileError(file, error, "written");
  }
}

async function compare(context: CommandContext, { client }: Session, named: readonly string[]): Promise<void> {
  if (named.length < 2) throw new SlipwayError("USAGE", "compare takes two runs or more: slipway runs compare RUN RUN");
  const found = await Promise.all(
    named.map(async (one) => await client.getRun({ params: { id: await idOf(client, one) } })),
  );
  context.answer(found, () => comparedRuns(found));
}

async function cancel(context: CommandContext, { client }: Session, [named]: readonly string[]): Promise<void> {
  const body = { reason: textOption(context.options, "reason") ?? null };
  const asked = await client.cancelJob({ params: { id: await idOf(client, required(named)) }, body });
  const ended = await followJob(context, client, asked, "leave");
  context.answer(ended, () => `${progressText(ended)}.`);
}

async function resume(context: CommandContext, session: Session, [named]: readonly string[]): Promise<void> {
  const { options, environment } = context;
  const body = { reason: textOption(options, "reason") ?? null };
  const queued = await session.client.resumeJob({ params: { id: await idOf(session.client, required(named)) }, body });
  if (options["detach"] === true) {
    context.answer(queued, () => queuedText(queued, session.kind, slipwayCommand(environment)));
    return;
  }
  await followRun(context, session, queued);
}

function required(named: string | undefined): string {
  if (named !== undefined) return named;
  throw new SlipwayError("USAGE", `Name the run: ${USAGE}.`);
}

/** The id of a run that was named: by itself, by the version that came of it, or by its name; of the newest where none was. */
async function idOf(client: Client, named: string | undefined): Promise<string> {
  if (named !== undefined && ID.test(named)) return named;
  const [, versionOf, number] = /^(.+)@([1-9]\d{0,8})$/.exec(named ?? "") ?? [];
  const name = versionOf ?? named;
  const found = await client.listRuns({ query: { limit: 1000, ...(name === undefined ? {} : { name }) } });
  const run = number === undefined ? found[0] : found.find((one) => one.number === Number(number));
  if (run !== undefined) return run.id;
  const why =
    named === undefined
      ? "Nothing was trained yet."
      : number === undefined
        ? `No run has the id or the name "${named}". See \`slipway runs list\`.`
        : `No run made ${named}.`;
  throw new SlipwayError("JOB_NOT_FOUND", why);
}

/** Of a job, and so of a run. */
const ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
