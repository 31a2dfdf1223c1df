// Gradients of models, as models: the rules by operator, the walk that puts them together, losses to differentiate, and whole
// steps of training.
export type { Emission } from "./emitter.ts";
export { gradient, type GradientModel, type GradientOptions } from "./gradient.ts";
export {
  type AccumulatingStep,
  accumulatingStep,
  type ApplyPart,
  type SumPart,
} from "./accumulation.ts";
export { type EvaluationStep, evaluationStep } from "./evaluation.ts";
export { type CarriedValue, groupWith, type LearningOptions, type ParameterGroup } from "./learner.ts";
export {
  type Loss,
  LOSS_KINDS,
  type LossKind,
  type LossModel,
  type LossOptions,
  type ModelLoss,
  withLoss,
} from "./losses.ts";
export type { OperatorGradient } from "./operator-gradient.ts";
export { type Optimizer, OPTIMIZER_KINDS, type OptimizerKind } from "./optimizers.ts";
export { inGradientWords, parametersOf, prepareForGradient, type PreparedModel } from "./prepare.ts";
export { GRADIENT_RULES } from "./rules.ts";
export {
  sampleGradient,
  type SampleGradientModel,
  type SampleGradientOptions,
} from "./per-sample/sample-gradient.ts";
export { learningRateAt, type Schedule, type ScheduleOptions } from "./schedules.ts";
export { type TrainLoop, trainLoop } from "./train-loop.ts";
export { type TrainStep, trainStep, type TrainStepOptions } from "./train-step.ts";
export { type PassEngine, statedTypes, type ValueTypes } from "#passes";
