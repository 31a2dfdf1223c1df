import { type Backend, createReferenceBackend } from "@slipway/core/backend";
import { FakeClock } from "@slipway/core/base";
import { modelFromBytes } from "@slipway/core/onnx";
import { describe, expect, it } from "vitest";
import type { ControlMessage } from "./control.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { FrameKind } from "./frames.ts";
import { RunnerCore, type RunnerPeer } from "./runner.ts";
import { simulatedModel, simulatedOrder } from "./simulation.testing.ts";

interface Heard {
  readonly kind: number;
  readonly stream: number;
  readonly data?: unknown;
}

/** A front at the other end of a link. */
class Front {
  readonly heard: Heard[] = [];
  readonly control: ControlMessage[] = [];
  /** Frames by the write they came in. */
  readonly writes: number[][] = [];
  readonly peer: RunnerPeer;
  readonly #writer: FrameWriter;

  constructor(core: RunnerCore) {
    const reader = new FrameReader((frame) => {
      this.writes.at(-1)!.push(frame.kind);
      if (frame.kind === FrameKind.control) this.control.push(frame.json() as ControlMessage);
      else if (frame.kind === FrameKind.begin) {
        const count = frame.u32();
        frame.u32();
        this.heard.push({ kind: frame.kind, stream: 0, data: frame.u32List(count) });
      } else if (frame.kind === FrameKind.result) {
        for (let i = 0; i < 6; i++) frame.u32();
        this.heard.push({ kind: frame.kind, stream: frame.stream, data: frame.tensor().data });
      } else this.heard.push({ kind: frame.kind, stream: frame.stream, data: frame.json() });
    });
    this.peer = core.attach((chunks) => {
      this.writes.push([]);
      for (const chunk of chunks) reader.push(chunk);
      return true;
    });
    this.#writer = new FrameWriter((chunks) => {
      for (const chunk of chunks) this.peer.receive(chunk);
      return true;
    });
  }

  load(isShared: boolean): void {
    this.#writer.begin(FrameKind.control, 0, 0, 0, 0);
    this.#writer.json({ type: "load", order: simulatedOrder(), isShared });
    this.#writer.end();
    this.#writer.flush();
  }

  /** Asks for y of one row, or of the rows it claims. */
  run(stream: number, values: readonly number[], claimedRows = 1): void {
    this.#writer.begin(FrameKind.run, 0, stream, 0, 1e6);
    this.#writer.u32Pair(claimedRows, 1);
    this.#writer.u16List([0]);
    this.#writer.tensor(0, "float32", [1, values.length], 1, Float32Array.from(values), 0, values.length);
    this.#writer.end();
    this.#writer.flush();
  }

  answers(): Map<number, unknown> {
    const results = this.heard.filter(({ kind }) => kind === FrameKind.result);
    return new Map(results.map(({ stream, data }) => [stream, data]));
  }
}

async function open(
  backend: Backend = createReferenceBackend(modelFromBytes),
  isShared = true,
): Promise<{ clock: FakeClock; core: RunnerCore; front: Front }> {
  const clock = new FakeClock();
  const core = new RunnerCore({
    backend,
    clock,
    readFiles: async () => ({ model: simulatedModel(), externalData: new Map() }),
  });
  const front = new Front(core);
  front.load(isShared);
  for (let i = 0; i < 100 && front.control.length === 0; i++) await clock.advanceAsync(1);
  expect(front.control).toMatchObject([{ type: "loaded", model: { batching: { mode: "dynamic" } } }]);
  return { clock, core, front };
}

describe("a runner", () => {
  it("batches the frames of several fronts, each with its own stream ids", async () => {
    const { clock, core, front } = await open();
    const other = new Front(core);
    front.run(1, [1, 1]);
    other.run(1, [2, 2]);
    other.run(2, [3, 3]);
    await clock.advanceAsync(10);
    expect(front.answers()).toEqual(new Map([[1, Float32Array.of(3, 3)]]));
    expect(other.answers()).toEqual(
      new Map([
        [1, Float32Array.of(5, 5)],
        [2, Float32Array.of(7, 7)],
      ]),
    );
    // Each was told of its own streams before they ran.
    expect(front.heard[0]).toMatchObject({ kind: FrameKind.begin, data: [1] });
    expect(other.heard[0]).toMatchObject({ kind: FrameKind.begin, data: [1, 2] });
  });

  it("goes on for the others when a front leaves", async () => {
    const { clock, core, front } = await open();
    const other = new Front(core);
    front.run(1, [1, 1]);
    other.run(1, [2, 2]);
    other.peer.closed();
    await clock.advanceAsync(10);
    expect(front.answers().size).toBe(1);
    expect(other.heard).toEqual([]);
  });

  it.each([false, true])("lets the run in progress end before it unloads (the run fails: %s)", async (fails) => {
    const reference = createReferenceBackend(modelFromBytes);
    const gate = Promise.withResolvers<void>();
    const happened: string[] = [];
    let isGated = false;
    const { clock, core, front } = await open({
      ...reference,
      load: async (...order) => {
        const session = await reference.load(...order);
        return {
          signature: session.signature,
          run: async (...batch) => {
            if (isGated) await gate.promise;
            happened.push("ran");
            return await session.run(...batch);
          },
          unload: async () => void happened.push("unloaded"),
        };
      },
    });
    happened.length = 0;
    isGated = true;
    front.run(1, [1, 1]);
    front.run(2, [2, 2]);
    await clock.advanceAsync(10);
    const closed = core.close();
    await clock.advanceAsync(10);
    expect(happened).toEqual([]);
    if (fails) gate.reject(new Error("the engine gave up"));
    else gate.resolve();
    await closed;
    await clock.advanceAsync(10);
    expect(happened).toEqual(fails ? ["unloaded"] : ["ran", "unloaded"]);
    expect(front.answers().size).toBe(0);
  });

  it("says nothing before it runs the only request there is, unless others may have links", async () => {
    for (const isShared of [false, true]) {
      const { clock, front } = await open(undefined, isShared);
      front.run(1, [1, 1]);
      await clock.advanceAsync(10);
      const begins = front.heard.filter(({ kind }) => kind === FrameKind.begin);
      expect(begins).toHaveLength(isShared ? 1 : 0);
      expect(front.answers().size).toBe(1);
    }
  });

  it("sends the answers of a batch in one write", async () => {
    const { clock, front } = await open();
    front.writes.length = 0;
    for (let stream = 1; stream <= 8; stream++) front.run(stream, [stream, stream]);
    await clock.advanceAsync(10);
    expect(front.writes).toEqual([[FrameKind.begin], Array.from({ length: 8 }, () => FrameKind.result)]);
  });

  it("never mixes a request whose rows are not what it says into a batch", async () => {
    const { clock, front } = await open();
    front.run(1, [1, 1]);
    front.run(2, [2, 2], 3);
    front.run(3, [3, 3]);
    await clock.advanceAsync(10);
    expect(front.answers()).toEqual(
      new Map([1, 2, 3].map((stream) => [stream, new Float32Array(2).fill(2 * stream + 1)])),
    );
  });

  it("refuses what a front may not send", async () => {
    for (const misuse of [
      (front: Front) => front.load(true),
      (front: Front) => {
        front.run(1, [1, 1]);
        front.run(1, [1, 1]);
      },
    ]) {
      const { front } = await open();
      expect(() => misuse(front)).toThrow(expect.objectContaining({ code: "RUNNER_PROTOCOL" }));
    }
  });
});
