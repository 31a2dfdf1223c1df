// A tuning from beginning to end: the stand is set up, the current settings show what a measurement of this model takes, the
// candidates race, and what came of it is reported.
import os from "node:os";
import { slipwayErrorFrom } from "@slipway/core/base";
import type { Settings } from "#config";
import {
  type Circumstances,
  costOf,
  DIMENSIONS,
  type Candidate,
  candidatesToTry,
  race,
  type RaceResult,
  type RaceStep,
  type Sample,
} from "#lab/tune";
import { LoadThread, type LoadReport, seededRandom } from "#load";
import { type CommandContext, textOption } from "../command.ts";
import { requestAt, unansweredError } from "../load-request.ts";
import { duration } from "../text.ts";
import { type LoadWanted, Meter } from "../stand/meter.ts";
import { changesTree, candidatesFrom, type TuneReport } from "./report.ts";
import { Stand } from "../stand/stand.ts";
import type { Subject } from "../stand/subject.ts";

export interface TuneWanted extends LoadWanted {
  readonly budgetMs: number;
  readonly rows: number;
}

/** What is known before it is put into words how to make use of it. */
export type Tuned = Omit<TuneReport, "isApplied" | "commands" | "yaml">;

/** Of the budget, the first measurement: it warms the server up and shows how long an answer takes. */
const FIRST_SHARE = 0.04;
/** A measurement lasts at least so many answers' time, so that the last ones do not decide it. */
const LATENCIES = 8;
/** Fewer than this, after the warm-up, and a slow model may answer nothing that counts. */
const LEAST_LATENCIES = 3;
const LEAST_MS = 300;
const LEAST_SEARCH_MS = 2000;
const MOST_MS = 4000;
/** How much longer measurements take than asked for: connections, last answers, tests that end late. */
const OVERHEAD = 1.15;
const SEARCH_OVERHEAD = 1.6;
/** Of the time left, what the first round may take: more candidates than that would leave none to tell them apart. */
const FIRST_ROUND_SHARE = 0.35;
const LEAST_CANDIDATES = 4;
const MOST_CANDIDATES = 32;
/** A closed loop's generator this busy has nothing left to give. */
const BUSY_SHARE = 0.9;

/**
 * Measures candidates for a subject within the budget.
 * @param directory for temporary servers; the caller removes it
 * @throws SlipwayError when the current settings can't be loaded or measured, INTERRUPTED
 */
export async function tuned(
  context: CommandContext,
  wanted: TuneWanted,
  subject: Subject,
  directory: string,
): Promise<Tuned> {
  // A repository beside the model would be served too.
  const settings = { ...subject.settings, repository: null };
  const configuration = { ...context.configuration, settings };
  const stand = new Stand({ ...context, configuration }, subject.source, directory);
  const thread = new LoadThread();
  const giveUp = () => void thread.close();
  context.signal.addEventListener("abort", giveUp);
  try {
    context.signal.throwIfAborted();
    return await tunedOn(stand, new Meter(thread, wanted), { context, wanted, subject, settings });
  } finally {
    context.signal.removeEventListener("abort", giveUp);
    await thread.close();
    await stand.close();
  }
}

interface Task {
  readonly context: CommandContext;
  readonly wanted: TuneWanted;
  readonly subject: Subject;
  readonly settings: Settings;
}

