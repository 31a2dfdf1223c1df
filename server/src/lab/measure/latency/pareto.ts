// The Pareto front: what nothing else beats at both things that matter.

/**
 * The points that no other is at least as good as in both respects and better in one, by ascending latency. Of points that
 * are equal in both the first stays.
 * @param rate more is better
 * @param latency less is better
 */
export function paretoFront<Point>(
  points: readonly Point[],
  rate: (point: Point) => number,
  latency: (point: Point) => number,
): readonly Point[] {
  const order = points.toSorted((a, b) => latency(a) - latency(b) || rate(b) - rate(a));
  const front: Point[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const point of order) {
    if (rate(point) <= best) continue;
    best = rate(point);
    front.push(point);
  }
  return front;
}
