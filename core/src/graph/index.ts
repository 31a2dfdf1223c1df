// The graph of a model, free of any file format: what it is, and walking, building, editing and verifying it.
export { AttributeReader } from "./attribute-reader.ts";
export {
  type AttributeInput,
  attributeFrom,
  attributeOf,
  attributeValue,
  createAttribute,
  describeNode,
  type FloatValue,
  float,
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  stringOf,
  stringsOf,
} from "./attributes.ts";
export {
  extendModel,
  GraphBuilder,
  graphBuilder,
  minimumIrVersion,
  type ModelOptions,
  type OperatorOptions,
  outputDType,
  tensorOfValues,
} from "./build.ts";
export {
  ByteRange,
  type ByteSource,
  byteSourceFromBytes,
  byteSourceFromChunks,
  byteSourceFromFile,
} from "./byte-source.ts";
export {
  type InsertPlace,
  insertNodes,
  removeNodes,
  renameValues,
  replaceNodes,
  replaceUses,
  type Spliced,
  type SpliceOptions,
  spliceGraph,
} from "./edit.ts";
export {
  type ExternalLookup,
  initializerElementCount,
  initializerFromTensor,
  initializerSizeBytes,
  requireFilled,
  tensorFromInitializer,
} from "./initializer.ts";
export { inlineFunctions } from "./inline.ts";
export {
  type Attribute,
  type AttributeKind,
  type AttributeOf,
  type AttributeValues,
  createFunction,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  createValueInfo,
  type ExternalReference,
  type Extra,
  type Graph,
  type Initializer,
  type Metadata,
  type Model,
  type ModelFunction,
  type Node,
  type OpsetImports,
  type QuantizationAnnotation,
  type ReferenceAttribute,
  type SparseInitializer,
  type StoredData,
  type TrainingInfo,
  type ValueInfo,
} from "./model.ts";
export { NameScope, nameScopeOf, subgraphsOf } from "./names.ts";
export { type NameMap, renameEverywhere } from "./rename.ts";
export { signatureFromModel } from "./signature.ts";
export { verifyModel } from "./verify.ts";
export {
  capturesOf,
  definedNames,
  nodesOf,
  nodesOfModel,
  type PlacedTensor,
  sortedNodes,
  type TensorPlace,
  tensorsOfModel,
  type ValueUses,
  type VisitedNode,
  valuesReadBy,
  valueUsesOf,
} from "./walk.ts";
