// Which rows are trained by, which choose the best weights and which are kept for the end.
import { SlipwayError } from "@slipway/core/base";
import type { DatasetDescription, DatasetOrder, OpenDataset } from "#lab/dataset";

const VALIDATION = ["validation", "valid", "val", "dev"];
const TEST = "test";
const TRAIN = ["train", "training"];

/** Whether folders of this name hold the rows of a split. */
export function isSplitName(name: string): boolean {
  return name === TEST || TRAIN.includes(name) || VALIDATION.includes(name);
}

/** Splits by their names. */
export interface ChosenSplits {
  readonly training: string;
  /** null where the dataset has none: then a share of the training rows is held out. */
  readonly validation: string | null;
  readonly test: string | null;
}

export interface SplitOptions {
  /** Of a target that is a class. */
  readonly stratifiedBy: string | null;
  readonly validationShare: number;
  readonly seed: number;
}

/** The description with splits where it has none: validation is drawn by a seed, class by class. */
export function withSplits(description: DatasetDescription, options: SplitOptions): DatasetDescription {
  if (description.split !== null) return description;
  const { validationShare, seed, stratifiedBy } = options;
  const fractions = { train: 1 - validationShare, validation: validationShare };
  const by = stratifiedBy === null ? ("rows" as const) : { stratified: stratifiedBy };
  return { ...description, split: { fractions, seed, by } };
}

/** @throws SlipwayError DATASET_INVALID where no split is for training */
export function chosenSplits(dataset: OpenDataset, order: Pick<DatasetOrder, "split">): ChosenSplits {
  const names = dataset.splits?.names ?? [];
  const training = order.split ?? TRAIN.find((name) => names.includes(name));
  if (training === undefined) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `The dataset "${dataset.manifest.name}" is split into ${names.join(", ")}; name the one to train by: ${dataset.manifest.name}@${names[0] ?? "train"}, or call one "train".`,
    );
  }
  const other = (name: string): boolean => names.includes(name) && name !== training;
  return { training, validation: VALIDATION.find(other) ?? null, test: other(TEST) ? TEST : null };
}
