// Making a model that computes its own gradients, in a contained process of its own: the engine is asked about a model that a
// stranger may have made.
import { askAboutModel, type ModelQuestion } from "#lab/passes";
import type { ModelFile } from "#runtime";
import type { Loss } from "@slipway/core/autodiff";

/** What to differentiate a model by: its inputs, its parameters, values by name, or several of these. */
export interface DifferentiateBy {
  readonly inputs: boolean;
  readonly parameters: boolean;
  readonly names: readonly string[];
}

export interface DifferentiateOrder {
  readonly by: DifferentiateBy;
  readonly loss: Loss | null;
  /** Gradients of each sample's own loss, or their norms, in place of those of the mean; with a loss only. */
  readonly perSample: "gradients" | "norms" | null;
  /** Inputs that carry samples, besides the target; null leaves it to `sampleGradient`. */
  readonly samples: readonly string[] | null;
  /** The output that is judged by the loss; null takes the first. */
  readonly output: string | null;
  /** The axis of the classes. */
  readonly axis: number;
}

export interface DifferentiatedModel {
  /** The ONNX file, as base64: what passes between processes is text. External data stays where it is. */
  readonly model: string;
  /** The output that holds each gradient, by the value. */
  readonly gradients: Readonly<Record<string, string>>;
  /** Without a loss, the input that takes the gradient by an output, by the output. */
  readonly upstream: Readonly<Record<string, string>>;
  /** Values nothing differentiated depends on. */
  readonly detached: readonly string[];
  /** Names of what a loss added; null without one. */
  readonly loss: { readonly output: string; readonly target: string } | null;
  /** The output with the norm of all gradients together, by sample; null where norms were not asked for. */
  readonly norm: string | null;
  /** Names whose gradients by sample come from running the samples one by one. */
  readonly looped: readonly string[];
  readonly nodes: { readonly before: number; readonly after: number };
  /** Milliseconds to prepare, with the engine's help, and to differentiate. */
  readonly milliseconds: { readonly prepare: number; readonly differentiate: number };
}

export interface DifferentiateOptions
  extends DifferentiateOrder,
    Pick<ModelQuestion<DifferentiateOrder>, "files" | "clock" | "signal" | "environment" | "start"> {
  /** A loss that is a model of its own, in place of `loss`. */
  readonly lossFile: ModelFile | null;
}

/**
 * Differentiates a stored model.
 * @throws SlipwayError as `gradient` and `withLoss`; MODEL_* where the engine can't load the model; as `askAboutModel`
 */
export async function differentiateInProcess(options: DifferentiateOptions): Promise<DifferentiatedModel> {
  const { by, loss, lossFile, perSample, samples, output, axis, ...question } = options;
  return await askAboutModel<DifferentiateOrder, DifferentiatedModel>({
    ...question,
    others: lossFile === null ? [] : [lossFile],
    beside: import.meta.url,
    name: "differentiate-main",
    what: "Differentiating the model",
    order: { by, loss, perSample, samples, output, axis },
  });
}
