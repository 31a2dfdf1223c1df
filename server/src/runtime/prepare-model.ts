// What happens between a model's load and its first request: it is run on made-up inputs until it is warm, and it is
// found out whether requests may share its runs. Both are trials; neither fails the load.
import type { Session } from "@slipway/core/backend";
import { type Clock, SlipwayError } from "@slipway/core/base";
import {
  createData,
  type Dimension,
  DTYPES,
  type NamedTensor,
  type Port,
  type Signature,
  type Tensor,
} from "@slipway/core/tensor";
import { joinRows, type Padding, type PadValue, padValueFrom, trimRows } from "./batch-tensors.ts";
import type { BatchingOrder, LoadOrder } from "./control.ts";
import type { CostModel } from "./cost-model.ts";
import type { BatchingPlan } from "./executor.ts";
import { type MaskInput, maskInputOf, maskOfOnes, withOptionalInput } from "./mask-input.ts";
import { FREE_AXIS_LENGTHS, type SampleKind, sampleInputs } from "./sample-inputs.ts";
import { differenceOf } from "./tensor-difference.ts";

export interface PreparedModel {
  plan: BatchingPlan;
  readonly padding: Padding | null;
  /** The mask that is made for requests that leave it out. */
  readonly mask: MaskInput | null;
  /** As callers see it: what is made for them may be left out. */
  readonly signature: Signature;
}

/** A run of the largest batch that would take longer than this is left to the first requests. */
const LONG_WARM_UP_MS = 2_000;

/** How long the cost of different lengths is measured before the model counts as ready. */
const MEASURING_MS = 500;
/** The longest rows whose cost is measured; longer ones are learnt from requests. */
const LONGEST_MEASURED = 512;

/** Why requests can't share runs; thrown and caught within this file. */
class NoBatching extends Error {}

