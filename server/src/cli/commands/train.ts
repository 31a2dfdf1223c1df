// `slipway train`: from rows to a version that can be served.
import type { JobView } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { expectSuccess, followJob } from "../follow-job.ts";
import { untilInterrupted } from "../interrupt.ts";
import { queuedText } from "../job-text.ts";
import { networkFrom, NETWORK_FLAGS } from "../network-flags.ts";
import { runText } from "../run-text.ts";
import { slipwayCommand } from "../running.ts";
import type { Session } from "../session.ts";
import { PICTURE_FLAGS, rowsOrder, SETTINGS_FLAGS, settingsFrom, TRAIN_ROWS_FLAGS } from "../train-flags.ts";

const USAGE = "slipway train --data ROWS --target COLUMN [--name NAME]";

export const train: Command = {
  about:
    "Trains a network on rows and registers what comes of it as a version: one ONNX file from a row's columns to its answer, encoders included, beside baselines that say whether it earns its place. It is a job (see `slipway job`) and kept as a run (see `slipway runs`): whatever ends the server, it goes on where it was, to the same weights. Ctrl-C cancels it; `slipway runs resume` goes on.",
  arguments: [],
  options: [
    ...TRAIN_ROWS_FLAGS,
    ...NETWORK_FLAGS,
    { flags: "--name <name>", description: "What the version is called; as the rows if left out" },
    ...PICTURE_FLAGS,
    ...SETTINGS_FLAGS,
    { flags: "--detach", description: "Do not wait: answer the job, which goes on by itself" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  examples: [
    { line: "slipway train --data iris.csv --target species", says: "then: slipway deploy iris" },
    {
      line: "slipway train --data loans.csv --target default --role postcode=categorical --balance",
      says: "with more said",
    },
    {
      line: "slipway train --data sales.parquet --target price --net mlp --hidden 256,128 --epochs 50",
      says: "a number to predict",
    },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const session = await untilInterrupted(context.connect(), context.signal);
    const rows = await untilInterrupted(rowsOrder(context, session.client, USAGE), context.signal);
    const settings = settingsFrom(context.options);
    const name = textOption(context.options, "name") ?? rows.data.description.name;
    const order = { ...rows, name, settings };
    const network = await untilInterrupted(networkFrom(context, session.client, order), context.signal);
    await runTraining(context, session, { ...order, network });
  },
};

/** Queues a run and, unless it is to go on by itself, follows it to its end. */
export async function runTraining(
  context: CommandContext,
  session: Session,
  order: Omit<Parameters<Session["client"]["startTraining"]>[0]["body"], "reason">,
): Promise<void> {
  const { signal, options, environment } = context;
  const { client } = session;
  const reason = textOption(options, "reason") ?? null;
  const job = await untilInterrupted(client.startTraining({ body: { ...order, reason } }), signal);
  if (options["detach"] === true) {
    context.answer(job, () => queuedText(job, session.kind, slipwayCommand(environment)));
    return;
  }
  await followRun(context, session, job);
}

/** Carries a job that trains out where there is no server, and answers the run once it has ended. */
export async function followRun(context: CommandContext, session: Session, job: JobView): Promise<void> {
  session.carryOut(job.id);
  const ended = await followJob(context, session.client, job, "cancel");
  expectSuccess(context, ended);
  const run = await session.client.getRun({ params: { id: job.id } });
  context.answer(run, () => runText(run, slipwayCommand(context.environment)));
}
