// Whether plans hold: `slipway plan` is asked for a rate, what it says is deployed, and the rate it stands on is offered again
// and again by `slipway bench`. And whether a plan that says "cannot" is right: the same for an objective below what a lone
// client sees. On all cores, as people run it: a plan is about this machine, the load's share of it included.
import path from "node:path";
import { isMet, type LoadReport, trialFrom } from "../server/src/load/index.ts";
import type { Plan } from "../server/src/lab/plan/index.ts";
import { workDirectory } from "./contenders.ts";
import { type ModelName, writeModel } from "./models.ts";
import { end, firstLine, outputOf, SLIPWAY, spawnFree } from "./processes.ts";

interface PlanOptions {
  /** Tries of what a plan says. */
  readonly rounds: number;
  /** Whole seconds of each try. */
  readonly seconds: number;
  readonly log: (line: string) => void;
}

interface Question {
  readonly ratePerSecond: number;
  readonly p99Ms: number;
  /** An objective that nothing meets. */
  readonly impossibleMs: number;
}

/** About half of what two cores carry, and what the slowest part of a request takes by itself. */
const QUESTIONS: Readonly<Record<ModelName, Question>> = {
  tiny: { ratePerSecond: 1000, p99Ms: 20, impossibleMs: 0.05 },
  mid: { ratePerSecond: 500, p99Ms: 20, impossibleMs: 0.05 },
  ms1: { ratePerSecond: 200, p99Ms: 50, impossibleMs: 0.3 },
  ms10: { ratePerSecond: 25, p99Ms: 150, impossibleMs: 3 },
};
const BUDGET = "2min";
/** Finding out that nothing meets an objective takes less. */
const IMPOSSIBLE_BUDGET = "60s";
const IMPOSSIBLE_TRIES = 3;
const IMPOSSIBLE_SECONDS = 2;

interface Try {
  readonly p99Ms: number | null;
  readonly answeredPerSecond: number;
  readonly failures: number;
  readonly isMet: boolean;
}

export interface PlanFigures {
  readonly question: Question;
  readonly outcome: Plan["outcome"];
  readonly plan: Plan;
  /** Of each replica; what was offered in the tries. */
  readonly ratePerReplica: number | null;
  readonly tries: readonly Try[];
  readonly impossible: {
    readonly outcome: Plan["outcome"];
    readonly why: readonly string[];
    readonly tries: readonly Try[];
  };
}

