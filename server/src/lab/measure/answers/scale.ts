// What a classifier's numbers are, and probabilities from them.
import { SlipwayError } from "@slipway/core/base";
import type { ClassifiedRows, Scores } from "../quality/index.ts";
import type { Answers } from "./answers.ts";

export type ScoreScale = "probabilities" | "logits";

/** How far a row of probabilities may be from summing to 1. */
const SUM_TOLERANCE = 1e-3;

export interface ClassifiedAnswers {
  readonly classified: ClassifiedRows;
  readonly classes: number;
  readonly scale: ScoreScale;
}

/**
 * Answers as labels and probabilities. Numbers that are probabilities are taken as they are; of logits the softmax, or of one
 * a row, which is of class 1, the sigmoid.
 * @param scale null takes them for probabilities where every row is one, else for logits
 * @param isOneColumn whether two classes are to have one probability a row, that of class 1, which a threshold needs
 * @throws SlipwayError ROWS_INVALID for labels that are no classes, and for NaN, naming its row
 */
export function classifiedAnswers(answers: Answers, scale: ScoreScale | null, isOneColumn: boolean): ClassifiedAnswers {
  const { labels, numbers, width, weights, output } = answers;
  if (labels.kind !== "class") {
    throw new SlipwayError(
      "ROWS_INVALID",
      "The labels are numbers, and a classifier needs classes. Give class indices or names, or measure as a regression.",
    );
  }
  const wrong = numbers.findIndex(Number.isNaN);
  if (wrong >= 0) {
    throw new SlipwayError(
      "ROWS_INVALID",
      `Output "${output}" is NaN for row ${Math.floor(wrong / width)}: no quality can be told of that. Find out which input makes it, and leave the row out or mend the model.`,
    );
  }
  const found = scale ?? (areProbabilities(numbers, width) ? "probabilities" : "logits");
  const classes = Math.max(2, width);
  const probabilities = found === "probabilities" ? numbers : width === 1 ? sigmoid(numbers) : softmax(numbers, width);
  const scores = isOneColumn && width === 2 ? secondColumn(probabilities) : probabilities;
  return { classified: { labels: labels.values, scores, weights: weights ?? undefined }, classes, scale: found };
}

/** Whether every row is: from 0 to 1, and summing to 1 where there are several columns. */
function areProbabilities(numbers: Scores, columns: number): boolean {
  for (let at = 0; at < numbers.length; at += columns) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const score = numbers[at + column]!;
      if (!(score >= 0 && score <= 1)) return false;
      sum += score;
    }
    if (columns > 1 && Math.abs(sum - 1) > SUM_TOLERANCE) return false;
  }
  return true;
}

function sigmoid(logits: Scores): Float64Array {
  return Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
}

/** Probabilities from logits, row by row; from the largest, so that nothing overflows. */
function softmax(logits: Scores, classes: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let label = 0; label < classes; label++) largest = Math.max(largest, logits[at + label]!);
    let sum = 0;
    for (let label = 0; label < classes; label++) sum += out[at + label] = Math.exp(logits[at + label]! - largest);
    for (let label = 0; label < classes; label++) out[at + label]! /= sum;
  }
  return out;
}

function secondColumn(scores: Scores): Scores {
  const out =
    scores instanceof Float32Array ? new Float32Array(scores.length / 2) : new Float64Array(scores.length / 2);
  return out.map((_none, row) => scores[2 * row + 1]!);
}
