// The metadata before a model card, as the Hugging Face Hub reads it: `model-index` of the model card specification
// (github.com/huggingface/hub-docs, modelcard.md), so that leaderboards and search find what was measured. Only what evidence
// says is in it: no licence, language or training data, which nobody measured.
import { stringify } from "yaml";
import type { Report, StandingEvidence } from "../report.ts";

/** Names of metrics on the Hub by ours; others go by their own. */
const METRICS: Readonly<Record<string, { readonly type: string; readonly name: string }>> = {
  accuracy: { type: "accuracy", name: "Accuracy" },
  "balanced-accuracy": { type: "balanced_accuracy", name: "Balanced accuracy" },
  f1: { type: "f1", name: "F1, macro" },
  auc: { type: "roc_auc", name: "Area under the ROC curve" },
  precision: { type: "precision", name: "Precision, macro" },
  "auc-pr": { type: "average_precision", name: "Average precision" },
  matthews: { type: "matthews_correlation", name: "Matthews correlation" },
  "log-loss": { type: "log_loss", name: "Log loss" },
  brier: { type: "brier_score", name: "Brier score" },
  "calibration-error": { type: "expected_calibration_error", name: "Expected calibration error" },
  mae: { type: "mae", name: "Mean absolute error" },
  rmse: { type: "rmse", name: "Root mean squared error" },
  mape: { type: "mape", name: "Mean absolute percentage error" },
  r2: { type: "r_squared", name: "R²" },
};

export interface Task {
  /** A task of the Hub; "other" where nothing tells. */
  readonly type: string;
  readonly name: string;
}

/** What the model does, as far as its processing, signature and evidence tell. */
export function taskOf({ processing, model, evidence }: Report): Task {
  const quality = evidence.filter(({ kind }) => kind === "quality");
  const has = (metric: string) => quality.some(({ values }) => Object.hasOwn(values, metric));
  const what = has("accuracy") ? "classification" : has("mae") || has("rmse") ? "regression" : null;
  const isImage = processing.before.some((step) => step.startsWith("decode-image"));
  if (isImage && what !== "regression") return { type: "image-classification", name: "Image classification" };
  const isTabular = model.signature.inputs.every(({ type }) => /\[[^,\]]*(, [^,\]]*)?\]$/.test(type));
  if (what === null || isImage || !isTabular) return { type: "other", name: "Other" };
  return { type: `tabular-${what}`, name: `Tabular ${what}` };
}

/** The block between two lines of `---`, without them. */
export function cardMetadata(report: Report): string {
  const task = taskOf(report);
  const current = report.evidence.filter(({ standing }) => standing === "current");
  const results = current.filter(({ kind, dataset }) => kind === "quality" && dataset !== null);
  const metrics = new Set(results.flatMap((one) => known(one).map(([metric]) => METRICS[metric]!.type)));
  return stringify(
    {
      library_name: "onnx",
      ...(task.type === "other" ? {} : { pipeline_tag: task.type }),
      tags: ["onnx", "slipway"],
      ...(metrics.size === 0 ? {} : { metrics: [...metrics] }),
      ...(results.length === 0
        ? {}
        : { "model-index": [{ name: report.subject.name, results: results.map((one) => resultOf(one, task)) }] }),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function resultOf(one: StandingEvidence, task: Task) {
  const { name, split, hash } = one.dataset!;
  return {
    task,
    // The registry's name of the rows; the hash says which rows they were.
    dataset: { type: name, name, ...(split === null ? {} : { split }), revision: hash },
    metrics: known(one).map(([metric, { value, interval, method, count }]) => ({
      ...METRICS[metric]!,
      value: value!,
      args: {
        method,
        ...(interval === null ? {} : { interval: { ...interval } }),
        ...(count === null ? {} : { rows: count }),
        evidence: one.hash,
      },
    })),
  };
}

/** Values the Hub has a name for, and that are defined. */
function known({ values }: StandingEvidence) {
  return Object.entries(values).filter(([metric, { value }]) => value !== null && Object.hasOwn(METRICS, metric));
}