/** Warms a session up and settles how its requests are batched. What runs of different length cost is told to `cost`. */
export async function prepareModel(
  session: Session,
  order: Pick<LoadOrder, "batching" | "warmUpRuns">,
  clock: Clock,
  cost: CostModel,
): Promise<PreparedModel> {
  const { batching, warmUpRuns } = order;
  const { signature } = session;
  const mask = maskInputOf(signature, batching.maskInput);
  const isMade = batching.maskInput !== null && mask !== null && typeof mask === "object";
  const made = {
    mask: isMade ? mask : null,
    signature: isMade ? withOptionalInput(signature, mask.port) : signature,
  };
  const trial = new Trial(session, clock);
  await trial.findFreeLength();
  if (trial.freeLength !== null) await warmUp(trial, warmUpRuns);
  try {
    refuseByConfiguration(batching);
    refuseBySignature(signature);
    await checkRows(trial);
  } catch (error) {
    if (!(error instanceof NoBatching)) throw error;
    return { ...made, plan: { mode: "off", maxRows: 1, reason: error.message, padAxis: null }, padding: null };
  }
  const { maxRows, padAxis } = batching;
  if (warmUpRuns > 0 && trial.lastMs * maxRows < LONG_WARM_UP_MS) await warmLargestBatch(trial, maxRows);
  const dynamic = { mode: "dynamic", maxRows, reason: typeof mask === "string" ? mask : null, padAxis: null } as const;
  if (padAxis === null) return { ...made, plan: dynamic, padding: null };
  try {
    if (typeof mask === "string") throw new NoBatching(mask);
    const padding = paddingOf(signature, batching, mask?.port ?? null);
    await checkPadding(trial, padding, mask);
    if (warmUpRuns > 0) await measureLengths(trial, maxRows, clock, cost);
    return { ...made, plan: { ...dynamic, padAxis }, padding };
  } catch (error) {
    if (!(error instanceof NoBatching)) throw error;
    const reason = `Requests of different length are not padded: ${error.message}`;
    return { ...made, plan: { ...dynamic, reason }, padding: null };
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

function joinAll(
  rows: readonly (readonly NamedTensor[])[],
  padAxis: number | null = null,
  values: readonly PadValue[] = [],
): NamedTensor[] {
  return rows[0]!.map(({ name }, port) => ({
    name,
    ...joinRows(
      rows.map((row) => row[port]!),
      padAxis,
      values[port] ?? 0,
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

/** Whether the model took the inputs. */
async function ifAccepted(run: Promise<unknown>): Promise<boolean> {
  try {
    await run;
    return true;
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return false;
  }
}

function paddingOf(
  { inputs, outputs }: Signature,
  { padAxis, padValues }: BatchingOrder,
  maskPort: number | null,
): Padding {
  const axis = padAxis!;
  let symbol: string | null = null;
  const ports: number[] = [];
  for (const [port, { name, type }] of inputs.entries()) {
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
    ports.push(port);
  }
  if (symbol === null) throw new NoBatching(`No input has an open axis ${axis}.`);
  return {
    axis,
    ports,
    values: padValuesOf(inputs, ports, padValues, maskPort),
    outputAxes: outputs.map((output) => outputAxisOf(output, symbol)),
  };
}

/** The axis of an output that follows the padded one, or null. */
function outputAxisOf({ name, type }: Port, symbol: string): number | null {
  const shape = type.kind === "tensor" ? type.shape : null;
  if (shape === null) throw new NoBatching(`Output ${JSON.stringify(name)} does not state its shape.`);
  const found = shape.findIndex((length, position) => position > 0 && length === symbol);
  if (found === -1 && shape.some((length, position) => position > 0 && length === null)) {
    throw new NoBatching(`Output ${JSON.stringify(name)} has an axis without a name, which may follow the padded one.`);
  }
  return found === -1 ? null : found;
}

function padValuesOf(
  inputs: readonly Port[],
  ports: readonly number[],
  wanted: BatchingOrder["padValues"],
  maskPort: number | null,
): PadValue[] {
  for (const [name, value] of Object.entries(wanted)) {
    const port = inputs.findIndex((input) => input.name === name);
    const what = `runtime.padValues names ${JSON.stringify(name)}, which`;
    if (!ports.includes(port)) throw new NoBatching(`${what} is no input with the padded axis.`);
    if (port === maskPort && value !== 0) throw new NoBatching(`${what} is the mask; it is padded with 0.`);
  }
  return inputs.map(({ name, type }, port) => {
    if (!ports.includes(port) || type.kind !== "tensor") return 0;
    const number = Object.hasOwn(wanted, name) ? wanted[name]! : 0;
    const value = padValueFrom(type.dtype, number);
    if (value === null)
      throw new NoBatching(
        `runtime.padValues has ${number} for ${JSON.stringify(name)}, which ${type.dtype} can't hold.`,
      );
    return value;
  });
}

/** Runs rows of three lengths alone and padded beside longer ones, in two orders, and compares. */
async function checkPadding(
  trial: Trial,
  { axis, values, outputAxes }: Padding,
  mask: MaskInput | null,
): Promise<void> {
  const lengths = [1, 2, 3].map((times) => times * trial.freeLength!);
  const rows = lengths.map((freeLength, index) => {
    const row = trial.row(31 + index, { freeLength });
    // Made-up zeros in the mask would say that the row itself does not count.
    return mask === null ? row : withOnes(row, mask, trial.session.signature);
  });
  const alone: NamedTensor[][] = [];
  for (const row of rows) alone.push(await attempt(trial, row, "a made-up row"));
  for (const pattern of [
    [0, 1],
    [2, 0, 1, 0],
  ]) {
    const joined = joinAll(
      pattern.map((index) => rows[index]!),
      axis,
      values,
    );
    const together = await attempt(trial, joined, "a padded batch");
    for (const [position, index] of pattern.entries()) {
      const cut = together.map((output, port): NamedTensor => {
        const along = outputAxes[port] ?? null;
        if (along === null) return rowOf(output, position);
        const tensor: Tensor = trimRows(output, position, position + 1, along, lengths[index]!);
        return { name: output.name, ...tensor };
      });
      const difference = firstDifference(alone[index]!, cut);
      if (difference !== null) throw new NoBatching(`padding changes answers; output ${difference}.`);
    }
  }
}

/** A made-up row in which the mask says that every position counts. */
function withOnes(row: readonly NamedTensor[], mask: MaskInput, { inputs }: Signature): NamedTensor[] {
  const sent = inputs.map(({ name }) => row.find((tensor) => tensor.name === name));
  const { name } = inputs[mask.port]!;
  return row.map((tensor) => (tensor.name === name ? { name, ...maskOfOnes(mask, sent) } : tensor));
}

/**
 * Tells the cost model what rows of doubling length take, one and a few at a time, so that the first requests are
 * grouped well. The first run of each shape sets memory up and does not count.
 */
async function measureLengths(trial: Trial, maxRows: number, clock: Clock, cost: CostModel): Promise<void> {
  const until = clock.now() + MEASURING_MS;
  for (let length = trial.freeLength!; length <= LONGEST_MEASURED; length *= 2) {
    for (const rows of [1, Math.min(4, maxRows)]) {
      for (let run = 0; run < 3; run++) {
        // The next run may take eight times as long as the last: four times the rows, or twice the length with attention.
        if (clock.now() + 8 * trial.lastMs > until) return;
        if (!(await ifAccepted(trial.run(trial.row(41, { rows, freeLength: length }))))) return;
        if (run > 0) cost.observe(rows, length, trial.lastMs);
      }
    }
  }
}
