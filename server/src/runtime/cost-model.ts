// How long a run takes, learnt from the runs themselves: milliseconds ≈ a + b · rows + c · rows · length + d · rows ·
// length² (attention) + e · (rows · length)² (batches that outgrow the caches), by least squares of relative errors that
// forget, with no coefficient below zero. The batcher asks it what to run together, and whether a batch would outgrow
// the deadline of a request in it.

/** Weight an observation keeps after each newer one: the last few hundred count. */
const MEMORY = 0.99;
/** Below this many observations nothing is claimed. */
const ENOUGH = 8;
/** A run that took this many times what was expected was held up by something else; it counts as this much. */
const OUTLIER = 4;
/** Every observation is fitted while there are few; later one in `REFIT`. */
const EARLY = 64;
const REFIT = 8;
/** What keeps the fit defined while all runs have the same shape. */
const RIDGE = 1e-8;
/** Durations below the clock's grain count as this when errors are weighed. */
const GRAIN_MS = 1e-3;
const TERMS = 5;

export class CostModel {
  #count = 0;
  #isFitted = false;
  /** Σ w·x·xᵀ and Σ w·x·y over the observations. */
  readonly #gram = new Float64Array(TERMS * TERMS);
  readonly #moments = new Float64Array(TERMS);
  #coefficients: Float64Array = new Float64Array(TERMS);

  /** Whether enough was seen to claim anything. */
  get isKnown(): boolean {
    return this.#count >= ENOUGH;
  }

  /** Learns that a run of `rows` rows, each of `length` after padding, took `durationMs`. */
  observe(rows: number, length: number, durationMs: number): void {
    const expectedMs = this.estimateMs(rows, length);
    const ms = expectedMs > 0 ? Math.min(durationMs, OUTLIER * expectedMs + GRAIN_MS) : durationMs;
    const weight = 1 / Math.max(GRAIN_MS, expectedMs > 0 ? expectedMs : ms) ** 2;
    const terms = termsOf(rows, length);
    for (let i = 0; i < TERMS; i++) {
      this.#moments[i] = this.#moments[i]! * MEMORY + weight * terms[i]! * ms;
      for (let j = 0; j < TERMS; j++) {
        const at = i * TERMS + j;
        this.#gram[at] = this.#gram[at]! * MEMORY + weight * terms[i]! * terms[j]!;
      }
    }
    this.#count++;
    if (this.#count <= EARLY || this.#count % REFIT === 0) this.#isFitted = false;
  }

  /** What such a run should take, in milliseconds; 0 until enough was seen. */
  estimateMs(rows: number, length: number): number {
    if (!this.isKnown) return 0;
    if (!this.#isFitted) {
      this.#coefficients = fit(this.#gram, this.#moments);
      this.#isFitted = true;
    }
    const [a, b, c, d, e] = this.#coefficients as unknown as [number, number, number, number, number];
    return a + rows * (b + length * (c + length * d) + e * rows * length * length);
  }
}

function termsOf(rows: number, length: number): readonly number[] {
  return [1, rows, rows * length, rows * length * length, (rows * length) ** 2];
}

/** Least squares without negative coefficients: what comes out below zero is left out, the worst first. */
function fit(gram: Float64Array, moments: Float64Array): Float64Array {
  const terms: number[] = [];
  for (let i = 0; i < TERMS; i++) if (gram[i * TERMS + i]! > 0) terms.push(i);
  const coefficients = new Float64Array(TERMS);
  while (terms.length > 0) {
    const solution = solve(gram, moments, terms);
    let worst = 0;
    for (let i = 1; i < solution.length; i++) if (solution[i]! < solution[worst]!) worst = i;
    if (solution[worst]! >= 0) {
      for (const [i, term] of terms.entries())
        coefficients[term] = solution[i]! / Math.sqrt(gram[term * TERMS + term]!);
      break;
    }
    terms.splice(worst, 1);
  }
  return coefficients;
}

/** Solves the normal equations of some terms, each scaled to a diagonal of 1, by elimination. */
function solve(gram: Float64Array, moments: Float64Array, terms: readonly number[]): number[] {
  const scale = terms.map((term) => 1 / Math.sqrt(gram[term * TERMS + term]!));
  const rows = terms.map((row, i) => [
    ...terms.map((column, j) => gram[row * TERMS + column]! * scale[i]! * scale[j]! + (i === j ? RIDGE : 0)),
    moments[row]! * scale[i]!,
  ]);
  const size = terms.length;
  // The matrix is positive definite, so its pivots need no search.
  for (let pivot = 0; pivot < size; pivot++) {
    for (let row = pivot + 1; row < size; row++) {
      const factor = rows[row]![pivot]! / rows[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) rows[row]![column]! -= factor * rows[pivot]![column]!;
    }
  }
  const solution = terms.map(() => 0);
  for (let row = size - 1; row >= 0; row--) {
    let rest = rows[row]![size]!;
    for (let column = row + 1; column < size; column++) rest -= rows[row]![column]! * solution[column]!;
    solution[row] = rest / rows[row]![row]!;
  }
  return solution;
}
