// What ONNX Runtime's error texts mean, as a table. Its errors carry no code, only a text, which may name source files
// and directories of the machine; those never leave.
import { type ErrorCode, SlipwayError } from "@slipway/core/base";

interface Meaning {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** In place of the engine's own words, with what the pattern found in them. */
  readonly says?: (...found: readonly string[]) => string;
}

const OUT_OF_MEMORY = /failed to allocate|bad_alloc|out of memory|allocation failed|Array buffer allocation/i;

/** First match wins. */
const LOADING: readonly Meaning[] = [
  {
    pattern: /\bopset (\d+) is under development[\s\S]*support for domain (\S+) is till opset (\d+)/i,
    code: "MODEL_UNSUPPORTED",
    says: (version, domain, latest) =>
      `it uses version ${version} of the operator set ${domain}, and versions up to ${latest} are supported.`,
  },
  {
    pattern: /unsupported model IR version: (\d+), max supported IR version: (\d+)/i,
    code: "MODEL_UNSUPPORTED",
    says: (version, latest) => `its file is of IR version ${version}, and versions up to ${latest} are supported.`,
  },
  {
    // Its table of values has none.
    pattern: /OrtValue indexes should have been populated/,
    code: "MODEL_LOAD_FAILED",
    says: () => "its graph has no nodes and no outputs. Export it with what it should answer as outputs.",
  },
  { pattern: OUT_OF_MEMORY, code: "MODEL_TOO_LARGE" },
  {
    pattern: /protobuf parsing failed|data pointer is null|does not have a graph|can't be parsed/i,
    code: "MODEL_MALFORMED",
  },
  {
    pattern: /external data|external initializer|model_path must not be empty|outside model dir/i,
    code: "MODEL_UNSAFE",
  },
  {
    pattern:
      /could not find an implementation|not a registered|not currently registered|no op registered|unsupported data ?type|unsupported model IR|opset \d+ is under development|not supported|not_implemented|no schema registered/i,
    code: "MODEL_UNSUPPORTED",
  },
  {
    pattern:
      /invalid model|invalid graph|type error|shapeinferenceerror|typeinferenceerror|invalid_graph|not output of any previous|unrecognized attribute|fail(ed)? to validate|required attribute|duplicate|graph must be/i,
    code: "MODEL_INVALID",
  },
];

const RUNNING: readonly Meaning[] = [{ pattern: OUT_OF_MEMORY, code: "RUNNER_MEMORY" }];

/** A source file with its line, as "/src/core/x.cc:12 void f()" begins; node names such as "/encoder/Conv" stay. */
const SOURCE_FILE = /\S*\/\S+\.(?:cc|cpp|cu|cuh|h|hpp|ts|js)(?::\d+)?/g;
const SYSTEM_PATH = /(?:\/(?:home|root|tmp|var|usr|opt|mnt|private|Users|etc|work|data|proc)\/|[A-Za-z]:\\)[^\s"']*/g;
const MAX_TEXT_LENGTH = 600;

/** An engine's text made fit to show: no paths, no control characters, one line, at most 600 characters. */
export function cleanEngineText(text: string): string {
  const clean = text
    .replaceAll(SOURCE_FILE, "")
    .replaceAll(SYSTEM_PATH, "…")
    // oxlint-disable-next-line no-control-regex -- control characters are what must go
    .replaceAll(/[\u0000-\u001f\u007f]+/g, " ")
    .replaceAll(/ {2,}/g, " ")
    .trim();
  const short = clean.length > MAX_TEXT_LENGTH ? `${clean.slice(0, MAX_TEXT_LENGTH)}…` : clean;
  return short === "" || /[.!?…]$/.test(short) ? short : `${short}.`;
}

function translate(error: unknown, meanings: readonly Meaning[], otherwise: ErrorCode, prefix: string): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const meaning = meanings.find(({ pattern }) => pattern.test(text));
  const said = meaning?.says?.(...meaning.pattern.exec(text)!.slice(1)) ?? text;
  return new SlipwayError(meaning?.code ?? otherwise, `${prefix} ${cleanEngineText(said)}`.trim(), { cause: error });
}

/** What went wrong while the engine loaded a model, as a MODEL_* error. */
export function loadErrorFrom(error: unknown): SlipwayError {
  return translate(error, LOADING, "MODEL_LOAD_FAILED", "ONNX Runtime could not load the model:");
}

/** What went wrong while the engine ran a model: RUN_FAILED, or RUNNER_MEMORY. */
export function runErrorFrom(error: unknown): SlipwayError {
  return translate(error, RUNNING, "RUN_FAILED", "ONNX Runtime refused the inputs:");
}
