// A plan from beginning to end: the stand is prepared, the planner measures on it, and what it found is put into words and
// priced.
import type { Candidate } from "#lab/tune";
import { type Circumstances, threadsOf, valueIn } from "#lab/tune";
import {
  type Asked,
  ASSUMPTIONS,
  type Findings,
  findPlan,
  optionsFor,
  type Plan,
  PLAN_SCHEMA_VERSION,
  type PriceTable,
  type Raced,
  type ScalingPoint,
  whyOf,
} from "#lab/plan";
import type { Objective } from "#load";
import { textOption, type CommandContext } from "../command.ts";
import { type Prepared, requestOf, type StandWanted, withPrepared } from "../stand/prepared.ts";
import { raceOn } from "../stand/racing.ts";
import { treeOf } from "../stand/stand.ts";
import type { Subject } from "../stand/subject.ts";
import { duration } from "../text.ts";

export interface PlanWanted extends StandWanted {
  readonly objective: Objective;
  /** Requests a second; null for the highest rate there is. */
  readonly ratePerSecond: number | null;
  readonly prices: PriceTable;
}

/**
 * Makes a plan for a subject within about the budget.
 * @param directory for temporary servers; the caller removes it
 * @throws SlipwayError when the current settings can't be loaded or measured, INTERRUPTED
 */
export async function planned(
  context: CommandContext,
  wanted: PlanWanted,
  subject: Subject,
  directory: string,
): Promise<Plan> {
  return await withPrepared(context, wanted, subject, directory, async (prepared) => {
    const asked: Asked = { objective: wanted.objective, ratePerSecond: wanted.ratePerSecond };
    const findings = await findingsOn(prepared, asked);
    return await documentOf(prepared, wanted, asked, findings);
  });
}

async function findingsOn(prepared: Prepared, asked: Asked): Promise<Findings> {
  const { context, wanted, meter, current, circumstances, startedAt } = prepared;
  const { now } = context.environment;
  const { objective } = asked;
  return await findPlan(
    asked,
    { current, quickest: quickestOf(current, circumstances) },
    ASSUMPTIONS,
    {
      lone: async (candidate, ms) => await meter.window(await requestOf(prepared, candidate), objective, "lone", ms),
      saturated: async (candidate, ms) =>
        await meter.window(await requestOf(prepared, candidate), objective, "saturated", ms),
      open: async (candidate, ratePerSecond, ms) =>
        await meter.window(await requestOf(prepared, candidate), objective, { ratePerSecond }, ms),
      race: async (base, budgetMs) => await racedOn(prepared, base, budgetMs),
      now,
    },
    {
      signal: context.signal,
      report: ({ text }) =>
        context.progress.update(`${text}, ${duration(now() - startedAt)} of ${duration(wanted.budgetMs)}`),
    },
    wanted.budgetMs - (now() - startedAt),
  );
}

/** All cores at one run: where anything answers a lone client sooner, it is that; null where that is so already. */
function quickestOf(current: Candidate, circumstances: Circumstances): Candidate | null {
  const { cores, isInline } = circumstances;
  const quickest = {
    ...current,
    "runtime.instances": isInline ? valueIn(current, "runtime.instances") : 1,
    "runtime.intraOpThreads": Math.min(cores, MOST_THREADS),
  };
  return threadsOf(quickest, circumstances) > threadsOf({ ...current, "runtime.instances": 1 }, circumstances)
    ? quickest
    : null;
}

/** The most that `runtime.intraOpThreads` takes. */
const MOST_THREADS = 256;

async function racedOn(prepared: Prepared, base: Candidate, budgetMs: number): Promise<Raced> {
  const { standings, challenger, verdict } = await raceOn(prepared, base, budgetMs);
  const chosen = verdict.isBetter && challenger !== null ? challenger : base;
  const rate = standings.find(({ entry }) => entry === chosen)?.value?.median ?? 0;
  const points = new Map<number, ScalingPoint>();
  for (const { entry, value } of standings) {
    const threads = Math.max(threadsOf(entry, prepared.circumstances), valueIn(entry, "server.fronts"));
    const perSecond = value?.median ?? 0;
    if (perSecond > (points.get(threads)?.perSecond ?? 0)) points.set(threads, { threads, perSecond });
  }
  return {
    chosen,
    ratePerSecond: rate > 0 ? rate : null,
    points: [...points.values()].toSorted((a, b) => a.threads - b.threads),
    outcome: {
      candidates: standings.length,
      isChanged: chosen !== base,
      // A challenger that meets the objective where the current settings never do is infinitely better.
      ratio: Number.isFinite(verdict.ratio?.median) ? verdict.ratio!.median : null,
      wins: verdict.wins,
      pairs: verdict.pairs,
    },
  };
}

