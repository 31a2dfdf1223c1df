// How good a classifier's answers are on labelled rows: it runs them, contained as when it is served, and counts.
import { type Clock, SlipwayError, unreachable } from "@slipway/core/base";
import { z } from "zod";
import { type Interval, wilsonInterval } from "@slipway/core/stats";
import { createTensor, elementCount, type NamedTensor, type Tensor } from "@slipway/core/tensor";
import type { EvidenceDataset, JsonObject, MeasuredValue } from "#registry";
import type { Executor, RunOutcome } from "#runtime";
import { exact } from "./exact.ts";
import { measurement } from "./measurement.ts";
import {
  type Calibration,
  type ClassificationQuality,
  classificationQuality,
  type Metric,
  UNDEFINED_REASONS,
} from "./quality/index.ts";

/** Labelled rows as arrays: what a classifier takes, row after row along the first axis, and the class of each. */
export interface LabelledRows {
  readonly dataset: EvidenceDataset;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** [rows], class indices from 0. */
  readonly labels: Tensor;
  /** The output with a score for each class; the only one where there is one. */
  readonly output: string | null;
  /** What the scores are; null takes them for probabilities where every row is one, else for logits, of which the softmax is. */
  readonly scale: "probabilities" | "logits" | null;
}

const SCHEMA = 1;
const CONFIDENCE = 0.95;
const LONGEST_WAIT_MS = 3_600_000;
/** Classes that have values of their own, by which a policy can ask for them; more are in the details. */
const MOST_NAMED_CLASSES = 100;
/** How far a row of probabilities may be from summing to 1. */
const SUM_TOLERANCE = 1e-3;

/**
 * Runs a classifier over labelled rows and computes what its answers are worth. Accuracy and recalls have Wilson intervals at
 * 95 %; the other figures have none here.
 * @throws SlipwayError ROWS_INVALID for rows that don't fit, INPUT_* for inputs that are not the model's, what the model's
 *   runner ends with, or the signal's reason
 */
export const quality = measurement({
  about: "What a classifier's answers are worth on labelled rows: accuracy, F1, AUC, calibration and more.",
  needsRows: true,
  isTimed: false,
  options: z.strictObject({}),
  run: async ({ rows }, _, { load, code, clock }, { signal }) => {
    if (rows === null) {
      throw new SlipwayError("PARAMETER_INVALID", "Quality is measured on labelled rows, and none were given.");
    }
    const labels = Array.from(rows.labels.data as ArrayLike<number | bigint>, Number);
    const executor = await load({}, signal);
    try {
      const { scores, columns } = await scoresOf(executor, rows, labels.length, clock, signal);
      const classes = Math.max(2, columns);
      const scale = rows.scale ?? (areProbabilities(scores, columns) ? "probabilities" : "logits");
      const probabilities =
        scale === "probabilities" ? scores : columns === 1 ? sigmoid(scores) : softmax(scores, columns);
      const found = classificationQuality({ labels, scores: probabilities }, { classes });
      return {
        kind: "quality",
        schema: SCHEMA,
        values: valuesOf(found),
        details: detailsOf(found),
        dataset: rows.dataset,
        machine: null,
        settings: { output: rows.output, scores: scale },
        method: `${labels.length} rows, ${classes} classes; scores taken as ${scale}.`,
        code,
      };
    } finally {
      await executor.close();
    }
  },
});

