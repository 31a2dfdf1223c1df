// Everything said of a classifier's quality, gathered batch by batch. Counts and sums take memory by class and bin alone;
// ranking metrics and bins of equal mass need every score, which is kept unless told otherwise.
import {
  type Calibration,
  type CalibrationOf,
  binRow,
  type BinSums,
  confidenceOf,
  createBins,
  equalMassCalibration,
  equalWidthBin,
  equalWidthCalibration,
  mergeBins,
} from "./calibration.ts";
import {
  accuracy,
  type ClassCounts,
  cohensKappa,
  countRow,
  createCounts,
  matthewsCorrelation,
  mergeCounts,
  type PrecisionRecall,
  precisionRecall,
  total,
} from "./counts.ts";
import { KeptValues, MAX_KEPT_VALUES } from "./kept.ts";
import { logLossEpsilon, probabilityOfLabel, rowBrier, rowLogLoss } from "./losses.ts";
import { type Metric, ratio, type UndefinedReason, undefinedMetric } from "./metric.ts";
import { type MulticlassRanking, multiclassRanking } from "./multiclass.ts";
import {
  averagePrecision,
  type Curve,
  operatingPoints,
  type PrecisionRecallPoint,
  precisionRecallCurve,
  type RocPoint,
  rocAuc,
  rocCurve,
} from "./ranking.ts";
import {
  checkClasses,
  checkClassified,
  type CheckedRows,
  type ClassifiedRows,
  invalid,
  predictedClass,
  rankOfLabel,
  type Scale,
  type Scores,
} from "./rows.ts";

/** What each metric needs while batches come in: counts and sums of bounded memory, or the scores of all rows. */
export const CLASSIFICATION_NEEDS = {
  accuracy: "counts",
  balancedAccuracy: "counts",
  precision: "counts",
  recall: "counts",
  f1: "counts",
  matthews: "counts",
  kappa: "counts",
  topK: "sums",
  logLoss: "sums",
  brier: "sums",
  equalWidth: "sums",
  equalMass: "scores",
  ranking: "scores",
} as const satisfies Record<string, "counts" | "sums" | "scores">;

export interface ClassificationOptions {
  /** At least 2. */
  readonly classes: number;
  /** Default "probability"; with "any" what needs probabilities is undefined. */
  readonly scale?: Scale;
  /** With one score a row: class 1 is predicted from here on. Default 0.5 for probabilities, else 0. */
  readonly threshold?: number;
  /** For which k the label being among the k highest scores is counted. Default 5 where there are more classes. */
  readonly topK?: readonly number[];
  /** Bins of the calibration. Default 15. */
  readonly bins?: number;
  /** Default "positive" for two classes, else "top-label". */
  readonly calibrationOf?: CalibrationOf;
  /** Most points of a curve. Default 200. */
  readonly curvePoints?: number;
  /** Whether to keep all scores, for what needs them (`CLASSIFICATION_NEEDS`). Default true. */
  readonly keepScores?: boolean;
  /** Most scores to keep. Default `MAX_KEPT_VALUES`. */
  readonly maxKeptScores?: number;
}

/** How well scores order rows: of class 1 over class 0, or of more classes against each other. */
export type RankingQuality =
  | {
      readonly kind: "binary";
      readonly rocAuc: Metric;
      readonly averagePrecision: Metric;
      readonly roc: Curve<RocPoint>;
      readonly precisionRecall: Curve<PrecisionRecallPoint>;
    }
  | ({ readonly kind: "multiclass" } & MulticlassRanking)
  | { readonly kind: "undefined"; readonly reason: UndefinedReason };

export interface ClassificationQuality extends PrecisionRecall {
  /** Rows seen, those of weight 0 too, and the sum of weights. */
  readonly rows: number;
  readonly weight: number;
  /** Rows of a weight above 0, and how many of them were predicted right: what an interval for the accuracy needs. */
  readonly weightedRows: number;
  readonly hitRows: number;
  readonly accuracy: Metric;
  /** The mean recall of the classes that have labels. */
  readonly balancedAccuracy: Metric;
  readonly matthews: Metric;
  readonly kappa: Metric;
  readonly topK: readonly { readonly k: number; readonly accuracy: Metric }[];
  /** In nats. */
  readonly logLoss: Metric;
  /** Rows whose label was given probability 0: their loss is infinite, and `logLoss` has it cut off. */
  readonly impossibleRows: number;
  readonly brier: Metric;
  readonly calibration: {
    readonly of: CalibrationOf;
    readonly equalWidth: Calibration | UndefinedCalibration;
    readonly equalMass: Calibration | UndefinedCalibration;
  };
  readonly ranking: RankingQuality;
  /** What was counted, with the confusion matrix. */
  readonly counts: ClassCounts;
}

export interface UndefinedCalibration {
  readonly bins: null;
  readonly reason: UndefinedReason;
}

interface Kept {
  readonly labels: KeptValues<Int32Array>;
  readonly weights: KeptValues<Float64Array>;
  readonly scores: KeptValues<Scores>;
  readonly columns: number;
}

