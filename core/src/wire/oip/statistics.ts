// The statistics extension: what a model version did since it was loaded, in the shape Triton answers.

/** A count or a sum of nanoseconds; sums over many concurrent requests outgrow what a number holds exactly. */
export type Count = number | bigint;

export interface Duration {
  readonly count: Count;
  readonly ns: Count;
}

export interface BatchStatistics {
  readonly batchSize: number;
  readonly computeInput: Duration;
  readonly computeInfer: Duration;
  readonly computeOutput: Duration;
}

export interface MemoryUsage {
  readonly type: "CPU" | "CPU_PINNED" | "GPU";
  readonly id: number;
  readonly sizeBytes: Count;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch; 0 where there was none. */
  readonly lastInference: number;
  /** Rows answered. */
  readonly inferenceCount: Count;
  /** Runs of the model, one for a whole batch. */
  readonly executionCount: Count;
  readonly success: Duration;
  readonly fail: Duration;
  readonly queue: Duration;
  readonly computeInput: Duration;
  readonly computeInfer: Duration;
  readonly computeOutput: Duration;
  readonly batches: readonly BatchStatistics[];
  readonly memory: readonly MemoryUsage[];
}

const NONE: Duration = { count: 0, ns: 0 };

/** The statistics as JSON text. */
export function statisticsText(models: readonly ModelStatistics[]): string {
  return `{"model_stats":[${models.map(modelText).join()}]}`;
}

function modelText(model: ModelStatistics): string {
  return objectText({
    name: JSON.stringify(model.name),
    version: JSON.stringify(model.version),
    last_inference: Math.trunc(model.lastInference),
    inference_count: model.inferenceCount,
    execution_count: model.executionCount,
    inference_stats: objectText({
      success: durationText(model.success),
      fail: durationText(model.fail),
      queue: durationText(model.queue),
      compute_input: durationText(model.computeInput),
      compute_infer: durationText(model.computeInfer),
      compute_output: durationText(model.computeOutput),
      // There is no response cache.
      cache_hit: durationText(NONE),
      cache_miss: durationText(NONE),
    }),
    response_stats: "{}",
    batch_stats: `[${model.batches
      .map((batch) =>
        objectText({
          batch_size: batch.batchSize,
          compute_input: durationText(batch.computeInput),
          compute_infer: durationText(batch.computeInfer),
          compute_output: durationText(batch.computeOutput),
        }),
      )
      .join()}]`,
    memory_usage: `[${model.memory
      .map(({ type, id, sizeBytes }) => objectText({ type: `"${type}"`, id, byte_size: sizeBytes }))
      .join()}]`,
  });
}

function durationText({ count, ns }: Duration): string {
  return `{"count":${count},"ns":${typeof ns === "number" ? Math.round(ns) : ns}}`;
}

/** An object from values that are JSON text or counts already. */
function objectText(fields: Readonly<Record<string, string | Count>>): string {
  return `{${Object.entries(fields)
    .map(([key, value]) => `"${key}":${value}`)
    .join()}}`;
}
