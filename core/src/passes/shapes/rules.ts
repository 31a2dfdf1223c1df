// The table of rules for shapes: one entry per operator.
import type { ShapeRule } from "./rule.ts";
import { ARRANGEMENTS } from "./rules/arrangements.ts";
import { CONTRIBUTED_ELEMENTWISE, ELEMENTWISE } from "./rules/elementwise.ts";
import { INDEXING, RECURRENT, SHAPES } from "./rules/indexing.ts";
import { LOSSES, NORMALIZATIONS, REDUCTIONS, RESTRICTED } from "./rules/normalizations.ts";
import { CONTRIBUTED_PRODUCTS, PRODUCTS } from "./rules/products.ts";
import { WINDOWS } from "./rules/windows.ts";

/** Rules by the domain of the operator, then by its name; "" is ONNX itself. */
export const SHAPE_RULES: Readonly<Record<string, Readonly<Record<string, ShapeRule>>>> = {
  "": {
    ...ELEMENTWISE,
    ...PRODUCTS,
    ...WINDOWS,
    ...NORMALIZATIONS,
    ...REDUCTIONS,
    ...LOSSES,
    ...ARRANGEMENTS,
    ...INDEXING,
    ...SHAPES,
    ...RECURRENT,
    ...RESTRICTED,
  },
  "com.microsoft": { ...CONTRIBUTED_ELEMENTWISE, ...CONTRIBUTED_PRODUCTS },
};
