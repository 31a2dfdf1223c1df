// The frames between server and runner, both ways: whatever bytes come, the link is closed with RUNNER_PROTOCOL or they are
// frames; every stream ends once at the most; and how the bytes are cut changes nothing.
import type { Backend } from "@slipway/core/backend";
import { FakeClock, SlipwayError } from "@slipway/core/base";
import { elementCount, type NamedTensor, storedLength } from "@slipway/core/tensor";
import type { RunOutcome } from "../../../server/src/runtime/executor.ts";
import { FrameReader } from "../../../server/src/runtime/frame-reader.ts";
import { FrameWriter } from "../../../server/src/runtime/frame-writer.ts";
import { FrameKind } from "../../../server/src/runtime/frames.ts";
import type { Entry } from "../../../server/src/runtime/pool-entry.ts";
import { RunnerCore } from "../../../server/src/runtime/runner.ts";
import { portNames, RunnerLink } from "../../../server/src/runtime/runner-link.ts";
import { simulatedModel, simulatedOrder } from "../../../server/src/runtime/simulation.testing.ts";
import { cut, FROM_RUNNER, FROM_SERVER, generatedFrames, repairFrames } from "../frame-bytes.ts";
import { Random } from "../random.ts";
import { type FuzzTarget, sortOf } from "../target.ts";

const SIGNATURE = {
  inputs: [
    { name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", "W"] } },
    { name: "s", type: { kind: "tensor", dtype: "string", shape: ["N"] }, isOptional: true },
  ],
  outputs: [
    { name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", "W"] } },
    { name: "s", type: { kind: "tensor", dtype: "string", shape: ["N"] } },
  ],
} as const;

function framesOf(kinds: readonly FrameKind[]) {
  return {
    share: 4,
    maxBytes: 512,
    tokens: [],
    seeds: () => Array.from({ length: 40 }, (_, seed) => generatedFrames(new Random(seed), kinds)),
    generate: (random: Random) => generatedFrames(random, kinds),
    repair: repairFrames,
  };
}

/** What runners send. */
export const serverFramesTarget: FuzzTarget = {
  ...framesOf(FROM_RUNNER),
  name: "frames-server",
  run(input) {
    const whole = heardByServer([input]);
    const pieces = heardByServer(cut(input));
    if (whole !== pieces) throw new Error(`In one piece: ${whole}; in several: ${pieces}`);
    return whole;
  },
};

/** Feeds a link that has three streams open; answers what came of it. */
function heardByServer(pieces: readonly Uint8Array[]): string {
  const heard: string[] = [];
  const clock = new FakeClock();
  const link = new RunnerLink({
    runner: 0,
    clock,
    send: () => true,
    events: { onControl: (message) => heard.push(message.type), outputNames: () => ["x", "s"] },
    isShared: false,
  });
  for (let stream = 1; stream <= 3; stream++) {
    let endings = 0;
    const done = (outcome: RunOutcome): void => {
      if (++endings > 1) throw new Error(`Stream ${stream} ended twice`);
      heard.push(`${stream} ${outcome.ok ? shapesOf(outcome.outputs) : outcome.error.code}`);
    };
    link.send(entryOf(done), portNames(SIGNATURE));
  }
  try {
    for (const piece of pieces) link.receive(piece);
  } catch (error) {
    heard.push(protocolError(error));
  }
  link.close();
  return heard.join();
}

function entryOf(done: (outcome: RunOutcome) => void): Entry {
  const data = Float32Array.of(1, 2);
  const inputs = [{ name: "x", dtype: "float32", shape: [1, 2], data } as const];
  const request = { inputs, outputs: ["x", "s"], rows: 1, deadline: 1e6 };
  return { request, done, stream: 0, isRunning: false, isAlone: false, deaths: 0 };
}

/** The outputs, checked to be whole: their data fills their shape. */
function shapesOf(outputs: readonly NamedTensor[]): string {
  return outputs
    .map(({ dtype, shape, data }) => {
      if (data.length !== storedLength(dtype, elementCount(shape)) && dtype !== "string")
        throw new Error("Data and shape differ");
      return `${dtype}${shape.length}`;
    })
    .join("+");
}

function protocolError(error: unknown): string {
  if (!(error instanceof SlipwayError) || error.code !== "RUNNER_PROTOCOL") throw error;
  return sortOf(error.code, error.message);
}

/** What servers send. */
export const runnerFramesTarget: FuzzTarget = {
  ...framesOf(FROM_SERVER),
  name: "frames-runner",
  async run(input) {
    const { core, clock } = await loadedRunner();
    const ended = new Set<number>();
    let heard = "";
    const reader = new FrameReader((frame) => {
      if (frame.kind !== FrameKind.result && frame.kind !== FrameKind.failure) return;
      if (ended.has(frame.stream)) throw new Error(`Stream ${frame.stream} was answered twice`);
      ended.add(frame.stream);
      heard += frame.kind === FrameKind.failure ? (frame.json() as { code: string }).code : "result";
    });
    const peer = core.attach((chunks) => {
      for (const chunk of chunks) reader.push(chunk);
      return true;
    });
    try {
      for (const piece of cut(input)) peer.receive(piece);
    } catch (error) {
      heard += protocolError(error);
    }
    // Until nothing is left to do: each run takes one turn of the clock and a few promises.
    for (let turns = 0; clock.step(); turns++) {
      if (turns > 1000) throw new Error("The runner does not come to rest");
      for (let settling = 0; settling < 12; settling++) await Promise.resolve();
    }
    peer.closed();
    return heard;
  },
};

let runner: Promise<{ core: RunnerCore; clock: FakeClock }> | undefined;

function loadedRunner(): Promise<{ core: RunnerCore; clock: FakeClock }> {
  return (runner ??= loadRunner());
}

async function loadRunner(): Promise<{ core: RunnerCore; clock: FakeClock }> {
  const clock = new FakeClock();
  const files = { model: simulatedModel(), externalData: new Map<string, Uint8Array>() };
  const core = new RunnerCore({ backend: mirrorBackend, clock, readFiles: async () => files });
  const answers: string[] = [];
  const reader = new FrameReader((frame) => answers.push(JSON.stringify(frame.json())));
  const peer = core.attach((chunks) => {
    for (const chunk of chunks) reader.push(chunk);
    return true;
  });
  const writer = new FrameWriter((chunks) => {
    for (const chunk of chunks) peer.receive(chunk);
    return true;
  });
  writer.begin(FrameKind.control, 0, 0, 0, 0);
  writer.json({ type: "load", order: simulatedOrder(), isShared: true });
  writer.end();
  writer.flush();
  for (let turns = 0; turns < 100 && answers.length === 0; turns++) await clock.advanceAsync(1);
  if (!answers.join().includes('"loaded"')) throw new Error(`The runner did not load: ${answers.join()}`);
  peer.closed();
  return { core, clock };
}

/** Answers inputs as outputs; what was not sent it has no answer for. */
const mirrorBackend: Backend = {
  name: "mirror",
  residentBytes: () => null,
  load: async () => ({
    signature: SIGNATURE,
    run: async (inputs, outputs) =>
      outputs.map((name) => {
        const input = inputs.find((one) => one.name === name);
        if (input === undefined) throw new SlipwayError("RUN_FAILED", `There is no ${name}.`);
        return input;
      }),
    unload: async () => {},
  }),
};
