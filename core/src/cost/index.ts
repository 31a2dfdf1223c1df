// What a graph costs before it ever runs: arithmetic, traffic, parameters and memory, from its shapes alone.
export { FUNCTION_FLOPS } from "./convention.ts";
export { countGraph, type GraphCost, type IterationCost, type NodeCost, type OperatorCost } from "./count.ts";
export { type ActivationMemory, activationMemory, type MemoryStep } from "./memory.ts";
export { COUNTED_OPERATORS } from "./operators.ts";
export {
  countParameters,
  type DTypeParameters,
  type DuplicateTensor,
  duplicateTensors,
  type ParameterCounts,
} from "./parameters.ts";
export { bodyScope, type ValueShape, type ValueShapes } from "./shapes.ts";
export { describeCost } from "./summary.ts";
