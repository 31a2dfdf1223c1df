// Ctrl-C, for work that has nothing to tidy up: it is simply left.
import { SlipwayError } from "@slipway/core/base";

/** What `work` answers, or as soon as the signal is aborted: @throws SlipwayError INTERRUPTED */
export async function untilInterrupted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const interrupt = () => reject(new SlipwayError("INTERRUPTED", "Stopped."));
  if (signal.aborted) interrupt();
  signal.addEventListener("abort", interrupt);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", interrupt);
    promise.catch(() => {});
    work.catch(() => {});
  }
}
