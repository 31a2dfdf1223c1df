// Golden numbers: SciPy 1.17.1, `optimize.nnls` on the rows [w, w(N − 1), wN(N − 1)] with w = C(N)/N and the target 1.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitScaling, scaledTo, type ScalingPoint } from "./scaling.ts";

const points = (...pairs: readonly (readonly [number, number])[]): ScalingPoint[] =>
  pairs.map(([threads, perSecond]) => ({ threads, perSecond }));

describe("the fit", () => {
  test("the universal law of six points", () => {
    const law = fitScaling(points([1, 955.16], [2, 1878.91], [4, 3548.68], [8, 6531.08], [16, 9897.24], [32, 10_500]))!;
    expect(law.law).toBe("universal scalability");
    expect(law.perThread).toBeCloseTo(949.2161585956158, 6);
    expect(law.contention).toBeCloseTo(0.011350576937855237, 9);
    expect(law.crosstalk).toBeCloseTo(0.0015474935238279739, 10);
    expect(law.residual!).toBeCloseTo(0.010825864714834927, 9);
  });

  test("Amdahl's law of three", () => {
    const law = fitScaling(points([1, 1000], [2, 1700], [4, 2500]))!;
    expect(law).toMatchObject({ law: "Amdahl", crosstalk: 0 });
    expect(law.perThread).toBeCloseTo(1007.4793218748166, 6);
    expect(law.contention).toBeCloseTo(0.2007977943333137, 9);
    expect(law.residual!).toBeCloseTo(0.016186919455724702, 9);
  });

  test("what grows faster than threads do is taken to grow as fast: no law has less than no contention", () => {
    const law = fitScaling(points([1, 100], [2, 210], [4, 430], [8, 880]))!;
    expect(law).toMatchObject({ contention: 0, crosstalk: 0 });
    expect(law.perThread).toBeCloseTo(105.7544378698225, 8);
    expect(law.residual!).toBeCloseTo(0.06996991940059699, 9);
  });

  test("two points leave nothing to judge it by, one says nothing", () => {
    expect(fitScaling(points([1, 100], [2, 150]))).toMatchObject({ law: "Amdahl", residual: null });
    expect(fitScaling(points([2, 100], [2, 110]))).toBeNull();
    expect(fitScaling(points([1, 100], [2, 0]))).toBeNull();
    expect(fitScaling([])).toBeNull();
  });

  test("finds the law that points were made with, and never promises more than proportion", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        (perThread, contention, crosstalk) => {
          const real = (n: number) => (perThread * n) / (1 + contention * (n - 1) + crosstalk * n * (n - 1));
          const law = fitScaling([1, 2, 3, 4, 6, 8].map((threads) => ({ threads, perSecond: real(threads) })))!;
          for (const threads of [1, 2, 5, 8]) expect(scaledTo(law, threads) / real(threads)).toBeCloseTo(1, 4);
          for (const threads of [2, 16, 64])
            expect(scaledTo(law, threads)).toBeLessThanOrEqual(threads * scaledTo(law, 1) * (1 + 1e-9));
        },
      ),
    );
  });
});
