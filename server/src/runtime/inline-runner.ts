// A runner inside this process, for tiny models one trusts: the same frames, batches and answers, without a process
// around them. Nothing contains it, and a run can't be ended.
import { RunnerCore, type RunnerPorts } from "./runner.ts";
import type { RunnerListener, StartRunner } from "./runner-handle.ts";

export function inlineRunner(ports: RunnerPorts): StartRunner {
  return (listener: RunnerListener) => {
    const core = new RunnerCore(ports);
    let isLive = true;
    const deliver = (receive: (chunk: Uint8Array) => void) => (chunks: readonly Uint8Array[]) => {
      if (isLive) for (const chunk of chunks) receive(chunk);
      return true;
    };
    const peer = core.attach(deliver((chunk) => listener.receive(chunk)));
    return {
      pid: null,
      isKillable: false,
      send: deliver((chunk) => peer.receive(chunk)),
      kill() {
        if (!isLive) return;
        isLive = false;
        peer.closed();
        const exited = (lastWords: string) => listener.exited({ code: 0, signal: null, lastWords });
        void core.close().then(
          () => exited(""),
          (error: unknown) => exited(String(error)),
        );
      },
      residentBytes: () => null,
    };
  };
}
