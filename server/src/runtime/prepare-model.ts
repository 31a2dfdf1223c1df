// What happens between a model's load and its first request: it is run on made-up inputs until it is warm, and it is
// found out whether requests may share its runs. Both are trials; neither fails the load.
import type { Session } from "@slipway/core/backend";
import { type Clock, SlipwayError } from "@slipway/core/base";
import {
  createData,
  type Dimension,
  DTYPES,
  type NamedTensor,
  type Signature,
  type Tensor,
} from "@slipway/core/tensor";
import { joinRows, type Padding, trimRows } from "./batch-tensors.ts";
import type { BatchingOrder, LoadOrder } from "./control.ts";
import type { BatchingPlan } from "./executor.ts";
import { FREE_AXIS_LENGTHS, type SampleKind, sampleInputs } from "./sample-inputs.ts";
import { differenceOf } from "./tensor-difference.ts";

export interface PreparedModel {
  plan: BatchingPlan;
  readonly padding: Padding | null;
}

/** A run of the largest batch that would take longer than this is left to the first requests. */
const LONG_WARM_UP_MS = 2_000;

/** Why requests can't share runs; thrown and caught within this file. */
class NoBatching extends Error {}

/** Warms a session up and settles how its requests are batched. */
export async function prepareModel(
  session: Session,
  order: Pick<LoadOrder, "batching" | "warmUpRuns">,
  clock: Clock,
): Promise<PreparedModel> {
  const trial = new Trial(session, clock);
  await trial.findFreeLength();
  if (trial.freeLength !== null) await warmUp(trial, order.warmUpRuns);
  try {
    refuseByConfiguration(order.batching);
    refuseBySignature(session.signature);
    await checkRows(trial);
  } catch (error) {
    if (!(error instanceof NoBatching)) throw error;
    return { plan: { mode: "off", maxRows: 1, reason: error.message, padAxis: null }, padding: null };
  }
  const { maxRows, padAxis } = order.batching;
  if (order.warmUpRuns > 0 && trial.lastMs * maxRows < LONG_WARM_UP_MS) await warmLargestBatch(trial, maxRows);
  if (padAxis === null) return { plan: { mode: "dynamic", maxRows, reason: null, padAxis: null }, padding: null };
  try {
    const padding = paddingOf(session.signature, padAxis);
    await checkPadding(trial, padding);
    return { plan: { mode: "dynamic", maxRows, reason: null, padAxis }, padding };
  } catch (error) {
    if (!(error instanceof NoBatching)) throw error;
    return {
      plan: {
        mode: "dynamic",
        maxRows,
        reason: `Requests of different length are not padded: ${error.message}`,
        padAxis: null,
      },
      padding: null,
    };
  }
}

/** Runs a session on made-up rows. */
class Trial {
  readonly session: Session;
  readonly outputs: readonly string[];
  /** Length of open axes the model takes; null when it took none of those tried. */
  freeLength: number | null = null;
  refusal = "";
  /** How long the last run took. */
  lastMs = 0;
  readonly #clock: Clock;

  constructor(session: Session, clock: Clock) {
    this.session = session;
    this.#clock = clock;
    this.outputs = session.signature.outputs.map(({ name }) => name);
  }

  async findFreeLength(): Promise<void> {
    const isFixed = hasOnlyRowsOpen(this.session.signature);
    for (const length of isFixed ? FREE_AXIS_LENGTHS.slice(0, 1) : FREE_AXIS_LENGTHS) {
      try {
        await this.run(sampleInputs(this.session.signature, { rows: 1, freeLength: length, scale: 1, seed: 1 }));
        this.freeLength = length;
        return;
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        this.refusal ||= error.message;
      }
    }
  }

  /** One made-up row. */
  row(seed: number, change: Partial<SampleKind> = {}): NamedTensor[] {
    return sampleInputs(this.session.signature, { rows: 1, freeLength: this.freeLength!, scale: 1, seed, ...change });
  }

  async run(inputs: readonly NamedTensor[]): Promise<NamedTensor[]> {
    const startedAt = this.#clock.now();
    const answers = await this.session.run(inputs, this.outputs);
    this.lastMs = this.#clock.now() - startedAt;
    return answers;
  }
}