async function tunedOn(stand: Stand, meter: Meter, { context, wanted, subject, settings }: Task): Promise<Tuned> {
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
  const addressed = async (base: URL) => await requestAt(context, base, wanted);
  const request = await addressed(address);
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
  const budgetMs = wanted.budgetMs - (now() - startedAt);
  const pace = paceFor(wanted, first, budgetMs, loadMs);
  const candidates = candidatesToTry(current, circumstances, pace.mostCandidates);
  let step = "";
  const result = await race<Candidate>({
    ...pace,
    current,
    challengers: candidates.slice(1),
    measure: async (candidate, durationMs) => {
      context.progress.update(`${step}, ${duration(now() - startedAt)} of ${duration(wanted.budgetMs)}`);
      const loaded = await readyOrNot(stand, candidate, context.signal);
      if (!loaded.ok) return loaded;
      return await meter.sample(await addressed(loaded.address), durationMs, Math.max(1, first.goodputPerSecond / 2));
    },
    costOf: (candidate) => costOf(candidate, current, circumstances),
    budgetMs,
    loadMs,
    now,
    random: seededRandom(wanted.seed),
    onStep: (next) => {
      step = stepText(next);
      context.progress.step(step);
    },
  });
  return {
    model: subject.title,
    machine: machineFrom(status),
    load: loadFrom(context, wanted, first),
    budgetMs: wanted.budgetMs,
    tookMs: now() - startedAt,
    candidates: candidatesFrom(result, circumstances),
    ...outcomeOf(result, current),
    notes: notesFrom(meter, wanted),
  };
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

/** How long measurements of this model take, and so how many candidates there is time for. */
function paceFor({ objective }: TuneWanted, first: LoadReport, budgetMs: number, loadMs: number) {
  const passes = objective === null ? 2 : 1;
  const shortestMs = objective === null ? LEAST_MS : LEAST_SEARCH_MS;
  const answerMs = first.latency?.p50Ms ?? 0;
  const leastMs = Math.max(shortestMs, Math.min(MOST_MS, LATENCIES * answerMs), LEAST_LATENCIES * answerMs);
  const overhead = objective === null ? OVERHEAD : SEARCH_OVERHEAD;
  const affordable = Math.floor((budgetMs * FIRST_ROUND_SHARE) / (loadMs + passes * leastMs * overhead));
  return {
    passes,
    leastMs,
    overhead,
    mostMs: Math.max(MOST_MS, leastMs),
    mostCandidates: Math.min(MOST_CANDIDATES, Math.max(LEAST_CANDIDATES, affordable)),
  };
}

/** A candidate that can't be loaded is out of the race. */
async function readyOrNot(
  stand: Stand,
  candidate: Candidate,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly address: URL } | Extract<Sample, { ok: false }>> {
  signal.throwIfAborted();
  try {
    return { ok: true, address: (await stand.ready(candidate)).address };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = slipwayErrorFrom(error);
    return { ok: false, reason: `${code}: ${message}` };
  }
}

function outcomeOf(
  { verdict, challenger }: RaceResult<Candidate>,
  current: Candidate,
): Pick<TuneReport, "verdict" | "recommendation"> {
  const changes = challenger === null ? null : changesTree(challenger, current);
  return { verdict: { ...verdict, challenger: changes }, recommendation: verdict.isBetter ? changes : null };
}

function machineFrom(status: {
  readonly cores: number;
  readonly totalMemoryBytes: number;
  readonly node: string;
  readonly backend: string;
}): TuneReport["machine"] {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown processor",
    cores: status.cores,
    totalMemoryBytes: status.totalMemoryBytes,
    system: `${os.type()} ${os.arch()}`,
    node: status.node.replace(/^v/, ""),
    backend: status.backend,
  };
}

function loadFrom({ options }: CommandContext, wanted: TuneWanted, first: LoadReport): TuneReport["load"] {
  return {
    objective: wanted.objective,
    connections: wanted.connections,
    payload: textOption(options, "payload") ?? null,
    rows: wanted.rows,
    isBinary: options["binary"] === true,
    seed: wanted.seed,
    requestBytes: first.requestBytes,
    responseBytes: first.responseBytes,
  };
}

function notesFrom({ busiestShare, searches, generatorLimits, fewestRequests }: Meter, wanted: TuneWanted): string[] {
  const notes: string[] = [];
  if (busiestShare > BUSY_SHARE)
    notes.push(
      `The load generator was at work ${Math.round(busiestShare * 100)} % of the time: where it was the limit, candidates look more alike than they are.`,
    );
  const needed = wanted.objective === null ? 0 : Math.round(1 / (1 - wanted.objective.quantile));
  if (fewestRequests < needed)
    notes.push(
      `Some tests that met the objective were of ${fewestRequests} requests, where the percentile is that of ${needed} or more: a longer --budget makes them longer.`,
    );
  if (generatorLimits > 0)
    notes.push(
      `In ${generatorLimits} of ${searches} searches the load generator was short of CPU: the rates may be higher than found.`,
    );
  return notes;
}

function stepText({ phase, number, of, entries }: RaceStep): string {
  return phase === "round"
    ? `Round ${number} of ${of}: ${entries} candidates`
    : `Pair ${number} of ${of}: the best candidate and the current settings`;
}
