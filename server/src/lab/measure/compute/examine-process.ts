// Examining a stored model in a contained process of its own: the engine parses and perhaps runs what a stranger made, and
// may hang, crash or take all memory over it.
import type { ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { realpath } from "node:fs/promises";
import { type ContainedScript, type ModelFile, type ModelFiles, startContainedScript } from "#runtime";
import { type Clock, ERRORS, type ErrorCode, SlipwayError } from "@slipway/core/base";
import type { ComputeReport } from "./examine.ts";
import type { InputShapes } from "./input-shapes.ts";

export interface ExamineOrder {
  readonly files: ModelFiles;
  readonly inputs: InputShapes;
  readonly inferOnly: boolean;
  readonly trueWeights: boolean;
  readonly findDuplicates: boolean;
  /** How files are opened. */
  readonly openFlags: number;
}

/** What the process says: what it found, or why the model is refused. */
export type ExamineAnswer = { readonly report: ComputeReport } | { readonly code: ErrorCode; readonly message: string };

export interface ExamineOptions {
  readonly files: ModelFiles;
  readonly inputs: InputShapes;
  /** Whether the model is not run, and whether runs use the true weights; see `ShapeQuestion`. */
  readonly inferOnly?: boolean;
  readonly trueWeights?: boolean;
  /** Whether to look for tensors that are stored twice, which reads weights. */
  readonly findDuplicates: boolean;
  readonly clock: Clock;
  /** Past it the process is killed and the model refused; two minutes unless said. */
  readonly timeoutMs?: number;
  /** What the process may take; 4 GiB unless said. */
  readonly memoryLimitBytes?: number;
  /** Gives it up. */
  readonly signal?: AbortSignal;
  /** The process's whole environment; empty unless said. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts the process; contained unless said. */
  readonly start?: (script: ContainedScript) => Promise<ChildProcess>;
}

const TIMEOUT_MS = 120_000;
const MEMORY_LIMIT_BYTES = 4 * 2 ** 30;
/** A million nodes say no more. */
const ANSWER_LIMIT_BYTES = 512 * 2 ** 20;
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Examines a stored model at given input shapes, contained as runners are.
 * @throws SlipwayError as `examineCompute`; MODEL_LOAD_TIMEOUT past the time limit, MODEL_TOO_LARGE where the process ends of
 *   itself or says too much, REQUEST_CANCELLED where the signal gave it up, BLOB_NOT_FOUND for a missing file
 */
export async function examineInProcess(options: ExamineOptions): Promise<ComputeReport> {
  const { clock, signal, timeoutMs = TIMEOUT_MS, memoryLimitBytes = MEMORY_LIMIT_BYTES } = options;
  const files: ModelFiles = {
    model: await located(options.files.model),
    externalData: await Promise.all(options.files.externalData.map(located)),
  };
  signal?.throwIfAborted();
  const child = await (options.start ?? startContainedScript)({
    beside: import.meta.url,
    name: "examine-main",
    files: [files.model, ...files.externalData].map(({ path }) => path),
    memoryLimitBytes,
    environment: options.environment ?? {},
  });
  let refusal: SlipwayError | null = null;
  const end = (code: ErrorCode, message: string): void => {
    refusal ??= new SlipwayError(code, message);
    child.kill("SIGKILL");
  };
  const giveUp = (): void => end("REQUEST_CANCELLED", "Examining the model was given up.");
  const cancelTimer = clock.after(timeoutMs, () =>
    end("MODEL_LOAD_TIMEOUT", `Examining the model took longer than ${timeoutMs} ms. Use smaller input shapes.`),
  );
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted === true) giveUp();
  try {
    const { inputs, findDuplicates, inferOnly = false, trueWeights = false } = options;
    const order: ExamineOrder = { files, inputs, inferOnly, trueWeights, findDuplicates, openFlags: OPEN_FLAGS };
    const text = await textOf(child, JSON.stringify(order), () =>
      end("MODEL_TOO_LARGE", `Examining the model said more than ${ANSWER_LIMIT_BYTES} bytes. Simplify the graph.`),
    );
    if (refusal !== null) throw refusal as SlipwayError;
    return reportFrom(text, memoryLimitBytes);
  } finally {
    cancelTimer();
    signal?.removeEventListener("abort", giveUp);
  }
}

/** The file by a path that means the same from another directory, without links. */
async function located(file: ModelFile): Promise<ModelFile> {
  try {
    return { ...file, path: await realpath(file.path) };
  } catch (error) {
    throw new SlipwayError("BLOB_NOT_FOUND", `The stored file ${JSON.stringify(file.name)} is missing.`, {
      cause: error,
    });
  }
}

/**
 * All a process writes until it ends, once it was told its order.
 * @throws Error where it could not be started
 */
async function textOf(child: ChildProcess, order: string, isTooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > ANSWER_LIMIT_BYTES) isTooMuch();
    else chunks.push(chunk);
  });
  // One that ends before it has read its order tells by its end.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(order);
  await new Promise((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return Buffer.concat(chunks).toString("utf8");
}

function reportFrom(text: string, memoryLimitBytes: number): ComputeReport {
  let answer: ExamineAnswer;
  try {
    answer = JSON.parse(text) as ExamineAnswer;
  } catch (error) {
    throw new SlipwayError(
      "MODEL_TOO_LARGE",
      `Examining the model ended its process, most likely for want of memory (${memoryLimitBytes} bytes). Use smaller input shapes.`,
      { cause: error },
    );
  }
  if ("report" in answer) return answer.report;
  throw new SlipwayError(Object.hasOwn(ERRORS, answer.code) ? answer.code : "INTERNAL", answer.message);
}