/** Runs made-up rows. A model may refuse some of them, such as a zero to divide by, and answer its callers all the same. */
async function warmUp(trial: Trial, runs: number): Promise<void> {
  for (let run = 0; run < runs; run++) await ifAccepted(trial.run(trial.row(run)));
}

/** Whether no axis but the first is open, so that there is nothing to try. */
function hasOnlyRowsOpen(signature: Signature): boolean {
  return signature.inputs.every(
    ({ type }) => type.kind === "tensor" && (type.shape ?? []).slice(1).every((length) => typeof length === "number"),
  );
}

function refuseByConfiguration({ mode, maxRows }: BatchingOrder): void {
  if (mode === "off") throw new NoBatching("Batching is turned off (runtime.batching).");
  if (maxRows === 1) throw new NoBatching("Batching is turned off (runtime.maxBatchRows is 1).");
}

function refuseBySignature({ inputs, outputs }: Signature): void {
  let symbol: Dimension = null;
  for (const { name, type } of inputs) {
    if (type.kind !== "tensor") throw new NoBatching(`Input ${JSON.stringify(name)} is not a tensor.`);
    const first = firstAxis("Input", name, type.shape);
    if (typeof first === "string" && typeof symbol === "string" && first !== symbol) {
      throw new NoBatching(
        `The inputs' first axes have different names, ${JSON.stringify(symbol)} and ${JSON.stringify(first)}.`,
      );
    }
    symbol ??= first;
    const { bits } = DTYPES[type.dtype];
    if (bits > 0 && bits < 8) throw new NoBatching(`Input ${JSON.stringify(name)} packs its ${type.dtype} elements.`);
  }
  if (inputs.length === 0) throw new NoBatching("The model has no inputs.");
  for (const { name, type } of outputs) {
    if (type.kind !== "tensor") throw new NoBatching(`Output ${JSON.stringify(name)} is not a tensor.`);
    // Where a shape is not stated, the trial shows it.
    if (type.shape !== null) firstAxis("Output", name, type.shape);
    const { bits } = DTYPES[type.dtype];
    if (bits > 0 && bits < 8) throw new NoBatching(`Output ${JSON.stringify(name)} packs its ${type.dtype} elements.`);
  }
}

function firstAxis(side: "Input" | "Output", name: string, shape: readonly Dimension[] | null): Dimension {
  if (shape === null) throw new NoBatching(`${side} ${JSON.stringify(name)} does not state its shape.`);
  const [first] = shape;
  if (first === undefined)
    throw new NoBatching(`${side} ${JSON.stringify(name)} is a scalar, without an axis for rows.`);
  if (typeof first === "number")
    throw new NoBatching(`${side} ${JSON.stringify(name)} has a fixed first axis of ${first}.`);
  return first;
}

/**
 * Runs rows alone and in batches of several make-ups and compares: in order, reversed, repeated, beside zeros, and
 * beside a row a thousand times larger, which shows scales taken over the whole batch. Differences up to those
 * `differenceOf` allows are rounding; mixing weaker than that is not seen.
 */
async function checkRows(trial: Trial): Promise<void> {
  if (trial.freeLength === null) {
    throw new NoBatching(`It could not be tried whether rows are independent: ${trial.refusal}`);
  }
  const rows = [
    trial.row(11),
    trial.row(12),
    trial.row(13),
    trial.row(14, { scale: 1000 }),
    trial.row(15, { scale: 0 }),
  ];
  const alone: NamedTensor[][] = [];
  for (const row of rows) alone.push(await attempt(trial, row, "a made-up row"));
  const again = await attempt(trial, rows[0]!, "a made-up row");
  if (firstDifference(alone[0]!, again) !== null) {
    throw new NoBatching("The model is stochastic: the same inputs gave different outputs.");
  }
  for (const pattern of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 1, 1, 1],
    [0, 4, 1],
    [0, 3],
    [3, 2, 1, 0, 4],
  ]) {
    const joined = joinAll(pattern.map((index) => rows[index]!));
    const together = await attempt(trial, joined, `${pattern.length} rows at once`);
    for (const output of together) {
      if (output.shape[0] !== pattern.length) {
        throw new NoBatching(
          `Output ${JSON.stringify(output.name)} has no axis for rows: ${pattern.length} rows gave [${output.shape.join(", ")}].`,
        );
      }
    }
    for (const [position, index] of pattern.entries()) {
      const part = together.map((output) => rowOf(output, position));
      const difference = firstDifference(alone[index]!, part);
      if (difference !== null) {
        throw new NoBatching(`Rows are not independent: in a batch, output ${difference}.`);
      }
    }
  }
}

