// A link to a runner: the streams in flight on it, and the frames in both directions. It decides nothing; the dispatcher
// that sends requests on it and the pool that owns the runner do.
import { assert, type Clock } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import { type ControlMessage, controlMessage, failureOf } from "./control.ts";
import type { RunTimes } from "./executor.ts";
import { type FrameBody, FrameReader } from "./frame-reader.ts";
import { FrameWriter, type Send } from "./frame-writer.ts";
import { FrameFlag, FrameKind, frameError } from "./frames.ts";
import type { LinkEnd } from "./link-socket.ts";
import { type Entry, fail, succeed } from "./pool-entry.ts";
import { StreamTable } from "./stream-table.ts";

/** A signature's names and their places, which is what frames carry. */
export interface PortNames {
  readonly outputs: readonly string[];
  readonly inputPorts: ReadonlyMap<string, number>;
  readonly outputPorts: ReadonlyMap<string, number>;
}

export function portNames({ inputs, outputs }: Signature): PortNames {
  return {
    outputs: outputs.map(({ name }) => name),
    inputPorts: new Map(inputs.map(({ name }, port) => [name, port])),
    outputPorts: new Map(outputs.map(({ name }, port) => [name, port])),
  };
}

/** What a link tells its owner. */
export interface LinkEvents {
  onControl(message: ControlMessage): void;
  outputNames(): readonly string[];
}

export interface LinkOptions {
  /** Which runner of the deployment is at the other end. */
  readonly runner: number;
  readonly clock: Clock;
  readonly send: Send;
  readonly events: LinkEvents;
  /** Whether other fronts have links to the same runner. It then says of every stream when it runs. */
  readonly isShared: boolean;
}

/** So many requests are sent without waiting for more. */
const FLUSH_REQUESTS = 32;

export class RunnerLink implements LinkEnd {
  readonly runner: number;
  readonly inFlight = new StreamTable<Entry>();
  /** When the runner last began or answered anything here, or was given something while nothing was in flight. */
  progressAt: number;
  runs = 0;
  /** How many fronts, this one included, have lately asked this runner for anything, as it last said. */
  activeFronts = 1;
  /** Requests it may be given at once, as it last said; null while that follows from the configuration. */
  credits: number | null = null;
  readonly #clock: Clock;
  readonly #events: LinkEvents;
  readonly #isShared: boolean;
  readonly #writer: FrameWriter;
  readonly #reader: FrameReader;
  #isFlushDue = false;
  /** Requests written since the last flush. */
  #unflushed = 0;
  #isClosed = false;
  #stream = 0;

  constructor({ runner, clock, send, events, isShared }: LinkOptions) {
    this.runner = runner;
    this.#clock = clock;
    this.#events = events;
    this.#isShared = isShared;
    this.#writer = new FrameWriter(send);
    this.#reader = new FrameReader((frame) => this.#onFrame(frame));
    this.progressAt = clock.now();
  }

