// Which requests of different length share a run. Padding a short one to a long one's length costs the padding; running
// it apart costs another run: by the measured cost, what waits is divided into the groups that take the least time
// together. As every way to divide it was weighed, no group takes longer than its requests would apart.
import type { BatchItem, BatchLimits } from "./batcher.ts";
import type { CostModel } from "./cost-model.ts";

/** Most requests looked at, most urgent first; keeps the search well below a millisecond. */
const MOST_WEIGHED = 256;
/** What a run counts beyond its cost, so that among divisions that take the same time the one of fewest runs wins. */
const RUN_MS = 1e-6;

/**
 * The requests of `waiting` that run together with its first, the first included. Costs least over all that waits (up
 * to `MOST_WEIGHED`): requests sorted by length are cut into runs, and cheapest[end] = min over start of
 * cheapest[start] + cost(start, end). While the cost is unknown only requests of the same length share a run.
 */
export function groupOfFirst<Item extends BatchItem>(
  waiting: readonly Item[],
  limits: BatchLimits,
  cost: CostModel,
): ReadonlySet<Item> {
  const first = waiting[0]!;
  const sorted = waiting.slice(0, MOST_WEIGHED).sort((a, b) => a.length - b.length);
  const starts = cheapestCuts(sorted, limits, cost);
  const position = sorted.indexOf(first);
  let end = sorted.length;
  while (starts[end]! > position) end = starts[end]!;
  return new Set(sorted.slice(starts[end], end));
}

/** For each end, where the last run starts in the cheapest division of what comes before it. */
function cheapestCuts(sorted: readonly BatchItem[], limits: BatchLimits, cost: CostModel): Int32Array {
  const cheapest = new Float64Array(sorted.length + 1);
  const starts = new Int32Array(sorted.length + 1);
  for (let end = 1; end <= sorted.length; end++) {
    const { length } = sorted[end - 1]!;
    let rows = 0;
    let widest = 0;
    let best = Number.POSITIVE_INFINITY;
    for (let start = end - 1; start >= 0; start--) {
      const item = sorted[start]!;
      const itemRows = Math.max(1, item.rows);
      rows += itemRows;
      widest = Math.max(widest, item.elements / itemRows);
      const isOver = rows > limits.maxRows || rows * widest > limits.maxElements;
      if (isOver && start < end - 1) break;
      const total = cheapest[start]! + RUN_MS + (cost.isKnown ? cost.estimateMs(rows, length) : rows * length);
      if (total < best) {
        best = total;
        starts[end] = start;
      }
    }
    cheapest[end] = best;
  }
  return starts;
}
