// Golden numbers of test/goldens/statistics, and how closely ours must agree with them.
import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** The numbers of a file; who made them is written in it. */
export const goldensFrom = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../../test/goldens/statistics/${file}`, import.meta.url), "utf8"));

/** Within a relative distance; numbers at 0 within the same of 1e-300. */
export function expectClose(got: number, wanted: number, relative: number, what: string): void {
  const distance = Math.abs(got - wanted) / Math.max(Math.abs(wanted), 1e-300);
  if (!(distance <= relative)) expect.fail(`${what}: ${got} is ${distance} from ${wanted}, allowed is ${relative}`);
}
