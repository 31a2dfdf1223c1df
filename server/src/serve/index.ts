// Serving: admission, deadlines, credits, lifecycle and routing, over whatever runs the models.
export { breakingDifferences, type SignatureDifference } from "./compatibility.ts";
export { compileConformance, type Conformance, type Conforming } from "./conform.ts";
export type { RequestContext } from "./context.ts";
export { createServing, type ServingOptions } from "./create-serving.ts";
export type {
  DeploymentSpec,
  DeployOptions,
  InferenceOutcome,
  InferenceRequest,
  ServeHooks,
  Serving,
  StageTimes,
  Variant,
  VariantState,
  VariantStatus,
} from "./serving.ts";
