// Words of a command that people are told to type.

/** A word of the shell that stands for exactly this text, whatever is in it. */
export function shellQuoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
