// Pictures and signals made ready to be learnt from: each row an array of one shape, standardised by the rows trained by, inside the
// model.
import { graphBuilder, type Model } from "@slipway/core/graph";
import type { Input } from "@slipway/core/build";
import { SlipwayError } from "@slipway/core/base";
import { parseProcessing, type Processing } from "@slipway/core/processing";
import { elementCount, type Tensor } from "@slipway/core/tensor";
import { augmentImages, type ImageAugmentation, rowRandom } from "#lab/augment";
import { BadRows, type InputBinding, type LabelPlan, type OpenDataset, type RowBatch } from "#lab/dataset";
import { fitTarget, type TargetEncoding } from "#lab/encoding";
import type { JsonObject } from "#registry";
import type { TrainOrder } from "./order.ts";
import { type PrepareOptions, readAhead, refuseNone, refuseTooMany, targetOf } from "./open-rows.ts";
import type { PreparedRows, ServedRows } from "./prepared-rows.ts";
import { heldOut } from "./randomness.ts";
import { chosenSplits } from "./splits.ts";
import { classRowsOf, ofMeanOne, pickedRows, type TrainingSet, trainingSetFromArrays } from "./training-set.ts";

/** Rows looked at at most to find the size and colours of pictures. */
const LOOKED_AT = 32;
const BATCH_ROWS = 256;
/** Side of pictures that are larger, unless it is said. */
const MOST_PIXELS = 64;
const IMAGE = "image";

/** What a row is, before it is standardised. */
interface DenseInput {
  readonly binding: InputBinding;
  readonly input: Extract<Input, { kind: "image" | "signal" }>;
  readonly before: readonly JsonObject[];
}

/** @throws SlipwayError as reading does: DATASET_INVALID, ROWS_INVALID; MODEL_TOO_LARGE for more than memory takes */
export async function preparePixels(dataset: OpenDataset, options: PrepareOptions): Promise<PreparedRows> {
  const { order, signal } = options;
  const target = targetOf(order, dataset);
  if (target === null) {
    throw new SlipwayError("DATASET_INVALID", "No column was named to be predicted; name one with --target.");
  }
  const splits = chosenSplits(dataset, order.data);
  const dense = await denseInput(dataset, target, options);
  if (dense.input.kind === "signal" && order.settings.augment !== null) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `How pictures differ from epoch to epoch is said, and rows of "${dense.binding.input}" are signals. Leave it out.`,
    );
  }
  const badRows = new BadRows(order.badRows);
  const fitted = await fitTarget(dataset, {
    column: target,
    task: order.task,
    split: splits.training,
    signal,
    badRows,
  });
  const encoding = fitted.encoding();
  const reader = new DenseReader(dataset, dense, fitted.plan, encoding, badRows, options);
  const all = await reader.read(splits.training);
  const { seed, validationShare } = order.settings;
  const drawn = splits.validation === null ? heldOut(all.target.shape[0]!, validationShare, seed) : null;
  const train = drawn === null ? all : partOf(all, drawn.kept);
  const held = drawn === null ? await reader.read(splits.validation!) : partOf(all, drawn.held);
  const { mean, deviation } = standardised(train.data, dense.input);
  for (const part of [train, held]) standardise(part.data, dense.input, mean, deviation);
  const { test } = splits;
  if (test !== null) await reader.readAhead(test);
  const training = setOf(train, dense.input);
  return {
    manifest: dataset.manifest,
    task:
      encoding.kind === "classes"
        ? { kind: "classification", target: encoding.column, labels: encoding.labels }
        : { kind: "regression", target: encoding.column, mean: encoding.mean, scale: encoding.scale },
    input: dense.input,
    encoder: standardising(dense, mean, deviation),
    training:
      dense.input.kind === "image" ? augmented(training, train, dense.input, augmentationOf(order), seed) : training,
    validation: setOf(held, dense.input),
    classRows: encoding.kind === "classes" ? classRowsOf(training, encoding.labels.length) : null,
    skipped: badRows.skipped(),
    columns: [
      {
        name: dense.binding.input,
        role: dense.input.kind,
        reason: "as it lies",
        isTold: false,
        missing: 0,
        features: elementCount(shapeOf(dense.input)),
        unseen: null,
      },
    ],
    records: {
      instances: "values",
      before: dense.before,
      input: dense.before.length === 0 ? null : dense.binding.input,
      times: [],
    },
    examples: [],
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

async function denseInput(dataset: OpenDataset, target: string, options: PrepareOptions): Promise<DenseInput> {
  const named = namedPictures(options.order.data);
  if (named !== null) return await imageInput(dataset, named, options);
  if (dataset.manifest.format === "images") return await imageInput(dataset, FOLDER_PICTURES, options);
  const columns = dataset.source.columns.map(({ name }) => name).filter((name) => name !== target);
  const [column, ...more] = columns.filter((name) => name !== dataset.weight && !dataset.taken.has(name));
  if (column === undefined || more.length > 0) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `A network learns from one array beside the target "${target}"; there is ${columns.length === 0 ? "none" : columns.join(", ")}.`,
    );
  }
  const shape = dataset.source.shapeOf(column);
  if (shape === null || shape.length > 3 || elementCount(shape) < 2) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `Rows of "${column}" are ${shape === null ? "of different shapes" : `[${shape.join(", ")}]`}; a signal is [length] or [channels, length], a picture [channels, height, width].`,
    );
  }
  const [channels, height, width] = shape.length === 1 ? [1, shape[0]!] : (shape as [number, number, number?]);
  return {
    binding: {
      kind: "columns",
      input: column,
      columns: [column],
      dtype: "float32",
      shape,
      missing: "refuse",
      isFinite: true,
    },
    input:
      width === undefined ? { kind: "signal", channels, length: height } : { kind: "image", channels, height, width },
    before: [],
  };
}

