// A device and a model of round numbers, for tests of estimates, fits and advice.
import type { NodeCost } from "@slipway/core/cost";
import type { DeviceProfile } from "./device-profile.ts";
import type { FitModel } from "./fit.ts";

const of = (value: number | null) => ({ value, source: "made up" });

/** 1 GFLOP/s in products, 0.5 in convolutions, 1 MB/s of memory and 1 GB/s up to 3000 bytes, 1 ms a node, 10 ms a run, 2 W. */
export const SLOW: DeviceProfile = {
  format: "slipway-device@1",
  name: "slow",
  about: "made up",
  place: "edge",
  engine: "none",
  asOf: "2026-11-25",
  cores: 1,
  memoryBytes: of(100e6),
  matrixFlops: of(1e9),
  convolutionFlops: of(0.5e9),
  bandwidthBytes: of(1e6),
  cacheBytes: of(3000),
  cacheBandwidthBytes: of(1e9),
  nodeSeconds: of(1e-3),
  runSeconds: of(10e-3),
  busyWatts: of(2),
  downloadBytes: of(5000),
  engineBytes: of(1000),
  operators: { names: null, isAll: true, others: "refused", source: "made up" },
  uncertaintyFactor: 2,
};

export function node(operator: string, more: Partial<NodeCost> = {}): NodeCost {
  return {
    place: `${operator} node`,
    operator,
    macs: 0,
    flops: 0,
    readBytes: 0,
    writtenBytes: 0,
    flopsPerByte: null,
    times: 1,
    isPerIteration: false,
    uncounted: null,
    isUnknownOperator: false,
    ...more,
  };
}

export function modelOf(nodes: readonly NodeCost[], more: Partial<FitModel> = {}): FitModel {
  return {
    nodes,
    weightsBytes: 2000,
    activationsBytes: 500,
    activationsReason: null,
    fileBytes: 2100,
    operators: nodes.map(({ operator }) => ({ operator, nodes: 1 })),
    ...more,
  };
}
