// Measures of association as scikit-learn and SciPy compute them, and at their ends.
import { expect, test } from "vitest";
import { expectClose, goldensFrom } from "../goldens.testing.ts";
import { createRandom, drawBelow } from "../random/index.ts";
import {
  correlationRatio,
  cramersV,
  entropy,
  mutualInformation,
  pearsonCorrelation,
  spearmanCorrelation,
} from "./index.ts";

interface Golden {
  readonly labels: readonly {
    readonly a: number[];
    readonly b: number[];
    readonly mutualInformation: number;
    readonly entropy: number;
    readonly cramersV: number;
    readonly corrected: number;
  }[];
  readonly numbers: readonly {
    readonly values: number[];
    readonly others: number[];
    readonly labels: number[];
    readonly correlationRatio: number;
    readonly pearson: number;
    readonly spearman: number;
  }[];
}
const golden = goldensFrom("association.json") as Golden;

test("labels: mutual information, entropy and Cramér's V", () => {
  for (const [at, { a, b, ...wanted }] of golden.labels.entries()) {
    expectClose(mutualInformation(a, b), wanted.mutualInformation, 1e-10, `mutual information ${at}`);
    expectClose(mutualInformation(b, a), wanted.mutualInformation, 1e-10, `mutual information ${at}`);
    expectClose(entropy(a), wanted.entropy, 1e-12, `entropy ${at}`);
    expectClose(cramersV(a, b, { isCorrected: false }), wanted.cramersV, 1e-10, `V ${at}`);
    expectClose(cramersV(a, b), wanted.corrected, 1e-10, `corrected V ${at}`);
  }
});

test("numbers: correlation ratio, Pearson's and Spearman's correlation", () => {
  for (const [at, { values, others, labels, ...wanted }] of golden.numbers.entries()) {
    expectClose(correlationRatio(values, labels), wanted.correlationRatio, 1e-10, `ratio ${at}`);
    expectClose(pearsonCorrelation(values, others), wanted.pearson, 1e-10, `Pearson ${at}`);
    expectClose(spearmanCorrelation(values, others), wanted.spearman, 1e-10, `Spearman ${at}`);
  }
});

test("labels of their own for each case tell nothing, though the plain V says all", () => {
  const random = createRandom(1);
  const own = Array.from({ length: 100 }, (_, index) => index);
  const label = own.map(() => drawBelow(random, 3));
  expect(cramersV(own, label, { isCorrected: false })).toBeCloseTo(1, 12);
  expect(cramersV(own, label)).toBe(0);
});

test("what is the same everywhere tells nothing; what is the other tells all", () => {
  const [a, same] = [
    [0, 1, 2, 0, 1, 2, 2],
    [4, 4, 4, 4, 4, 4, 4],
  ];
  expect([mutualInformation(a, same), cramersV(a, same), correlationRatio(same, a)]).toEqual([0, 0, 0]);
  expect([pearsonCorrelation(a, same), spearmanCorrelation(same, a)]).toEqual([0, 0]);
  expect(mutualInformation(a, a)).toBeCloseTo(entropy(a), 12);
  expect(cramersV(a, a)).toBeCloseTo(1, 12);
  expect(correlationRatio(a, a)).toBeCloseTo(1, 12);
  expect(
    spearmanCorrelation(
      a,
      a.map((value) => -Math.exp(value)),
    ),
  ).toBeCloseTo(-1, 12);
  expect(() => mutualInformation(a, [0])).toThrow(RangeError);
});