  /** The runner is gone: nothing more is sent, and what is in flight is the owner's to place elsewhere. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Sends a request to the runner.
   * @throws SlipwayError REQUEST_TOO_LARGE when it does not fit a frame; it is not in flight then
   */
  send(entry: Entry, names: PortNames): void {
    const now = this.#clock.now();
    this.#stream = (this.#stream + 1) >>> 0;
    entry.stream = this.#stream;
    entry.isRunning = false;
    writeRun(this.#writer, entry, names, now);
    if (this.inFlight.size === 0) this.progressAt = now;
    this.inFlight.set(entry.stream, entry);
    // In a flood one turn of the event loop reads hundreds of requests; the runner need not wait for its end.
    if (++this.#unflushed >= FLUSH_REQUESTS) this.flush();
    else this.#flushSoon();
  }

  /** Tells the runner that nobody waits for a request any more. Its stream stays open until the runner ends it. */
  cancel(entry: Entry): void {
    this.#writer.begin(FrameKind.cancel, 0, entry.stream, 0, 0);
    this.#writer.end();
    this.#flushSoon();
  }

  /**
   * What of this link's the runner runs: what it announced. Where nobody else could have anything to run, it runs the
   * only one without a word, so then the oldest.
   */
  runningEntries(): Entry[] {
    const entries = this.inFlight.values();
    const announced = entries.filter(({ isRunning }) => isRunning);
    return announced.length > 0 || this.#isShared ? announced : entries.slice(0, 1);
  }

  control(message: ControlMessage): void {
    if (this.#isClosed) return;
    this.#writer.begin(FrameKind.control, 0, 0, 0, 0);
    this.#writer.json(message);
    this.#writer.end();
    this.#writer.flush();
  }

  /**
   * Takes bytes from the runner.
   * @throws SlipwayError RUNNER_PROTOCOL when they are no frames; the runner is then of no use
   */
  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#reader.push(chunk);
    // What follows on these answers need not wait for the end of the turn, as the runner may now have nothing to do.
    this.flush();
  }

  isAwaited(): boolean {
    return this.inFlight.size > 0;
  }

  /** Sends now what is otherwise sent at the end of the turn. */
  flush(): void {
    this.#unflushed = 0;
    if (!this.#isClosed && !this.#writer.isEmpty) this.#writer.flush();
  }

  #onFrame(frame: FrameBody): void {
    switch (frame.kind) {
      case FrameKind.result: {
        const times = readTimes(frame);
        const outputs = readOutputs(frame, this.#events.outputNames());
        const entry = this.#ended(frame.stream);
        this.runs++;
        succeed(entry, outputs, times);
        break;
      }
      case FrameKind.failure: {
        const error = failureOf(frame.json());
        fail(this.#ended(frame.stream), error);
        break;
      }
      case FrameKind.begin:
        this.progressAt = this.#clock.now();
        for (const stream of readStreams(frame)) this.#entry(stream).isRunning = true;
        break;
      case FrameKind.control:
        this.#events.onControl(controlMessage(frame.json()));
        break;
      default:
        throw frameError(`kind ${frame.kind} at a server`);
    }
  }

  /** Takes the stream out of what is in flight. */
  #ended(stream: number): Entry {
    const entry = this.#entry(stream);
    this.inFlight.delete(stream);
    this.progressAt = this.#clock.now();
    return entry;
  }

  #entry(stream: number): Entry {
    const entry = this.inFlight.get(stream);
    if (entry === undefined) throw frameError(`stream ${stream} is not open`);
    return entry;
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#clock.soon(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };
}

function writeRun(writer: FrameWriter, entry: Entry, names: PortNames, now: number): void {
  const { inputs, outputs, rows, deadline } = entry.request;
  assert(outputs.length > 0, "A request asks for no output.");
  writer.begin(FrameKind.run, entry.isAlone ? FrameFlag.alone : 0, entry.stream, 0, deadline - now);
  const isAll = outputs.length === names.outputs.length && outputs.every((name, i) => name === names.outputs[i]);
  writer.u32Pair(rows, isAll ? 0 : outputs.length);
  if (!isAll) writer.u16List(outputs.map((name) => portOf(names.outputPorts, name)));
  for (const { name, dtype, shape, data } of inputs) {
    writer.tensor(portOf(names.inputPorts, name), dtype, shape, shape[0] ?? 0, data, 0, data.length);
  }
  writer.end();
}

function readTimes(frame: FrameBody): RunTimes {
  return {
    queueNs: frame.f32(),
    inputNs: frame.f32(),
    inferNs: frame.f32(),
    outputNs: frame.f32(),
    batchRows: frame.u32(),
    batchRequests: frame.u32(),
  };
}

function readOutputs(frame: FrameBody, names: readonly string[]): NamedTensor[] {
  const outputs: NamedTensor[] = [];
  while (frame.left > 0) {
    const { port, dtype, shape, data } = frame.tensor();
    const name = names[port];
    if (name === undefined) throw frameError(`output ${port}`);
    outputs.push({ name, dtype, shape, data });
  }
  return outputs;
}

function readStreams(frame: FrameBody): number[] {
  const count = frame.u32();
  frame.u32();
  if (4 * count > frame.left) throw frameError(`${count} streams`);
  return frame.u32List(count);
}

function portOf(ports: ReadonlyMap<string, number>, name: string): number {
  const port = ports.get(name);
  assert(port !== undefined, `A request names ${JSON.stringify(name)}, which the signature does not have.`);
  return port;
}
