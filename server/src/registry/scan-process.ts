// Examining a stored model file in a process of its own: a large file, or a small one with millions of parts, takes
// seconds and gigabytes, and neither may be the server's.
import type { ChildProcess } from "node:child_process";
import { type Clock, type ErrorCode, SlipwayError } from "@slipway/core/base";
import type { ModelScan } from "@slipway/core/onnx";
import { READ_SAFELY } from "#store";
import { type ScanStoredModel, scanStoredModel } from "./scan.ts";
import type { StoredFile } from "./scan-file.ts";

/** What the process says: what it found, or why the file is refused. */
export type ScanAnswer =
  | { readonly scan: ModelScan }
  | { readonly code: ErrorCode; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };

export interface ScanProcessOptions {
  readonly clock: Clock;
  /** Starts the script `name` beside `beside`, confined to these limits and files. */
  readonly start: (script: {
    readonly beside: string;
    readonly name: string;
    readonly args: readonly string[];
    readonly files: readonly string[];
    readonly memoryLimitBytes: number;
  }) => Promise<ChildProcess>;
  /** Past it the process is killed and the model refused. */
  readonly timeoutMs?: number;
}

/** So many bytes hold at most 131 thousand parts, a quarter of a second; most small models take a few milliseconds. */
const IN_PLACE_BYTES = 256 * 2 ** 10;
/** A file of the most parts a model may have, four million, takes under two. */
const MEMORY_LIMIT_BYTES = 4 * 2 ** 30;
const TIMEOUT_MS = 120_000;
/** Names, texts and metadata of a model; all else a scan says is small. */
const ANSWER_LIMIT_BYTES = 64 * 2 ** 20;

/** Examines small files in place and others in a process of their own, one at a time. */
export function scanInProcess(options: ScanProcessOptions): ScanStoredModel {
  let last: Promise<unknown> = Promise.resolve();
  return async (file) => {
    if (file.sizeBytes <= IN_PLACE_BYTES) return await scanStoredModel(file);
    const scan = last.then(() => scanAlone(file, options));
    last = scan.catch(() => undefined);
    return await scan;
  };
}

async function scanAlone({ path, offset, sizeBytes }: StoredFile, options: ScanProcessOptions): Promise<ModelScan> {
  const { clock, start, timeoutMs = TIMEOUT_MS } = options;
  const child = await start({
    beside: import.meta.url,
    name: "scan-main",
    args: [path, ...[offset, sizeBytes, READ_SAFELY].map(String)],
    files: [path],
    memoryLimitBytes: MEMORY_LIMIT_BYTES,
  });
  let refusal: string | null = null;
  const end = (why: string): void => {
    refusal ??= why;
    child.kill("SIGKILL");
  };
  const cancelTimer = clock.after(timeoutMs, () => end(`took longer than ${timeoutMs} ms`));
  try {
    const text = await textOf(child, () => end(`found more than ${ANSWER_LIMIT_BYTES} bytes of names and texts`));
    const answer = refusal === null ? answerFrom(text) : null;
    if (answer === null) {
      const why = refusal ?? `ended its process, most likely for want of memory (${MEMORY_LIMIT_BYTES} bytes)`;
      throw new SlipwayError(
        "MODEL_TOO_LARGE",
        `Examining the model ${why}. Simplify the graph, or keep weights out of it.`,
      );
    }
    if ("scan" in answer) return answer.scan;
    throw new SlipwayError(
      answer.code,
      answer.message,
      answer.details === undefined ? {} : { details: answer.details },
    );
  } finally {
    cancelTimer();
  }
}

/**
 * All a process writes until it ends; tells when that is over the limit.
 * @throws Error where it could not be started
 */
async function textOf(child: ChildProcess, isTooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > ANSWER_LIMIT_BYTES) isTooMuch();
    else chunks.push(chunk);
  });
  await new Promise((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/** The answer, or null where the process ended before it had said it. */
function answerFrom(text: string): ScanAnswer | null {
  try {
    return JSON.parse(text) as ScanAnswer;
  } catch {
    return null;
  }
}
