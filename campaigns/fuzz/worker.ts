// Fuzzes one target in a thread of its own, so that whoever watches can end an input that does not end by itself. The input
// being fed lies in shared memory, so that it is known then.
import { parentPort, workerData } from "node:worker_threads";
import { Finding, fuzz, type FuzzProgress, minimise } from "./fuzzer.ts";
import { targetNamed } from "./targets.ts";

export interface WorkerOrder {
  readonly target: string;
  readonly inputs: number;
  readonly seed: number;
  /** Two 32-bit numbers, of the input being fed and its length, and then the input. */
  readonly shared: SharedArrayBuffer;
}

export type WorkerReport =
  | { readonly kind: "done"; readonly ends: readonly (readonly [string, number])[]; readonly slowestMs: number }
  | { readonly kind: "finding"; readonly text: string; readonly input: Uint8Array; readonly small: Uint8Array };

const { target: name, inputs, seed, shared } = workerData as WorkerOrder;
const counters = new Int32Array(shared, 0, 2);
const place = new Uint8Array(shared, 8);
const target = targetNamed(name);

const progress: FuzzProgress = {
  begin(input, number) {
    place.set(input.length > place.length ? input.subarray(0, place.length) : input);
    counters[1] = input.length;
    counters[0] = number;
  },
};

async function work(): Promise<WorkerReport> {
  try {
    const { ends, slowestMs } = await fuzz(target, inputs, seed, progress);
    return { kind: "done", ends: [...ends], slowestMs };
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    return { kind: "finding", text: error.message, input: error.input, small: await minimise(target, error, progress) };
  }
}

const report = await work();
await target.close?.();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, which has no origins
parentPort!.postMessage(report);
