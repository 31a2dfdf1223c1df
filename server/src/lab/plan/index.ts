// Planning: what it takes to meet an objective at a rate (settings, replicas, or a faster model), why, and what it costs.
export { optionsFor } from "./options.ts";
export {
  type Outcome,
  type Plan,
  planFrom,
  type PlanOption,
  PLAN_SCHEMA_VERSION,
  PlanSchema,
} from "./plan-document.ts";
export { PLAN_KIND, planEvidence } from "./plan-evidence.ts";
export {
  type Asked,
  ASSUMPTIONS,
  type Assumptions,
  type Findings,
  findPlan,
  type PlannerPorts,
  type Raced,
} from "./planner.ts";
export { EXAMPLE_PRICES, PRICES_FILE, pricesFrom, type PriceTable } from "./prices.ts";
export type { ScalingPoint } from "./scaling.ts";
export { objectiveText, whyOf } from "./why.ts";
export { type Window, windowFrom } from "./windows.ts";
