// The Open Inference Protocol's statistics and repository index, from what monitoring and serving know.
import type { Duration, ModelStatistics, RepositoryEntry } from "@slipway/core/wire";
import type { Histogram, Traffic, TrafficView } from "#monitor";
import type { VariantStatus } from "#serve";

const NS_PER_MS = 1e6;

/** Statistics of the loaded variants of one endpoint and version, or of all; deployments of one version together. */
export function modelStatistics(
  book: TrafficView,
  variants: readonly VariantStatus[],
  endpoint: string | null,
  version: string | null,
): ModelStatistics[] {
  const loaded = variants.filter(
    (variant) =>
      (endpoint === null || variant.endpoint === endpoint) &&
      (version === null || variant.version === version) &&
      variant.state !== "unloaded" &&
      variant.state !== "failed",
  );
  // Names hold no space.
  return [...Map.groupBy(loaded, (variant) => `${variant.endpoint} ${variant.version}`).values()].map((same) =>
    statisticsOf(same, book.get(same[0]!.endpoint, same[0]!.version)),
  );
}

function statisticsOf(variants: readonly VariantStatus[], traffic: Traffic | undefined): ModelStatistics {
  const { endpoint, version } = variants[0]!;
  const runners = variants.flatMap(({ executor }) => executor?.runners ?? []);
  const memory = runners.flatMap(({ residentBytes }, id) =>
    residentBytes === null ? [] : [{ type: "CPU" as const, id, sizeBytes: residentBytes }],
  );
  const stages = traffic?.stages;
  const queueMs = (stages?.queue.sumMs ?? 0) + (stages?.wait.sumMs ?? 0);
  return {
    name: endpoint,
    version,
    lastInference: traffic?.lastAnswerAtMs ?? 0,
    inferenceCount: Math.round(traffic?.rows ?? 0),
    executionCount: Math.round(traffic?.batches ?? 0),
    success: durationOf(stages?.total),
    fail: { count: traffic?.failures ?? 0, ns: Math.round((traffic?.failMs ?? 0) * NS_PER_MS) },
    queue: { count: traffic?.answered ?? 0, ns: Math.round(queueMs * NS_PER_MS) },
    computeInput: durationOf(stages?.input),
    computeInfer: durationOf(stages?.infer),
    computeOutput: durationOf(stages?.output),
    batches: [...(traffic?.batchRows ?? [])]
      .toSorted(([a], [b]) => a - b)
      .map(([batchSize, { count, inputNs, inferNs, outputNs }]) => ({
        batchSize,
        computeInput: { count: Math.round(count), ns: Math.round(inputNs) },
        computeInfer: { count: Math.round(count), ns: Math.round(inferNs) },
        computeOutput: { count: Math.round(count), ns: Math.round(outputNs) },
      })),
    memory,
  };
}

function durationOf(histogram: Histogram | undefined): Duration {
  return { count: histogram?.count ?? 0, ns: Math.round((histogram?.sumMs ?? 0) * NS_PER_MS) };
}

const STATES = {
  loading: "LOADING",
  ready: "READY",
  "not-ready": "UNAVAILABLE",
  draining: "UNLOADING",
  unloaded: "UNAVAILABLE",
  failed: "UNAVAILABLE",
} as const satisfies Record<VariantStatus["state"], RepositoryEntry["state"]>;

/** The repository index: what is or was loaded, and the names of endpoints nothing was loaded for. */
export function repositoryIndex(variants: readonly VariantStatus[], names: readonly string[]): RepositoryEntry[] {
  const entries: RepositoryEntry[] = variants.map(({ endpoint, version, state, reason }) => ({
    name: endpoint,
    version,
    state: STATES[state],
    reason: reason ?? "",
  }));
  const loaded = new Set(variants.map(({ endpoint }) => endpoint));
  for (const name of names) if (!loaded.has(name)) entries.push({ name });
  return entries;
}
