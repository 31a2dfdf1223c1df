// All operators that can be counted. What is in none of the tables is unknown, and is reported by name.
import type { Node } from "#graph";
import { AGGREGATION_RULES } from "./aggregation.ts";
import { CLASSICAL_RULES } from "./classical.ts";
import { ELEMENTWISE_RULES } from "./elementwise.ts";
import { NO_WORK, type OperatorRule } from "./operator-call.ts";
import { PRODUCT_RULES } from "./products.ts";
import { SEQUENCE_RULES } from "./sequences.ts";

/** Operators that move, choose, convert or describe elements, or handle texts, and so calculate nothing. */
const MOVING =
  "BitCast Cast CastLike CenterCropPad Compress Concat ConcatFromSequence Constant ConstantOfShape DepthToSpace Expand " +
  "EyeLike Flatten Gather GatherElements GatherND Identity MaxUnpool OneHot Optional OptionalGetElement " +
  "OptionalHasElement Pad RegexFullMatch Reshape ReverseSequence SequenceAt SequenceConstruct SequenceEmpty " +
  "SequenceErase SequenceInsert SequenceLength Shape Size Slice SpaceToDepth Split SplitToSequence Squeeze " +
  "StringConcat StringNormalizer StringSplit TensorScatter Tile Transpose Trilu Unsqueeze " +
  "ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.CastMap ai.onnx.ml.CategoryMapper ai.onnx.ml.DictVectorizer " +
  "ai.onnx.ml.FeatureVectorizer ai.onnx.ml.LabelEncoder ai.onnx.ml.OneHotEncoder ai.onnx.ml.ZipMap " +
  "com.microsoft.ExpandDims com.microsoft.Pad com.microsoft.QLinearConcat " +
  "com.microsoft.Trilu";

const RULES: ReadonlyMap<string, OperatorRule> = new Map([
  ...MOVING.split(" ").map((name): [string, OperatorRule] => [name, () => NO_WORK]),
  ...Object.entries({
    ...PRODUCT_RULES,
    ...SEQUENCE_RULES,
    ...ELEMENTWISE_RULES,
    ...AGGREGATION_RULES,
    ...CLASSICAL_RULES,
  }),
]);

/** An operator as tables and reports name it: "Conv", or "com.microsoft.FusedConv". */
export function operatorName({ domain, opType }: Node): string {
  return domain === "" || domain === "ai.onnx" ? opType : `${domain}.${opType}`;
}

/** How to count a node; undefined where its operator is not known. */
export function ruleOf(node: Node): OperatorRule | undefined {
  return RULES.get(operatorName(node));
}

/** The operators that can be counted, in order of their names; control flow is counted by its bodies. */
export const COUNTED_OPERATORS: readonly string[] = [...RULES.keys()].toSorted();
