// "Did you mean": the known words near one that is not known.

/**
 * The known words near enough to `word` to be what was meant, the nearest first; none where nothing is near. Letter case
 * does not count, and the end of a dotted word may stand for all of it: `maxBatchRows` for `runtime.maxBatchRows`.
 * @param most how many at most
 */
export function nearestWords(word: string, known: Iterable<string>, most: number): readonly string[] {
  const wanted = word.toLowerCase();
  const reach = Math.max(2, Math.floor(wanted.length / 3));
  const found: { readonly word: string; readonly distance: number }[] = [];
  for (const candidate of new Set(known)) {
    const other = candidate.toLowerCase();
    const isTail = wanted.length >= 4 && other.endsWith(`.${wanted}`);
    const distance = isTail ? 0.5 : editDistance(wanted, other, reach);
    if (distance <= reach) found.push({ word: candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : 1));
  return found.slice(0, most).map((near) => near.word);
}

/** How many letters to insert, delete or replace (Levenshtein); infinity where the lengths alone say more than `reach`. */
function editDistance(a: string, b: string, reach: number): number {
  if (Math.abs(a.length - b.length) > reach) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
