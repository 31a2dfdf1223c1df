// Making a model that computes its own gradients, in a contained process of its own: the engine is asked about a model that a
// stranger may have made.
import type { ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { askContained, type ContainedScript, locateModelFiles, type ModelFile, type ModelFiles } from "#runtime";
import type { Loss } from "@slipway/core/autodiff";
import type { Clock } from "@slipway/core/base";

/** What to differentiate a model by: its inputs, its parameters, or values by name. */
export type DifferentiateBy = "inputs" | "parameters" | readonly string[];

export interface DifferentiateOrder {
  readonly files: ModelFiles;
  readonly by: DifferentiateBy;
  readonly loss: Loss | null;
  /** A loss that is a model of its own, in place of `loss`. */
  readonly lossFile: ModelFile | null;
  /** The output that is judged by the loss; null takes the first. */
  readonly output: string | null;
  /** The axis of the classes. */
  readonly axis: number;
  readonly openFlags: number;
}

export interface DifferentiatedModel {
  /** The ONNX file, as base64: what passes between processes is text. External data stays where it is. */
  readonly model: string;
  /** The output that holds each gradient, by the value. */
  readonly gradients: Readonly<Record<string, string>>;
  /** Values nothing differentiated depends on. */
  readonly detached: readonly string[];
  /** Names of what a loss added; null without one. */
  readonly loss: { readonly output: string; readonly target: string } | null;
  readonly nodes: { readonly before: number; readonly after: number };
  /** Milliseconds to prepare, with the engine's help, and to differentiate. */
  readonly milliseconds: { readonly prepare: number; readonly differentiate: number };
}

export interface DifferentiateOptions extends Omit<DifferentiateOrder, "openFlags"> {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** The process's whole environment; empty unless said. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts the process; contained unless said. */
  readonly start?: (script: ContainedScript) => Promise<ChildProcess>;
}

const TIMEOUT_MS = 300_000;
const MEMORY_LIMIT_BYTES = 8 * 2 ** 30;
const ANSWER_LIMIT_BYTES = 2 ** 29 - 1024;
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Differentiates a stored model.
 * @throws SlipwayError as `gradient` and `withLoss`; MODEL_* where the engine can't load the model; as `askContained`
 */
export async function differentiateInProcess(options: DifferentiateOptions): Promise<DifferentiatedModel> {
  const { clock, signal, start, environment = {}, by, loss, output, axis } = options;
  const files = await locateModelFiles(options.files);
  const lossFile =
    options.lossFile === null ? null : (await locateModelFiles({ model: options.lossFile, externalData: [] })).model;
  const order: DifferentiateOrder = { files, by, loss, lossFile, output, axis, openFlags: OPEN_FLAGS };
  return await askContained<DifferentiatedModel>({
    beside: import.meta.url,
    name: "differentiate-main",
    what: "Differentiating the model",
    remedy: "Use a smaller model.",
    order,
    files: [files.model, ...files.externalData, ...(lossFile === null ? [] : [lossFile])].map(({ path }) => path),
    memoryLimitBytes: MEMORY_LIMIT_BYTES,
    environment,
    answerLimitBytes: ANSWER_LIMIT_BYTES,
    clock,
    timeoutMs: TIMEOUT_MS,
    signal,
    start,
  });
}