async function attempt(trial: Trial, inputs: readonly NamedTensor[], what: string): Promise<NamedTensor[]> {
  try {
    return await trial.run(inputs);
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    throw new NoBatching(`A trial run of ${what} failed. ${error.message}`);
  }
}

function joinAll(rows: readonly (readonly NamedTensor[])[], padAxis: number | null = null): NamedTensor[] {
  return rows[0]!.map(({ name }, port) => ({
    name,
    ...joinRows(
      rows.map((row) => row[port]!),
      padAxis,
      createData,
    ),
  }));
}

function rowOf(output: NamedTensor, row: number): NamedTensor {
  const width = output.data.length / output.shape[0]!;
  const data = output.data.slice(row * width, (row + 1) * width);
  return { name: output.name, dtype: output.dtype, shape: [1, ...output.shape.slice(1)], data };
}

function firstDifference(expected: readonly NamedTensor[], actual: readonly NamedTensor[]): string | null {
  for (const [index, tensor] of expected.entries()) {
    const difference = differenceOf(tensor, actual[index]!);
    if (difference !== null) return `${JSON.stringify(tensor.name)} differs from the same row's alone: ${difference}`;
  }
  return null;
}

/** A run of the most rows there will be, so that its memory is there when it is needed. */
async function warmLargestBatch(trial: Trial, maxRows: number): Promise<void> {
  await ifAccepted(trial.run(trial.row(21, { rows: maxRows })));
}

async function ifAccepted(run: Promise<unknown>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
  }
}

function paddingOf({ inputs, outputs }: Signature, axis: number): Padding {
  let symbol: string | null = null;
  for (const { name, type } of inputs) {
    if (type.kind !== "tensor" || type.shape === null || type.shape.length <= axis) continue;
    const length = type.shape[axis]!;
    if (typeof length === "number") continue;
    if (length === null)
      throw new NoBatching(`Axis ${axis} of input ${JSON.stringify(name)} has no name that outputs could share.`);
    if (type.dtype === "string") throw new NoBatching(`Input ${JSON.stringify(name)} is of strings.`);
    if (symbol !== null && symbol !== length) {
      throw new NoBatching(
        `The inputs name axis ${axis} differently, ${JSON.stringify(symbol)} and ${JSON.stringify(length)}.`,
      );
    }
    symbol = length;
  }
  if (symbol === null) throw new NoBatching(`No input has an open axis ${axis}.`);
  const outputAxes = outputs.map(({ name, type }) => {
    const shape = type.kind === "tensor" ? type.shape : null;
    if (shape === null) throw new NoBatching(`Output ${JSON.stringify(name)} does not state its shape.`);
    const found = shape.findIndex((length, position) => position > 0 && length === symbol);
    if (found === -1 && shape.some((length, position) => position > 0 && length === null)) {
      throw new NoBatching(
        `Output ${JSON.stringify(name)} has an axis without a name, which may follow the padded one.`,
      );
    }
    return found === -1 ? null : found;
  });
  return { axis, outputAxes };
}

/** Runs a short row alone and padded beside a longer one, and compares. */
async function checkPadding(trial: Trial, { axis, outputAxes }: Padding): Promise<void> {
  const short = trial.row(31);
  const long = trial.row(32, { freeLength: 2 * trial.freeLength! });
  const alone = await attempt(trial, short, "a made-up row");
  const together = await attempt(trial, joinAll([short, long], axis), "a padded batch");
  const cut = together.map((output, index): NamedTensor => {
    const along = outputAxes[index] ?? null;
    if (along === null) return rowOf(output, 0);
    const tensor: Tensor = trimRows(output, 0, 1, along, trial.freeLength!);
    return { name: output.name, ...tensor };
  });
  const difference = firstDifference(alone, cut);
  if (difference !== null) throw new NoBatching(`padding with zeros changes answers; output ${difference}.`);
}
