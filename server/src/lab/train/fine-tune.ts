// Rows made ready for a model that learns more: as the model takes them itself, so that nothing about it changes but weights.
import { SlipwayError } from "@slipway/core/base";
import { signatureFromModel, type Model } from "@slipway/core/graph";
import { concatRows, type NamedTensor, type Port, type Tensor } from "@slipway/core/tensor";
import { parseProcessing } from "@slipway/core/processing";
import { BadRows, type InputBinding, type LabelPlan, type OpenDataset, type RowBatch } from "#lab/dataset";
import { fitTarget } from "#lab/encoding";
import type { JsonObject } from "#registry";
import { baseModel, refuseQuantised, withNewHead } from "./base-model.ts";
import { type PrepareOptions, readAhead, refuseNone, targetOf } from "./open-rows.ts";
import type { BaseOrder } from "./order.ts";
import type { PreparedRows, ServedRows } from "./prepared-rows.ts";
import { heldOut } from "./randomness.ts";
import { chosenSplits } from "./splits.ts";
import { NETWORK_KEY } from "./served-model.ts";
import type { Task } from "./task.ts";
import { classRowsOf, ofMeanOne, pickedRows, trainingSetFromArrays } from "./training-set.ts";

/** Rows, and the model that is to learn from them. */
export interface TunedRows extends PreparedRows {
  readonly network: Model;
  /** Where it has an encoder of its own, what names of the network behind that begin with. */
  readonly networkPrefix: string | null;
}

const BATCH_ROWS = 256;

/** @throws SlipwayError as reading and `baseModel` do; PARAMETER_INVALID where classes do not fit the model's */
export async function prepareFineTune(
  dataset: OpenDataset,
  base: BaseOrder,
  given: Model,
  options: PrepareOptions,
): Promise<TunedRows> {
  const { order } = options;
  const target = targetOf(order, dataset);
  if (target === null) {
    throw new SlipwayError("DATASET_INVALID", "No column was named to be predicted; name one with --target.");
  }
  const splits = chosenSplits(dataset, order.data);
  const badRows = new BadRows(order.badRows);
  const old = baseModel(given, base.output);
  refuseQuantised(old.model, base);
  const labels = base.isHeadNew ? null : labelsOf(base.processing);
  const { plan, task } = await goalOf(dataset, target, labels, splits.training, badRows, options);
  const outputs = task.kind === "classification" ? task.labels.length : 1;
  const { model: network, outputs: has } = base.isHeadNew ? withNewHead(old, outputs, order.settings.seed) : old;
  if (has !== null && has !== outputs) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The model has ${has} scores, and the target "${target}" ${task.kind === "classification" ? `${outputs} classes` : "is a number"}; give it a new last layer with --head.`,
    );
  }
  const ports = signatureFromModel(network).inputs;
  const bindings = bindingsOf(dataset, ports, base.processing, target);
  const reader = new Reader(dataset, bindings, plan, task, badRows, options);
  const all = await reader.read(splits.training);
  const { seed, validationShare } = order.settings;
  const drawn = splits.validation === null ? heldOut(all.rows, validationShare, seed) : null;
  const part = (places: Int32Array) =>
    setOf(
      all.inputs.map((one) => ({ ...one, ...pickedRows(one, places) })),
      pickedRows(all.target, places),
      all.weights === null ? null : Float32Array.from(places, (place) => all.weights![place]!),
    );
  const training = drawn === null ? setOf(all.inputs, all.target, all.weights) : part(drawn.kept);
  const held = drawn === null ? await reader.read(splits.validation!) : null;
  const { test } = splits;
  if (test !== null) await reader.readAhead(test);
  const [processing] = [base.processing === null ? null : (base.processing as JsonObject)];
  return {
    network,
    networkPrefix: given.metadata.get(NETWORK_KEY) ?? null,
    manifest: dataset.manifest,
    task,
    input: inputOf(ports),
    encoder: null,
    training,
    validation: held === null ? part(drawn!.held) : setOf(held.inputs, held.target, held.weights),
    classRows: task.kind === "classification" ? classRowsOf(training, task.labels.length) : null,
    skipped: badRows.skipped(),
    columns: bindings.map(({ input, kind, columns }) => ({
      name: input,
      role: kind,
      reason: `the model's input, from ${columns.slice(0, 5).join(", ")}${columns.length > 5 ? ", …" : ""}`,
      isTold: false,
      missing: null,
      features: 1,
      unseen: null,
    })),
    records: {
      instances: processing?.["instances"] === "rows" ? "rows" : "values",
      before: (processing?.["before"] as readonly JsonObject[] | undefined) ?? [],
      input: (processing?.["input"] as string | null | undefined) ?? null,
      times: (processing?.["times"] as readonly string[] | undefined) ?? [],
    },
    examples: examplesOf(given),
    judgedBy: [
      {
        name: "validation",
        rows: () =>
          drawn === null
            ? reader.served(splits.validation!, null)
            : reader.served(splits.training, new Set(drawn.held)),
      },
      ...(test === null ? [] : [{ name: "test" as const, rows: () => reader.served(test, null) }]),
    ],
    close: async () => undefined,
  };
}

/** Rows as callers send them, as a file that was trained here tells; a file of somebody else may say anything there. */
function examplesOf({ metadata }: Model): PreparedRows["examples"] {
  try {
    const told: unknown = JSON.parse(metadata.get("slipway.examples") ?? "[]");
    return Array.isArray(told) ? (told as PreparedRows["examples"]) : [];
  } catch {
    return [];
  }
}

