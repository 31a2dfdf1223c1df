// How many rows in a batch are worth it, and how many requests should be at hand. Where a row takes nearly as long in a
// large batch as in a small one, a large one gains nothing and makes everyone in it wait for all: a model of ten
// milliseconds a row would answer 32 requests after a third of a second each, instead of one every ten milliseconds. A run
// is taken to cost a price of its own and one for each row; both come from what batches of different sizes took.

/** A batch is large enough where a row takes at most this much of what it takes in the largest. */
const NEAR_BEST = 1.08;
/** Batches that take less than this are never made smaller: nobody notices, and the way to the front takes its time too. */
const UNNOTICED_MS = 1;
/** Runs of a size before it counts. */
const LEAST_RUNS = 8;
/** The latest so many runs of a size make its mean. */
const MEMORY_RUNS = 32;
/** The largest size must be so many times the smallest before anything follows from both. */
const LEAST_SPREAD = 2;
/** How long it may take a flooded front to look at its links again, and the most requests that are handed over for it. */
const LOOK_MS = 5;
const MOST_FOR_A_LOOK = 1024;
/**
 * What may be on the way to a runner for it: less than the system holds for a socket (208 KiB on Linux), since what is
 * over that leaves the front only at the end of a turn.
 */
const ON_THE_WAY_BYTES = 128 * 1024;
/** One batch in so many is as large as may be, to see whether that has come to pay. */
const LOOK_EVERY = 128;

interface Size {
  runs: number;
  rows: number;
  ms: number;
}

export class WorthwhileRows {
  readonly #maxRows: number;
  /** Means, by the power of two that a batch's rows reach: 1, 2, 3–4, 5–8, … */
  readonly #sizes: Size[];
  #batches = 0;
  #rows: number;
  #prices: Prices | null = null;
  /** Mean size of a row's request. */
  #rowBytes = 0;

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
    this.#sizes = Array.from({ length: sizeOf(maxRows) + 1 }, () => ({ runs: 0, rows: 0, ms: 0 }));
    this.#rows = maxRows;
  }

  /** Most rows the next batch should have. */
  next(): number {
    return ++this.#batches % LOOK_EVERY === 0 ? this.#maxRows : this.#rows;
  }

  /** Most rows batches should have by what is known now. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Requests of one row that may be here at once: two batches, or where that is more, what keeps this runner busy until a
   * flooded front looks at its links again.
   */
  get credits(): number {
    const least = 2 * this.#rows;
    if (this.#prices === null) return least;
    const { runMs, rowMs } = this.#prices;
    const forALook = Math.floor(LOOK_MS / Math.max(runMs / this.#rows + rowMs, Number.EPSILON));
    const onTheWay = Math.floor(ON_THE_WAY_BYTES / Math.max(1, this.#rowBytes));
    return Math.max(least, Math.min(MOST_FOR_A_LOOK, forALook, onTheWay));
  }

  /** A batch of requests of so many bytes was run. */
  observe(rows: number, sizeBytes: number, tookMs: number): void {
    const size = this.#sizes[sizeOf(rows)];
    if (size === undefined || rows < 1) return; // a single request of more rows than a batch has
    size.runs++;
    const weight = 1 / Math.min(size.runs, MEMORY_RUNS);
    size.rows += weight * (rows - size.rows);
    size.ms += weight * (tookMs - size.ms);
    this.#rowBytes += (sizeBytes / rows - this.#rowBytes) / MEMORY_RUNS;
    this.#rows = this.#worthwhile();
  }

  #worthwhile(): number {
    const known = this.#sizes.filter(({ runs }) => runs >= LEAST_RUNS);
    const [smallest] = known;
    if (smallest === undefined || known.at(-1)!.rows < LEAST_SPREAD * smallest.rows) return this.#maxRows;
    this.#prices = prices(known);
    const { runMs, rowMs } = this.#prices;
    const enoughMs = NEAR_BEST * (runMs / this.#maxRows + rowMs);
    let rows = 1;
    while (rows < this.#maxRows && runMs / rows + rowMs > enoughMs) rows *= 2;
    const unnoticed = Math.floor((UNNOTICED_MS - runMs) / Math.max(rowMs, Number.EPSILON));
    return Math.min(this.#maxRows, Math.max(rows, unnoticed));
  }
}

interface Prices {
  readonly runMs: number;
  readonly rowMs: number;
}

/** What a run and a row cost: the line through the sizes' means with the least relative errors, neither below zero. */
function prices(sizes: readonly Size[]): Prices {
  let [w, wr, wrr, wm, wrm] = [0, 0, 0, 0, 0];
  for (const { runs, rows, ms } of sizes) {
    const weight = Math.min(runs, MEMORY_RUNS) / Math.max(ms, Number.EPSILON) ** 2;
    w += weight;
    wr += weight * rows;
    wrr += weight * rows * rows;
    wm += weight * ms;
    wrm += weight * rows * ms;
  }
  const rowMs = (w * wrm - wr * wm) / (w * wrr - wr * wr);
  const runMs = (wm - rowMs * wr) / w;
  if (rowMs < 0) return { runMs: wm / w, rowMs: 0 };
  return runMs < 0 ? { runMs: 0, rowMs: wrm / wrr } : { runMs, rowMs };
}

/** Which power of two a number of rows reaches. */
function sizeOf(rows: number): number {
  return Math.ceil(Math.log2(Math.max(1, rows)));
}
