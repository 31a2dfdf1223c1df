// What everything else stands on: errors, assertions, time as an argument, limits.
export { assert, unreachable } from "./assert.ts";
export { type CancelTimer, type Clock, FakeClock } from "./clock.ts";
export {
  ERRORS,
  type ErrorCode,
  type ErrorFact,
  type ErrorKind,
  type ErrorOptions,
  SlipwayError,
  slipwayErrorFrom,
} from "./errors.ts";
export { isName, LIMITS } from "./limits.ts";
export { nearestWords } from "./nearest.ts";
export { shellQuoted } from "./shell.ts";
