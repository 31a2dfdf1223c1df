// Which HTTP status each error becomes, and the body it is answered with: the only place with status codes.
import { ERRORS, type ErrorCode, type ErrorKind, type SlipwayError } from "@slipway/core/base";

/** By kind; where a code needs another one, `STATUS_OF_CODE` has it. Triton's map, but for overload, time and size. */
export const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "too-large": 413,
  unsupported: 501,
  quota: 429,
  overloaded: 503,
  unavailable: 503,
  // Nobody is left to read it; records keep it as other servers' logs do.
  cancelled: 499,
  timeout: 504,
  failed: 500,
};

export const STATUS_OF_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONTENT_ENCODING_UNSUPPORTED: 415,
  MODEL_UNSUPPORTED: 422,
  DISK_FULL: 507,
};

export const OK = 200;
/** A request head over its limit, which HTTP tells apart from a body over its limit. */
export const HEAD_TOO_LARGE = 431;
/** An Expect header other than 100-continue. */
export const EXPECTATION_FAILED = 417;
/** Health routes answer this for "not ready": the protocol asks for a 4xx, and Triton sends this one. */
export const NOT_READY = 400;

/** The HTTP status of an error code. */
export function statusOf(code: ErrorCode): number {
  return STATUS_OF_CODE[code] ?? STATUS_OF_KIND[ERRORS[code].kind];
}

const WORTH_A_RETRY: ReadonlySet<ErrorKind> = new Set<ErrorKind>(["quota", "overloaded", "unavailable"]);
const DEFAULT_RETRY_SECONDS = 1;

/** Seconds for the Retry-After header, at least 1; null where trying again will not help by itself. */
export function retryAfterSeconds(error: SlipwayError): number | null {
  if (error.retryAfterMs !== undefined) return Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  return WORTH_A_RETRY.has(error.kind) ? DEFAULT_RETRY_SECONDS : null;
}

/** The body of an error: the Open Inference Protocol's `error`, and beside it what a program can branch on. */
export function errorBody(error: SlipwayError, inferenceId: string | null): string {
  return JSON.stringify({
    error: error.message,
    code: error.code,
    ...(inferenceId === null ? {} : { inference_id: inferenceId }),
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}
