// What a difference and its p value come to, in one word.

export type ComparedVerdict = "better" | "worse" | "no difference shown" | "undecided";

/**
 * @param difference candidate − baseline; null where it is unknown
 * @param pValue adjusted, where several are asked at once
 */
export function verdictOf(
  difference: number | null,
  pValue: number | null,
  isGain: boolean,
  level: number,
): ComparedVerdict {
  if (difference === null || pValue === null) return "undecided";
  if (pValue > 1 - level || difference === 0) return "no difference shown";
  return difference > 0 === isGain ? "better" : "worse";
}
