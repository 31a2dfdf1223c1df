// Operators that execution providers of ONNX Runtime have kernels for, as their projects list them. Which types and versions of
// an operator they have is not kept here.

/** onnxruntime-web 1.24.3, docs/webgpu-operators.md. */
export const WEBGPU_OPERATORS: readonly string[] = namesOf(
  "Abs Acos Acosh Add ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip Concat " +
    "Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand Flatten " +
    "Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual " +
    "GridSample HardSigmoid If InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log MatMul " +
    "MaxPool Mul Neg Not Pad Pow Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax " +
    "ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ScatterND Shape Sigmoid " +
    "SimplifiedLayerNormalization Sin Sinh Slice Softmax Split Sqrt Squeeze Sub Tan Tanh ThresholdedRelu Tile " +
    "Transpose Unsqueeze Where",
  "Attention BiasAdd BiasSplitGelu FastGelu FusedConv GatherBlockQuantized GroupQueryAttention MatMulNBits " +
    "MultiHeadAttention QuickGelu RotaryEmbedding SkipLayerNormalization SkipSimplifiedLayerNormalization",
);

/** The CUDA provider: onnxruntime docs/OperatorKernels.md at commit 001d12d2623f. */
export const CUDA_OPERATORS: readonly string[] = namesOf(
  "Abs Add Affine And ArgMax ArgMin Attention AveragePool BatchNormalization Cast Ceil Clip Compress Concat " +
    "ConcatFromSequence ConstantOfShape Conv ConvTranspose Cos Crop CumSum DepthToSpace DequantizeLinear Div " +
    "Dropout DynamicSlice Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements " +
    "GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample HardSigmoid HardSwish " +
    "Identity If ImageScaler InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less " +
    "LessOrEqual Log LogSoftmax Loop MatMul MatMulInteger Max MaxPool Min Mod Mul Neg NonZero Not OneHot Or PRelu " +
    "Pad ParametricSoftplus Pow QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike RandomUniform " +
    "RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean " +
    "ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding " +
    "Round ScaledTanh Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty " +
    "SequenceErase SequenceInsert SequenceLength Shape Shrink Sigmoid Sign SimplifiedLayerNormalization Sin Size " +
    "Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh TensorScatter ThresholdedRelu " +
    "Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor",
  "Attention BeamSearch BiasAdd BiasDropout BiasGelu BiasSoftmax BiasSplitGelu ComplexMul ComplexMulConj " +
    "DecoderMaskedMultiHeadAttention DequantizeLinear EmbedLayerNormalization FastGelu FusedConv FusedMatMul " +
    "GatherBlockQuantized Gelu GreedySearch GridSample GroupNorm GroupQueryAttention Inverse Irfft " +
    "LongformerAttention MatMulBnb4 MatMulNBits MoE MultiHeadAttention NGramRepeatBlock NhwcConv PackedAttention " +
    "PackedMultiHeadAttention PagedAttention QAttention QMoE QuantizeLinear QuickGelu RelativePositionBias " +
    "RemovePadding RestorePadding Rfft RotaryEmbedding Sampling SkipGroupNorm SkipLayerNormalization " +
    "SkipSimplifiedLayerNormalization SparseAttention TransposeMatMul Trilu UnfoldTensor",
);

function namesOf(standard: string, contributed: string): readonly string[] {
  return [...standard.split(" "), ...contributed.split(" ").map((name) => `com.microsoft.${name}`)];
}
