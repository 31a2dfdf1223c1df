// What the command ends with, so that scripts can tell cases apart. docs/cli.md prints this table.
import { type ErrorCode, type ErrorKind, ERRORS } from "@slipway/core/base";

export interface ExitFact {
  readonly code: number;
  /** For docs/cli.md and `slipway --help`. */
  readonly when: string;
}

export const EXITS = {
  ok: { code: 0, when: "Done." },
  failed: { code: 1, when: "Something broke, here or in the server." },
  usage: { code: 2, when: "The command line or the configuration is wrong; nothing was done." },
  notFound: { code: 3, when: "What was named does not exist." },
  refused: {
    code: 4,
    when: "It does not fit the present state, or is not allowed; `--help` tells whether a flag forces it.",
  },
  unavailable: { code: 5, when: "No server answers, or it is not ready or overloaded; later may be fine." },
  invalid: { code: 6, when: "A model, file or request is not valid, not supported or too large." },
  timeout: { code: 7, when: "It took longer than its limit." },
  interrupted: { code: 130, when: "Stopped by Ctrl-C." },
} as const satisfies Record<string, ExitFact>;

const BY_KIND: Readonly<Record<ErrorKind, keyof typeof EXITS>> = {
  invalid: "invalid",
  unauthenticated: "refused",
  forbidden: "refused",
  "not-found": "notFound",
  conflict: "refused",
  "too-large": "invalid",
  unsupported: "invalid",
  quota: "unavailable",
  overloaded: "unavailable",
  unavailable: "unavailable",
  cancelled: "interrupted",
  timeout: "timeout",
  failed: "failed",
};
/** Errors about how the command was called, whatever their kind. */
const USAGE: ReadonlySet<string> = new Set<ErrorCode>(["USAGE", "CONFIG_INVALID"]);

/** The exit code for an error code; codes of a newer server count as failures. */
export function exitCodeFor(code: string): number {
  if (USAGE.has(code)) return EXITS.usage.code;
  return isErrorCode(code) ? EXITS[BY_KIND[ERRORS[code].kind]].code : EXITS.failed.code;
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
