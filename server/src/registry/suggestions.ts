// "Did you mean": the known names near one that is not known.
import { distance } from "fastest-levenshtein";

/** The known names nearest to `name`, best first, at most three; none where nothing is near. */
export function suggestionsFor(name: string, known: readonly string[]): readonly string[] {
  const wanted = name.toLowerCase();
  const most = Math.max(2, Math.floor(wanted.length / 3));
  return known
    .map((candidate) => ({ candidate, far: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ far }) => far <= most)
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** The end of a message: ` Did you mean "digits"?`, or what to do where nothing is near. */
export function didYouMean(suggestions: readonly string[], otherwise: string): string {
  if (suggestions.length === 0) return ` ${otherwise}`;
  return ` Did you mean ${suggestions.map((name) => `"${name}"`).join(" or ")}?`;
}
