// `slipway job`: long tasks, looked at, followed, ended and resumed.
import { SlipwayError } from "@slipway/core/base";
import type { JobView } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { expectSuccess, followJob } from "../follow-job.ts";
import { untilInterrupted } from "../interrupt.ts";
import { jobTable, jobText, progressText, queuedText } from "../job-text.ts";
import { evidenceOf } from "../measured.ts";
import { evidenceText } from "../policy-text.ts";
import { wholeOption } from "../option-values.ts";
import { slipwayCommand } from "../running.ts";
import type { Session } from "../session.ts";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const satisfies JobView["state"][];
const ACTIONS = { list, show, watch, cancel, resume };
const USAGE = "slipway job list, show [JOB], watch [JOB], cancel JOB or resume JOB";

export const job: Command = {
  about:
    "A job is a long task, such as measuring. It is kept with all that it has found so far and carried out in a process of its own, one at a time; whatever ends that process, or the server, it goes on where it was. `watch` shows how a job goes on until it has ended: Ctrl-C then leaves the job alone. `resume` takes a job up again that failed or was cancelled, or with the server stopped carries out one that waits.",
  arguments: [
    { name: "<action>", description: "list, show, watch, cancel or resume" },
    { name: "[job]", description: "Its id; for show and watch the newest job if left out" },
  ],
  options: [
    { flags: "--state <state>", description: "list: only those in this state", choices: STATES },
    { flags: "--of <subject>", description: "list: only those about this, such as digits@1" },
    { flags: "--limit <number>", description: "list: how many, the newest first; 20 if left out" },
    { flags: "--detach", description: "resume: do not wait for its end" },
    { flags: "--reason <text>", description: "cancel, resume: why, for the record" },
  ],
  examples: [
    { line: "slipway job list --state running", says: "what is being done" },
    { line: "slipway job watch", says: "follows the newest job" },
    { line: "slipway job cancel 01KAXQ8M4Z8VJ7Y2T5N3C6D9EF", says: "ends it; what it has found stays" },
    { line: "slipway job resume 01KAXQ8M4Z8VJ7Y2T5N3C6D9EF", says: "takes it up again and follows it" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const [action, id, more] = context.arguments;
    if (!Object.hasOwn(ACTIONS, action!) || more !== undefined) {
      throw new SlipwayError("USAGE", `There is no "job ${context.arguments.join(" ")}"; there is ${USAGE}.`);
    }
    await ACTIONS[action as keyof typeof ACTIONS](
      context,
      await untilInterrupted(context.connect(), context.signal),
      id,
    );
  },
};

async function list(context: CommandContext, { client }: Session, id?: string): Promise<void> {
  const { options, signal } = context;
  if (id !== undefined) throw new SlipwayError("USAGE", `list takes no job; see one with slipway job show ${id}.`);
  const state = textOption(options, "state") as JobView["state"] | undefined;
  const subject = textOption(options, "of");
  const limit = wholeOption(options, "limit", 1, 1000) ?? 20;
  const query = { limit, ...(state === undefined ? {} : { state }), ...(subject === undefined ? {} : { subject }) };
  const jobs = await client.listJobs({ query }, { signal });
  context.answer(jobs, () => (jobs.length === 0 ? "No jobs." : jobTable(jobs)));
}

async function show(context: CommandContext, { client }: Session, id?: string): Promise<void> {
  const found = await client.getJob({ params: { id: id ?? (await newest(client)) }, query: {} }, context);
  context.answer(found, () => jobText(found));
}

async function watch(context: CommandContext, session: Session, id?: string): Promise<void> {
  const { client } = session;
  const found = await client.getJob({ params: { id: id ?? (await newest(client)) }, query: {} }, context);
  if (session.kind === "offline" && found.endedAt === null) {
    throw new SlipwayError(
      "SERVER_UNREACHABLE",
      `The job ${found.id} waits for a server. Start one, or carry it out now: ${slipwayCommand(context.environment)} job resume ${found.id}`,
    );
  }
  await follow(context, session, found, "leave");
}

async function cancel(context: CommandContext, { client }: Session, id?: string): Promise<void> {
  const { signal, options } = context;
  const body = { reason: textOption(options, "reason") ?? null };
  const asked = await client.cancelJob({ params: { id: named(id) }, body }, { signal });
  const ended = await followJob(context, client, asked, "leave");
  context.answer(ended, () => `${progressText(ended)}.`);
}

async function resume(context: CommandContext, session: Session, id?: string): Promise<void> {
  const { signal, options, environment } = context;
  const body = { reason: textOption(options, "reason") ?? null };
  const queued = await session.client.resumeJob({ params: { id: named(id) }, body }, { signal });
  if (options["detach"] === true) {
    context.answer(queued, () => queuedText(queued, session.kind, slipwayCommand(environment)));
    return;
  }
  session.carryOut(queued.id);
  await follow(context, session, queued, "cancel");
}

/** Follows a job to its end and answers it, with what it found. */
async function follow(
  context: CommandContext,
  { client }: Session,
  begun: JobView,
  onInterrupt: "cancel" | "leave",
): Promise<void> {
  context.progress.step(`${progressText(begun)} …`);
  const ended = await followJob(context, client, begun, onInterrupt);
  expectSuccess(context, ended);
  const evidence = ended.kind === "measure" ? await evidenceOf(client, ended) : [];
  context.answer(ended, () => (evidence.length === 0 ? jobText(ended) : evidenceText(evidence)));
}

async function newest(client: Session["client"]): Promise<string> {
  const [found] = await client.listJobs({ query: { limit: 1 } });
  if (found !== undefined) return found.id;
  throw new SlipwayError("JOB_NOT_FOUND", "There are no jobs yet.");
}

/** @throws SlipwayError USAGE */
function named(id: string | undefined): string {
  if (id !== undefined) return id;
  throw new SlipwayError("USAGE", "Which job? `slipway job list` shows their ids.");
}
