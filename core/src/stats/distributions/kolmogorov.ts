// The distribution of the Kolmogorov–Smirnov distance between two samples: exact, and its limit.

/**
 * P(√n D > x) in the limit of many values, D being the greatest distance between an empirical distribution and the true
 * one, n the number of values (two samples: mn / (m + n)). Both of Kolmogorov's series (Marsaglia, Tsang and Wang,
 * "Evaluating Kolmogorov's distribution", JSS 8 (2003), equation 3), each where it converges at once.
 */
export function kolmogorovSurvival(x: number): number {
  if (Number.isNaN(x)) throw new RangeError("The distance is NaN; give a number.");
  if (x <= 0) return 1;
  if (x < 1) {
    // cdf = √(2π)/x Σ exp(−(2k − 1)² π² / (8x²))
    const unit = (Math.PI * Math.PI) / (8 * x * x);
    let sum = 0;
    for (let k = 1; k <= 9; k += 2) sum += Math.exp(-k * k * unit);
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 6; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x);
  return 2 * sum;
}

/**
 * P(D ≥ distance) exactly, for two samples of m and n values of one continuous distribution: the share of lattice paths from
 * (0, 0) to (m, n) that leave the band, counted as probabilities of a path's first way out, so that small ones keep their
 * digits. Takes m × n steps. Source: J. L. Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för
 * Matematik 3 (1958).
 * @param reach the distance as a whole number of 1 / (m n)
 */
export function smirnovSurvival(m: number, n: number, reach: number): number {
  // outside[j]: of the paths from (i, j) to (m, n) taken at random, the share that touches the edge of the band.
  const outside = new Float64Array(n + 1);
  for (let i = m; i >= 0; i--) {
    for (let j = n; j >= 0; j--) {
      if (Math.abs(i * n - j * m) >= reach) outside[j] = 1;
      else if (i === m && j === n) outside[j] = 0;
      else {
        const [right, up] = [m - i, n - j];
        outside[j] = ((right > 0 ? outside[j]! * right : 0) + (up > 0 ? outside[j + 1]! * up : 0)) / (right + up);
      }
    }
  }
  return outside[0]!;
}
