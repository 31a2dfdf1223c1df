// Tables made ready to be learnt from: roles of columns, an encoder fitted on the rows trained by, and all rows through it into memory.
import { DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { bytesFromModel } from "@slipway/core/onnx";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import { BadRows, type OpenDataset, type RowBatch } from "#lab/dataset";
import { encodeRows, encoderRows, fitEncoder, type FittedEncoder, UnusualCount, usedColumns } from "#lab/encoding";
import type { JsonObject, JsonValue } from "#registry";
import { type PrepareOptions, readAhead, refuseNone, refuseTooMany, targetOf } from "./open-rows.ts";
import type { TrainOrder } from "./order.ts";
import type { PreparedRows, ServedRows } from "./prepared-rows.ts";
import { heldOut } from "./randomness.ts";
import { chosenSplits } from "./splits.ts";
import { classRowsOf, ofMeanOne, pickedRows, type TrainingSet, trainingSetFromArrays } from "./training-set.ts";

const BATCH_ROWS = 4096;
const EXAMPLES = 3;

/**
 * @throws SlipwayError as opening, fitting an encoder and reading do: DATASET_INVALID, ROWS_INVALID; MODEL_TOO_LARGE for more
 *   features than memory takes
 */
export async function prepareTable(dataset: OpenDataset, options: PrepareOptions): Promise<PreparedRows> {
  const { order, backend, signal } = options;
  const splits = chosenSplits(dataset, order.data);
  const encoder = await fitEncoder(dataset, {
    split: splits.training,
    target: targetOf(order, dataset),
    task: order.task,
    roles: new Map(Object.entries(order.roles)),
    badRows: order.badRows,
    signal,
    report: options.report,
  });
  const { target } = encoder;
  if (target === null) {
    throw new SlipwayError("DATASET_INVALID", "No column was named to be predicted; name one with --target.");
  }
  const session = await backend.load(
    { model: bytesFromModel(encoder.model), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  const reader = new TableReader(dataset, encoder, session, order, options);
  const all = await reader.read(splits.training);
  const drawn =
    splits.validation === null ? heldOut(all.set.rows, order.settings.validationShare, order.settings.seed) : null;
  const training = drawn === null ? all.set : partOf(all.set, drawn.kept);
  const validation = drawn === null ? (await reader.read(splits.validation!)).set : partOf(all.set, drawn.held);
  const { test } = splits;
  if (test !== null) await reader.readAhead(test);
  const validationRows = () =>
    drawn === null ? reader.served(splits.validation!, null) : reader.served(splits.training, new Set(drawn.held));
  return {
    manifest: dataset.manifest,
    task:
      target.kind === "classes"
        ? { kind: "classification", target: target.column, labels: target.labels }
        : { kind: "regression", target: target.column, mean: target.mean, scale: target.scale },
    input: { kind: "features", features: encoder.width },
    encoder: encoder.model,
    training,
    validation,
    classRows: target.kind === "classes" ? classRowsOf(training, target.labels.length) : null,
    skipped: reader.badRows.skipped(),
    columns: encoder.columns.map(({ name, role, reason, isTold, missing }) => {
      const features = encoder.features.filter(({ column }) => column === name).length;
      const unusual = reader.unusual.find(({ column }) => column === name);
      return { name, role, reason, isTold, missing, features, unseen: unusual?.unseen ?? null };
    }),
    records: {
      instances: "rows",
      before: [],
      input: null,
      times: encoder.columns.filter(({ role }) => role === "timestamp").map(({ name }) => name),
    },
    examples: all.examples,
    judgedBy: [
      { name: "validation", rows: validationRows },
      ...(test === null ? [] : [{ name: "test" as const, rows: () => reader.served(test, null) }]),
    ],
    close: () => session.unload(),
  };
}

interface ReadRows {
  readonly set: TrainingSet;
  readonly examples: readonly JsonValue[];
}

class TableReader {
  readonly badRows: BadRows;
  unusual: readonly { readonly column: string; readonly unseen: number }[] = [];
  readonly #dataset: OpenDataset;
  readonly #encoder: FittedEncoder;
  readonly #session: Session;
  readonly #options: PrepareOptions;

  constructor(
    dataset: OpenDataset,
    encoder: FittedEncoder,
    session: Session,
    order: TrainOrder,
    options: PrepareOptions,
  ) {
    this.#dataset = dataset;
    this.#encoder = encoder;
    this.#session = session;
    this.#options = options;
    this.badRows = new BadRows(order.badRows);
  }

  /** All rows of a split through the encoder. */
  async read(split: string): Promise<ReadRows> {
    const { width, target, weight } = this.#encoder;
    const most = this.#dataset.rowsOf(split);
    refuseTooMany(most, width);
    const features = new Float32Array(most * width);
    const isClass = target!.kind === "classes";
    const targets = isClass ? new BigInt64Array(most) : new Float32Array(most);
    const weights = weight === null ? null : new Float32Array(most);
    const examples: JsonValue[] = [];
    const unusual = new UnusualCount(this.#encoder);
    let rows = 0;
    for await (const batch of this.#batches(split)) {
      const encoded = await encodeRows(this.#encoder, batch, this.#session);
      features.set(encoded.features, rows * width);
      for (const [at, value] of encoded.targets.entries()) targets[rows + at] = isClass ? BigInt(value) : value;
      if (weights !== null) weights.set(encoded.weights!, rows);
      unusual.add(batch);
      for (let row = 0; row < batch.rows && examples.length < EXAMPLES; row++) examples.push(instanceOf(batch, row));
      rows += batch.rows;
    }
    refuseNone(rows, split);
    this.unusual = unusual.counts();
    const targetTensor: Tensor = isClass
      ? { dtype: "int64", shape: [rows], data: targets.subarray(0, rows) as BigInt64Array }
      : { dtype: "float32", shape: [rows, 1], data: targets.subarray(0, rows) as Float32Array };
    const set = trainingSetFromArrays({
      inputs: { input: { dtype: "float32", shape: [rows, width], data: features.subarray(0, rows * width) } },
      target: targetTensor,
      weights: weights === null ? null : ofMeanOne(weights.subarray(0, rows)),
    });
    return { set, examples };
  }

  /** Rows of a split that are read again once all is trained. */
  async readAhead(split: string): Promise<void> {
    await readAhead(this.#batches(split), split);
  }

  /** @param places of the rows wanted within the split; null for all */
  async *served(split: string, places: ReadonlySet<number> | null): AsyncGenerator<ServedRows> {
    const names = usedColumns(this.#encoder.columns).map(({ name }) => name);
    let from = 0;
    for await (const batch of this.#batches(split)) {
      const rows = Int32Array.from({ length: batch.rows }, (_, row) => row).filter(
        (row) => places?.has(from + row) !== false,
      );
      from += batch.rows;
      if (rows.length === 0) continue;
      const inputs = names.map((name): NamedTensor => ({ name, ...pickedRows(batch.inputs[name]!, rows) }));
      const values = batch.labels!.values;
      yield { inputs, truths: Float64Array.from(rows, (row) => values[row]!) };
    }
  }

  #batches(split: string): AsyncIterable<RowBatch> {
    const { signal } = this.#options;
    const { badRows } = this;
    return encoderRows(this.#dataset, this.#encoder, { split, batchRows: BATCH_ROWS, slices: [], badRows, signal });
  }
}

/** A row as callers send it; what is missing is left out. */
function instanceOf({ inputs }: RowBatch, row: number): JsonObject {
  const values = Object.entries(inputs).flatMap(([name, { data }]) => {
    const value = (data as ArrayLike<number | string>)[row]!;
    if (value === "" || Number.isNaN(value)) return [];
    // The float32 of a file's 5.1 is 5.0999999046…; seven digits tell it apart from its neighbours.
    const isShortened = typeof value === "number" && data instanceof Float32Array;
    return [[name, isShortened ? Number(value.toPrecision(7)) : value] as const];
  });
  return Object.fromEntries(values);
}

function partOf(set: TrainingSet, places: Int32Array): TrainingSet {
  const { inputs, target, weights } = set.read(places);
  return trainingSetFromArrays({
    inputs: Object.fromEntries(inputs.map(({ name, ...tensor }) => [name, tensor])),
    target,
    weights: weights === null ? null : (weights.data as Float32Array),
  });
}
