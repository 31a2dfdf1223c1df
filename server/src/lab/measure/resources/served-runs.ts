// A model as it is served, run one request after the other on made-up inputs.
import { assert, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import type { Executor, RunOutcome, RunTimes } from "#runtime";
import { type InputShapes, madeUpInputs, withOpenAxes } from "../compute/index.ts";

const LONGEST_WAIT_MS = 3_600_000;

export interface ServedRuns {
  /** Shapes it is run at. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** The process its runner is; null where it has none of its own. */
  readonly pid: number | null;
  /** Runs it once. @throws SlipwayError what the run ends with, or the signal's reason */
  run(): Promise<RunTimes>;
  close(): Promise<void>;
}

/**
 * @param shapes axes that are not named have length 1
 * @throws SlipwayError INPUT_SHAPE_MISMATCH or PARAMETER_INVALID where shapes don't fit; the executor is closed then
 */
export async function servedRuns(
  executor: Executor,
  shapes: InputShapes,
  clock: Clock,
  signal: AbortSignal,
): Promise<ServedRuns> {
  const { signature, batching } = executor;
  let inputs: readonly NamedTensor[];
  try {
    inputs = madeUpInputs(signature, withOpenAxes(signature, shapes));
  } catch (error) {
    await executor.close();
    throw error;
  }
  const outputs = signature.outputs.map(({ name }) => name);
  const rows = batching.mode === "dynamic" ? (inputs[0]?.shape[0] ?? 1) : 1;
  return {
    inputs: Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])),
    pid: executor.status().runners[0]?.pid ?? null,
    run: async () => {
      signal.throwIfAborted();
      // The runner's own limit ends a run that takes too long.
      const request = { inputs, outputs, rows, deadline: clock.now() + LONGEST_WAIT_MS };
      const { promise, resolve } = Promise.withResolvers<RunOutcome>();
      const cancel = executor.run(request, resolve);
      const stop = (): void => {
        cancel();
        resolve({ ok: false, error: new SlipwayError("REQUEST_CANCELLED", "The measurement was given up.") });
      };
      signal.addEventListener("abort", stop, { once: true });
      const outcome = await promise;
      signal.removeEventListener("abort", stop);
      signal.throwIfAborted();
      if (!outcome.ok) throw outcome.error;
      return outcome.times;
    },
    close: () => executor.close(),
  };
}

/** Resolves after a while, or at once where the signal is aborted. @throws the signal's reason */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  assert(delayMs >= 0, "A pause of negative length.");
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  cancel();
  signal.throwIfAborted();
}