/** Gathers rows of one classifier. */
export class ClassificationMeasure {
  readonly #options: Required<ClassificationOptions>;
  readonly #counts: ClassCounts;
  readonly #bins: BinSums;
  /** [classes]: weight of rows whose label had this rank among the scores. */
  readonly #ranks: Float64Array;
  #rows = 0;
  #weightedRows = 0;
  #hitRows = 0;
  #logLoss = 0;
  #brier = 0;
  #impossibleRows = 0;
  #kept: Kept | null = null;

  /** @throws RangeError for an option that can't be */
  constructor(options: ClassificationOptions) {
    this.#options = completed(options);
    this.#counts = createCounts(options.classes);
    this.#bins = createBins(this.#options.bins);
    this.#ranks = new Float64Array(options.classes);
  }

  /**
   * Adds a batch of rows, all or (where one is wrong) none.
   * @throws SlipwayError ROWS_INVALID naming the first wrong row, counted over all batches; or for more scores than may be kept
   */
  add(batch: ClassifiedRows): void {
    const { classes, scale, threshold, topK, keepScores, bins, calibrationOf } = this.#options;
    const checked = checkClassified(batch, { classes, scale }, this.#rows);
    const { rows, labels, weights, scores } = checked;
    if (rows === 0) return;
    if (keepScores) this.#keep(checked);
    const epsilon = logLossEpsilon(scores);
    for (let row = 0; row < rows; row++) {
      const weight = weights[row]!;
      if (weight === 0) continue;
      const predicted = predictedClass(checked, row, threshold);
      countRow(this.#counts, labels[row]!, predicted, weight);
      this.#weightedRows++;
      if (predicted === labels[row]) this.#hitRows++;
      if (topK.length > 0) this.#ranks[rankOfLabel(checked, row, threshold)]! += weight;
      if (scale !== "probability") continue;
      this.#logLoss += weight * rowLogLoss(checked, row, epsilon);
      this.#brier += weight * rowBrier(checked, row);
      if (probabilityOfLabel(checked, row) === 0) this.#impossibleRows++;
      const { confidence, isHit } = confidenceOf(checked, row, calibrationOf, threshold);
      binRow(this.#bins, equalWidthBin(confidence, bins), confidence, isHit, weight);
    }
    this.#rows += rows;
  }

  /** Adds what another measure of the same options gathered, as if its rows had come here. */
  merge(other: ClassificationMeasure): void {
    if (other === this) throw new RangeError("A measure can't be merged into itself; its rows are there already.");
    const [own, others] = [JSON.stringify(this.#options), JSON.stringify(other.#options)];
    if (own !== others) throw new RangeError(`Measures of different options can't be merged: ${own} and ${others}.`);
    const kept = other.#kept;
    if (kept !== null) {
      const { columns } = kept;
      const [labels, weights, scores] = [kept.labels.values, kept.weights.values, kept.scores.values];
      this.#keep({ rows: labels.length, classes: this.#options.classes, columns, labels, weights, scores });
    }
    mergeCounts(this.#counts, other.#counts);
    mergeBins(this.#bins, other.#bins);
    other.#ranks.forEach((weight, rank) => {
      this.#ranks[rank]! += weight;
    });
    this.#rows += other.#rows;
    this.#weightedRows += other.#weightedRows;
    this.#hitRows += other.#hitRows;
    this.#logLoss += other.#logLoss;
    this.#brier += other.#brier;
    this.#impossibleRows += other.#impossibleRows;
  }

  #keep({ columns, labels, weights, scores }: CheckedRows): void {
    const { maxKeptScores } = this.#options;
    this.#kept ??= {
      labels: new KeptValues(new Int32Array(0)),
      weights: new KeptValues(new Float64Array(0)),
      scores: new KeptValues<Scores>(scores.slice(0, 0), maxKeptScores),
      columns,
    };
    const kept = this.#kept;
    const [has, gets] = [kept.scores.values.constructor.name, scores.constructor.name];
    if (columns !== kept.columns || has !== gets) {
      throw invalid(
        `A batch has ${columns} scores a row as ${gets}, those before had ${kept.columns} as ${has}; give all alike.`,
      );
    }
    if (!kept.scores.hasRoom(scores.length)) {
      throw invalid(
        `${kept.scores.length + scores.length} scores are more than the ${maxKeptScores} that are kept; measure fewer rows, or without keeping scores.`,
      );
    }
    kept.labels.add(labels);
    kept.weights.add(weights);
    kept.scores.add(scores);
  }

  /** The quality over all rows so far. */
  quality(): ClassificationQuality {
    const counts = this.#counts;
    const weight = total(counts.labelled);
    const { scale, topK, calibrationOf } = this.#options;
    const averages = precisionRecall(counts);
    const isProbability = scale === "probability";
    const mean = (sum: number) =>
      isProbability ? ratio(sum, weight, "no-rows") : undefinedMetric("not-probabilities");
    const checked = this.#checked();
    return {
      rows: this.#rows,
      weight,
      weightedRows: this.#weightedRows,
      hitRows: this.#hitRows,
      accuracy: accuracy(counts),
      balancedAccuracy: averages.recall.macro,
      ...averages,
      matthews: matthewsCorrelation(counts),
      kappa: cohensKappa(counts),
      topK: topK.map((k) => ({ k, accuracy: ratio(total(this.#ranks.subarray(0, k)), total(this.#ranks), "no-rows") })),
      logLoss: mean(this.#logLoss),
      impossibleRows: this.#impossibleRows,
      brier: mean(this.#brier),
      calibration: {
        of: calibrationOf,
        equalWidth: isProbability ? equalWidthCalibration(this.#bins) : { bins: null, reason: "not-probabilities" },
        equalMass: isProbability ? this.#equalMass(checked) : { bins: null, reason: "not-probabilities" },
      },
      ranking: this.#ranking(checked),
      counts: copyOf(counts),
    };
  }

  /** All rows as one batch; null where they were not kept, with no rows where there were none. */
  #checked(): CheckedRows | null {
    const { classes, keepScores } = this.#options;
    if (!keepScores) return null;
    const kept = this.#kept;
    const [labels, weights] = [kept?.labels.values ?? new Int32Array(0), kept?.weights.values ?? new Float64Array(0)];
    const scores = kept?.scores.values ?? new Float64Array(0);
    return { rows: labels.length, classes, columns: kept?.columns ?? classes, labels, weights, scores };
  }

  #equalMass(checked: CheckedRows | null): Calibration | UndefinedCalibration {
    if (checked === null) return { bins: null, reason: "scores-not-kept" };
    const { calibrationOf, threshold, bins } = this.#options;
    const confidences = new Float64Array(checked.rows);
    const hits = new Uint8Array(checked.rows);
    for (let row = 0; row < checked.rows; row++) {
      const { confidence, isHit } = confidenceOf(checked, row, calibrationOf, threshold);
      confidences[row] = confidence;
      hits[row] = isHit ? 1 : 0;
    }
    return equalMassCalibration(confidences, hits, checked.weights, bins);
  }

  #ranking(checked: CheckedRows | null): RankingQuality {
    if (checked === null) return { kind: "undefined", reason: "scores-not-kept" };
    const { rows, columns, scores, labels, weights } = checked;
    if (checked.classes > 2) {
      return { kind: "multiclass", ...multiclassRanking(checked) };
    }
    const points = operatingPoints({
      scores: new Float64Array(rows).map((_, row) => scores[columns === 1 ? row : row * 2 + 1]!),
      positives: Uint8Array.from(labels),
      weights,
    });
    const { curvePoints } = this.#options;
    return {
      kind: "binary",
      rocAuc: rocAuc(points),
      averagePrecision: averagePrecision(points),
      roc: rocCurve(points, curvePoints),
      precisionRecall: precisionRecallCurve(points, curvePoints),
    };
  }
}

/**
 * The quality of a classifier over rows given at once.
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for an option that can't be
 */
export function classificationQuality(rows: ClassifiedRows, options: ClassificationOptions): ClassificationQuality {
  const measure = new ClassificationMeasure(options);
  measure.add(rows);
  return measure.quality();
}

function completed(options: ClassificationOptions): Required<ClassificationOptions> {
  const { classes, scale = "probability" } = options;
  checkClasses(classes);
  const complete: Required<ClassificationOptions> = {
    classes,
    scale,
    threshold: options.threshold ?? (scale === "probability" ? 0.5 : 0),
    topK: options.topK ?? (classes > 5 ? [5] : []),
    bins: options.bins ?? 15,
    calibrationOf: options.calibrationOf ?? (classes === 2 ? "positive" : "top-label"),
    curvePoints: options.curvePoints ?? 200,
    keepScores: options.keepScores ?? true,
    maxKeptScores: options.maxKeptScores ?? MAX_KEPT_VALUES,
  };
  if (Number.isNaN(complete.threshold)) throw new RangeError("The threshold is NaN; give a number.");
  for (const k of complete.topK) checkWhole("A k of top-k", k, 1, classes);
  checkWhole("The number of bins", complete.bins, 1, 10_000);
  checkWhole("The most points of a curve", complete.curvePoints, 2, 1_000_000);
  checkWhole("The most scores to keep", complete.maxKeptScores, 1, MAX_KEPT_VALUES);
  if (complete.calibrationOf === "positive" && classes > 2) {
    throw new RangeError(`Calibration of "positive" is for two classes, not ${classes}; use "top-label".`);
  }
  return complete;
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${what} is ${value}; give a whole number from ${least} to ${most}.`);
  }
}

function copyOf({ classes, hits, labelled, predicted, confusion }: ClassCounts): ClassCounts {
  return {
    classes,
    hits: hits.slice(),
    labelled: labelled.slice(),
    predicted: predicted.slice(),
    confusion: confusion?.slice() ?? null,
  };
}
