// Shapes and types of values by rules of our own.
export { type Elements, type Fact } from "./fact.ts";
export { type Facts, inferFacts, inferTypes, ShapeWalk, typeOf } from "./infer.ts";
export { Length, productOf } from "./length.ts";
export type { ShapeCall } from "./rule.ts";
export { SHAPE_RULES } from "./rules.ts";
