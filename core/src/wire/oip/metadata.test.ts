import { describe, expect, it } from "vitest";
import type { Signature } from "#tensor";
import { modelMetadata, serverMetadata } from "./metadata.ts";
import { modelConfig } from "./model-config.ts";
import { type ModelStatistics, statisticsText } from "./statistics.ts";

const signature: Signature = {
  inputs: [
    { name: "ids", type: { kind: "tensor", dtype: "int64", shape: ["N", "T"] } },
    { name: "scale", type: { kind: "tensor", dtype: "float32", shape: [1] }, isOptional: true },
  ],
  outputs: [
    { name: "y", type: { kind: "tensor", dtype: "string", shape: ["N", 3] } },
    { name: "odd", type: { kind: "tensor", dtype: "float8e5m2", shape: null } },
    {
      name: "maps",
      type: {
        kind: "sequence",
        element: { kind: "map", key: "int64", value: { kind: "tensor", dtype: "float32", shape: [] } },
      },
    },
  ],
};

describe("metadata", () => {
  it("shows a signature with -1 for variable axes", () => {
    expect(modelMetadata("m", ["1", "2"], signature)).toEqual({
      name: "m",
      versions: ["1", "2"],
      platform: "onnxruntime_onnx",
      inputs: [
        { name: "ids", datatype: "INT64", shape: [-1, -1] },
        { name: "scale", datatype: "FP32", shape: [1] },
      ],
      outputs: [
        { name: "y", datatype: "BYTES", shape: [-1, 3] },
        { name: "odd", datatype: "float8e5m2[…]", shape: [] },
        { name: "maps", datatype: "sequence(map(int64, float32[]))", shape: [] },
      ],
    });
  });

  it("advertises no extension that is not there", () => {
    const { extensions } = serverMetadata("slipway", "1");
    for (const missing of ["system_shared_memory", "cuda_shared_memory", "sequence", "trace", "logging"]) {
      expect(extensions).not.toContain(missing);
    }
  });
});

describe("modelConfig", () => {
  const facts = {
    name: "m",
    signature: { ...signature, inputs: signature.inputs.slice(0, 1) },
    maxBatchRows: 0,
    instances: 2,
    priorityLevels: 4,
    maxQueueRequests: 10,
    defaultTimeoutMs: 50,
  };

  it("leaves the batch axis out of a batched model's dims", () => {
    expect(modelConfig({ ...facts, maxBatchRows: 8 })).toMatchObject({
      max_batch_size: 8,
      input: [{ name: "ids", data_type: "TYPE_INT64", dims: [-1], optional: false }],
      output: [{ data_type: "TYPE_STRING", dims: [3] }, { data_type: "TYPE_INVALID" }, { data_type: "TYPE_INVALID" }],
      dynamic_batching: { priority_levels: 4, default_priority_level: 2, default_queue_policy: { max_queue_size: 10 } },
      instance_group: [{ kind: "KIND_CPU", count: 2 }],
    });
  });

  it("keeps every axis of an unbatched one", () => {
    const config = modelConfig({ ...facts, signature });
    expect(config).toMatchObject({
      max_batch_size: 0,
      input: [{ dims: [-1, -1] }, { dims: [1], optional: true }],
    });
    expect(config).not.toHaveProperty("dynamic_batching");
  });

  it("shows rows of single values as an axis, since dims may not be empty", () => {
    const column = { name: "x", type: { kind: "tensor", dtype: "string", shape: ["N"] } } as const;
    const config = modelConfig({ ...facts, maxBatchRows: 8, signature: { inputs: [column], outputs: [column] } });
    expect(config).toMatchObject({ max_batch_size: 0, input: [{ dims: [-1] }], output: [{ dims: [-1] }] });
    expect(config).not.toHaveProperty("dynamic_batching");
  });
});

describe("statisticsText", () => {
  const duration = { count: 1, ns: 2 };
  const statistics: ModelStatistics = {
    name: "m",
    version: "1",
    lastInference: 1.5e12,
    inferenceCount: 12,
    executionCount: 3,
    success: { count: 4, ns: 2n ** 63n },
    fail: duration,
    queue: { count: 1, ns: 1234.56 },
    computeInput: duration,
    computeInfer: duration,
    computeOutput: duration,
    batches: [{ batchSize: 4, computeInput: duration, computeInfer: duration, computeOutput: duration }],
    memory: [{ type: "CPU", id: 0, sizeBytes: 4096 }],
  };

  it("is JSON of Triton's shape, with sums past 2^53 in full", () => {
    const text = statisticsText([statistics]);
    expect(text).toContain('"ns":9223372036854775808}');
    const [model] = JSON.parse(text).model_stats;
    expect(Object.keys(model)).toEqual([
      "name",
      "version",
      "last_inference",
      "inference_count",
      "execution_count",
      "inference_stats",
      "response_stats",
      "batch_stats",
      "memory_usage",
    ]);
    expect(model.inference_stats.queue).toEqual({ count: 1, ns: 1235 });
    expect(model.inference_stats.cache_hit).toEqual({ count: 0, ns: 0 });
    expect(model.batch_stats[0].batch_size).toBe(4);
    expect(model.memory_usage).toEqual([{ type: "CPU", id: 0, byte_size: 4096 }]);
  });

  it("answers an empty list for nothing loaded", () => {
    expect(statisticsText([])).toBe('{"model_stats":[]}');
  });
});
