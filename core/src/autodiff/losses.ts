// Losses behind a model: what it answers beside what it should, as one number to be made small, or one number for each sample.
import { SlipwayError } from "#base";
import { extendModel, type Model, nameScopeOf } from "#graph";
import type { TensorType } from "#tensor";
import { DEFAULT_DELTA, DEFAULT_TEMPERATURE, LossSite } from "./loss-site.ts";
import { joinLossModel } from "./model-loss.ts";
import { dtypesOf, statedTypes, type ValueTypes } from "#passes";
import { isDifferentiable } from "./value-types.ts";

/** A loss, as the mean over the batch. */
export type Loss =
  /**
   * Of logits by class against labels, int64, in the logits' shape without the axis of the classes. Smoothing gives each class
   * the share ε/C of the target (Szegedy et al., arXiv 1512.00567); rows whose label is `ignoreIndex` count for nothing.
   */
  | {
      readonly kind: "cross-entropy";
      readonly labelSmoothing?: number;
      readonly ignoreIndex?: number;
      readonly classWeights?: readonly number[];
    }
  /** Of logits by class against probabilities by class, such as those of a teacher. */
  | { readonly kind: "soft-cross-entropy" }
  /** Of logits against probabilities, each on its own. */
  | { readonly kind: "binary-cross-entropy" }
  | { readonly kind: "mean-squared-error" }
  | { readonly kind: "mean-absolute-error" }
  /** Squared up to `delta`, linear beyond. Source: Huber 1964, Annals of Mathematical Statistics 35(1). */
  | { readonly kind: "huber"; readonly delta?: number }
  /**
   * Kullback–Leibler divergence of softmax(logits / T) from softmax(target logits / T), times T². Source: Hinton, Vinyals and
   * Dean, arXiv 1503.02531.
   */
  | { readonly kind: "distillation"; readonly temperature?: number }
  /** 1 − the cosine of the angle between each row and its target. */
  | { readonly kind: "cosine" };

export type LossKind = Loss["kind"];
export const LOSS_KINDS = [
  "cross-entropy",
  "soft-cross-entropy",
  "binary-cross-entropy",
  "mean-squared-error",
  "mean-absolute-error",
  "huber",
  "distillation",
  "cosine",
] as const satisfies readonly LossKind[];

/**
 * A loss that is a model of its own: from inputs `prediction` and `target`, or two inputs in that order, to one number. With a
 * third input `sample_weights`, float [N], it can be told what each sample counts for.
 */
export interface ModelLoss {
  readonly kind: "model";
  readonly model: Model;
}

export interface LossOptions {
  readonly loss: Loss | ModelLoss;
  /** The output that is judged; the first unless said. */
  readonly output?: string;
  /** The axis of the classes, for losses by class and the cosine; 1 unless said. */
  readonly axis?: number;
  /**
   * Adds an input `sample_weights`, [N] in the output's element type: what each sample counts for. The loss is then
   * Σ w·ℓ / Σ w, and 0 where all weigh 0.
   */
  readonly hasSampleWeights?: boolean;
  /** Adds an output `loss_weight`, a scalar: what the mean divides by, so that means of parts come together to that of all. */
  readonly givesWeight?: boolean;
  /** Answers one loss for each sample, `losses` [N], in place of their mean; see `gradient` on gradients by sample. */
  readonly isPerSample?: boolean;
  /** Types of the model's values beside those it states; see `ValueTypes`. */
  readonly types?: ValueTypes;
}

export interface LossModel {
  readonly model: Model;
  /** The output that holds the loss: a scalar, or one number for each sample. */
  readonly loss: string;
  /** The input that takes what should be answered. */
  readonly target: string;
  /** The input that takes what each sample counts for; null where it was not asked for. */
  readonly sampleWeights: string | null;
  /** The output that holds what the mean divides by; null where it was not asked for. */
  readonly weight: string | null;
}

