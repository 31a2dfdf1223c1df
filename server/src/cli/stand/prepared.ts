// A stand that is ready to measure candidates on, for `slipway tune` and `slipway plan` alike: servers, the load's thread, the
// current settings loaded and looked at once, and what bounds the candidates worth trying.
import type { Settings } from "#config";
import { type Candidate, type Circumstances, DIMENSIONS } from "#lab/tune";
import { type LoadReport, LoadThread } from "#load";
import type { DeploymentView, OperationOutput } from "slipway/client";
import type { CommandContext } from "../command.ts";
import { type LoadRequest, requestAt, unansweredError } from "../load-request.ts";
import { type LoadWanted, Meter } from "./meter.ts";
import { Stand } from "./stand.ts";
import type { Subject } from "./subject.ts";

export interface StandWanted extends LoadWanted {
  /** Time the whole may take, loading included. */
  readonly budgetMs: number;
  readonly rows: number;
}

export interface Prepared {
  readonly context: CommandContext;
  readonly wanted: StandWanted;
  readonly subject: Subject;
  readonly stand: Stand;
  readonly meter: Meter;
  readonly current: Candidate;
  readonly circumstances: Circumstances;
  readonly status: OperationOutput<"getStatus">;
  readonly deployment: DeploymentView;
  /** The first look at the current settings, in a closed loop. */
  readonly first: LoadReport;
  /** What loading a candidate takes. */
  readonly loadMs: number;
  /** When it began, on the clock of the command's surroundings. */
  readonly startedAt: number;
  /** What is sent to the model at an address. */
  readonly requestTo: (base: URL) => Promise<LoadRequest>;
}

/** Of the budget, the first measurement: it warms the server up and shows how long an answer takes. */
const FIRST_SHARE = 0.04;

/**
 * Runs `work` with a stand for a subject.
 * @param directory for temporary servers; the caller removes it
 * @throws SlipwayError when the current settings can't be loaded or measured, INTERRUPTED; what `work` throws
 */
export async function withPrepared<Result>(
  context: CommandContext,
  wanted: StandWanted,
  subject: Subject,
  directory: string,
  work: (prepared: Prepared) => Promise<Result>,
): Promise<Result> {
  // A repository beside the model would be served too.
  const settings = { ...subject.settings, repository: null };
  const configuration = { ...context.configuration, settings };
  const stand = new Stand({ ...context, configuration }, subject.source, directory);
  const thread = new LoadThread();
  const giveUp = () => void thread.close();
  context.signal.addEventListener("abort", giveUp);
  try {
    context.signal.throwIfAborted();
    return await work(await prepare(context, wanted, subject, settings, stand, new Meter(thread, wanted)));
  } finally {
    context.signal.removeEventListener("abort", giveUp);
    await thread.close();
    await stand.close();
  }
}

async function prepare(
  context: CommandContext,
  wanted: StandWanted,
  subject: Subject,
  settings: Settings,
  stand: Stand,
  meter: Meter,
): Promise<Prepared> {
  const { now } = context.environment;
  const startedAt = now();
  const current = candidateFrom(settings);
  context.progress.step(`Loading ${subject.title} …`);
  const server = await stand.server(current);
  const status = await server.client.getStatus();
  const loadedFrom = now();
  const { address, deployment } = await stand.ready(current);
  const loadMs = now() - loadedFrom;
  context.progress.step("Measuring the current settings …");
  const requestTo = async (base: URL) => await requestAt(context, base, wanted);
  const request = await requestTo(address);
  const first = await meter.look(request, wanted.budgetMs * FIRST_SHARE);
  const unanswered = unansweredError(context, first);
  if (unanswered !== null) throw unanswered;
  const circumstances: Circumstances = {
    cores: status.cores,
    rowsInFlight: request.rows * wanted.connections,
    doesBatch: deployment.executor?.batching.mode === "dynamic" || settings.runtime.maxBatchRows === 1,
    isInline: settings.runtime.inline,
    canShare: process.platform === "linux" && !settings.runtime.inline,
  };
  const around = { status, deployment, first, loadMs, startedAt, requestTo };
  return { context, wanted, subject, stand, meter, current, circumstances, ...around };
}

/** The settings there are, as a candidate. */
function candidateFrom(settings: Settings): Candidate {
  const groups = settings as unknown as Readonly<Record<string, Readonly<Record<string, number>>>>;
  return Object.fromEntries(
    DIMENSIONS.map(({ key }) => {
      const [group, name] = key.split(".") as [string, string];
      return [key, groups[group]![name]!];
    }),
  );
}

/**
 * The request to a candidate that is loaded, now or already.
 * @throws SlipwayError as deploying does
 */
export async function requestOf(prepared: Prepared, candidate: Candidate): Promise<LoadRequest> {
  prepared.context.signal.throwIfAborted();
  return await prepared.requestTo((await prepared.stand.ready(candidate)).address);
}
