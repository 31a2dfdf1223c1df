// Serving: admission, deadlines, credits, lifecycle and routing, over whatever runs the models.
export type { RequestContext } from "./context.ts";
export { createServing } from "./create-serving.ts";
export type {
  DeployOptions,
  DeploymentSpec,
  InferenceOutcome,
  ServeHooks,
  Serving,
  UnloadOptions,
  Variant,
  VariantState,
  VariantStatus,
} from "./serving.ts";
