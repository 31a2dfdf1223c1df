// Models to models that compute the same in other words.
export { constantsToInitializers } from "./constants-to-initializers.ts";
export { type Evaluate, foldConstants } from "./fold-constants.ts";
export { sliceSplitSequences } from "./slice-split-sequences.ts";
export { storedTensors } from "./stored-tensors.ts";
export { untieCopies } from "./untie-copies.ts";
export { EARLIEST_UPGRADED_OPSET, upgradeOpset } from "./upgrade-opset.ts";
export { unrollRecurrent } from "./unroll-recurrent.ts";
