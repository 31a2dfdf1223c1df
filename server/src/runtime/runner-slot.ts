// A runner's place in the pool: the runner that has it now, what is in flight there, and the frames in both directions.
// It decides nothing; the pool does.
import { assert, type CancelTimer, type Clock, type SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import { type ControlMessage, controlMessage, failureOf } from "./control.ts";
import type { RunTimes } from "./executor.ts";
import { type FrameBody, FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { FrameFlag, FrameKind, frameError } from "./frames.ts";
import { type Entry, fail, succeed } from "./pool-entry.ts";
import type { KillCause } from "./runner-exit.ts";
import type { RunnerHandle } from "./runner-handle.ts";

/** Kills that do not put in question what the runner says. */
const OUTSPOKEN: ReadonlySet<KillCause> = new Set(["run-timeout", "memory"]);

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

/** What a slot tells its pool. */
export interface SlotEvents {
  onControl(slot: Slot, message: ControlMessage): void;
  /** The runner broke the protocol; it is killed next. */
  onBroken(slot: Slot, error: unknown): void;
  outputNames(): readonly string[];
}

/** A place for a runner, and the runner that has it now. */
export class Slot {
  readonly id: number;
  readonly inFlight = new Map<number, Entry>();
  readonly onGone: (() => void)[] = [];
  handle: RunnerHandle | null = null;
  state: "starting" | "ready" | "dead" = "dead";
  openedAt = 0;
  startedAtMs = 0;
  /** When it last began or answered anything, or was given something while idle. */
  progressAt = 0;
  runs = 0;
  /** Deaths in a row without having done anything. */
  failures = 0;
  killCause: KillCause | null = null;
  refusal: SlipwayError | null = null;
  /** What the runner last said of its memory, where that can't be seen from here. */
  reportedBytes: number | null = null;
  cancelRestart: CancelTimer | null = null;
  readonly #events: SlotEvents;
  readonly #clock: Clock;
  #writer: FrameWriter | null = null;
  #reader: FrameReader | null = null;
  #isFlushDue = false;
  #stream = 0;

  constructor(id: number, clock: Clock, events: SlotEvents) {
    this.id = id;
    this.#clock = clock;
    this.#events = events;
  }

  opened(handle: RunnerHandle | null): void {
    this.handle = handle;
    this.#writer = new FrameWriter(handle?.send ?? (() => true));
    this.#reader = new FrameReader((frame) => this.#onFrame(frame));
    this.state = "starting";
    this.openedAt = this.progressAt = this.#clock.now();
    this.startedAtMs = this.#clock.wall();
    this.killCause = null;
    this.refusal = null;
    this.reportedBytes = null;
  }

  closed(): void {
    this.handle = null;
    this.#writer = this.#reader = null;
    this.state = "dead";
    this.inFlight.clear();
    for (const gone of this.onGone.splice(0)) gone();
  }

  residentBytes(): number | null {
    return this.handle === null ? null : (this.handle.residentBytes() ?? this.reportedBytes);
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
    writeRun(this.#writer!, entry, names, now);
    if (this.inFlight.size === 0) this.progressAt = now;
    this.inFlight.set(entry.stream, entry);
    this.#flushSoon();
  }

  /** Tells the runner that nobody waits for a request any more. Its stream stays open until the runner ends it. */
  cancel(entry: Entry): void {
    this.#writer!.begin(FrameKind.cancel, 0, entry.stream, 0, 0);
    this.#writer!.end();
    this.#flushSoon();
  }

  /** Ends the runner; why is remembered until it is gone. */
  kill(cause: KillCause): void {
    if (this.handle === null || this.killCause !== null) return;
    this.killCause = cause;
    this.handle.kill();
  }

  /** What it runs: what it announced, or the oldest, which it runs without a word when it is the only one. */
  runningEntries(): Entry[] {
    const entries = [...this.inFlight.values()];
    const announced = entries.filter(({ isRunning }) => isRunning);
    return announced.length > 0 ? announced : entries.slice(0, 1);
  }

  control(message: ControlMessage): void {
    this.#writer!.begin(FrameKind.control, 0, 0, 0, 0);
    this.#writer!.json(message);
    this.#writer!.end();
    this.#writer!.flush();
  }

  /** Takes bytes from the runner. Whatever they are, the server stands. */
  receive(chunk: Uint8Array): void {
    // What a runner had sent before it was killed still counts: it says what was answered and what was running.
    const isHeard = this.killCause === null || (this.state === "ready" && OUTSPOKEN.has(this.killCause));
    if (!isHeard) return;
    try {
      this.#reader?.push(chunk);
    } catch (error) {
      this.#events.onBroken(this, error);
      this.kill("protocol");
      this.killCause = "protocol";
    }
  }

  #onFrame(frame: FrameBody): void {
    switch (frame.kind) {
      case FrameKind.result: {
        const times = readTimes(frame);
        const outputs = readOutputs(frame, this.#events.outputNames());
        const entry = this.#ended(frame.stream);
        this.runs++;
        this.failures = 0;
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
        this.#events.onControl(this, controlMessage(frame.json()));
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
    this.#clock.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    this.#writer?.flush();
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
