// The highest rate that meets a latency objective. A measurement near the limit is noisy, so each rate is tried several
// times and the majority decides, and the answer is tried again before it is given.

/** What one test at a rate showed. */
export interface Trial {
  readonly ratePerSecond: number;
  /** Requests a second that really were due: with Poisson arrivals, chance has more or fewer of them. */
  readonly offeredPerSecond: number;
  /** The latency the objective is about; null when nothing was answered. */
  readonly latencyMs: number | null;
  readonly goodputPerSecond: number;
  /** How long it was measured, in milliseconds. */
  readonly measuredMs: number;
  readonly failures: number;
  readonly isGeneratorLate: boolean;
}

export interface Objective {
  /** The percentile as a fraction: 0.99. */
  readonly quantile: number;
  readonly latencyMs: number;
}

export interface FindOptions<Of extends Trial = Trial> {
  readonly objective: Objective;
  /** Where to begin, in requests a second. */
  readonly startRate: number;
  /** Stop when the passing and the failing rate are this near, as a ratio above 1. */
  readonly resolution: number;
  /** Tests at a rate; the majority decides. Odd. */
  readonly repeats: number;
  readonly maxTrials: number;
  readonly trial: (ratePerSecond: number) => Promise<Of>;
  /** Whether a test met the objective; `isMet` if left out. */
  readonly judge?: (trial: Of) => boolean;
  /** Ends the search after the test under way. */
  readonly isOver?: () => boolean;
  readonly onTrial?: (trial: Of, isMet: boolean) => void;
}

export interface Found<Of extends Trial = Trial> {
  readonly objective: Objective;
  /** Highest rate that met the objective in most of its tests; null when even the lowest tried did not. */
  readonly ratePerSecond: number | null;
  /** Lowest rate above it that did not; null when none failed. */
  readonly missedAtRate: number | null;
  readonly trials: readonly (Of & { readonly isMet: boolean })[];
  /** Why it ended: the rates are near enough, there was no time for more tests, or a limit was not the server's. */
  readonly end: "resolved" | "too-many-trials" | "generator-limit" | "never-met";
}

const GROWTH = 1.6;
const LOWEST_RATE = 1;
/** A server that answers less than this share of what is offered is falling behind, whatever the percentile says. */
const KEPT_UP = 0.98;
/** Of a test, what the last answers may take after it. */
const MOST_LATE_SHARE = 0.1;

/** Whether a test met the objective: every request answered, in time, without a queue growing. */
export function isMet(trial: Trial, objective: Objective): boolean {
  // Answers come in whole numbers: at 4.5 a second, one second has 4 or 5 of them.
  const oneAnswerPerSecond = trial.measuredMs > 0 ? 1000 / trial.measuredMs : 0;
  // The last answers may be as late as the objective allows, which is a good part of a short test; but a queue that takes
  // more than a tenth of it to be answered has grown, however long the objective would let it.
  const lateShare = trial.measuredMs > 0 ? Math.min(MOST_LATE_SHARE, objective.latencyMs / trial.measuredMs) : 0;
  return (
    trial.failures === 0 &&
    trial.latencyMs !== null &&
    trial.latencyMs <= objective.latencyMs &&
    trial.goodputPerSecond + oneAnswerPerSecond >= KEPT_UP * (1 - lateShare) * trial.offeredPerSecond
  );
}

/** Brackets the limit by growing or shrinking the rate, halves the bracket, then confirms the answer. */
export async function findHighestRate<Of extends Trial>(options: FindOptions<Of>): Promise<Found<Of>> {
  const { objective, resolution, repeats, maxTrials } = options;
  const judge = options.judge ?? ((trial: Of) => isMet(trial, objective));
  const trials: (Of & { isMet: boolean })[] = [];
  const hasTime = () => trials.length < maxTrials && options.isOver?.() !== true;
  let isGeneratorLimit = false;

  const meets = async (rate: number): Promise<boolean> => {
    const majority = Math.floor(repeats / 2) + 1;
    let met = 0;
    let missed = 0;
    while (met < majority && missed < majority && hasTime()) {
      const trial = await options.trial(rate);
      const isTrialMet = judge(trial);
      trials.push({ ...trial, isMet: isTrialMet });
      options.onTrial?.(trial, isTrialMet);
      if (isTrialMet) met++;
      else missed++;
      if (!isTrialMet && trial.isGeneratorLate) isGeneratorLimit = true;
    }
    return met >= majority;
  };
  const found = (low: number | null, high: number | null, end: Found["end"]): Found<Of> => {
    const isLimited = isGeneratorLimit && high !== null;
    return { objective, ratePerSecond: low, missedAtRate: high, trials, end: isLimited ? "generator-limit" : end };
  };

  let low: number | null = null;
  let high: number | null = null;
  let rate = Math.max(LOWEST_RATE, options.startRate);
  while ((low === null || high === null) && hasTime()) {
    if (await meets(rate)) {
      low = rate;
      rate *= GROWTH;
    } else {
      high = rate;
      if (low === null && rate <= LOWEST_RATE) return found(null, high, "never-met");
      rate = Math.max(LOWEST_RATE, rate / GROWTH);
    }
  }
  while (low !== null && high !== null && high / low > resolution && hasTime()) {
    const middle = Math.sqrt(low * high);
    if (await meets(middle)) low = middle;
    else high = middle;
  }
  // The search keeps whatever passed by luck; only a rate that passes again is an answer.
  while (low !== null && hasTime()) {
    if (await meets(low)) return found(low, high, "resolved");
    high = low;
    low /= resolution;
    if (low < LOWEST_RATE) return found(null, high, "never-met");
  }
  return found(low, high, "too-many-trials");
}
