// How good a model's answers are, as pure functions over labels, scores and targets: classification, regression, any of it on
// resamples, and two models on the same rows. What is undefined is null with a reason; what can't be used is an error naming its row.
export {
  type Calibration,
  type CalibrationOf,
  confidenceOf,
  expectedErrorInterval,
  expectedErrorNoise,
  type ReliabilityBin,
} from "./calibration.ts";
export {
  CLASSIFICATION_NEEDS,
  ClassificationMeasure,
  type ClassificationOptions,
  type ClassificationQuality,
  classificationQuality,
  type RankingQuality,
  type UndefinedCalibration,
} from "./classification.ts";
export {
  classificationFigures,
  type ClassificationFiguresOptions,
  MAX_NAMED_CLASSES,
} from "./classification-figures.ts";
export { type ClassAverages, type ClassCounts, MAX_CONFUSION_CLASSES, type PrecisionRecall } from "./counts.ts";
export { type Metric, UNDEFINED_REASONS, type UndefinedReason } from "./metric.ts";
export { MAX_PAIRED_CLASSES, type MulticlassRanking, type OneVersusOne, type OneVersusRest } from "./multiclass.ts";
export { descendingOrder } from "./order.ts";
export { outcomesOfHits, type PairedOutcomes, type PairedScores, pairedScores } from "./paired.ts";
export {
  averagePrecision,
  type Curve,
  operatingPoints,
  type PrecisionRecallPoint,
  precisionRecallCurve,
  type RocPoint,
  rocCurve,
} from "./ranking.ts";
export {
  REGRESSION_NEEDS,
  RegressionMeasure,
  type RegressionOptions,
  type RegressionQuality,
  regressionQuality,
} from "./regression.ts";
export { scoreOf } from "./resampled-rankings.ts";
export { regressionFigures } from "./regression-figures.ts";
export {
  FEW_CARRIERS,
  pairedFigures,
  pairedName,
  type PairedPart,
  plannedResamples,
  type ResampledInterval,
  Resampling,
  rowsText,
  type WeightedFigures,
} from "./resampling.ts";
export {
  checkClassified,
  type CheckedRows,
  type CheckedTargets,
  checkRegressed,
  type ClassifiedRows,
  predictedClass,
  rankOfLabel,
  type RegressedRows,
  type Scale,
  type Scores,
} from "./rows.ts";
export { addWeight, areEven, effectiveRows, shareInterval, type WeightSums, weightSums } from "./weights.ts";