async function documentOf(prepared: Prepared, wanted: PlanWanted, asked: Asked, findings: Findings): Promise<Plan> {
  const { context, subject, stand, current, circumstances, status, first, startedAt } = prepared;
  const { machine, version } = await context.platform();
  const { outcome, candidate, capacity, headroom, attempts, windowMs } = findings;
  const rowsPerRequest = (await requestOf(prepared, current)).rows;
  const rate = asked.ratePerSecond ?? findings.ratePerReplica;
  const isPlan = outcome === "fits" || outcome === "replicas";
  const measured = { cores: status.cores, capacity: capacity ?? 0, scaling: findings.scaling };
  const reserve = { headroom: headroom?.share ?? 0, imbalance: ASSUMPTIONS.imbalance };
  const { currency, source, asOf, isExample } = wanted.prices;
  const plan: Omit<Plan, "notes"> = {
    schema: PLAN_SCHEMA_VERSION,
    model: { title: subject.title, hash: await stand.modelHash(current) },
    asked: { ...asked.objective, ratePerSecond: asked.ratePerSecond, rowsPerRequest },
    outcome,
    why: whyOf(asked, findings, ASSUMPTIONS),
    settings: treeOf(candidate),
    threadsText: threadsText(candidate, circumstances),
    replicas: isPlan ? findings.replicas : null,
    ratePerReplica: isPlan ? findings.ratePerReplica : null,
    limit: findings.limit,
    headroom,
    confirmation: isPlan ? (attempts.at(-1)?.summary ?? null) : null,
    attempts: [...attempts],
    lone: findings.lone,
    race: findings.race,
    scaling: findings.scaling === null ? null : { ...findings.scaling, points: [...findings.scaling.points] },
    options: isPlan ? optionsFor(wanted.prices, measured, rate!, reserve, ASSUMPTIONS, rowsPerRequest) : [],
    prices: { currency, source, asOf, isExample },
    assumptions: ASSUMPTIONS,
    load: {
      connections: wanted.connections,
      payload: textOption(context.options, "payload") ?? null,
      isBinary: context.options["binary"] === true,
      seed: wanted.seed,
      requestBytes: first.requestBytes,
      windowMs,
    },
    machine: { ...machine, facts: machine.facts as Plan["machine"]["facts"] },
    code: { slipway: version, node: status.node.replace(/^v/, ""), backend: status.backend },
    tookMs: context.environment.now() - startedAt,
  };
  return { ...plan, notes: notesOf(plan) };
}

/** `1 runner × 1 thread, runs of up to 32 rows that form from what waits, 1 front` */
function threadsText(candidate: Candidate, circumstances: Circumstances): string {
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const instances = valueIn(candidate, "runtime.instances");
  const threads = threadsOf(candidate, circumstances) / instances;
  const rows = valueIn(candidate, "runtime.maxBatchRows");
  const batching =
    circumstances.doesBatch && rows > 1
      ? `batches of up to ${of(rows, "row")} without a delay (what waits when a runner is free)`
      : "no batching";
  return `${of(instances, "runner")} × ${of(threads, "thread")}, ${batching}, ${of(valueIn(candidate, "server.fronts"), "front")}`;
}

/** What the figures are limited by. */
function notesOf({ limit, attempts, scaling, options, prices, asked, machine }: Omit<Plan, "notes">): string[] {
  const notes = ["The load came from this machine and took its share of the cores: a server of its own carries more."];
  if (limit?.isGeneratorLimited === true || attempts.some(({ summary }) => summary.isGeneratorLate))
    notes.push(
      "The load generator was short of CPU in some tests, so latencies are too high and the limit may be higher.",
    );
  const needed = 1 / (1 - asked.quantile);
  const last = attempts.at(-1)?.summary;
  if (last !== undefined && last.requests / last.windows < needed * 0.9)
    notes.push(
      `A window had about ${Math.round(last.requests / last.windows)} requests, where the quantile is about one of ${Math.round(needed)}: it is close to the slowest request.`,
    );
  const isExtrapolated = options.some(({ fleet }) => fleet.basis === "law");
  if (isExtrapolated && scaling !== null)
    notes.push(
      scaling.residual === null
        ? `Machines with more than ${String(machine.facts["cores"])} cores are extrapolated by Amdahl's law from two points alone: measure on such a machine before you buy.`
        : `Machines with more than ${String(machine.facts["cores"])} cores are extrapolated by the law of ${scaling.law}, which missed the measured points by ${Number((scaling.residual * 100).toPrecision(2))} %: measure on such a machine before you buy.`,
    );
  if (options.some(({ fleet, surviving }) => fleet.replicas > 1 || surviving.replicas > 1))
    notes.push("Several machines are taken to add up, less what balancing is off; that was not measured.");
  if (prices.isExample)
    notes.push("The prices are examples, nobody's: put your own in prices.yaml (docs/planning.md).");
  return notes;
}
