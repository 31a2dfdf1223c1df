// Checks of what must hold whatever the input. A failing assertion is a bug of ours, never the caller's mistake.

/** Throws when `condition` does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`${message} This is a bug.`);
}

/** For the `default` of a switch that handles every case. */
export function unreachable(value: never): never {
  throw new Error(`Unexpected value ${String(value)}. This is a bug.`);
}
