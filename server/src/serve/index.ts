// Serving: admission, deadlines, credits, lifecycle and routing, over whatever runs the models.
export type { RequestContext } from "./context.ts";
export type {
  DeploymentSpec,
  InferenceOutcome,
  InferenceRequest,
  ServeHooks,
  Serving,
  StageTimes,
  Variant,
  VariantState,
  VariantStatus,
} from "./serving.ts";
