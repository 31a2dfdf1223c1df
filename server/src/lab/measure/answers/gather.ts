// Runs a model over the labelled rows of a dataset, batch by batch, and keeps what it answers.
import { type Clock, SlipwayError } from "@slipway/core/base";
import { elementCount, numberFromBfloat16, numberFromFloat16, type Tensor } from "@slipway/core/tensor";
import type { Dataset } from "#lab/dataset";
import type { JobRun } from "#jobs";
import type { Executor, RunOutcome } from "#runtime";
import type { Scores } from "../quality/index.ts";
import type { Answers } from "./answers.ts";
import { Gathering, type GatheringKey } from "./gathering.ts";

/** Rows to measure on. */
export interface SubjectRows {
  readonly dataset: Dataset;
  /** null takes all rows. */
  readonly split: string | null;
}

export interface GatherOptions {
  /** Hash of the model, which what was saved has to be of. */
  readonly model: string;
  /** The output to take; null takes the only one of floating point, or the only one. */
  readonly output: string | null;
  /** Columns whose values are wanted. */
  readonly slices: readonly string[];
  /** What is being done, for progress. */
  readonly text: string;
}

/** The runner's own limit ends a run that takes too long. */
const LONGEST_WAIT_MS = 3_600_000;
const SAVED_EVERY_MS = 10_000;
const REAL: ReadonlySet<string> = new Set(["float16", "bfloat16", "float32", "float64"]);
const WHOLE = /^u?int(8|16|32|64)$/;

/**
 * All answers, with labels, weights and values of slices. Memory grows with rows × numbers of the output, of which at most
 * `MOST_KEPT_NUMBERS` are kept. Goes on after what an earlier run saved, where that was of the same rows and model.
 * @throws SlipwayError ROWS_INVALID for rows without labels or answers that don't fit them, PARAMETER_INVALID for an output
 *   there is none of, what the dataset and the model's runner end with; the signal's reason
 */
export async function gatherAnswers(
  executor: Executor,
  { dataset, split }: SubjectRows,
  { model, output, slices, text }: GatherOptions,
  clock: Clock,
  { signal, report, saved, save }: JobRun,
): Promise<Answers> {
  const { signature, batching } = executor;
  const name = outputName(executor, output);
  const rows = dataset.rowsOf(split);
  const key: GatheringKey = { dataset: dataset.manifest.hash, split, model: `${model}/${name}`, slices };
  const gathering = new Gathering(rows, slices);
  gathering.restore(saved, key);
  let savedAt = clock.now();
  report({ done: gathering.done, total: rows, text });
  const batches = dataset.batches({
    signature,
    split,
    batchRows: batching.mode === "dynamic" ? batching.maxRows : 1,
    slices,
    firstRow: gathering.done,
    signal,
  });
  for await (const batch of batches) {
    signal.throwIfAborted();
    if (batch.labels === null) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `The dataset "${dataset.manifest.name}" has no labels; quality needs to know what is right. Name its label column.`,
      );
    }
    const inputs = Object.entries(batch.inputs).map(([input, tensor]) => ({ name: input, ...tensor }));
    const answer = await run(executor, inputs, name, batch.rows, clock, signal);
    const width = elementCount(answer.shape) / batch.rows;
    if (answer.shape[0] !== batch.rows) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `Output "${name}" has the shape [${answer.shape.join(", ")}] for ${batch.rows} rows; it has to hold as many numbers for each.`,
      );
    }
    gathering.add(batch, batch.labels, name, width, numbersOf(name, answer));
    report({ done: gathering.done, total: rows, text });
    // At the end too: what follows may be interrupted as well.
    if (gathering.done < rows && clock.now() - savedAt < SAVED_EVERY_MS) continue;
    savedAt = clock.now();
    const state = gathering.saved(key);
    if (state !== null) await save(state);
  }
  return gathering.answers();
}

function outputName({ signature }: Executor, wanted: string | null): string {
  const names = signature.outputs.map(({ name }) => name);
  if (wanted !== null && names.includes(wanted)) return wanted;
  if (wanted === null) {
    if (names.length === 1) return names[0]!;
    // Classifiers made from tables answer a label beside the scores.
    const real = signature.outputs.filter(({ type }) => type.kind === "tensor" && REAL.has(type.dtype));
    if (real.length === 1) return real[0]!.name;
  }
  const what = wanted === null ? "The model has several outputs" : `The model has no output "${wanted}"`;
  throw new SlipwayError("PARAMETER_INVALID", `${what}; say which of ${names.join(", ")} is meant.`);
}

/** The answer to some rows; nobody waits for it any more once the signal is aborted. */
async function run(
  executor: Executor,
  inputs: readonly (Tensor & { readonly name: string })[],
  output: string,
  rows: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Tensor> {
  const { promise, resolve, reject } = Promise.withResolvers<RunOutcome>();
  const deadline = clock.now() + LONGEST_WAIT_MS;
  const cancel = executor.run({ inputs, outputs: [output], rows, deadline }, resolve);
  const abort = () => {
    cancel();
    reject(signal.reason as Error);
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const outcome = await promise;
    if (!outcome.ok) throw outcome.error;
    return outcome.outputs[0]!;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A tensor's elements as numbers, in single precision where they have no more. */
function numbersOf(name: string, { dtype, data }: Tensor): Scores {
  if (dtype === "float32" || dtype === "float64") return data as Scores;
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, numberFromFloat16);
  if (dtype === "bfloat16") return Float32Array.from(data as Uint16Array, numberFromBfloat16);
  if (WHOLE.test(dtype)) return Float64Array.from(data as ArrayLike<number | bigint>, Number);
  throw new SlipwayError("PARAMETER_INVALID", `Output "${name}" is of ${dtype}; name one that holds numbers.`);
}