/** Names of the classes by index, as the version declares them. */
function labelsOf(processing: unknown): readonly string[] | null {
  if (processing === null) return null;
  const step = parseProcessing(processing).after.find((one) => one.step === "labels");
  return step?.step === "labels" ? step.labels : null;
}

async function goalOf(
  dataset: OpenDataset,
  column: string,
  labels: readonly string[] | null,
  split: string,
  badRows: BadRows,
  { order, signal }: PrepareOptions,
): Promise<{ readonly plan: LabelPlan; readonly task: Task }> {
  if (labels !== null) {
    const plan: LabelPlan = { column, kind: "class", classes: labels, isNamed: true };
    return { plan, task: { kind: "classification", target: column, labels } };
  }
  const fitted = await fitTarget(dataset, { column, task: order.task, split, signal, badRows });
  const { plan } = fitted;
  const found = fitted.encoding();
  // A model that is there answers in the target's own unit.
  return found.kind === "classes"
    ? { plan, task: { kind: "classification", target: column, labels: found.labels } }
    : { plan, task: { kind: "regression", target: column, mean: 0, scale: 1 } };
}

/** As the dataset fills the model's inputs; where instances are rows, values may be missing. */
function bindingsOf(
  dataset: OpenDataset,
  inputs: readonly Port[],
  processing: unknown,
  target: string,
): readonly InputBinding[] {
  const isRows = processing !== null && parseProcessing(processing).instances === "rows";
  return dataset.fit({ inputs, outputs: [] }).map((binding) => {
    if (binding.columns.some((name) => name === target)) {
      throw new SlipwayError(
        "PARAMETER_INVALID",
        `The model's input "${binding.input}" is the target "${target}" itself.`,
      );
    }
    if (!isRows || binding.kind !== "columns") return binding;
    return { ...binding, missing: binding.dtype === "string" ? "empty" : "nan" };
  });
}

function inputOf(inputs: readonly Port[]): PreparedRows["input"] {
  const [only] = inputs;
  const shape = only?.type.kind === "tensor" ? (only.type.shape?.slice(1) ?? []) : [];
  const [channels, height, width] = shape;
  const isImage = inputs.length === 1 && shape.length === 3 && shape.every((length) => typeof length === "number");
  if (isImage) return { kind: "image", channels: channels as number, height: height as number, width: width as number };
  return { kind: "features", features: inputs.length };
}

interface ReadRows {
  readonly rows: number;
  readonly inputs: readonly NamedTensor[];
  readonly target: Tensor;
  /** What each row counts, 1 on the average; null where all count the same. */
  readonly weights: Float32Array | null;
}

function setOf(inputs: readonly NamedTensor[], target: Tensor, weights: Float32Array | null) {
  return trainingSetFromArrays({
    inputs: Object.fromEntries(inputs.map(({ name, ...tensor }) => [name, tensor])),
    target,
    weights,
  });
}

class Reader {
  readonly #dataset: OpenDataset;
  readonly #bindings: readonly InputBinding[];
  readonly #labels: LabelPlan;
  readonly #task: Task;
  readonly #badRows: BadRows;
  readonly #options: PrepareOptions;

  constructor(
    dataset: OpenDataset,
    bindings: readonly InputBinding[],
    labels: LabelPlan,
    task: Task,
    badRows: BadRows,
    options: PrepareOptions,
  ) {
    this.#dataset = dataset;
    this.#bindings = bindings;
    this.#labels = labels;
    this.#task = task;
    this.#badRows = badRows;
    this.#options = options;
  }

  async read(split: string): Promise<ReadRows> {
    const parts: Tensor[][] = this.#bindings.map(() => []);
    const truths: number[] = [];
    const counts: number[] = [];
    for await (const { inputs, labels, weights } of this.#batches(split)) {
      for (const [at, { input }] of this.#bindings.entries()) parts[at]!.push(inputs[input]!);
      truths.push(...labels!.values);
      counts.push(...(weights ?? []));
      this.#options.report(`reading rows: ${truths.length} of ${this.#dataset.rowsOf(split)}`);
    }
    const rows = truths.length;
    refuseNone(rows, split);
    const isClass = this.#task.kind === "classification";
    return {
      rows,
      inputs: this.#bindings.map(({ input }, at) => ({ name: input, ...concatRows(parts[at]!) })),
      target: isClass
        ? { dtype: "int64", shape: [rows], data: BigInt64Array.from(truths, BigInt) }
        : { dtype: "float32", shape: [rows, 1], data: Float32Array.from(truths) },
      weights: counts.length === 0 ? null : ofMeanOne(Float32Array.from(counts)),
    };
  }

  /** Rows of a split that are read again once all is trained. */
  async readAhead(split: string): Promise<void> {
    await readAhead(this.#batches(split), split);
  }

  async *served(split: string, places: ReadonlySet<number> | null): AsyncGenerator<ServedRows> {
    let from = 0;
    for await (const batch of this.#batches(split)) {
      const rows = Int32Array.from({ length: batch.rows }, (_, row) => row).filter(
        (row) => places?.has(from + row) !== false,
      );
      from += batch.rows;
      if (rows.length === 0) continue;
      const inputs = this.#bindings.map(({ input }) => ({ name: input, ...pickedRows(batch.inputs[input]!, rows) }));
      const { values } = batch.labels!;
      yield { inputs, truths: Float64Array.from(rows, (row) => values[row]!) };
    }
  }

  #batches(split: string): AsyncIterable<RowBatch> {
    const { signal } = this.#options;
    return this.#dataset.rowsAs({
      inputs: this.#bindings,
      labels: this.#labels,
      weight: this.#dataset.weight,
      badRows: this.#badRows,
      split,
      batchRows: BATCH_ROWS,
      slices: [],
      signal,
    });
  }
}