/** Pictures that rows name: in which column, and as which input. */
interface NamedPictures {
  readonly input: string;
  readonly column: string;
  /** How they are prepared; null where that is found. */
  readonly before: Processing["before"] | null;
}

const FOLDER_PICTURES: NamedPictures = { input: IMAGE, column: IMAGE, before: null };

/**
 * The pictures that a description says its rows name; null where it speaks of none.
 * @throws SlipwayError DATASET_INVALID where it says more than a network of pictures takes
 */
export function namedPictures({ description }: TrainOrder["data"]): NamedPictures | null {
  const sources = Object.entries(description.inputs);
  const [found] = sources.flatMap(([input, source]) =>
    typeof source === "object" && "image" in source ? [{ input, column: source.image, before: source.before }] : [],
  );
  if (found === undefined) return null;
  if (sources.length > 1) {
    const names = sources.map(([input]) => input).join(", ");
    throw new SlipwayError(
      "DATASET_INVALID",
      `"inputs": a network learns from pictures or from columns, and there is ${names}; say one input of pictures alone.`,
    );
  }
  const { before, ...named } = found;
  return { ...named, before: before === null ? null : parseProcessing({ schemaVersion: 1, before }).before };
}

/** Size and colours of pictures: those of some, unless they are larger than is learnt from. */
async function imageInput(
  dataset: OpenDataset,
  { input, column, before: told }: NamedPictures,
  { order, signal }: PrepareOptions,
): Promise<DenseInput> {
  const decode = { step: "decode-image", channels: "rgb", background: 0 } as const;
  const binding: Extract<InputBinding, { kind: "image" }> = {
    kind: "image",
    input,
    columns: [column],
    dtype: "float32",
    shape: null,
    before: told ?? [decode],
  };
  const wanted = { inputs: [binding], labels: null, weight: null, badRows: new BadRows(order.badRows), split: null };
  let [height, width] = [0, 0];
  let isGrey = true;
  // Some of all: the first ones are of one class.
  const every = Math.max(1, Math.ceil(dataset.manifest.rows / LOOKED_AT));
  for await (const { inputs } of dataset.rowsAs({ ...wanted, every, batchRows: 1, slices: [], signal })) {
    const { shape, data } = inputs[input]!;
    if (told !== null) return preparedInput(binding, shape.slice(1), told, order);
    height = Math.max(height, shape[1]!);
    width = Math.max(width, shape[2]!);
    isGrey &&= isGreyImage(data as Float32Array);
  }
  const side = order.settings.imagePixels ?? MOST_PIXELS;
  const scale =
    order.settings.imagePixels === null ? Math.min(1, side / Math.max(height, width)) : side / Math.max(height, width);
  const [rows, columns] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  const channels = isGrey ? 1 : 3;
  const before = [
    { ...decode, channels: isGrey ? "grey" : "rgb" } as const,
    {
      step: "resize",
      height: rows,
      width: columns,
      fit: "fill",
      filter: "bilinear",
      antialias: true,
      background: 0,
    } as const,
    { step: "scale", by: 1 / 255 } as const,
    { step: "layout", to: "CHW" } as const,
  ];
  const shape = [channels, rows, columns];
  return {
    binding: { ...binding, shape, before },
    input: { kind: "image", channels, height: rows, width: columns },
    before,
  };
}

