// What answers are worth, in a number: the share of right classes, or R².
import type { Tensor } from "@slipway/core/tensor";

/**
 * The share of rows whose greatest score is that of their class; the first counts among equals.
 * @param outputs scores [N, C] @param targets classes int64 [N]
 */
export function accuracy(outputs: readonly Tensor[], targets: readonly Tensor[]): number {
  let right = 0;
  let rows = 0;
  for (const [at, { shape, data }] of outputs.entries()) {
    const [count, classes] = shape as [number, number];
    const scores = data as Float32Array;
    for (let row = 0; row < count; row++) {
      let best = 0;
      for (let index = 1; index < classes; index++)
        if (scores[row * classes + index]! > scores[row * classes + best]!) best = index;
      if (best === Number(targets[at]!.data[row])) right++;
    }
    rows += count;
  }
  return right / rows;
}

/**
 * 1 − squared errors over squared distances from the mean, as scikit-learn's `r2_score`: 1 where all are alike and met, 0 where they
 * are alike and not.
 */
export function rSquared(outputs: readonly Tensor[], targets: readonly Tensor[]): number {
  const answers = outputs.flatMap(({ data }) => Array.from(data as Float32Array));
  const truths = targets.flatMap(({ data }) => Array.from(data as Float32Array));
  const mean = truths.reduce((sum, value) => sum + value, 0) / truths.length;
  let errors = 0;
  let distances = 0;
  for (const [at, truth] of truths.entries()) {
    errors += (truth - answers[at]!) ** 2;
    distances += (truth - mean) ** 2;
  }
  if (distances === 0) return errors === 0 ? 1 : 0;
  return 1 - errors / distances;
}
