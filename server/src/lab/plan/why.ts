// Why a plan says what it says, in sentences that carry the measured numbers: the same for the command line, a report and
// the console.
import { assert, unreachable } from "@slipway/core/base";
import type { Objective } from "#load";
import { LEAST_HEADROOM, MOST_HEADROOM } from "./headroom.ts";
import {
  type Asked,
  type Assumptions,
  type Findings,
  MOST_REPLICAS,
  objectiveOf,
  type RaceOutcome,
} from "./planner.ts";
import type { ScalingLaw } from "./scaling.ts";
import type { Decision, WindowsSummary } from "./windows.ts";

/** `p99 of at most 20 ms` */
export function objectiveText({ quantile, latencyMs }: Objective): string {
  return `${percentileText(quantile)} of at most ${milliseconds(latencyMs)}`;
}

/** `p99`, `p99.9` */
export function percentileText(quantile: number): string {
  return `p${number(quantile * 100, 4)}`;
}

/** @returns sentences, the one that matters most first */
export function whyOf(asked: Asked, findings: Findings, assumptions: Assumptions): string[] {
  const { outcome } = findings;
  const sentences = [...outcomeSentences(asked, findings, assumptions)];
  if (outcome === "cannot" && findings.limit === null) return sentences;
  const { limit, headroom, attempts } = findings;
  if (limit !== null && headroom !== null) {
    sentences.push(
      `The limit was found at ${rate(limit.ratePerSecond)}${limit.missedAtRate === null ? "" : ` (${rate(limit.missedAtRate)} missed the objective)`} in ${limit.tests} tests.`,
      headroomSentence(headroom),
    );
  }
  if (findings.race !== null) sentences.push(raceSentence(findings.race));
  if (findings.scaling !== null) sentences.push(scalingSentence(findings.scaling));
  for (const { replicas, decision, summary } of attempts.filter(({ isAccepted }) => !isAccepted))
    sentences.push(
      `${rate(summary.ratePerSecond!)} was turned down${replicas === 1 ? "" : ` for ${replicas} replicas`}: ${missedText(decision, summary, objectiveOf(asked.objective, replicas, assumptions))}.`,
    );
  return sentences;
}

function* outcomeSentences(
  asked: Asked,
  { outcome, attempts, lone, replicas, ratePerReplica, limit, race }: Findings,
  assumptions: Assumptions,
): Generator<string> {
  const { objective } = asked;
  const last = attempts.at(-1);
  switch (outcome) {
    case "fits": {
      assert(last !== undefined, "A plan fits that was not confirmed. This is a bug.");
      const { summary } = last;
      yield `${rate(summary.ratePerSecond!)} met ${objectiveText(objective)} in ${summary.met} of ${summary.windows} windows: ${latencyText(summary, objective)}.`;
      return;
    }
    case "replicas": {
      assert(last !== undefined && replicas !== null, "A plan has replicas that were not confirmed. This is a bug.");
      const { summary } = last;
      yield `One machine like this carries ${rate(ratePerReplica!)} of the ${rate(asked.ratePerSecond!)}; the busiest of ${replicas} gets that much, if balancing is ${percent(assumptions.imbalance)} off.`;
      yield `${rate(summary.ratePerSecond!)} met ${objectiveText(objectiveOf(objective, replicas, assumptions))} (${milliseconds(assumptions.balancerMs)} is left to the balancer) in ${summary.met} of ${summary.windows} windows: ${latencyText(summary, objective)}.`;
      return;
    }
    case "cannot": {
      if (limit === null) {
        yield `One client alone, who waits for each answer, already sees a ${percentileText(objective.quantile)} of ${milliseconds(lone.latencyMs)} (median of ${lone.windows} windows, none within ${milliseconds(objective.latencyMs)}; ${milliseconds(lone.p50Ms)} at the median), so no rate and no number of machines meets it.`;
        yield `It takes a model or machine at least ${ratio((lone.latencyMs ?? Number.NaN) / objective.latencyMs)} times as fast, or an objective above ${milliseconds(lone.latencyMs)}.`;
        return;
      }
      yield `At ${objectiveText(objective)} one machine like this carries so little (${rate(limit.ratePerSecond)}) that ${rate(asked.ratePerSecond ?? 0)} takes more than ${MOST_REPLICAS} of them, or the objective leaves nothing beside what a balancer adds (${milliseconds(assumptions.balancerMs)}).`;
      yield `A faster model or a looser objective is needed; one client alone sees a ${percentileText(objective.quantile)} of ${milliseconds(lone.latencyMs)}.`;
      return;
    }
    case "undecided":
      if (attempts.length > 0) {
        yield "No rate was confirmed in the time there was. The machine is too uneven, or the budget too short: give a longer --budget, or measure when the machine is quieter.";
      } else if (limit === null && race !== null) {
        yield `One client alone met ${objectiveText(objective)} in ${lone.met} of ${lone.windows} windows, and no rate from 1/s on did in the search: too near the limit of the model or machine to plan with.`;
      } else {
        yield `One client alone is answered in ${milliseconds(lone.p50Ms)} at the median, and yet its ${percentileText(objective.quantile)} was ${milliseconds(lone.latencyMs)} (median of ${lone.windows} windows, none within ${milliseconds(objective.latencyMs)}): it is the machine that is disturbed, and not the model that is slow. Measure when the machine is quieter.`;
      }
      return;
    default:
      unreachable(outcome);
  }
}

