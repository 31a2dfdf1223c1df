// A model's answer as people read it: labels with bars, tensors with their first values.
import { jsonFromElement } from "@slipway/core/processing";
import { dtypeFromOip, type NamedTensor } from "@slipway/core/tensor";
import { columns } from "./text.ts";

const SHOWN_VALUES = 16;
const SHOWN_LABELS = 10;
const BAR = 24;

/** What the records route answers for each record. */
export interface Predictions {
  readonly predictions: readonly unknown[];
}

export function predictionsText(answer: Predictions): string {
  const many = answer.predictions.length > 1;
  return answer.predictions
    .map((prediction, index) => {
      const lines = predictionLines(prediction);
      return (many ? [`record ${index}`, ...lines.map((line) => `  ${line}`)] : lines).join("\n");
    })
    .join("\n");
}

function predictionLines(prediction: unknown): string[] {
  const labels = labelsOf(prediction);
  if (labels === null) return [JSON.stringify(prediction)];
  const rows = labels.slice(0, SHOWN_LABELS).map(({ label, score }) => {
    const filled = Math.round(Math.min(1, Math.max(0, score)) * BAR);
    return [label, "█".repeat(filled).padEnd(BAR, "·"), scoreText(score)];
  });
  const rest = labels.length - rows.length;
  return [...columns(rows, "llr"), ...(rest > 0 ? [`and ${rest} more`] : [])];
}

/** Four decimals, so that scores line up; what they would round to nothing shows its magnitude. */
function scoreText(score: number): string {
  return score === 0 || Math.abs(score) >= 1e-4 ? score.toFixed(4) : score.toExponential(1);
}

interface LabelScore {
  readonly label: string;
  readonly score: number;
}

function labelsOf(prediction: unknown): readonly LabelScore[] | null {
  if (typeof prediction !== "object" || prediction === null || !("labels" in prediction)) return null;
  const { labels } = prediction;
  return Array.isArray(labels) && labels.every(isLabelScore) ? labels : null;
}

function isLabelScore(item: unknown): item is LabelScore {
  return typeof item === "object" && item !== null && "label" in item && "score" in item;
}

/** `probabilities  float32[1, 10]  0.02, 0.9, …` */
export function tensorsText(outputs: readonly NamedTensor[]): string {
  return columns(
    outputs.map((tensor) => [tensor.name, `${tensor.dtype}[${tensor.shape.join(", ")}]`, valuesText(tensor)]),
  ).join("\n");
}

function valuesText(tensor: NamedTensor): string {
  const values = Array.from({ length: Math.min(SHOWN_VALUES, tensor.data.length) }, (_, index) =>
    elementText(tensor, index),
  );
  const rest = tensor.data.length - values.length;
  return rest > 0 ? `${values.join(", ")}, … ${rest} more` : values.join(", ");
}

function elementText({ dtype, data }: NamedTensor, index: number): string {
  const stored = data[index]!;
  if (typeof stored === "string") return JSON.stringify(stored);
  const value = jsonFromElement(dtype, stored);
  return typeof value === "number" ? numberText(value) : String(value);
}

/** Whole numbers as they are, others in six significant digits without the zeros that say nothing. */
function numberText(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
}

/** The outputs of an answer of the tensor protocol in JSON, as it came. */
export function outputsText(answer: unknown): string {
  const { outputs } = answer as {
    outputs: readonly { name: string; datatype: string; shape: readonly number[]; data?: readonly unknown[] }[];
  };
  return columns(
    outputs.map(({ name, datatype, shape, data = [] }) => {
      const shown = data
        .slice(0, SHOWN_VALUES)
        .map((value) => (typeof value === "number" ? numberText(value) : JSON.stringify(value)));
      const rest = data.length - shown.length;
      return [
        name,
        `${dtypeFromOip(datatype) ?? datatype}[${shape.join(", ")}]`,
        `${shown.join(", ")}${rest > 0 ? `, … ${rest} more` : ""}`,
      ];
    }),
  ).join("\n");
}

/** Tensors as JSON values, flat, with their type and shape; what JSON has no number for becomes text. */
export function tensorsJson(outputs: readonly NamedTensor[]): unknown {
  return {
    outputs: outputs.map((tensor) => ({
      name: tensor.name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      data: Array.from({ length: tensor.data.length }, (_, index) =>
        jsonFromElement(tensor.dtype, tensor.data[index]!),
      ),
    })),
  };
}
