// Gradients of models, as models: the rules by operator, and the walk that puts them together.
export { gradient, type GradientModel, type GradientOptions } from "./gradient.ts";
export type { OperatorGradient } from "./operator-gradient.ts";
export { GRADIENT_RULES } from "./rules.ts";
export { statedTypes, type ValueTypes } from "./value-types.ts";
