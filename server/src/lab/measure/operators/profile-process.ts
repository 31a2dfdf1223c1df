// Profiling a stored model in a contained process of its own, which may write one file of bounded size and nothing else.
import type { SessionSettings } from "@slipway/core/backend";
import type { Clock } from "@slipway/core/base";
import { askContained, locateModelFiles, type ModelFiles } from "#runtime";
import type { InputShapes } from "../compute/index.ts";
import type { Profile } from "./trace.ts";

export interface ProfileOrder {
  readonly files: ModelFiles;
  /** Axes that are not named have length 1. */
  readonly shapes: InputShapes;
  readonly session: SessionSettings;
  readonly warmUpRuns: number;
  readonly runs: number;
}

export interface ProfileReport {
  readonly profile: Profile;
  /** Milliseconds of each run without the profiler and of the one beside it with it. */
  readonly plainMs: readonly number[];
  readonly watchedMs: readonly number[];
  /** Shapes it was run at. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

export interface ProfileOptions extends ProfileOrder {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly memoryLimitBytes: number;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
}

/** The engine keeps at most a million events of about 700 bytes; what would be more ends the process. */
const TRACE_LIMIT_BYTES = 256 * 2 ** 20;
const ANSWER_LIMIT_BYTES = 128 * 2 ** 20;

/**
 * Runs a model with the profiler and without, in turn, on made-up inputs.
 * @throws SlipwayError as `askContained`; BLOB_*, MODEL_* where it can't be loaded, INPUT_SHAPE_MISMATCH and PARAMETER_INVALID
 *   for shapes, RUN_FAILED where it refuses made-up inputs
 */
export async function profileInProcess(options: ProfileOptions): Promise<ProfileReport> {
  const { shapes, session, warmUpRuns, runs, ...more } = options;
  const files = await locateModelFiles(options.files);
  const order: ProfileOrder = { files, shapes, session, warmUpRuns, runs };
  return await askContained<ProfileReport>({
    ...more,
    beside: import.meta.url,
    name: "profile-main",
    what: "Profiling the model",
    remedy: "Use smaller input shapes or fewer runs.",
    order,
    files: [files.model, ...files.externalData].map(({ path }) => path),
    writableBytes: TRACE_LIMIT_BYTES,
    answerLimitBytes: ANSWER_LIMIT_BYTES,
  });
}
