// Builds the executor of a deployment from its settings: threads planned, containment found out, runners started.
import { createHmac } from "node:crypto";
import { availableParallelism, tmpdir } from "node:os";
import type { SessionSettings } from "@slipway/core/backend";
import { type Clock, SlipwayError } from "@slipway/core/base";
import { bytesFromData, type NamedTensor, type NumericData } from "@slipway/core/tensor";
import type { RuntimeSettings } from "#config";
import type { LengthGrouping } from "./batcher.ts";
import { containmentOf } from "./containment.ts";
import type { Crew } from "./crew.ts";
import type { LoadOrder } from "./control.ts";
import type { Executor } from "./executor.ts";
import { inlineRunner } from "./inline-runner.ts";
import { LongTurns } from "./long-turns.ts";
import { locateModelFiles, type ModelFiles, readModelFiles } from "./model-files.ts";
import { createOnnxRuntimeBackend } from "./onnxruntime.ts";
import { RunnerPool } from "./pool.ts";
import { processRunner } from "./runner-process.ts";
import { planThreads } from "./thread-plan.ts";

export interface ExecutorOptions {
  readonly model: ModelFiles;
  readonly settings: RuntimeSettings;
  readonly clock: Clock;
  /** Unpredictable bytes, such as node:crypto's `randomBytes`. */
  readonly randomBytes: (sizeBytes: number) => Uint8Array;
  /** Looks at the links to runners; one of its own by default. */
  readonly longTurns?: LongTurns;
  /** Told what happens to runners: starts, deaths, given-up batching. Never inputs. */
  readonly log?: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** Where runners' empty directories are made; the system's temporary directory by default. */
  readonly scratchDirectory?: string;
  /** The runners' whole environment; empty by default. Execution providers may need a library path. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Cores to plan threads for; those this process may use by default. */
  readonly cores?: number;
  /** Keys the fingerprints of inputs, so that other fronts make the same; 32 random bytes by default. */
  readonly fingerprintKey?: Uint8Array;
  /** Other fronts that send requests to the runners. */
  readonly crews?: readonly Crew[];
  /** How requests of different length are grouped; only benchmarks ask for anything but "cost". */
  readonly grouping?: LengthGrouping;
  /** Gives the load up. */
  readonly signal?: AbortSignal;
}

/**
 * Loads a model and answers when its runners are warm.
 * @throws SlipwayError CONFIG_INVALID for settings that can't be, BLOB_* when a file is missing or short, MODEL_* when the model can't be served,
 *   REQUEST_CANCELLED when the signal gave the load up
 */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  const { model, settings, clock, randomBytes } = options;
  const threads = planThreads(settings, options.cores ?? availableParallelism());
  const instances = settings.inline ? 1 : settings.instances;
  const located = await locateModelFiles(model);
  const shared = {
    order: loadOrder(located, settings, threads.intraOpThreads, options.grouping ?? "cost"),
    instances,
    runTimeoutMs: settings.runTimeoutMs,
    loadTimeoutMs: settings.loadTimeoutMs,
    memoryLimitBytes: settings.memoryLimitBytes,
    maxDistinctDeaths: settings.maxDistinctDeaths,
    clock,
    fingerprint: fingerprintWith(options.fingerprintKey ?? randomBytes(32)),
    log: options.log ?? (() => undefined),
    signal: options.signal,
    crews: options.crews ?? [],
  };
  if (settings.inline) {
    if (shared.crews.length > 0) {
      throw new SlipwayError(
        "CONFIG_INVALID",
        "runtime.inline runs a model inside one process, and server.fronts asks for several. Set one of them back.",
      );
    }
    return RunnerPool.open({
      ...shared,
      start: inlineRunner({ backend: createOnnxRuntimeBackend(), clock, readFiles: readModelFiles }),
      containment: ["none: the model runs inside the server (runtime.inline)"],
    });
  }
  const containment = await containmentOf({
    memoryLimitBytes: settings.memoryLimitBytes,
    files: [located.model, ...located.externalData].map(({ path }) => path),
  });
  return RunnerPool.open({
    ...shared,
    start: processRunner({
      containment,
      scratchDirectory: options.scratchDirectory ?? tmpdir(),
      environment: options.environment ?? {},
      isShared: shared.crews.length > 0,
      clock,
      longTurns: options.longTurns ?? new LongTurns(clock),
    }),
    containment: containment.text,
  });
}

/** How a session runs a model as it is served. */
export function sessionSettingsFrom(settings: RuntimeSettings, intraOpThreads: number): SessionSettings {
  return {
    intraOpThreads,
    graphOptimizationLevel: settings.graphOptimizationLevel,
    executionProviders: settings.executionProviders,
    configEntries: {
      "optimization.constant_folding_max_output_size_in_bytes": String(settings.constantFoldingLimitBytes),
      ...settings.sessionConfig,
    },
  };
}

function loadOrder(
  files: ModelFiles,
  settings: RuntimeSettings,
  intraOpThreads: number,
  grouping: LengthGrouping,
): LoadOrder {
  return {
    files,
    session: sessionSettingsFrom(settings, intraOpThreads),
    batching: {
      mode: settings.batching,
      maxRows: settings.maxBatchRows,
      padAxis: settings.padAxis,
      padValues: settings.padValues,
      maskInput: settings.maskInput,
      grouping,
    },
    warmUpRuns: settings.warmUpRuns,
    reportsMemory: process.platform !== "linux" && !settings.inline,
  };
}

/** A keyed hash of inputs: the same inputs can be told again within this process, and nothing more is learnt. */
export function fingerprintWith(key: Uint8Array): (inputs: readonly NamedTensor[]) => string {
  return (inputs) => {
    const hash = createHmac("sha256", key);
    for (const { name, dtype, shape, data } of inputs) {
      hash.update(JSON.stringify([name, dtype, shape]));
      hash.update(dtype === "string" ? JSON.stringify(data) : bytesFromData(data as NumericData));
    }
    return hash.digest("hex").slice(0, 16);
  };
}
