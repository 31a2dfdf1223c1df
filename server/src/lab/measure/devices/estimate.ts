// How long a run would take on a device that is not here, from what each node computes and moves: a roofline, node by node.
import type { NodeCost } from "@slipway/core/cost";
import type { DeviceProfile } from "./device-profile.ts";

/** Bounded by arithmetic of products where a device is fast at them. */
const MATRIX: ReadonlySet<string> = new Set([
  "MatMul",
  "Gemm",
  "MatMulInteger",
  "QLinearMatMul",
  "Einsum",
  "Attention",
  "LSTM",
  "GRU",
  "RNN",
  "com.microsoft.Attention",
  "com.microsoft.MultiHeadAttention",
  "com.microsoft.GroupQueryAttention",
  "com.microsoft.FusedMatMul",
  "com.microsoft.MatMulNBits",
  "com.microsoft.FusedGemm",
]);
const CONVOLUTION: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "ConvInteger",
  "QLinearConv",
  "DeformConv",
  "com.microsoft.FusedConv",
]);
/** Engines give the same bytes another shape, fold them away or work them out while loading. */
const FREE: ReadonlySet<string> = new Set([
  "Constant",
  "Dropout",
  "Flatten",
  "Identity",
  "Reshape",
  "Shape",
  "Squeeze",
  "Unsqueeze",
]);

/** Done by the convolution right before them, as every engine here does where nothing else reads its result. */
const JOINED: ReadonlySet<string> = new Set([
  "BatchNormalization",
  "Clip",
  "HardSigmoid",
  "LeakyRelu",
  "Relu",
  "Sigmoid",
  "Tanh",
]);

/** Seconds; `lower` and `upper` are within the profile's uncertainty factor. */
export interface LatencyEstimate {
  readonly seconds: number;
  readonly lower: number;
  readonly upper: number;
  /** What bounds it: seconds of nodes that arithmetic bounds, that memory bounds, of starting nodes, and of the run itself. */
  readonly parts: {
    readonly matrix: number;
    readonly convolution: number;
    readonly memory: number;
    readonly nodes: number;
    readonly run: number;
  };
}

export interface Unknown {
  readonly reason: string;
}

/**
 * The estimate for one run, one after the other: for each node, the larger of its operations over the device's rate and its
 * bytes over its bandwidth (that of caches for as much as they hold), and what starting a node takes; then what a run takes
 * beyond its nodes. Normalisation and activation right after a convolution are taken for part of it. Other nodes an engine
 * joins make the estimate larger than the truth, small products and strange shapes that reach no sustained rate make it
 * smaller; the profile's uncertainty factor stands for that, and docs/devices.md shows how estimates did.
 * Source: Williams, Waterman, Patterson, "Roofline", Communications of the ACM 52 (2009).
 * @param nodes as core's `countGraph` counts them
 * @returns why there is none where a node's work or a figure of the device is not known
 */
export function estimateLatency(nodes: readonly NodeCost[], device: DeviceProfile): LatencyEstimate | Unknown {
  const { matrixFlops, convolutionFlops, bandwidthBytes, nodeSeconds, runSeconds, uncertaintyFactor } = device;
  const parts = { matrix: 0, convolution: 0, memory: 0, nodes: 0, run: runSeconds.value ?? 0 };
  let isConvolved = false;
  for (const node of nodes) {
    if (node.times === 0 || FREE.has(node.operator)) continue;
    isConvolved = CONVOLUTION.has(node.operator) || (isConvolved && JOINED.has(node.operator));
    if (isConvolved && JOINED.has(node.operator)) continue;
    const { readBytes, writtenBytes, flops, times } = node;
    if (flops === null || node.isPerIteration) return { reason: `the work of ${node.place} is not known` };
    if (readBytes === null || writtenBytes === null) return { reason: `the sizes around ${node.place} are not known` };
    const kind = MATRIX.has(node.operator) ? "matrix" : CONVOLUTION.has(node.operator) ? "convolution" : null;
    const rate = kind === "matrix" ? matrixFlops.value : kind === "convolution" ? convolutionFlops.value : null;
    if (kind !== null && rate === null)
      return { reason: `${device.name} does not tell its rate of ${kind} operations` };
    if (bandwidthBytes.value === null) return { reason: `${device.name} does not tell its memory bandwidth` };
    const computing = rate === null ? 0 : flops / rate;
    const moving = movingSeconds(readBytes + writtenBytes, device);
    parts[kind !== null && computing >= moving ? kind : "memory"] += times * Math.max(computing, moving);
    parts.nodes += times * (nodeSeconds.value ?? 0);
  }
  if (nodeSeconds.value === null || runSeconds.value === null) {
    return { reason: `${device.name} does not tell what starting a node or a run takes` };
  }
  const seconds = parts.matrix + parts.convolution + parts.memory + parts.nodes + parts.run;
  return { seconds, lower: seconds / uncertaintyFactor, upper: seconds * uncertaintyFactor, parts };
}

function movingSeconds(bytes: number, { bandwidthBytes, cacheBytes, cacheBandwidthBytes }: DeviceProfile): number {
  const isCached = cacheBytes.value !== null && cacheBandwidthBytes.value !== null && bytes <= cacheBytes.value;
  return bytes / (isCached ? cacheBandwidthBytes.value! : bandwidthBytes.value!);
}
