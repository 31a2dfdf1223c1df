// What runs: the operator sets and IR versions ONNX Runtime 1.30 accepts, and since which version each standard operator
// exists. Source: operator schemas of ONNX 1.21, and ONNX Runtime's own refusals.

export interface OperatorSet {
  /** The latest version that is supported. */
  readonly latest: number;
  /** Operators by the version they first appeared in; null where any operator is accepted. */
  readonly since: Readonly<Record<number, string>> | null;
}

/** The latest IR version that is supported. */
export const LATEST_IR_VERSION = 13;
/** ONNX Runtime promises to run operator sets from here on; earlier ones mostly run. */
export const EARLIEST_SURE_OPSET = 7;

/** Supported operator sets by domain. */
export const OPERATOR_SETS: ReadonlyMap<string, OperatorSet> = new Map([
  [
    "",
    {
      latest: 26,
      since: {
        1:
          "Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvTranspose " +
          "DepthToSpace Div Dropout Elu Equal Exp Flatten Floor GRU Gather Gemm GlobalAveragePool GlobalLpPool " +
          "GlobalMaxPool Greater HardSigmoid Hardmax Identity If InstanceNormalization LRN LSTM LeakyRelu Less Log " +
          "LogSoftmax Loop LpNormalization LpPool MatMul Max MaxPool MaxRoiPool Mean Min Mul Neg Not Or PRelu Pad Pow " +
          "RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Reciprocal ReduceL1 ReduceL2 " +
          "ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu " +
          "Reshape Selu Shape Sigmoid Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum " +
          "Tanh Tile TopK Transpose Unsqueeze Upsample Xor",
        7: "Acos Asin Atan Cos Multinomial Sin Tan",
        8: "Expand Scan",
        9:
          "Acosh Asinh Atanh Compress ConstantOfShape Cosh Erf EyeLike IsNaN MaxUnpool MeanVarianceNormalization " +
          "NonZero OneHot Scatter Shrink Sign Sinh TfIdfVectorizer Where",
        10:
          "ConvInteger DequantizeLinear IsInf MatMulInteger Mod NonMaxSuppression QLinearConv QLinearMatMul " +
          "QuantizeLinear Resize ReverseSequence RoiAlign StringNormalizer ThresholdedRelu",
        11:
          "BitShift ConcatFromSequence CumSum Det DynamicQuantizeLinear GatherElements GatherND Range Round " +
          "ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert " +
          "SequenceLength SplitToSequence Unique",
        12: "Celu Einsum GreaterOrEqual LessOrEqual NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
        14: "HardSwish Trilu",
        15: "Bernoulli CastLike Optional OptionalGetElement OptionalHasElement",
        16: "GridSample",
        17: "BlackmanWindow DFT HammingWindow HannWindow LayerNormalization MelWeightMatrix STFT SequenceMap",
        18: "BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im GroupNormalization Mish",
        19: "DeformConv",
        20: "AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit",
        23: "Attention RMSNormalization RotaryEmbedding",
        24: "Swish TensorScatter",
        26: "BitCast CumProd",
      },
    },
  ],
  [
    "ai.onnx.ml",
    {
      latest: 5,
      since: {
        1:
          "ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder " +
          "LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler " +
          "TreeEnsembleClassifier TreeEnsembleRegressor ZipMap",
        5: "TreeEnsemble",
      },
    },
  ],
  ["com.microsoft", { latest: 1, since: null }],
  ["com.microsoft.nchwc", { latest: 1, since: null }],
]);

/** Operators a served model may not hold: they read files or memory the model names, or run code of another language. */
export const UNSAFE_OPERATORS: ReadonlyMap<string, string> = new Map([
  ["EPContext", "it loads compiled code, which a model may name by path"],
  ["PyOp", "it runs Python"],
  ["PythonOp", "it runs Python"],
  ["PythonOpGrad", "it runs Python"],
  ["ExternalStreamingOp", "it talks to other machines"],
]);

const FIRST_VERSIONS = new Map<string, ReadonlyMap<string, number>>();
for (const [domain, { since }] of OPERATOR_SETS) {
  if (since === null) continue;
  const versions = new Map<string, number>();
  for (const [version, names] of Object.entries(since)) {
    for (const name of names.split(" ")) versions.set(name, Number(version));
  }
  FIRST_VERSIONS.set(domain, versions);
}

/**
 * The operator-set version a standard operator first appeared in; undefined for an operator its domain does not have,
 * null where the domain is not known well enough to tell.
 */
export function operatorSince(domain: string, opType: string): number | null | undefined {
  const versions = FIRST_VERSIONS.get(domain);
  return versions === undefined ? null : versions.get(opType);
}
