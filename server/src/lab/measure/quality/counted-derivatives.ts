// How much a little more weight of a row moves each figure of counts: derivatives by its label and prediction, which are all that
// such a figure knows of a row.
import { type ClassCounts, precisionRecall, total } from "./counts.ts";

/** By a row's label and prediction. */
export type CellDerivative = (label: number, predicted: number) => number;

/** @param name as `classificationFigures` has it, of a figure of counts */
export function countedDerivative(name: string, counts: ClassCounts): CellDerivative {
  const { hits, labelled, predicted } = counts;
  const all = total(labelled);
  const { precision, recall, f1 } = precisionRecall(counts);
  const isHit = (label: number, prediction: number) => Number(label === prediction);
  const valueOf = ({ perClass }: typeof f1, label: number) => perClass[label]!.value;
  // Precision and F1 of one class, c: hits over predictions, and twice the hits over labels and predictions.
  const precisionOf = (c: number, label: number, prediction: number) =>
    prediction === c ? (isHit(label, prediction) - valueOf(precision, c)!) / predicted[c]! : 0;
  const f1Of = (c: number, label: number, prediction: number) => {
    const counted = Number(label === c) + Number(prediction === c);
    if (counted === 0) return 0;
    const hit = label === c && prediction === c ? 2 : 0;
    return (hit - counted * valueOf(f1, c)!) / (labelled[c]! + predicted[c]!);
  };
  const touched = (label: number, prediction: number) => (label === prediction ? [label] : [label, prediction]);

  const ofClass = /^f1\[(\d+)\]$/.exec(name);
  if (ofClass !== null) return (label, prediction) => f1Of(Number(ofClass[1]), label, prediction);
  switch (name) {
    case "accuracy": {
      const accuracy = total(hits) / all;
      return (label, prediction) => (isHit(label, prediction) - accuracy) / all;
    }
    case "balanced-accuracy":
      return (label, prediction) =>
        (isHit(label, prediction) - valueOf(recall, label)!) / labelled[label]! / recall.macroClasses;
    case "precision":
      return (label, prediction) => precisionOf(prediction, label, prediction) / precision.macroClasses;
    case "precision-weighted": {
      // Over the classes that are ever predicted, by their labels.
      const sum = labelled.reduce((sum, weight, c) => sum + (valueOf(precision, c) === null ? 0 : weight), 0);
      const mean = precision.weighted.value ?? Number.NaN;
      return (label, prediction) => {
        const own = valueOf(precision, label);
        const heavier = own === null ? 0 : own - mean;
        return (heavier + labelled[prediction]! * precisionOf(prediction, label, prediction)) / sum;
      };
    }
    case "f1":
      return (label, prediction) =>
        touched(label, prediction).reduce((sum, c) => sum + f1Of(c, label, prediction), 0) / f1.macroClasses;
    case "f1-weighted": {
      const mean = f1.weighted.value ?? Number.NaN;
      return (label, prediction) => {
        const moved = touched(label, prediction).reduce((sum, c) => sum + labelled[c]! * f1Of(c, label, prediction), 0);
        return (valueOf(f1, label)! - mean + moved) / all;
      };
    }
    case "matthews":
      return matthewsDerivative(counts, all);
    default:
      throw new RangeError(`"${name}" is no figure of counts. This is a bug.`);
  }
}

/** Of the covariance of labels and predictions over the root of their variances (J. Gorodkin, 2004), in shares of all weight. */
function matthewsDerivative({ hits, labelled, predicted }: ClassCounts, all: number): CellDerivative {
  const product = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, weight, c) => sum + (weight / all) * (b[c]! / all), 0);
  const agreed = total(hits) / all;
  const [both, ofLabels, ofPredictions] = [
    product(labelled, predicted),
    product(labelled, labelled),
    product(predicted, predicted),
  ];
  const [covariance, labels, predictions] = [agreed - both, 1 - ofLabels, 1 - ofPredictions];
  const spread = Math.sqrt(labels * predictions);
  return (label, prediction) => {
    // A share moves by what the row has of it less the share, over all weight.
    const agreedMoved = Number(label === prediction) - agreed;
    const bothMoved = predicted[label]! / all + labelled[prediction]! / all - 2 * both;
    const labelsMoved = -2 * (labelled[label]! / all - ofLabels);
    const predictionsMoved = -2 * (predicted[prediction]! / all - ofPredictions);
    const relative = labelsMoved / labels + predictionsMoved / predictions;
    return ((agreedMoved - bothMoved) / spread - (covariance / spread) * (relative / 2)) / all;
  };
}
