// How long a run takes, learnt from the runs themselves: milliseconds ≈ base + slope · elements, by least squares that
// forgets. The batcher asks it so that a batch does not outgrow the deadline of a request in it.

/** Weight an observation keeps after each newer one: the last hundred or so count. */
const MEMORY = 0.98;
/** Below this many observations nothing is claimed. */
const ENOUGH = 8;

export class CostModel {
  #count = 0;
  #weight = 0;
  #meanX = 0;
  #meanY = 0;
  #varianceX = 0;
  #covariance = 0;

  /** Learns that a run over `elements` input elements took `durationMs`. */
  observe(elements: number, durationMs: number): void {
    this.#count++;
    this.#weight = this.#weight * MEMORY + 1;
    const share = 1 / this.#weight;
    const dx = elements - this.#meanX;
    const dy = durationMs - this.#meanY;
    this.#meanX += dx * share;
    this.#meanY += dy * share;
    this.#varianceX = (1 - share) * (this.#varianceX + share * dx * dx);
    this.#covariance = (1 - share) * (this.#covariance + share * dx * dy);
  }

  /** What a run over `elements` should take, in milliseconds; 0 until enough was seen. */
  estimateMs(elements: number): number {
    if (this.#count < ENOUGH) return 0;
    const slope = this.#varianceX > 0 ? Math.max(0, this.#covariance / this.#varianceX) : 0;
    return Math.max(0, this.#meanY + slope * (elements - this.#meanX));
  }
}
