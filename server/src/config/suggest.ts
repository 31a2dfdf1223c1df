// "Did you mean", for one word: settings, flags, commands.
import { nearestWords } from "@slipway/core/base";

/** The known word nearest to `word`, when it is near enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | null {
  return nearestWords(word, known, 1)[0] ?? null;
}

/** The end of a sentence that says a word is not known: `. Did you mean server.port?`, or just the full stop. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === null ? "." : `. Did you mean ${meant}?`;
}
