// "Did you mean", for the names a message is about.
import { nearestWords } from "@slipway/core/base";

/** The known names nearest to `name`, best first, at most three; none where nothing is near. */
export function suggestionsFor(name: string, known: readonly string[]): readonly string[] {
  return nearestWords(name, known, 3);
}

/** The end of a message: ` Did you mean "digits"?`, or what to do where nothing is near. */
export function didYouMean(suggestions: readonly string[], otherwise: string): string {
  if (suggestions.length === 0) return ` ${otherwise}`;
  return ` Did you mean ${suggestions.map((name) => `"${name}"`).join(" or ")}?`;
}