/** Pictures as the steps make them that a person told. @throws SlipwayError DATASET_INVALID */
function preparedInput(
  binding: Extract<InputBinding, { kind: "image" }>,
  shape: readonly number[],
  before: Processing["before"],
  { settings: { imagePixels } }: TrainOrder,
): DenseInput {
  const refuse = (why: string) => new SlipwayError("DATASET_INVALID", `"inputs.${binding.input}.before": ${why}.`);
  if (imagePixels !== null) throw refuse("they say how large pictures become, and --pixels says it too; leave one out");
  const [channels, height, width] = shape as [number, number, number];
  if (shape.length !== 3 || !before.some((step) => step.step === "layout" && step.to === "CHW"))
    throw refuse("a network takes channels first; end with { step: layout, to: CHW }");
  return {
    binding: { ...binding, shape, before },
    input: { kind: "image", channels, height, width },
    before: before as unknown as readonly JsonObject[],
  };
}

function isGreyImage(pixels: Float32Array): boolean {
  for (let at = 0; at < pixels.length; at += 3)
    if (pixels[at] !== pixels[at + 1] || pixels[at] !== pixels[at + 2]) return false;
  return true;
}

/** Rows in memory. */
interface DenseRows {
  readonly name: string;
  readonly data: Float32Array;
  readonly target: Tensor;
  /** What each row counts, 1 on the average; null where all count the same. */
  readonly weights: Float32Array | null;
}

class DenseReader {
  readonly #dataset: OpenDataset;
  readonly #dense: DenseInput;
  readonly #labels: LabelPlan;
  readonly #target: TargetEncoding;
  readonly #badRows: BadRows;
  readonly #options: PrepareOptions;

  constructor(
    dataset: OpenDataset,
    dense: DenseInput,
    labels: LabelPlan,
    target: TargetEncoding,
    badRows: BadRows,
    options: PrepareOptions,
  ) {
    this.#dataset = dataset;
    this.#dense = dense;
    this.#labels = labels;
    this.#target = target;
    this.#badRows = badRows;
    this.#options = options;
  }

