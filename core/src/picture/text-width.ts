// How wide text is, without a screen to try it on: Vega places axes by it, and guesses four fifths of an em for every letter,
// which leaves charts with wide empty margins and cuts names that would fit.

/** Shares of an em, of DejaVu Sans, which is as wide as sans-serif text gets; other fonts then have room to spare. */
const NARROW = new Set("fijlrtI.,:;'|!()[]{}`-/\\ \u202f\u00a0");
const WIDE = new Set("mwMWOQGD@%&→");

/** @param sizePx of the font */
export function textWidthPx(text: string, sizePx: number): number {
  let ems = 0;
  for (const letter of text) ems += letterEms(letter);
  return ems * sizePx;
}

function letterEms(letter: string): number {
  if (NARROW.has(letter)) return 0.37;
  if (WIDE.has(letter)) return 0.89;
  if (/\p{Mark}/u.test(letter)) return 0;
  if (/\p{Lu}/u.test(letter)) return 0.7;
  // Ideographs, kana, Hangul and emoji fill their square.
  if (
    letter.codePointAt(0)! >= 0x1100 &&
    /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u.test(letter)
  )
    return 1;
  return 0.63;
}
