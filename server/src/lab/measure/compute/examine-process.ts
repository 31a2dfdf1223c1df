// Examining a stored model in a contained process of its own: the engine parses and perhaps runs what a stranger made, and
// may hang, crash or take all memory over it.
import type { ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { askContained, type ContainedScript, locateModelFiles, type ModelFiles } from "#runtime";
import type { Clock } from "@slipway/core/base";
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
  const { clock, signal, start, timeoutMs = TIMEOUT_MS, memoryLimitBytes = MEMORY_LIMIT_BYTES } = options;
  const files = await locateModelFiles(options.files);
  const { inputs, findDuplicates, inferOnly = false, trueWeights = false } = options;
  const order: ExamineOrder = { files, inputs, inferOnly, trueWeights, findDuplicates, openFlags: OPEN_FLAGS };
  return await askContained<ComputeReport>({
    beside: import.meta.url,
    name: "examine-main",
    what: "Examining the model",
    remedy: "Use smaller input shapes.",
    order,
    files: [files.model, ...files.externalData].map(({ path }) => path),
    memoryLimitBytes,
    environment: options.environment ?? {},
    answerLimitBytes: ANSWER_LIMIT_BYTES,
    clock,
    timeoutMs,
    signal,
    start,
  });
}
