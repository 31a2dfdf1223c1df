// A workload that never changes, timed in the same rounds as what is measured: when it is slow, the machine is.
import type { Clock } from "@slipway/core/base";
import { type Burst, type BurstOrder, longestOf, type Target } from "./target.ts";

/** Side of the square matrices that are multiplied: about a quarter of a millisecond on a core of 2020. */
const SIDE = 64;
/** Multiplications timed in a round, at most. */
const REPEATS = 15;

/** Multiplies two matrices of 64 × 64 doubles in this process, again and again. */
export function referenceTarget(clock: Clock): Target {
  const [left, right, product] = [filled(1), filled(2), new Float64Array(SIDE * SIDE)];
  const burst = async ({ mostRequests }: BurstOrder, signal: AbortSignal): Promise<Burst> => {
    signal.throwIfAborted();
    const startedAt = clock.now();
    const latenciesMs: number[] = [];
    const repeats = Math.min(REPEATS, mostRequests);
    for (let repeat = 0; repeat < repeats; repeat++) {
      const from = clock.now();
      multiply(left, right, product);
      latenciesMs.push(clock.now() - from);
    }
    return {
      latenciesMs,
      answered: repeats,
      failed: 0,
      longestMs: longestOf(latenciesMs),
      elapsedMs: clock.now() - startedAt,
      stages: null,
      batchRows: null,
    };
  };
  return { burst };
}

export const REFERENCE_TEXT = `a product of two ${SIDE} × ${SIDE} matrices in JavaScript`;

function filled(seed: number): Float64Array {
  return Float64Array.from({ length: SIDE * SIDE }, (_none, index) => ((index * 7919 * seed) % 1009) / 1009);
}

function multiply(left: Float64Array, right: Float64Array, product: Float64Array): void {
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let sum = 0;
      for (let inner = 0; inner < SIDE; inner++) sum += left[row * SIDE + inner]! * right[inner * SIDE + column]!;
      product[row * SIDE + column] = sum;
    }
  }
}
