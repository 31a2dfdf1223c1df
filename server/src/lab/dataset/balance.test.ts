import { expect, test } from "vitest";
import { classBalance } from "./balance.ts";

test("balance of classes, with the weights that scikit-learn's compute_class_weight gives", () => {
  // compute_class_weight("balanced", classes=[0, 1, 2], y=[0] * 6 + [1] * 3 + [2]) of scikit-learn 1.9.1.
  const balance = classBalance([6, 3, 1]);
  const wanted = [0.5555555555555556, 1.1111111111111112, 3.3333333333333335];
  for (const [at, weight] of balance.weights.entries()) expect(weight).toBeCloseTo(wanted[at]!, 14);
  expect(balance).toMatchObject({ ratio: 6, majority: 0.6, shares: [0.6, 0.3, 0.1] });
  // scipy.stats.entropy([6, 3, 1], base=3) of SciPy 1.17.1.
  expect(balance.evenness).toBeCloseTo(0.8173454221465103, 12);
});

test("classes without rows, a single class, and no rows", () => {
  expect(classBalance([4, 0])).toMatchObject({ ratio: null, evenness: 0, weights: [0.5, 0] });
  expect(classBalance([5])).toMatchObject({ ratio: 1, evenness: 1, weights: [1], majority: 1 });
  expect(() => classBalance([0, 0])).toThrow(RangeError);
});