/**
 * The model with a loss behind it: a further input `target` and a further output `loss`.
 *
 * Samples lie along the first axis of the output. A sample's own loss is the mean over its elements, or over those of its labels
 * that count.
 * @throws SlipwayError PARAMETER_INVALID for an output there is not, one that is no floating-point tensor, or parameters of the
 *   loss that are out of their range; MODEL_* for a loss that is a model and does not fit
 */
export function withLoss(model: Model, options: LossOptions): LossModel {
  const { loss, axis = 1, hasSampleWeights = false, givesWeight = false, isPerSample = false } = options;
  const types = new Map([...statedTypes(model), ...(options.types ?? [])]);
  const { output, type } = judgedOutput(model, types, options.output);
  if (loss.kind !== "model") checkLoss(loss);
  if ((hasSampleWeights || isPerSample) && type.shape?.length === 0)
    throw invalid(`Output '${output}' is a single number, which has no samples to tell apart.`);
  const scope = nameScopeOf(model.graph);
  const names = {
    output,
    target: scope.fresh("target"),
    loss: scope.fresh(isPerSample ? "losses" : "loss"),
    sampleWeights: hasSampleWeights ? scope.fresh("sample_weights") : null,
    weight: givesWeight ? scope.fresh("loss_weight") : null,
  };
  const dtypes = dtypesOf(types);
  if (loss.kind === "model") {
    if (isPerSample)
      throw invalid(
        "A loss that is a model answers one number for the batch; losses by sample need one of the named losses.",
      );
    return { ...names, model: joinLossModel(model, loss.model, { ...names, type, dtypes }) };
  }
  const extended = extendModel(model, dtypes, (g) => {
    const site = new LossSite(g, output, type, axis);
    site.build(loss, names, isPerSample);
  });
  return { ...names, model: extended };
}

/** @throws SlipwayError PARAMETER_INVALID where it is not there or holds no floating-point numbers */
function judgedOutput(
  model: Model,
  types: ValueTypes,
  asked: string | undefined,
): { output: string; type: TensorType } {
  const names = model.graph.outputs.map(({ name }) => name);
  const output = asked ?? names[0] ?? "";
  const type = types.get(output);
  if (!names.includes(output) || type === undefined) {
    const listed = names.map((name) => `'${name}'`).join(", ");
    throw invalid(
      names.length === 0
        ? "The model has no outputs, so there is none to judge."
        : `The model has no output '${output}' to judge; its outputs are ${listed}.`,
    );
  }
  if (!isDifferentiable(type))
    throw invalid(`Output '${output}' holds ${type.dtype}; a loss needs floating-point numbers. Name another output.`);
  return { output, type };
}

function checkLoss(loss: Loss): void {
  if (!LOSS_KINDS.includes(loss.kind))
    throw invalid(`There is no loss '${loss.kind}'; there are ${LOSS_KINDS.join(", ")}, and models.`);
  if (loss.kind === "cross-entropy") {
    const { labelSmoothing = 0, classWeights, ignoreIndex = 0 } = loss;
    if (!Number.isSafeInteger(ignoreIndex))
      throw invalid(`The label to ignore is ${ignoreIndex}; labels are whole numbers.`);
    if (!(labelSmoothing >= 0 && labelSmoothing < 1))
      throw invalid(`Label smoothing is ${labelSmoothing}; it must be at least 0 and less than 1.`);
    const wrong = classWeights?.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY)) ?? -1;
    if (wrong >= 0) throw invalid(`The weight of class ${wrong} is ${classWeights![wrong]}; it must be at least 0.`);
  }
  if (loss.kind === "huber" && !((loss.delta ?? DEFAULT_DELTA) > 0))
    throw invalid(`delta is ${loss.delta}; it must be positive.`);
  if (loss.kind === "distillation" && !((loss.temperature ?? DEFAULT_TEMPERATURE) > 0))
    throw invalid(`The temperature is ${loss.temperature}; it must be positive.`);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}
