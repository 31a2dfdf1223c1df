// All figures of one model's rows, whatever its task.
import type { JsonObject, MeasuredValue } from "#registry";
import { type Calibration, classificationQuality } from "../quality/index.ts";
import { classificationDetails } from "./classification-details.ts";
import { classificationValues } from "./classification-values.ts";
import type { Intervals } from "./measured.ts";
import type { Prepared, PreparedClassifier } from "./prepare.ts";
import { regressionDetails, regressionValues } from "./regression-values.ts";

/** Points of a curve that the figures themselves keep; details draw their own. */
const CURVE_POINTS = 2;

/** A model's figures over all rows. */
export interface Figures {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  readonly method: string;
  readonly details: () => JsonObject;
}

export function figuresOf(prepared: Prepared, intervals: Intervals, level: number): Figures {
  const { rows } = prepared.rows;
  if (prepared.task === "regression") {
    return {
      values: regressionValues(prepared, intervals, level),
      method: `${rows} rows; errors in the targets' unit.`,
      details: () => regressionDetails(prepared),
    };
  }
  const quality = qualityOfClassifier(prepared);
  return {
    values: classificationValues(prepared, quality, intervals, level),
    method: `${rows} rows, ${prepared.rows.classes} classes; scores taken as ${prepared.scale}.`,
    details: () => classificationDetails(prepared, quality, level),
  };
}

/** The bins of its calibration error. */
export function calibrationOf(prepared: PreparedClassifier): Calibration {
  const { equalWidth } = qualityOfClassifier(prepared, false).calibration;
  if (equalWidth.bins === null) throw new Error("Prepared scores are probabilities. This is a bug.");
  return equalWidth;
}

function qualityOfClassifier(
  { rows: { labels, scores, weights, classes }, options }: PreparedClassifier,
  keepScores = true,
) {
  const { scale, threshold, topK, bins, calibrationOf } = options;
  return classificationQuality(
    { labels, scores, weights },
    { classes, scale, threshold, topK, bins, calibrationOf, curvePoints: CURVE_POINTS, keepScores },
  );
}
