// The table of gradients: one entry per operator.
import { ACTIVATIONS, CONTRIBUTED_ACTIVATIONS } from "./rules/activations.ts";
import { ARRANGEMENTS } from "./rules/arrangements.ts";
import { ATTENTION } from "./rules/attention.ts";
import { CONVOLUTIONS } from "./rules/convolutions.ts";
import { ELEMENTWISE } from "./rules/elementwise.ts";
import { INDEXING } from "./rules/indexing.ts";
import { LOSSES } from "./rules/losses.ts";
import { NORMALIZATIONS } from "./rules/normalizations.ts";
import { POOLS } from "./rules/pools.ts";
import { CONTRIBUTED_PRODUCTS, PRODUCTS } from "./rules/products.ts";
import { REDUCTIONS } from "./rules/reductions.ts";
import { RESIZING } from "./rules/resize.ts";
import { TRAINING } from "./rules/training.ts";
import type { OperatorGradient } from "./operator-gradient.ts";
import type { Node } from "#graph";

/** Rules by the domain of the operator, then by its name; "" is ONNX itself. */
export const GRADIENT_RULES: Readonly<Record<string, Readonly<Record<string, OperatorGradient>>>> = {
  "": {
    ...ELEMENTWISE,
    ...ACTIVATIONS,
    ...PRODUCTS,
    ...ATTENTION,
    ...CONVOLUTIONS,
    ...POOLS,
    ...NORMALIZATIONS,
    ...REDUCTIONS,
    ...ARRANGEMENTS,
    ...INDEXING,
    ...RESIZING,
    ...TRAINING,
    ...LOSSES,
  },
  "com.microsoft": { ...CONTRIBUTED_ACTIVATIONS, ...CONTRIBUTED_PRODUCTS },
};

/** The rule of a node's operator; null where it has none. */
export function ruleOf({ domain, opType }: Node): OperatorGradient | null {
  const rules = Object.hasOwn(GRADIENT_RULES, domain) ? GRADIENT_RULES[domain]! : {};
  return Object.hasOwn(rules, opType) ? rules[opType]! : null;
}
