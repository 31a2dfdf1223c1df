// Comparing reports in tests: number by number within a tolerance, everything else exactly.
import { expect } from "vitest";
import { type Metric, UNDEFINED_REASONS } from "./index.ts";

/** A metric against a number, or null for one that is undefined. */
export function expectMetric(seen: Metric | undefined, wanted: number | null, tolerance = 1e-9): void {
  expect(seen).toBeDefined();
  if (wanted === null || seen!.value === null) {
    expect(seen).toEqual({ value: null, reason: expect.any(String) });
    expect(wanted).toBeNull();
    expect(Object.keys(UNDEFINED_REASONS)).toContain((seen as { reason: string }).reason);
    return;
  }
  expectNumber(seen!.value, wanted, tolerance);
}

/** Within the tolerance, of 1 or of the number where that is larger. NaN is like nothing. */
export function expectNumber(seen: number | undefined, wanted: number, tolerance = 1e-9): void {
  const isClose = seen === wanted || Math.abs(seen! - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
  expect(isClose, `${seen} for ${wanted}`).toBe(true);
}

/** Two reports alike in everything but the parts of the names left out. */
export function expectAlike(seen: unknown, wanted: unknown, leftOut: readonly string[] = [], tolerance = 1e-10): void {
  const differences: string[] = [];
  compare(seen, wanted, "");
  expect(differences).toEqual([]);

  function compare(a: unknown, b: unknown, path: string): void {
    if (typeof a === "number" && typeof b === "number") {
      if (!(a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))))
        differences.push(`${path}: ${a}, ${b}`);
    } else if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
      const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
        if (!leftOut.includes(key)) compare(left[key], right[key], `${path}.${key}`);
      }
    } else if (a !== b) differences.push(`${path}: ${String(a)}, ${String(b)}`);
  }
}

/** Every number in a report, to show that none is NaN or infinite. */
export function numbersOf(report: unknown): number[] {
  if (typeof report === "number") return [report];
  return typeof report === "object" && report !== null ? Object.values(report).flatMap(numbersOf) : [];
}
