// Models that compute their own gradients, made with the help of the engine that will run them.
export {
  type DifferentiateBy,
  type DifferentiatedModel,
  differentiateInProcess,
  type DifferentiateOptions,
} from "./differentiate.ts";