async function scoresOf(
  executor: Executor,
  { inputs, output }: LabelledRows,
  rows: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ scores: Float64Array; columns: number }> {
  const name = outputName(executor, output);
  checkInputs(executor, inputs);
  for (const [input, { shape }] of Object.entries(inputs)) {
    if (shape[0] === rows) continue;
    throw new SlipwayError(
      "ROWS_INVALID",
      `Input "${input}" has the shape [${shape.join(", ")}] and there are ${rows} labels; the first axis counts rows.`,
    );
  }
  const batch = executor.batching.mode === "dynamic" ? executor.batching.maxRows : 1;
  let scores: Float64Array | null = null;
  let columns = 0;
  for (let first = 0; first < rows; first += batch) {
    signal.throwIfAborted();
    const count = Math.min(batch, rows - first);
    const part = Object.entries(inputs).map(([input, tensor]) => rowsOf(input, tensor, first, count));
    const [{ shape, data }] = await run(executor, part, name, count, clock);
    const width = elementCount(shape) / count;
    if (scores === null) {
      columns = width;
      scores = new Float64Array(rows * width);
    }
    if (width !== columns || shape[0] !== count) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `Output "${name}" has the shape [${shape.join(", ")}] for ${count} rows; it has to hold as many scores for each.`,
      );
    }
    scores.set(Float64Array.from(data as ArrayLike<number>), first * width);
  }
  if (scores === null) throw new SlipwayError("ROWS_INVALID", "There are no rows.");
  return { scores, columns };
}

function outputName({ signature }: Executor, wanted: string | null): string {
  const names = signature.outputs.map(({ name }) => name);
  if (wanted === null && names.length === 1) return names[0]!;
  if (wanted !== null && names.includes(wanted)) return wanted;
  const what = wanted === null ? "The model has several outputs" : `The model has no output "${wanted}"`;
  throw new SlipwayError("PARAMETER_INVALID", `${what}; say which of ${names.join(", ")} has the scores.`);
}

/** Whether the rows have what the model takes, in its types; shapes beyond the first axis are the engine's to refuse. */
function checkInputs({ signature }: Executor, inputs: LabelledRows["inputs"]): void {
  const names = signature.inputs.map(({ name }) => name);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new SlipwayError("INPUT_UNKNOWN", `The model has no input "${unknown}"; it takes ${names.join(", ")}.`);
  }
  for (const { name, type, isOptional } of signature.inputs) {
    const given = inputs[name];
    if (given === undefined && isOptional === true) continue;
    if (given === undefined) {
      throw new SlipwayError("INPUT_MISSING", `The rows have nothing for the model's input "${name}".`);
    }
    if (type.kind !== "tensor" || given.dtype === type.dtype) continue;
    throw new SlipwayError(
      "INPUT_DTYPE_MISMATCH",
      `The rows of "${name}" are ${given.dtype}, and the model takes ${type.dtype}. Save them as ${type.dtype}.`,
    );
  }
}

/** Some rows of an input. */
function rowsOf(name: string, { dtype, shape, data }: Tensor, first: number, count: number): NamedTensor {
  const width = elementCount(shape.slice(1));
  const part = data.slice(first * width, (first + count) * width);
  return { name, ...createTensor(dtype, [count, ...shape.slice(1)], part) };
}

async function run(
  executor: Executor,
  inputs: readonly NamedTensor[],
  output: string,
  rows: number,
  clock: Clock,
): Promise<readonly [NamedTensor]> {
  // The runner's own limit ends a run that takes too long.
  const deadline = clock.now() + LONGEST_WAIT_MS;
  const outcome = await new Promise<RunOutcome>((resolve) => {
    executor.run({ inputs, outputs: [output], rows, deadline }, resolve);
  });
  if (!outcome.ok) throw outcome.error;
  return [outcome.outputs[0]!];
}

/** Whether every row is: from 0 to 1, and summing to 1 where there are several columns. */
function areProbabilities(scores: Float64Array, columns: number): boolean {
  if (!scores.every((score) => score >= 0 && score <= 1)) return false;
  if (columns === 1) return true;
  for (let at = 0; at < scores.length; at += columns) {
    const sum = scores.subarray(at, at + columns).reduce((total, score) => total + score, 0);
    if (Math.abs(sum - 1) > SUM_TOLERANCE) return false;
  }
  return true;
}

function sigmoid(logits: Float64Array): Float64Array {
  return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
}

