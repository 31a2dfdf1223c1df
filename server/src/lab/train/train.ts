// A whole run: rows are made ready, baselines and the network are fitted, and what is to be served is put together and judged as it will
// be served.
import { createHash } from "node:crypto";
import type { Input } from "@slipway/core/build";
import { type Backend, DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { type Clock, SlipwayError } from "@slipway/core/base";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { type DatasetManifest, joinedSkips, type OpenDataset } from "#lab/dataset";
import { canonicalJson, type JsonObject, type JsonValue } from "#registry";
import { type Baseline, baselinesOf } from "./baselines.ts";
import type { EpochPoint } from "./checkpoint.ts";
import { type ChosenNetwork, chosenNetwork, frozenBy } from "./chosen-network.ts";
import { errorGain, figureCount, type Figures, squaredErrors } from "./figures.ts";
import { fit, type FitProgress, type Fitted } from "./fit.ts";
import { createLearner } from "./learner.ts";
import { prepareFineTune, type TunedRows } from "./fine-tune.ts";
import { type OpenedRows, openRows, type PrepareOptions } from "./open-rows.ts";
import type { TrainOrder } from "./order.ts";
import type { PreparedRows } from "./prepared-rows.ts";
import { NETWORK_PREFIX, servedModel } from "./served-model.ts";
import { type ChosenSettings, chosenSettings } from "./settings.ts";
import { namedPictures, preparePixels } from "./pixels.ts";
import { prepareTable } from "./tables.ts";
import { lossOf, outputsOf, scoreOf, type Task } from "./task.ts";

export interface TrainPorts {
  readonly backend: Backend;
  readonly clock: Clock;
  /** The whole environment of processes that decode images. */
  readonly environment: Readonly<Record<string, string>>;
  /** Reads stored bytes. */
  readonly readBlob: (hash: string) => Promise<Uint8Array>;
}

/** What a run keeps, to go on from. */
export interface TrainState {
  readonly baselines: readonly Baseline[];
  /** Of the network's fit. */
  readonly fit: Uint8Array;
}

export interface TrainRun {
  readonly signal: AbortSignal;
  readonly report: (progress: { readonly done: number; readonly total: number | null; readonly text: string }) => void;
  readonly saved: TrainState | null;
  readonly save: (state: TrainState) => Promise<void>;
  /** Told how it goes, epoch after epoch. */
  readonly onCurve: (record: RunRecord) => Promise<void>;
}

/** What is known of a run; `result` once it is through. JSON. */
export interface RunRecord {
  readonly schema: 1;
  readonly task: Task;
  readonly data: {
    readonly name: string;
    readonly hash: string;
    readonly trainingRows: number;
    readonly validationRows: number;
    readonly skippedRows: number;
    readonly skippedFirst: readonly string[];
    /** Why rows to validate by were drawn whatever their class; null where they were not. */
    readonly unstratified: string | null;
    readonly columns: readonly JsonObject[];
  };
  readonly network: { readonly kind: ChosenNetwork["kind"]; readonly text: string; readonly learned: number };
  readonly settings: JsonObject;
  readonly score: "accuracy" | "R²";
  readonly baselines: readonly Baseline[];
  readonly curve: readonly EpochPoint[];
  readonly result: {
    readonly bestEpoch: number;
    readonly steps: number;
    readonly endedBy: Fitted["endedBy"];
    readonly seconds: number;
    /** As the served file answers, by what the rows are. */
    readonly figures: Readonly<Partial<Record<"validation" | "test", Figures>>>;
    /** Of numbers: by how much its mean squared error on the rows of validation is less than the last baseline's, at 95 %. */
    readonly gain: readonly [number, number] | null;
    readonly answer: string;
    readonly probabilities: string | null;
    readonly examples: readonly JsonValue[];
  } | null;
}

export interface Trained {
  /** The ONNX file that is served. */
  readonly model: Uint8Array;
  readonly processing: JsonObject;
  readonly record: RunRecord;
}

/** A checkpoint is worth a twentieth of the time, and no more than is lost without it. */
const SAVING_SHARE = 0.05;
const [LEAST_BETWEEN_MS, MOST_BETWEEN_MS] = [500, 60_000];

function checkpointAfterMs(lastMs: number): number {
  return Math.min(Math.max(lastMs / SAVING_SHARE, LEAST_BETWEEN_MS), MOST_BETWEEN_MS);
}

/** What the file says of itself. */
const METADATA_PREFIX = "slipway.";

/**
 * Trains what an order asks for.
 * @throws SlipwayError as preparing rows, `createLearner` and `fit` do
 */
export async function train(order: TrainOrder, ports: TrainPorts, run: TrainRun): Promise<Trained> {
  try {
    return await trainedByRows(order, ports, run);
  } catch (error) {
    throw withAdvice(error, order);
  }
}

/** What becomes of a row that can't be used is the caller's choice, which its error should say. */
function withAdvice(error: unknown, { badRows }: TrainOrder): unknown {
  const isOfRow =
    error instanceof SlipwayError && error.code === "ROWS_INVALID" && error.details?.["path"] !== undefined;
  if (!isOfRow || badRows === "skip") return error;
  const message = `${error.message} To leave such rows out, counted and told: --on-bad-row skip.`;
  return new SlipwayError(error.code, message, { cause: error, details: error.details });
}

async function trainedByRows(order: TrainOrder, ports: TrainPorts, run: TrainRun): Promise<Trained> {
  const options = optionsOf(order, ports, run);
  const { dataset, unstratified } = await openRows(options);
  try {
    const rows = await prepared(dataset, options, ports);
    try {
      const skipped = joinedSkips(dataset.skipped, rows.skipped);
      return await trained(order, { ...rows, skipped, unstratified }, ports, run);
    } finally {
      await rows.close();
    }
  } finally {
    await dataset.close();
  }
}

async function prepared(
  dataset: OpenDataset,
  options: PrepareOptions,
  ports: TrainPorts,
): Promise<PreparedRows | TunedRows> {
  const { base } = options.order;
  const { format } = dataset.manifest;
  refuseIdle(options.order, format);
  if (base !== null) {
    const model = modelFromBytes(await ports.readBlob(base.hash));
    return await prepareFineTune(dataset, base, model, options);
  }
  const isDense = format === "images" || format === "arrays" || namedPictures(options.order.data) !== null;
  return await (isDense ? preparePixels(dataset, options) : prepareTable(dataset, options));
}

/** What says something of pictures where there are none would be ignored in silence. */
function refuseIdle(
  { settings: { augment, imagePixels }, base, data }: TrainOrder,
  format: DatasetManifest["format"],
): void {
  const areFiles = base === null && (format === "images" || namedPictures(data) !== null);
  const areArrays = base === null && format === "arrays";
  const idle =
    imagePixels !== null && !areFiles
      ? "The size of pictures is"
      : augment !== null && !areFiles && !areArrays
        ? "How pictures differ from epoch to epoch is"
        : null;
  if (idle === null) return;
  const what = base === null ? `the rows are ${format}` : "a model that learns more takes them as its processing says";
  throw new SlipwayError("PARAMETER_INVALID", `${idle} said for a network of pictures, and ${what}. Leave it out.`);
}

/** What a network of one's own is to be made for, from the rows of an order. @throws SlipwayError as `train` */
export async function describeRows(
  order: TrainOrder,
  ports: TrainPorts,
  run: Pick<TrainRun, "signal" | "report">,
): Promise<{ readonly input: Input; readonly outputs: number }> {
  const options = optionsOf(order, ports, run);
  const { dataset } = await openRows(options);
  try {
    const rows = await prepared(dataset, options, ports);
    try {
      return { input: rows.input, outputs: outputsOf(rows.task) };
    } finally {
      await rows.close();
    }
  } finally {
    await dataset.close();
  }
}

function optionsOf(
  order: TrainOrder,
  { backend, clock, environment }: TrainPorts,
  { signal, report }: Pick<TrainRun, "signal" | "report">,
): PrepareOptions {
  return { order, backend, clock, environment, signal, report: (text) => report({ done: 0, total: null, text }) };
}

async function trained(
  order: TrainOrder,
  rows: (PreparedRows | TunedRows) & Pick<OpenedRows, "unstratified">,
  ports: TrainPorts,
  run: TrainRun,
): Promise<Trained> {
  const { backend, clock } = ports;
  const { task, training, validation, skipped } = rows;
  const { name, score } = scoreOf(task);
  const settings = chosenSettings(order.settings, {
    rows: training.rows,
    input: rows.input,
    isFineTuned: order.base !== null,
  });
  const { kind, text, model: network } = await chosenNetwork(order, rows, ports.readBlob);
  const now = (): number => clock.now();
  const prefix = "networkPrefix" in rows ? rows.networkPrefix : null;
  const classWeights = classWeightsOf(settings, rows);
  const learner = await createLearner({
    network,
    loss: withSmoothing(lossOf(task, classWeights), settings.labelSmoothing),
    optimizer: settings.optimizer,
    groups: frozenBy(order.base, prefix, network),
    ...(settings.maxNorm === null ? {} : { maxNorm: settings.maxNorm }),
    ...(settings.averageDecay === 0 ? {} : { averageDecay: settings.averageDecay }),
    ...(settings.partRows === null ? {} : { partRows: settings.partRows }),
    hasSampleWeights: training.isWeighted,
    backend,
    threads: settings.threads,
    seed: settings.seed,
  });
  try {
    const fitBaselines = () =>
      baselinesOf(rows, {
        backend,
        seed: settings.seed,
        threads: settings.threads,
        classWeights,
        now,
        signal: run.signal,
        report: (progress) => run.report({ done: 0, total: null, text: `baseline, ${progressText(progress)}` }),
      });
    const linear = run.saved === null ? await fitBaselines() : null;
    const baselines = run.saved?.baselines ?? linear!.baselines;
    const record = (curve: readonly EpochPoint[], result: RunRecord["result"]): RunRecord => ({
      schema: 1,
      task,
      data: {
        name: rows.manifest.name,
        hash: rows.manifest.hash,
        trainingRows: training.rows,
        validationRows: validation.rows,
        skippedRows: skipped.rows,
        skippedFirst: skipped.first,
        unstratified: rows.unstratified,
        columns: rows.columns,
      },
      network: { kind, text, learned: learner.learned },
      settings: settings as unknown as JsonObject,
      score: name,
      baselines,
      curve,
      result,
    });
    let told = -1;
    const fitted = await fit(learner, { training, validation, score }, settings, {
      signal: run.signal,
      backend,
      now,
      saved: run.saved?.fit ?? null,
      save: async (checkpoint) => await run.save({ baselines, fit: checkpoint }),
      checkpointAfterMs,
      plan: planHash(order, rows, settings),
      onEpoch: async (history) => {
        if (history.length === told) return;
        told = history.length;
        await run.onCurve(record(history, null));
      },
      report: (progress) => run.report({ done: progress.step, total: progress.steps, text: progressText(progress) }),
    });
    run.report({ done: fitted.steps, total: fitted.steps, text: "judging what will be served" });
    const served = servedModel({
      encoder: rows.encoder,
      network: learner.network(fitted.weights),
      task,
      records: rows.records,
      metadata: metadataOf(order, rows, rows.encoder === null ? prefix : NETWORK_PREFIX),
    });
    const bytes = bytesFromModel(served.model);
    const { figures, squaredErrors: errors } = await figuresOf(
      bytes,
      served.probabilities ?? served.answer,
      rows,
      backend,
    );
    // A run that goes on has the baselines' figures, and no error of each row.
    const others = errors === null ? null : (linear ?? (await fitBaselines())).squaredErrors;
    const gain = errors === null || others === null ? null : errorGain(errors, others);
    const { bestEpoch, steps, endedBy, seconds, history } = fitted;
    const result = { bestEpoch, steps, endedBy, seconds, figures, gain, answer: served.answer };
    return {
      model: bytes,
      processing: served.processing,
      record: record(history, { ...result, probabilities: served.probabilities, examples: rows.examples }),
    };
  } finally {
    await learner.close();
  }
}

/** What rows of each class count, so that classes count alike; null where rows do. */
function classWeightsOf({ classWeights }: ChosenSettings, { classRows }: PreparedRows): readonly number[] | null {
  if (classWeights === "none" || classRows === null) return null;
  const rows = classRows.reduce((sum, one) => sum + one, 0);
  return classRows.map((one) => (one === 0 ? 1 : rows / (classRows.length * one)));
}

function withSmoothing(loss: ReturnType<typeof lossOf>, labelSmoothing: number): ReturnType<typeof lossOf> {
  return loss.kind === "cross-entropy" && labelSmoothing > 0 ? { ...loss, labelSmoothing } : loss;
}

/** Of all that decides what a fit comes to. */
function planHash(order: TrainOrder, { manifest, training }: PreparedRows, settings: ChosenSettings): string {
  const { target, task, roles, badRows, network, base } = order;
  const decides = { data: manifest.hash, rows: training.rows, target, task, roles, badRows, network, base, settings };
  return createHash("sha256")
    .update(canonicalJson(decides as unknown as JsonValue))
    .digest("hex");
}

function metadataOf(order: TrainOrder, rows: PreparedRows, prefix: string | null): ReadonlyMap<string, string> {
  const { task } = rows;
  const facts: Record<string, JsonValue> = {
    task: task.kind,
    target: task.target,
    ...(task.kind === "classification" ? { labels: task.labels } : {}),
    data: rows.manifest.hash,
    seed: order.settings.seed,
    examples: rows.examples,
    ...(prefix === null ? {} : { network: prefix }),
  };
  return new Map(
    Object.entries(facts).map(([key, value]) => [
      `${METADATA_PREFIX}${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** What the file answers, on the rows as callers would send them. */
async function figuresOf(
  bytes: Uint8Array,
  output: string,
  { judgedBy, task }: PreparedRows,
  backend: Backend,
): Promise<{
  readonly figures: Readonly<Partial<Record<"validation" | "test", Figures>>>;
  /** Of numbers, on the rows of validation. */
  readonly squaredErrors: Float64Array | null;
}> {
  const session = await backend.load({ model: bytes, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
  try {
    const figures: Partial<Record<"validation" | "test", Figures>> = {};
    const errors: number[] = [];
    for (const { name, rows } of judgedBy) {
      const count = figureCount(task);
      for await (const { inputs, truths } of rows()) {
        const [answer] = await session.run(inputs, [output]);
        const answers = answer!.data as ArrayLike<number>;
        count.add(answers, truths);
        if (task.kind === "regression" && name === "validation") errors.push(...squaredErrors(answers, truths));
      }
      figures[name] = count.figures();
    }
    return { figures, squaredErrors: task.kind === "regression" ? Float64Array.from(errors) : null };
  } finally {
    await session.unload();
  }
}

/** `epoch 3, step 120 of 2000, loss 0.412, 5300 rows/s, 12 s left` */
function progressText({ epoch, step, steps, loss, rowsPerSecond, secondsLeft }: FitProgress): string {
  const rate = rowsPerSecond > 0 ? `, ${Math.round(rowsPerSecond)} rows/s, ${leftText(secondsLeft)} left` : "";
  return `epoch ${epoch}, step ${step} of ${steps}, loss ${Number(loss.toPrecision(4))}${rate}`;
}

function leftText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
