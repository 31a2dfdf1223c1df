// A model as it is used, with the weights of training sent in: what it answers, and what that loses.
import type { Model } from "#graph";
import { judgedModel, learnerOf, type LearningOptions } from "./learner.ts";

export interface EvaluationStep {
  /** Answers what the model answers, and the loss. */
  readonly model: Model;
  readonly loss: string;
  /** The output that holds what the mean divides by: means of batches come together by these. */
  readonly weight: string;
  readonly target: string;
  readonly sampleWeights: string | null;
  /** The inputs that take parameters and running statistics: the names under which a step of training carries them. */
  readonly parameters: readonly string[];
}

/**
 * The model outside training, by the weights it has come to: BatchNormalization by its running statistics, no Dropout.
 * @param model as `trainStep` takes it, with the same options
 * @throws SlipwayError as `withLoss`; PARAMETER_INVALID as `trainStep` for groups
 */
export async function evaluationStep(model: Model, options: LearningOptions): Promise<EvaluationStep> {
  const learner = learnerOf(model, options, "evaluation");
  const { model: judged, loss, weight, target, sampleWeights } = await judgedModel(learner, options, true);
  return {
    model: judged,
    loss,
    weight: weight!,
    target,
    sampleWeights,
    parameters: learner.stored.map(({ name }) => name),
  };
}
