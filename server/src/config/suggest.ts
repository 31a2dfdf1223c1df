// "Did you mean": the nearest of the known words to one that was not known.
import { distance } from "fastest-levenshtein";

/** The known word nearest to `word`, when it is near enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const score = distance(word.toLowerCase(), candidate.toLowerCase());
    // The end of a long word often says it all: `maxBatchRows` was meant for `runtime.maxBatchRows`.
    const isTail = word.length >= 4 && candidate.toLowerCase().endsWith(`.${word.toLowerCase()}`);
    const rank = isTail ? 0.5 : score;
    if (rank < bestScore) [best, bestScore] = [candidate, rank];
  }
  return best !== null && bestScore <= Math.max(2, Math.floor(word.length / 3)) ? best : null;
}

/** The end of a sentence that says a word is not known: `. Did you mean server.port?`, or just the full stop. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === null ? "." : `. Did you mean ${meant}?`;
}
