// Losses over the steps of a training as PyTorch computes them, and how near to them ours have to be. That is measured: PyTorch's own
// are so far from one another where only rounding differs (tools/goldens/divergence.py).
import { expect } from "vitest";

export interface Curve {
  /** In single precision on one thread. */
  readonly losses: readonly number[];
  readonly inDouble: readonly number[];
  /** The largest relative differences from `losses` over all steps, by what was done otherwise. */
  readonly divergence: {
    /** Two threads. */
    readonly threads: number;
    /** No oneDNN. */
    readonly kernels: number;
    /** The optimiser in one kernel. */
    readonly optimizer: number;
    /** The rows of each batch in other orders. */
    readonly orders: number;
    /** Double precision: what single loses in all of them alike. */
    readonly double: number;
  };
  /** The largest relative difference of any of these in single precision from `inDouble`. */
  readonly fromDouble: number;
}

/** As near to PyTorch's as three times what divides PyTorch's own, and so near to what they would be without rounding. */
export function expectToFollow(found: readonly number[], { losses, inDouble, divergence, fromDouble }: Curve): void {
  expect(found).toHaveLength(losses.length);
  expect(off(found, losses, 10)).toBeLessThan(1e-4);
  expect(off(found, losses)).toBeLessThan(3 * Math.max(...Object.values(divergence)));
  expect(off(found, inDouble)).toBeLessThan(3 * fromDouble);
}

function off(found: readonly number[], reference: readonly number[], steps = reference.length): number {
  const differences = reference.map((value, at) => Math.abs(found[at]! - value) / Math.abs(value));
  return Math.max(...differences.slice(0, steps));
}
