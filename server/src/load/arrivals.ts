// When requests are meant to be sent: known before the test begins, whatever the server does. That a slow server can't
// slow the arrivals down is what makes a test open-loop.

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** Answers, call by call, when the next request is due: milliseconds from the start, never decreasing. */
export type Arrivals = () => number;

/** Evenly spaced arrivals. */
export function constantArrivals(ratePerSecond: number): Arrivals {
  let sent = 0;
  // Multiplied, not summed, so that a long test does not drift.
  return () => (sent++ * 1000) / ratePerSecond;
}

/** Independent arrivals, as of many users who know nothing of each other: gaps are exponential. */
export function poissonArrivals(ratePerSecond: number, random: Random): Arrivals {
  let at = 0;
  return () => {
    at -= (Math.log(1 - random()) * 1000) / ratePerSecond;
    return at;
  };
}

/** A small generator for arrivals and made-up inputs: SplitMix32, the same numbers for the same seed everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}
