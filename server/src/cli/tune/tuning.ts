// A tuning from beginning to end: the current settings show what a measurement of this model takes, the candidates race, and
// what came of it is reported.
import os from "node:os";
import type { Candidate, RaceResult } from "#lab/tune";
import { type LoadReport } from "#load";
import { type CommandContext, textOption } from "../command.ts";
import type { Meter } from "../stand/meter.ts";
import { type StandWanted, withPrepared } from "../stand/prepared.ts";
import { raceOn } from "../stand/racing.ts";
import type { Subject } from "../stand/subject.ts";
import { candidatesFrom, changesTree, type TuneReport } from "./report.ts";

/** What is known before it is put into words how to make use of it. */
export type Tuned = Omit<TuneReport, "isApplied" | "commands" | "yaml">;

/** A closed loop's generator this busy has nothing left to give. */
const BUSY_SHARE = 0.9;

/**
 * Measures candidates for a subject within the budget.
 * @param directory for temporary servers; the caller removes it
 * @throws SlipwayError when the current settings can't be loaded or measured, INTERRUPTED
 */
export async function tuned(
  context: CommandContext,
  wanted: StandWanted,
  subject: Subject,
  directory: string,
): Promise<Tuned> {
  return await withPrepared(context, wanted, subject, directory, async (prepared) => {
    const { current, circumstances, status, first, meter, startedAt } = prepared;
    const { now } = context.environment;
    const result = await raceOn(prepared, current, wanted.budgetMs - (now() - startedAt));
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
  });
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

function loadFrom({ options }: CommandContext, wanted: StandWanted, first: LoadReport): TuneReport["load"] {
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

function notesFrom({ busiestShare, searches, generatorLimits, fewestRequests }: Meter, wanted: StandWanted): string[] {
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
