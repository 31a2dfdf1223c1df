// Many tests at once: p values adjusted so that the whole family errs no more often than one test would.
import { probability } from "../arguments.ts";

/**
 * What is kept below the level: `bonferroni`, `holm`, `hochberg` the chance of any false rejection; `benjamini-hochberg`,
 * `benjamini-yekutieli` the expected share of false ones among the rejections.
 */
export type Correction = "bonferroni" | "holm" | "hochberg" | "benjamini-hochberg" | "benjamini-yekutieli";

interface Rule {
  /** What the p value of this rank (1 the least) among `count` is multiplied by. */
  readonly factor: (rank: number, count: number) => number;
  /** From which end a p value takes over its neighbour's, so that adjusting keeps the order. */
  readonly monotone: "from-least" | "from-greatest";
}

const RULES: Readonly<Record<Correction, Rule>> = {
  bonferroni: { factor: (_rank, count) => count, monotone: "from-least" },
  holm: { factor: (rank, count) => count - rank + 1, monotone: "from-least" },
  hochberg: { factor: (rank, count) => count - rank + 1, monotone: "from-greatest" },
  "benjamini-hochberg": { factor: (rank, count) => count / rank, monotone: "from-greatest" },
  "benjamini-yekutieli": { factor: (rank, count) => (count * harmonic(count)) / rank, monotone: "from-greatest" },
};

/**
 * The adjusted p values, in the order given: reject where one is at most the level of the whole family.
 *
 * Hochberg's and Benjamini–Hochberg's ask for tests that are independent or depend positively; the others for nothing.
 * Sources: S. Holm (1979); Y. Hochberg (1988); Y. Benjamini, Y. Hochberg (1995); Y. Benjamini, D. Yekutieli (2001); adjusted
 * values as in S. P. Wright, Biometrics 48 (1992).
 */
export function adjustPValues(pValues: ArrayLike<number>, correction: Correction): Float64Array {
  const { factor, monotone } = RULES[correction];
  const count = pValues.length;
  const order = Uint32Array.from({ length: count }, (_none, index) => index).sort(
    (a, b) => probability("A p value", pValues[a]!) - probability("A p value", pValues[b]!),
  );
  const adjusted = new Float64Array(count);
  const isFromLeast = monotone === "from-least";
  let before = isFromLeast ? 0 : 1;
  for (let step = 0; step < count; step++) {
    const place = isFromLeast ? step : count - 1 - step;
    const index = order[place]!;
    const scaled = Math.min(1, probability("A p value", pValues[index]!) * factor(place + 1, count));
    before = isFromLeast ? Math.max(before, scaled) : Math.min(before, scaled);
    adjusted[index] = before;
  }
  return adjusted;
}

function harmonic(count: number): number {
  let sum = 0;
  for (let k = count; k >= 1; k--) sum += 1 / k;
  return sum;
}
