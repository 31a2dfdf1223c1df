// Shapes and types of values by rules of our own.
export { type Elements, type Fact } from "./fact.ts";
export { type Facts, inferFacts, inferTypes, typeOf } from "./infer.ts";
export { Length } from "./length.ts";
export { SHAPE_RULES } from "./rules.ts";
