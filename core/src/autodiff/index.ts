// Gradients of models, as models: the rules by operator, the walk that puts them together, and losses to differentiate.
export { gradient, type GradientModel, type GradientOptions } from "./gradient.ts";
export { type Loss, LOSS_KINDS, type LossKind, type LossModel, type LossOptions, withLoss } from "./losses.ts";
export type { OperatorGradient } from "./operator-gradient.ts";
export {
  inGradientWords,
  parametersOf,
  prepareForGradient,
  type PreparedModel,
  type PreparingEngine,
} from "./prepare.ts";
export { GRADIENT_RULES } from "./rules.ts";
export { statedTypes, type ValueTypes } from "./value-types.ts";
