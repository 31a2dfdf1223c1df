// Every error Slipway can answer with, as data. A code is stable: clients may branch on it. Which HTTP or gRPC status
// a kind of error becomes is decided in one place, `server/src/api/status.ts`; docs/errors.md prints this table.

/** What sort of failure an error is; the protocols map a kind to their status. */
export type ErrorKind =
  | "invalid" // the caller sent something malformed or contradictory
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict" // valid, but not in the present state
  | "too-large" // over a stated limit
  | "unsupported" // valid, but not something Slipway or this model can do
  | "quota" // this caller's share is used up; later is fine
  | "overloaded" // the server's capacity is used up; later is fine
  | "unavailable" // not ready, or no longer there
  | "cancelled" // the caller went away
  | "timeout" // its deadline passed
  | "failed"; // our side broke

export interface ErrorFact {
  readonly kind: ErrorKind;
  /** When it happens, for docs/errors.md. */
  readonly when: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

const fact = (kind: ErrorKind, when: string, remedy: string): ErrorFact => ({ kind, when, remedy });

/** The error table, by code. */
export const ERRORS = {
  // Requests
  REQUEST_MALFORMED: fact(
    "invalid",
    "A request body, header or parameter can't be read.",
    "Fix the field the message names.",
  ),
  REQUEST_TOO_LARGE: fact(
    "too-large",
    "A body, header or decompressed body is over its limit.",
    "Send less, or raise the limit the message names.",
  ),
  REQUEST_TIMEOUT: fact(
    "timeout",
    "The request's headers or body did not arrive in time.",
    "Send the whole request at once.",
  ),
  ROUTE_NOT_FOUND: fact(
    "not-found",
    "No route has this path.",
    "Check the path against docs/protocol.md; the protocol begins at GET /v2.",
  ),
  METHOD_NOT_ALLOWED: fact(
    "unsupported",
    "The path exists, but not with this method.",
    "Use the method in the Allow header.",
  ),
  CONTENT_ENCODING_UNSUPPORTED: fact(
    "unsupported",
    "A body has a Content-Encoding other than gzip, deflate or identity.",
    "Send it with one of these.",
  ),
  EXTENSION_UNSUPPORTED: fact(
    "unsupported",
    "A route or parameter of a protocol extension was used that this server does not have, such as shared memory.",
    "Do without it; GET /v2 lists the extensions there are.",
  ),
  INPUT_MISSING: fact("invalid", "A required input of the model was not sent.", "Send every input of the signature."),
  INPUT_UNKNOWN: fact("invalid", "An input was sent that the model does not have.", "Use the names of the signature."),
  INPUT_DUPLICATE: fact("invalid", "An input was sent twice.", "Send each input once."),
  INPUT_DTYPE_MISMATCH: fact(
    "invalid",
    "An input's datatype is not the model's.",
    "Send the datatype of the signature.",
  ),
  INPUT_SHAPE_MISMATCH: fact(
    "invalid",
    "An input's shape does not fit the model's, or inputs disagree on the batch size.",
    "Send a shape that fits the signature.",
  ),
  INPUT_DATA_MISMATCH: fact(
    "invalid",
    "An input's data does not fill its shape, or holds a value its datatype can't.",
    "Send exactly the elements the shape asks for.",
  ),
  OUTPUT_UNKNOWN: fact(
    "invalid",
    "An output was asked for that the model does not have.",
    "Use the names of the signature.",
  ),
  PARAMETER_INVALID: fact(
    "invalid",
    "A request parameter has a value it can't have.",
    "Use a value the message names.",
  ),
  RECORD_INVALID: fact(
    "invalid",
    "A record (an image or an instance) can't be turned into the model's inputs.",
    "Send what the version's processing declares.",
  ),
  // Who and whether
  UNAUTHENTICATED: fact(
    "unauthenticated",
    "An administration request carries no valid token.",
    "Send the token from the data directory's server file, or open the address `slipway start` printed.",
  ),
  ORIGIN_REFUSED: fact(
    "forbidden",
    "A web page of another origin, or a request with a foreign Host, called the administration listener.",
    "Use the console's own address.",
  ),
  CONTROL_REFUSED: fact(
    "forbidden",
    "A control route was called on the inference port.",
    "Call it on the administration listener.",
  ),
  QUOTA_EXCEEDED: fact("quota", "This caller's share of the queue is used up.", "Wait for the time in Retry-After."),
  // Serving
  ENDPOINT_NOT_FOUND: fact(
    "not-found",
    "No endpoint has this name.",
    "See `slipway status` for the endpoints there are.",
  ),
  VERSION_NOT_SERVED: fact(
    "not-found",
    "The endpoint does not serve this version now.",
    "Deploy the version, or leave it out to reach the live one.",
  ),
  ENDPOINT_NOT_READY: fact(
    "unavailable",
    "The endpoint has no runner that can answer.",
    "Wait for it to load; `slipway status` says why it is not ready.",
  ),
  DEPLOYMENT_QUARANTINED: fact(
    "unavailable",
    "Several distinct inputs killed this deployment's runner, so it was taken out of service.",
    "Look at the reason, then run `slipway release NAME`.",
  ),
  QUEUE_FULL: fact(
    "overloaded",
    "The endpoint's queue is full in requests or bytes.",
    "Wait for the time in Retry-After, or add capacity.",
  ),
  DEADLINE_EXCEEDED: fact(
    "timeout",
    "The request's deadline passed before its answer was ready.",
    "Allow more time, or send less at once.",
  ),
  REQUEST_CANCELLED: fact(
    "cancelled",
    "The client closed its connection before the answer.",
    "Nothing; nobody is left to read it.",
  ),
  SHUTTING_DOWN: fact(
    "unavailable",
    "The server is stopping and takes no new requests.",
    "Send it to another replica, or again after the restart.",
  ),
  // Runners
  RUN_FAILED: fact(
    "invalid",
    "ONNX Runtime refused these inputs.",
    "Check the values and shapes against what the model expects.",
  ),
  RUN_TIMEOUT: fact(
    "timeout",
    "One run took longer than the hard limit, and its runner was killed.",
    "Send a smaller request, or raise `runtime.runTimeoutMs`.",
  ),
  RUNNER_DIED: fact(
    "failed",
    "The runner process died while running this request, also when tried alone.",
    "Look at the deployment's last death in `slipway status`.",
  ),
  RUNNER_MEMORY: fact(
    "failed",
    "The runner went over its memory ceiling while running this request.",
    "Send a smaller request, or raise `runtime.memoryLimitBytes`.",
  ),
  RUNNER_PROTOCOL: fact(
    "failed",
    "A frame between server and runner could not be read.",
    "This is a bug; please report it with the server's log.",
  ),
  // Models
  MODEL_MALFORMED: fact(
    "invalid",
    "The bytes are not a readable ONNX model.",
    "Export the model again; check that the file is whole.",
  ),
  MODEL_INVALID: fact(
    "invalid",
    "The graph breaks a rule of ONNX.",
    "Fix what the message names; the `onnx` checker finds the same.",
  ),
  MODEL_UNSUPPORTED: fact(
    "unsupported",
    "The model needs an operator set, IR version, operator or type that is not supported.",
    "Export it for a supported version.",
  ),
  MODEL_UNSAFE: fact(
    "invalid",
    "The model refers to files outside itself, or holds something a served model may not.",
    "Keep external data in files beside the model, by plain relative names.",
  ),
  PASS_REFUSED: fact(
    "unsupported",
    "A pass asks for a property that the model does not have, or can't be shown to keep what the model computes.",
    "Do what the message says, or leave the pass out; docs/passes.md says what each asks for.",
  ),
  GRADIENT_UNAVAILABLE: fact(
    "unsupported",
    "A model is to be differentiated through a node that has no gradient rule, or whose rule does not cover this use of it.",
    "Differentiate by what lies behind the node, or replace it in the model; docs/autodiff.md lists what is covered.",
  ),
  NETWORK_INVALID: fact(
    "invalid",
    "A network is defined by layers that do not fit together, or by options a layer can't have.",
    "Change the layer the message names.",
  ),
  MODEL_LOAD_FAILED: fact(
    "invalid",
    "ONNX Runtime could not load the model.",
    "Read its message; `slipway inspect` warns of what will not run.",
  ),
  MODEL_LOAD_TIMEOUT: fact(
    "timeout",
    "Loading took longer than its limit, and the runner was killed.",
    "Raise `runtime.loadTimeoutMs`, or simplify the model.",
  ),
  MODEL_TOO_LARGE: fact(
    "too-large",
    "The model, or what it needs when loaded, is over a limit.",
    "Use a smaller model, or raise the limit the message names.",
  ),
  PROCESSING_INVALID: fact(
    "invalid",
    "A version's processing does not fit its schema or the model's signature.",
    "Fix the step the message names.",
  ),
  // Measuring
  ROWS_INVALID: fact(
    "invalid",
    "Rows to measure a model with can't be used: a label, score, target or weight is missing, no number or out of range.",
    "Fix or leave out the row the message names.",
  ),
  DATASET_INVALID: fact(
    "invalid",
    "A dataset's description can't be read, or names a column or split its files do not have.",
    "Fix the key the message names; docs/datasets.md has the form of a description.",
  ),
  DATASET_NOT_FOUND: fact(
    "not-found",
    "No registered dataset has this name, number or hash.",
    "See `slipway dataset list` for those there are.",
  ),
  DATASET_CHANGED: fact(
    "conflict",
    "The files of a registered dataset are no longer what was registered.",
    "Put the files back, or register them as a new number with `slipway dataset add`.",
  ),
  // Training
  TRAINING_DIVERGED: fact(
    "invalid",
    "A loss became NaN or infinite while a network was trained; the last good checkpoint stays.",
    "Look at the rows and the tensor the message names; lower the learning rate or clip gradients.",
  ),
  // Registry and store
  NAME_INVALID: fact(
    "invalid",
    "A name has characters or a length names can't have.",
    "Use letters, digits, '.', '_' and '-', at most 128, starting with a letter or digit.",
  ),
  MODEL_NOT_FOUND: fact(
    "not-found",
    "No model has this hash, name or path.",
    "See `slipway versions` for the names there are.",
  ),
  VERSION_NOT_FOUND: fact(
    "not-found",
    "The name has no version of this number.",
    "See `slipway versions` for those there are.",
  ),
  DEPLOYMENT_NOT_FOUND: fact("not-found", "No deployment has this id.", "See `slipway status`."),
  BLOB_NOT_FOUND: fact(
    "not-found",
    "Stored bytes are missing.",
    "Import the model again; the data directory may have been altered.",
  ),
  BLOB_CORRUPT: fact(
    "failed",
    "Stored bytes do not have the hash they are stored under.",
    "Restore the data directory, or import the model again.",
  ),
  SIGNATURE_BREAKING: fact(
    "conflict",
    "The new version's signature would break callers of the live one.",
    "Adapt the model, or deploy with --breaking.",
  ),
  POLICY_INVALID: fact(
    "invalid",
    "A launch policy can't be read.",
    "Fix the line the message names; docs/policies.md has the form of a requirement.",
  ),
  POLICY_NOT_FOUND: fact("not-found", "There is no such launch policy.", "See `slipway policy list`."),
  EVIDENCE_INVALID: fact(
    "failed",
    "A measurement's result can't be kept, or what is stored is not what was measured.",
    "Measure again with `slipway measure`.",
  ),
  CHART_NOT_FOUND: fact(
    "not-found",
    "The version's evidence has no chart of this name.",
    "The version's report lists the charts there are, and says of what there is none and why.",
  ),
  CHART_FAILED: fact(
    "failed",
    "A chart can't be drawn.",
    "Try again; the report as JSON and `slipway measure --show` have the same numbers.",
  ),
  GATE_REFUSED: fact(
    "conflict",
    "The launch policy asks for more than evidence shows of this version; what was live stays.",
    "Do what the message says for each requirement, or deploy with --override and a reason.",
  ),
  ROLLBACK_IMPOSSIBLE: fact(
    "conflict",
    "The endpoint has no earlier deployment to return to.",
    "Deploy the version you want instead.",
  ),
  STATE_CONFLICT: fact(
    "conflict",
    "What was asked does not fit the present state.",
    "Read the message, then try again.",
  ),
  MEMORY_BUDGET: fact(
    "conflict",
    "Loading would go over the memory budget of this machine.",
    "Unload something, or raise `memoryBudgetBytes`.",
  ),
  JOB_NOT_FOUND: fact("not-found", "No job has this id.", "See `slipway job list`."),
  JOB_DIED: fact(
    "failed",
    "What carried a job out ended before the job did, each time it was tried.",
    "See the server's log for why, then go on with `slipway job resume ID`.",
  ),
  DATA_DIRECTORY_LOCKED: fact(
    "conflict",
    "Another server holds this data directory.",
    "Use it through that server, stop it, or choose another --data-dir.",
  ),
  DATA_DIRECTORY_INVALID: fact(
    "invalid",
    "The data directory is not usable, or of a newer Slipway.",
    "Choose another --data-dir, or update Slipway.",
  ),
  DATA_DIRECTORY_LOST: fact(
    "failed",
    "The data directory, or a part of it, was moved or removed while it was in use.",
    "Put it back, then start the server again; what is loaded answers until then.",
  ),
  DISK_FULL: fact(
    "failed",
    "The disk is full; what was asked was not done, nothing stored is lost.",
    "Free space, for instance with `slipway gc`, then try again.",
  ),
  DISK_READ_ONLY: fact(
    "failed",
    "The data directory can't be written.",
    "Make it writable, or choose another --data-dir.",
  ),
  BACKUP_TARGET_INVALID: fact(
    "conflict",
    "A backup can't be written where it was to go: something else is there, or it can't be written.",
    "Name another file or directory with --to.",
  ),
  BACKUP_INVALID: fact(
    "invalid",
    "What was to be restored is no backup, is damaged, or was made by a newer Slipway; nothing was changed.",
    "Restore another backup, or copy this one again from where it came.",
  ),
  RESTORE_REFUSED: fact(
    "conflict",
    "The data directory to restore into is not empty.",
    "Choose an empty --data-dir, or say --replace: what is there is kept aside.",
  ),
  // Set-up and use
  CONFIG_INVALID: fact(
    "invalid",
    "A configuration key or value is wrong.",
    "Fix the key the message names; `slipway config` shows the effective values.",
  ),
  USAGE: fact("invalid", "A command was called with wrong arguments.", "See the command's --help."),
  FILE_UNREADABLE: fact(
    "invalid",
    "A file named on the command line can't be read.",
    "Check the path, its permissions and what it holds.",
  ),
  PORT_IN_USE: fact(
    "conflict",
    "The port is taken.",
    "Stop what uses it, or choose another with --port or --admin-port.",
  ),
  PUBLIC_REFUSED: fact(
    "forbidden",
    "The address is public, and there is no access control yet.",
    "Listen on a loopback address, or say --insecure-public.",
  ),
  SERVER_UNREACHABLE: fact(
    "unavailable",
    "No server answers for this data directory or address.",
    "Start it with `slipway start`.",
  ),
  INTERRUPTED: fact("cancelled", "Stopped by the user.", "Run it again."),
  INTERNAL: fact("failed", "Something broke that should not.", "This is a bug; please report it with the request id."),
} as const satisfies Record<string, ErrorFact>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** Machine-readable facts beside the message; never request data. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What made it fail. */
  readonly cause?: unknown;
  /** After how many milliseconds trying again makes sense. */
  readonly retryAfterMs?: number;
}

/**
 * An expected failure, with a stable code. The message says what was wrong, the value seen and what to do, and is safe
 * to show to the caller.
 */
export class SlipwayError extends Error {
  override readonly name = "SlipwayError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  get kind(): ErrorKind {
    return ERRORS[this.code].kind;
  }
}

/** The error as a SlipwayError: itself, or INTERNAL around something unexpected (whose text is kept as the cause only). */
export function slipwayErrorFrom(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  return new SlipwayError("INTERNAL", "Something broke inside the server; its log has the details.", { cause: error });
}