function raceSentence({ candidates, isChanged, ratio, wins, pairs }: RaceOutcome): string {
  const measured = `the best ${ratio === null ? "came ahead" : `came to ${number(ratio)} times its rate`} in ${wins} of ${pairs} pairs`;
  if (isChanged)
    return `Of ${candidates} settings raced these were better than the current ones beyond the noise: ${measured}.`;
  return pairs === 0
    ? `The current settings were kept: there was no other to compare them with in the time of the race.`
    : `The current settings were kept: of ${candidates} raced, none was better beyond the noise (${measured}).`;
}

/** Growing on one machine, in measured rates and the law fitted to them. */
function scalingSentence({ law, points, contention, residual }: ScalingLaw): string {
  const measured = points.map(({ threads, perSecond }) => `${rate(perSecond)} with ${threads}`).join(", ");
  const rates = `By how many cores settings could use, the race's highest rates were ${measured}`;
  if (contention >= 1) return `${rates}: more cores brought nothing, and larger machines count as this one.`;
  const fit = residual === null ? "which two points can't contradict" : `${percent(residual)} off`;
  const name = law === "Amdahl" ? "Amdahl's law" : "the universal scalability law";
  return `${rates}; by ${name} (${fit}) ${percent(contention)} of the work is serial.`;
}

function headroomSentence({ share, variation, windows }: NonNullable<Findings["headroom"]>): string {
  const kept = `${percent(share)} of it is kept free`;
  if (windows < 3) return `${kept}, the most there is: there were too few windows to tell how even the machine is.`;
  const measured = `throughput in ${windows} windows of the same load varied by ${percent(variation)}`;
  if (share <= LEAST_HEADROOM) return `${kept}, the least there is; ${measured}.`;
  if (share >= MOST_HEADROOM) return `${kept}, the most there is; ${measured}.`;
  return `${kept}, since ${measured}.`;
}

function missedText(decision: Decision, summary: WindowsSummary, objective: Objective): string {
  const { met, windows, latencyMs, nextMs, failed, requests } = summary;
  const failures = failed === 0 ? "" : `, ${failed} of ${requests} requests failed`;
  const found = `${percentileText(objective.quantile)} ${milliseconds(latencyMs)} at the median of windows${failures}`;
  switch (decision) {
    case "missed":
      return `${met} of ${windows} windows met it (${found})`;
    case "met":
      return `${met} of ${windows} windows met it (${found}), but so unevenly that the next may take ${milliseconds(nextMs)}`;
    case "open":
      return `${met} of ${windows} windows met it (${found}), which is too few to decide, and the time was up`;
    default:
      return unreachable(decision);
  }
}

function latencyText({ latencyMs, interval, nextMs, worstMs, requests }: WindowsSummary, objective: Objective): string {
  const range =
    interval === null ? "" : ` (95 % interval ${number(interval.lower)} to ${milliseconds(interval.upper)})`;
  return `${percentileText(objective.quantile)} ${milliseconds(latencyMs)} at the median of windows${range}, worst ${milliseconds(worstMs)}, the next one below ${milliseconds(nextMs)} at 90 %; ${requests} requests`;
}

/** `1240/s` */
export function rate(perSecond: number): string {
  return `${number(perSecond, perSecond >= 1000 ? 4 : 3)}/s`;
}

export function milliseconds(ms: number | null): string {
  return ms === null ? "no time known" : `${number(ms)} ms`;
}

function percent(share: number): string {
  return `${number(share * 100, 2)} %`;
}

/** Rounded up: so many times is enough. */
function ratio(value: number): string {
  return String(Math.ceil(value * 10) / 10);
}

function number(value: number, digits = 3): string {
  return String(Number(value.toPrecision(digits)));
}
