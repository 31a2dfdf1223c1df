// Models to models that compute the same in other words.
export { annotateShapes } from "./annotate-shapes.ts";
export { type BatchOptions, symboliseBatch } from "./batch/index.ts";
export { BLOCKED_DOMAIN, blockConvolutions } from "./block-convolutions.ts";
export { withCommonSubexpressions, withReplaced } from "./common-subexpressions.ts";
export { constantsToInitializers } from "./constants-to-initializers.ts";
export { withoutDeadCode } from "./dead-code.ts";
export { DECOMPOSITIONS, decomposeComposites, decomposeCompositesPass } from "./decompose-composites.ts";
export { type Evaluate, foldConstants, foldConstantsPass } from "./fold-constants.ts";
export { foldShapes } from "./fold-shapes.ts";
export { withoutIdentities } from "./identities-and-transposes.ts";
export { fuseConvolutions } from "./fuse-convolutions.ts";
export { fuseProducts } from "./fuse-products.ts";
export { type PassedModel, type PassTrace, runPasses, type RunPassesOptions } from "./manager.ts";
export { pinShapes } from "./pin-shapes.ts";
export { poolsBeforeActivations } from "./pools-before-activations.ts";
export type { Pass, PassEngine } from "./pass.ts";
export { hasProperty, MODEL_PROPERTIES, type ModelProperty, type PropertyFacts } from "./properties.ts";
export {
  type Elements,
  type Fact,
  type Facts,
  inferFacts,
  inferTypes,
  Length,
  SHAPE_RULES,
  typeOf,
} from "./shapes/index.ts";
export { sliceSplitSequences, sliceSplitSequencesPass } from "./slice-split-sequences.ts";
export { constantOf, storedTensors } from "./stored-tensors.ts";
export { PASSES, type PassSettings, passesNamed } from "./table.ts";
export { tileRows } from "./tile-rows.ts";
export { untieCopies } from "./untie-copies.ts";
export { EARLIEST_UPGRADED_OPSET, LATEST_UPGRADED_OPSET, upgradeOpset } from "./upgrade-opset.ts";
export { unrollRecurrent, unrollRecurrentPass } from "./unroll-recurrent.ts";
export { dtypesOf, statedTypes, type ValueTypes } from "./value-types.ts";
