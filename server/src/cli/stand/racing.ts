// The race of a subject's settings on a prepared stand: how long measurements of this model take, which candidates there is
// time for, and what measures each.
import { slipwayErrorFrom } from "@slipway/core/base";
import { type Candidate, candidatesToTry, costOf, race, type RaceResult, type RaceStep, type Sample } from "#lab/tune";
import { seededRandom } from "#load";
import { duration } from "../text.ts";
import type { LoadRequest } from "../load-request.ts";
import { type Prepared, requestOf } from "./prepared.ts";

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

/**
 * Races candidates for the objective that is wanted.
 * @param current what the others are compared with
 * @throws what a race throws; the signal's reason
 */
export async function raceOn(prepared: Prepared, current: Candidate, budgetMs: number): Promise<RaceResult<Candidate>> {
  const { context, wanted, meter, circumstances, first, loadMs, startedAt } = prepared;
  const { now } = context.environment;
  const pace = paceFor(prepared, budgetMs);
  let step = "";
  return await race<Candidate>({
    ...pace,
    current,
    challengers: candidatesToTry(current, circumstances, pace.mostCandidates).slice(1),
    measure: async (candidate, durationMs) => {
      context.progress.update(`${step}, ${duration(now() - startedAt)} of ${duration(wanted.budgetMs)}`);
      const ready = await readyOrNot(prepared, candidate);
      return ready.ok ? await meter.sample(ready.request, durationMs, Math.max(1, first.goodputPerSecond / 2)) : ready;
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
}

/** How long measurements of this model take, and so how many candidates there is time for. */
function paceFor({ wanted: { objective }, first, loadMs }: Prepared, budgetMs: number) {
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
  prepared: Prepared,
  candidate: Candidate,
): Promise<{ readonly ok: true; readonly request: LoadRequest } | Extract<Sample, { ok: false }>> {
  const { signal } = prepared.context;
  try {
    return { ok: true, request: await requestOf(prepared, candidate) };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = slipwayErrorFrom(error);
    return { ok: false, reason: `${code}: ${message}` };
  }
}

function stepText({ phase, number, of, entries }: RaceStep): string {
  return phase === "round"
    ? `Round ${number} of ${of}: ${entries} candidates`
    : `Pair ${number} of ${of}: the best candidate and the current settings`;
}