/** Probabilities from logits, row by row; from the largest, so that nothing overflows. */
function softmax(logits: Float64Array, classes: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    const row = logits.subarray(at, at + classes);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let label = 0; label < classes; label++) sum += out[at + label] = Math.exp(row[label]! - largest);
    for (let label = 0; label < classes; label++) out[at + label]! /= sum;
  }
  return out;
}

function valuesOf(quality: ClassificationQuality): Record<string, MeasuredValue> {
  const { hitRows, weightedRows, ranking, counts } = quality;
  const count = weightedRows;
  const plain = (metric: Metric, method: string) => valueFrom(metric, method, count, null);
  const area = areaOf(ranking);
  const values: Record<string, MeasuredValue> = {
    rows: exact(count, "1", "counted"),
    accuracy: valueFrom(quality.accuracy, "Wilson", count, wilsonInterval(hitRows, count, CONFIDENCE)),
    "balanced-accuracy": plain(quality.balancedAccuracy, "mean recall of the classes that have labels"),
    f1: plain(quality.f1.macro, "mean over classes"),
    auc: plain(
      area,
      ranking.kind === "binary" ? "area under the ROC curve" : "one against the rest, mean over classes",
    ),
    "log-loss": plain(quality.logLoss, "nats"),
    brier: plain(quality.brier, "Brier score"),
    "calibration-error": plain(
      equalWidth(quality)?.expectedError ?? notProbabilities(),
      "expected, 15 bins of equal width",
    ),
    matthews: plain(quality.matthews, "Matthews correlation"),
  };
  for (const { k, accuracy } of quality.topK)
    values[`top-${k}`] = plain(accuracy, `label among the ${k} highest scores`);
  for (let label = 0; label < Math.min(counts.classes, MOST_NAMED_CLASSES); label++) {
    const labelled = counts.labelled[label]!;
    const interval = labelled > 0 ? wilsonInterval(counts.hits[label]!, labelled, CONFIDENCE) : null;
    values[`recall[${label}]`] = valueFrom(quality.recall.perClass[label]!, "Wilson", labelled, interval);
    values[`precision[${label}]`] = valueFrom(
      quality.precision.perClass[label]!,
      "hits over predictions",
      counts.predicted[label]!,
      null,
    );
  }
  return values;
}

function areaOf(ranking: ClassificationQuality["ranking"]): Metric {
  switch (ranking.kind) {
    case "binary":
      return ranking.rocAuc;
    case "multiclass":
      return ranking.rocAuc.macro;
    case "undefined":
      return { value: null, reason: ranking.reason };
    default:
      return unreachable(ranking);
  }
}

function valueFrom(metric: Metric, method: string, count: number, interval: Interval | null): MeasuredValue {
  if (metric.value === null) {
    return { value: null, reason: UNDEFINED_REASONS[metric.reason], unit: "1", interval: null, method, count };
  }
  const ends = interval === null ? null : { lower: interval.lower, upper: interval.upper, level: CONFIDENCE };
  return { value: metric.value, reason: null, unit: "1", interval: ends, method, count };
}

function notProbabilities(): Metric {
  return { value: null, reason: "not-probabilities" };
}

function equalWidth({ calibration }: ClassificationQuality): Calibration | null {
  const { equalWidth: bins } = calibration;
  return bins.bins === null ? null : bins;
}

function detailsOf(quality: ClassificationQuality): JsonObject {
  const { counts, ranking } = quality;
  const details = {
    confusion: counts.confusion === null ? null : Array.from(counts.confusion),
    classes: counts.classes,
    labelled: Array.from(counts.labelled),
    predicted: Array.from(counts.predicted),
    reliability: equalWidth(quality)?.bins ?? null,
    roc: ranking.kind === "binary" ? ranking.roc : null,
    impossibleRows: quality.impossibleRows,
  };
  return JSON.parse(JSON.stringify(details)) as JsonObject;
}
