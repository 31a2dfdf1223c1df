// What is to be predicted: classes by name, or a number; found in the target's training rows, or as told.
import { SlipwayError } from "@slipway/core/base";
import { BadRows, classText, type LabelPlan, type OpenDataset } from "#lab/dataset";
import type { TargetEncoding } from "./encoding.ts";

export type Task = "classification" | "regression";

export interface TargetFit {
  /** How its rows are read. */
  readonly plan: LabelPlan;
  encoding(): TargetEncoding;
}

interface TargetOptions {
  readonly column: string;
  readonly task: Task | null;
  readonly split: string | null;
  readonly signal: AbortSignal;
  readonly badRows: BadRows;
}

/** Whole numbers of more different values are no classes unless it is told. */
const MOST_NUMBERED_CLASSES = 20;
const MOST_CLASSES = 10_000;

/** @throws SlipwayError DATASET_INVALID; ROWS_INVALID for a row without a target, unless such are skipped */
export async function fitTarget(dataset: OpenDataset, options: TargetOptions): Promise<TargetFit> {
  const { column, task } = options;
  const kind = dataset.source.kindOf(column);
  if (kind === "moment" || kind === "other" || kind === "image")
    throw invalid(column, "holds neither texts nor numbers");
  if (task === "regression") return await numberTarget(dataset, options);
  const counts = await countedClasses(dataset, options);
  const areFew = counts !== null && counts.size <= MOST_NUMBERED_CLASSES;
  const areWhole = counts !== null && [...counts.keys()].every((text) => Number.isInteger(Number(text)));
  const areClasses = task === "classification" || kind === "text" || kind === "truth" || (areWhole && areFew);
  if (!areClasses) return await numberTarget(dataset, options);
  if (counts === null) {
    throw invalid(
      column,
      `has more than ${MOST_CLASSES} different values; are they classes? Say regression of numbers`,
    );
  }
  if (counts.size === 0) throw invalid(column, "has no value in any training row");
  if (counts.size === 1) {
    const only = [...counts.keys()][0]!;
    throw invalid(column, `is "${only.slice(0, 100)}" in all training rows; two classes at least are needed`);
  }
  const labels = inOrder([...counts.keys()]);
  return {
    plan: { column, kind: "class", classes: labels, isNamed: true },
    encoding: () => ({ kind: "classes", column, labels, rows: labels.map((label) => counts.get(label)!) }),
  };
}

/** Training rows of each value, as text; null where there are more than could be classes. */
async function countedClasses(
  dataset: OpenDataset,
  { column, split, signal }: TargetOptions,
): Promise<ReadonlyMap<string, number> | null> {
  const counts = new Map<string, number>();
  const kind = dataset.source.kindOf(column);
  const nothing = { inputs: [], labels: null, weight: null, badRows: new BadRows("error") };
  for await (const { slices } of dataset.rowsAs({ ...nothing, split, batchRows: 4096, slices: [column], signal })) {
    for (const text of slices[column]!) {
      // Rows without one, or with one that no model can answer, are told, or skipped, where rows are read.
      if (text === null || text === "" || text.includes("\0")) continue;
      const label = classText(text, kind);
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    if (counts.size > MOST_CLASSES) return null;
  }
  return counts;
}

/** Mean and standard deviation, by which a network's targets are scaled. */
async function numberTarget(dataset: OpenDataset, options: TargetOptions): Promise<TargetFit> {
  const { column, split, signal, badRows } = options;
  const plan: LabelPlan = { column, kind: "number", classes: null, isNamed: false };
  let [count, mean, squares] = [0, 0, 0];
  const wanted = { inputs: [], labels: plan, weight: null, badRows, split, batchRows: 4096, slices: [], signal };
  for await (const { labels } of dataset.rowsAs(wanted)) {
    for (const value of labels!.values) {
      count += 1;
      const from = value - mean;
      mean += from / count;
      squares += from * (value - mean);
    }
  }
  if (count === 0) throw invalid(column, "has no value in any training row");
  const scale = Math.sqrt(squares / count);
  if (scale === 0) throw invalid(column, `is ${mean} in all training rows; there is nothing to learn`);
  refuseRounded(column, mean, scale);
  return { plan, encoding: () => ({ kind: "number", column, mean, scale }) };
}

/** Answers are float32: what that can't hold, or tells apart in a few steps alone, would be learnt and not answered. */
function refuseRounded(column: string, mean: number, scale: number): void {
  const largest = Math.abs(mean) + 8 * scale;
  const shown = `lies around ${Number(mean.toPrecision(4))} and differs by ${Number(scale.toPrecision(4))}`;
  if (Math.fround(scale) === 0 || Math.fround(largest) === Number.POSITIVE_INFINITY)
    throw invalid(column, `${shown}, which float32 answers can't hold; give it in another unit`);
  if (largest * 2 ** -23 > scale / 10)
    throw invalid(
      column,
      `${shown}, which float32 answers can't tell apart; subtract ${Number(mean.toPrecision(4))} from it`,
    );
}

/** Numbers ascending where all are, else texts by their code units. */
function inOrder(labels: readonly string[]): readonly string[] {
  const areNumbers = labels.every((label) => label.trim() !== "" && Number.isFinite(Number(label)));
  return labels.toSorted((a, b) => (areNumbers ? Number(a) - Number(b) : 0) || (a < b ? -1 : 1));
}

function invalid(column: string, why: string): SlipwayError {
  return new SlipwayError("DATASET_INVALID", `The target "${column}" ${why}.`);
}
