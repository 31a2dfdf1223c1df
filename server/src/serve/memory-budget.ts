// Whether the memory budget has room for one more deployment, counting what is loaded at its measured size or its
// estimate, whichever is more, since runners grow as they work.
import { SlipwayError } from "@slipway/core/base";
import type { ExecutorStatus } from "#runtime";

/** What a deployment takes of the budget. */
export interface MemoryClaim {
  /** As shown to people: `digits version 3`. */
  readonly name: string;
  readonly bytes: number;
}

/** What a loaded deployment claims. */
export function claimedBytes(estimatedBytes: number, { runners }: ExecutorStatus): number {
  let residentBytes = 0;
  for (const runner of runners) residentBytes += runner.residentBytes ?? 0;
  return Math.max(estimatedBytes, residentBytes);
}

/**
 * Checks that a deployment may be loaded beside what is there.
 * @param budgetBytes what all may take together; null for no limit
 * @throws SlipwayError MEMORY_BUDGET, with the numbers
 */
export function checkMemoryBudget(
  budgetBytes: number | null,
  wanted: MemoryClaim,
  taken: readonly MemoryClaim[],
): void {
  if (budgetBytes === null) return;
  const takenBytes = taken.reduce((sum, claim) => sum + claim.bytes, 0);
  if (takenBytes + wanted.bytes <= budgetBytes) return;
  const holders = taken
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, 8)
    .map(({ name, bytes }) => `${name}: ${bytesText(bytes)}`);
  throw new SlipwayError(
    "MEMORY_BUDGET",
    `Loading ${wanted.name} takes about ${bytesText(wanted.bytes)}; of the budget of ${bytesText(budgetBytes)}, ` +
      `${bytesText(Math.max(0, budgetBytes - takenBytes))} are left${holders.length === 0 ? "" : ` (${holders.join(", ")})`}.`,
    { details: { wantedBytes: wanted.bytes, takenBytes, budgetBytes } },
  );
}

function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1024
    ? `${(mebibytes / 1024).toFixed(1)} GiB`
    : `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB`;
}
