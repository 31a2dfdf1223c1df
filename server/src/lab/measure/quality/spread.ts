// The mean of weighted values and their squares about it, in one pass and mergeable. Values are taken relative to the first,
// so that a large common offset costs no precision.

/**
 * Sources: D. H. D. West, Communications of the ACM 22 (1979), for weights; T. F. Chan, G. H. Golub, R. J. LeVeque, The
 * American Statistician 37 (1983), for merging.
 */
export class Spread {
  #first = 0;
  #offset = 0; // the mean less the first value
  #weight = 0;
  #squares = 0;
  #isConstant = true;

  /** @param weight above 0 */
  add(value: number, weight: number): void {
    if (this.#weight === 0) this.#first = value;
    const relative = value - this.#first;
    if (relative !== 0) this.#isConstant = false;
    const before = this.#weight;
    this.#weight += weight;
    const difference = relative - this.#offset;
    this.#offset += difference * (weight / this.#weight);
    this.#squares += difference * difference * weight * (before / this.#weight);
  }

  /** Adds the values of another. */
  merge(other: Spread): void {
    if (other.#weight === 0) return;
    if (this.#weight === 0) this.#first = other.#first;
    const shift = other.#first - this.#first;
    this.#isConstant &&= other.#isConstant && (shift === 0 || this.#weight === 0);
    const before = this.#weight;
    this.#weight += other.#weight;
    const difference = shift + other.#offset - this.#offset;
    this.#offset += difference * (other.#weight / this.#weight);
    this.#squares += other.#squares + difference * difference * other.#weight * (before / this.#weight);
  }

  get weight(): number {
    return this.#weight;
  }

  get mean(): number {
    return this.#first + this.#offset;
  }

  /** The weighted sum of squares about the mean. */
  get squares(): number {
    return this.#squares;
  }

  /** Whether all values are equal, or there are none. */
  get isConstant(): boolean {
    return this.#isConstant;
  }
}
