// Applying passes to a stored model, in a contained process of its own.
import type { PassSettings, PassTrace } from "@slipway/core/passes";
import { askAboutModel, type ModelQuestion } from "./ask-about-model.ts";
import type { OutputDifference } from "./compare-answers.ts";

export interface ApplyOrder {
  /** Names of passes, in the order they are run. */
  readonly passes: readonly string[];
  readonly settings: PassSettings;
  /** How many sets of made-up inputs to run the model on before and after; 0 for none. */
  readonly checks: number;
  readonly seed: number;
}

export interface AppliedPasses {
  /** The ONNX file, as base64. External data stays where it is. */
  readonly model: string;
  readonly trace: readonly PassTrace[];
  /** How far the answers differ, by output; null where no check was asked for. */
  readonly differences: readonly OutputDifference[] | null;
}

export type ApplyPassesOptions = ApplyOrder &
  Pick<ModelQuestion<ApplyOrder>, "files" | "clock" | "signal" | "environment" | "start">;

/**
 * Applies passes to a stored model.
 * @throws SlipwayError as `runPasses` and `passesNamed`; MODEL_* where the engine can't load the model; as `askAboutModel`
 */
export async function applyPassesInProcess(options: ApplyPassesOptions): Promise<AppliedPasses> {
  const { passes, settings, checks, seed, ...question } = options;
  return await askAboutModel<ApplyOrder, AppliedPasses>({
    ...question,
    beside: import.meta.url,
    name: "apply-main",
    what: "Applying passes to the model",
    order: { passes, settings, checks, seed },
  });
}
