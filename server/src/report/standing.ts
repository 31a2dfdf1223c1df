// What evidence is worth today: whether something newer says the same, and whether it was found so long ago, or by so different
// an engine, that it may no longer hold.
import { formOf, type ReportEvidence, subjectOf } from "./evidence.ts";
import { ageText } from "./numbers.ts";
import type { StandingEvidence } from "./report.ts";

export interface StandingOptions {
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** Versions of what runs now. */
  readonly code: Readonly<Record<string, string>>;
}

/** Where no policy says how old evidence may be. */
export const FRESH_MS = 30 * 86_400_000;

/** @param evidence newest first, as the registry answers it */
export function standingOf(evidence: readonly ReportEvidence[], options: StandingOptions): readonly StandingEvidence[] {
  const seen = new Set<string>();
  const newestForm = new Map<string, number>();
  return evidence.map((one): StandingEvidence => {
    const subject = subjectOf(one);
    const form = formOf(one);
    // Settings of an older form are other words for the same, or say less.
    const isSuperseded = seen.has(subject) || one.schema < (newestForm.get(form) ?? 0);
    seen.add(subject);
    newestForm.set(form, Math.max(one.schema, newestForm.get(form) ?? 0));
    if (isSuperseded) return { ...one, standing: "superseded", reason: "A newer one says the same of the same." };
    const reason = staleness(one, options);
    return { ...one, standing: reason === null ? "current" : "stale", reason };
  });
}

function staleness(one: ReportEvidence, { now, code }: StandingOptions): string | null {
  const ageMs = now - one.measuredAt;
  if (ageMs > FRESH_MS) return `It was measured ${ageText(ageMs)} ago.`;
  // What was read off files or counted does not depend on the engine.
  const hasRun = one.machine !== null || one.dataset !== null;
  const { backend } = one.code;
  if (hasRun && backend !== undefined && code["backend"] !== undefined && backend !== code["backend"]) {
    return `It was measured with ${backend}; ${code["backend"]} runs now.`;
  }
  return null;
}
