// The targets there are.
import type { FuzzTarget } from "./target.ts";
import { jsonTarget } from "./targets/json.ts";

export const TARGETS: readonly FuzzTarget[] = [jsonTarget];

/** @throws Error where there is none of this name */
export function targetNamed(name: string): FuzzTarget {
  const target = TARGETS.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new Error(`There is no target "${name}"; there are ${TARGETS.map((one) => one.name).join(", ")}.`);
}