/** Plans for a model, deploys what the plan says, and tries it. */
export async function benchPlan(model: ModelName, { rounds, seconds, log }: PlanOptions): Promise<PlanFigures> {
  const question = QUESTIONS[model];
  await using directory = await workDirectory();
  const file = await writeModel(directory.path, model);
  const data = ["--data-dir", path.join(directory.path, "data")];
  const slipway = async (...arguments_: string[]) => await json(...arguments_, ...data);
  await slipway("import", file, "--name", model);

  log(`${model}: planning ${question.ratePerSecond}/s with p99 of ${question.p99Ms} ms`);
  const rate = ["--rate", `${question.ratePerSecond}/s`];
  const ask = ["plan", model, ...rate, "--p99", `${question.p99Ms}ms`, "--budget", BUDGET];
  const { evidenceId, ...plan } = (await slipway(...ask)) as Plan & { readonly evidenceId: string };
  log(`${model}: ${plan.outcome}. ${plan.why.join(" ")}`);
  const askTooMuch = ["plan", model, ...rate, "--p99", `${question.impossibleMs}ms`, "--budget", IMPOSSIBLE_BUDGET];
  const impossible = (await slipway(...askTooMuch)) as Plan;
  log(`${model} within ${question.impossibleMs} ms: ${impossible.outcome}. ${impossible.why.join(" ")}`);

  const fronts = ["--fronts", String(plan.settings["server"]!["fronts"])];
  const child = spawnFree([...SLIPWAY, "start", "--port", "0", "--admin-port", "0", "--json", ...fronts, ...data]);
  try {
    await firstLine(child);
    const isPlanned = plan.outcome === "fits" || plan.outcome === "replicas";
    await slipway("deploy", model, ...(isPlanned ? ["--plan", evidenceId] : []));
    const load = async (ratePerSecond: number, latencyMs: number, lasting: number, seed: number): Promise<Try> => {
      const how = ["--arrivals", "poisson", "--duration", `${lasting}s`, "--warm-up", "500ms", "--seed", String(seed)];
      const report = (await slipway("bench", model, "--rate", String(ratePerSecond), ...how)) as LoadReport;
      const objective = { quantile: 0.99, latencyMs };
      const trial = trialFrom(report, objective);
      const { failures, goodputPerSecond } = trial;
      return { p99Ms: trial.latencyMs, answeredPerSecond: goodputPerSecond, failures, isMet: isMet(trial, objective) };
    };
    const tries: Try[] = [];
    while (plan.ratePerReplica !== null && tries.length < rounds) {
      tries.push(await load(plan.ratePerReplica, plan.asked.latencyMs, seconds, 1000 + tries.length));
      log(`${model} try ${tries.length}: ${tryText(tries.at(-1)!)}`);
    }
    const misses: Try[] = [];
    while (misses.length < IMPOSSIBLE_TRIES)
      misses.push(
        await load(
          Math.min(10, question.ratePerSecond),
          question.impossibleMs,
          IMPOSSIBLE_SECONDS,
          2000 + misses.length,
        ),
      );
    return {
      question,
      outcome: plan.outcome,
      // What the machine is called is nobody's business; what it is stands in the result.
      plan: { ...plan, machine: { ...plan.machine, name: "" } },
      ratePerReplica: plan.ratePerReplica,
      tries,
      impossible: { outcome: impossible.outcome, why: impossible.why, tries: misses },
    };
  } finally {
    await end(child);
  }
}

/** The figures as people read them. */
export function planFiguresText(model: ModelName, figures: PlanFigures): string {
  const { question, outcome, plan, ratePerReplica, tries, impossible } = figures;
  const { limit, headroom } = plan;
  const met = tries.filter((one) => one.isMet).length;
  const p99s = tries.flatMap(({ p99Ms }) => (p99Ms === null ? [] : [p99Ms])).toSorted((a, b) => a - b);
  const range = p99s.length === 0 ? "" : `, p99 ${ms(p99s[0]!)} to ${ms(p99s.at(-1)!)}`;
  const missed = impossible.tries.filter((one) => !one.isMet).length;
  return [
    `${model}: ${question.ratePerSecond}/s with p99 of at most ${question.p99Ms} ms`,
    `  plan               ${outcome}${plan.replicas === null || plan.replicas === 1 ? "" : `, ${plan.replicas} replicas`}; ${plan.threadsText}`,
    `  limit, kept free   ${limit === null ? "none found" : `${Math.round(limit.ratePerSecond)}/s`}, ${headroom === null ? "–" : `${Math.round(headroom.share * 100)} %`}`,
    `  held               ${met} of ${tries.length} tries at ${ratePerReplica === null ? "no rate" : `${Math.round(ratePerReplica)}/s`}${range}`,
    `  within ${question.impossibleMs} ms      ${impossible.outcome}; missed in ${missed} of ${impossible.tries.length} tries at ${Math.min(10, question.ratePerSecond)}/s`,
  ].join("\n");
}

function tryText({ p99Ms, answeredPerSecond, failures, isMet: wasMet }: Try): string {
  return `p99 ${p99Ms === null ? "none" : ms(p99Ms)}, ${Math.round(answeredPerSecond)}/s answered, ${failures} failed: ${wasMet ? "met" : "missed"}`;
}

function ms(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}

async function json(...arguments_: readonly string[]): Promise<unknown> {
  const command = [...SLIPWAY, ...arguments_, "--json"];
  return JSON.parse(await outputOf(spawnFree(command), command)) as unknown;
}