  async read(split: string): Promise<DenseRows> {
    const width = elementCount(shapeOf(this.#dense.input));
    const most = this.#dataset.rowsOf(split);
    refuseTooMany(most, width);
    const data = new Float32Array(most * width);
    const truths = new Float64Array(most);
    const weights = this.#dataset.weight === null ? null : new Float32Array(most);
    let rows = 0;
    for await (const batch of this.#batches(split)) {
      data.set(batch.inputs[this.#dense.binding.input]!.data as Float32Array, rows * width);
      truths.set(batch.labels!.values, rows);
      weights?.set(batch.weights!, rows);
      rows += batch.rows;
      this.#options.report(`reading rows: ${rows} of ${most}`);
    }
    refuseNone(rows, split);
    const target = this.#target;
    return {
      name: this.#dense.binding.input,
      data: data.subarray(0, rows * width),
      weights: weights === null ? null : ofMeanOne(weights.subarray(0, rows)),
      target:
        target.kind === "classes"
          ? { dtype: "int64", shape: [rows], data: BigInt64Array.from(truths.subarray(0, rows), BigInt) }
          : {
              dtype: "float32",
              shape: [rows, 1],
              data: Float32Array.from(truths.subarray(0, rows), (value) => (value - target.mean) / target.scale),
            },
    };
  }

  /** Rows of a split that are read again once all is trained. */
  async readAhead(split: string): Promise<void> {
    await readAhead(this.#batches(split), split);
  }

  async *served(split: string, places: ReadonlySet<number> | null): AsyncGenerator<ServedRows> {
    const name = this.#dense.binding.input;
    let from = 0;
    for await (const batch of this.#batches(split)) {
      const rows = Int32Array.from({ length: batch.rows }, (_, row) => row).filter(
        (row) => places?.has(from + row) !== false,
      );
      from += batch.rows;
      if (rows.length === 0) continue;
      const { values } = batch.labels!;
      yield {
        inputs: [{ name, ...pickedRows(batch.inputs[name]!, rows) }],
        truths: Float64Array.from(rows, (row) => values[row]!),
      };
    }
  }

  #batches(split: string): AsyncIterable<RowBatch> {
    const { signal } = this.#options;
    return this.#dataset.rowsAs({
      inputs: [this.#dense.binding],
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

function partOf({ name, data, target, weights }: DenseRows, places: Int32Array): DenseRows {
  const width = data.length / target.shape[0]!;
  const part = pickedRows({ dtype: "float32", shape: [target.shape[0]!, width], data }, places);
  return {
    name,
    data: part.data as Float32Array,
    target: pickedRows(target, places),
    weights: weights === null ? null : Float32Array.from(places, (place) => weights[place]!),
  };
}

function shapeOf(input: DenseInput["input"]): readonly number[] {
  return input.kind === "image" ? [input.channels, input.height, input.width] : [input.channels, input.length];
}

/** Mean and standard deviation of each channel. */
function standardised(
  data: Float32Array,
  input: DenseInput["input"],
): { readonly mean: Float32Array; readonly deviation: Float32Array } {
  const { channels } = input;
  const plane = elementCount(shapeOf(input)) / channels;
  const mean = new Float32Array(channels);
  const deviation = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    let [count, centre, squares] = [0, 0, 0];
    for (let start = channel * plane; start < data.length; start += channels * plane) {
      for (let at = start; at < start + plane; at++) {
        const from = data[at]! - centre;
        centre += from / ++count;
        squares += from * (data[at]! - centre);
      }
    }
    mean[channel] = centre;
    // What is the same everywhere stays so.
    deviation[channel] = Math.sqrt(squares / count) || 1;
  }
  return { mean, deviation };
}

function standardise(
  data: Float32Array,
  input: DenseInput["input"],
  mean: Float32Array,
  deviation: Float32Array,
): void {
  const plane = elementCount(shapeOf(input)) / input.channels;
  for (let start = 0, channel = 0; start < data.length; start += plane, channel = (channel + 1) % input.channels) {
    for (let at = start; at < start + plane; at++)
      data[at] = Math.fround(Math.fround(data[at]! - mean[channel]!) / deviation[channel]!);
  }
}

/** The same as a model, before the network. */
function standardising({ binding, input }: DenseInput, mean: Float32Array, deviation: Float32Array): Model {
  const g = graphBuilder({ opset: 17, name: "encoder" });
  const shape = shapeOf(input);
  const rows = g.input(binding.input, "float32", ["N", ...(binding.shape ?? shape)]);
  const whole =
    binding.shape?.length === shape.length ? rows : g.op("Reshape", [rows, g.values("int64", [-1, ...shape])]);
  const each = (values: Float32Array) =>
    g.values("float32", Array.from(values), [1, values.length, ...shape.slice(1).map(() => 1)]);
  const centred = g.op("Sub", [whole, each(mean)]);
  g.output("features", g.op("Div", [centred, each(deviation)]), "float32", ["N", ...shape]);
  return g.model();
}

function setOf({ data, target, weights }: DenseRows, input: DenseInput["input"]): TrainingSet {
  const shape = [target.shape[0]!, ...shapeOf(input)];
  return trainingSetFromArrays({ inputs: { input: { dtype: "float32", shape, data } }, target, weights });
}

/** What was said, without what was not. */
function augmentationOf({ settings: { augment } }: TrainOrder): ImageAugmentation | null {
  if (augment === null) return null;
  return Object.fromEntries(Object.entries(augment).filter(([, value]) => value !== undefined)) as ImageAugmentation;
}

/** Pictures a little different in each epoch. */
function augmented(
  set: TrainingSet,
  { target }: DenseRows,
  input: Extract<Input, { kind: "image" }>,
  wanted: ImageAugmentation | null,
  seed: number,
): TrainingSet {
  const side = Math.min(input.height, input.width);
  // What is beyond the edges is the mean, which is 0 once it is standardised; black would be another choice, and no better one.
  const augmentation: ImageAugmentation = wanted ?? { shift: side / 14, rotate: 8 };
  if (Object.keys(augmentation).length === 0) return set;
  return {
    ...set,
    rows: target.shape[0]!,
    read: (places, epoch = null) => {
      const batch = set.read(places, epoch);
      if (epoch === null) return batch;
      const [image] = batch.inputs;
      const data = augmentImages(image!.data as Float32Array, input, augmentation, (at) =>
        rowRandom(seed, epoch, places[at]!),
      );
      return { ...batch, inputs: [{ ...image!, data }] };
    },
  };
}
