// A runner's place in the pool: the runner that has it now, and the requests in flight there.
import { type CancelTimer, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import type { ControlMessage } from "./control.ts";
import type { RunOutcome, RunRequest, RunTimes } from "./executor.ts";
import { FrameWriter } from "./frame-writer.ts";
import { FrameKind, frameError } from "./frames.ts";
import type { KillCause } from "./runner-exit.ts";
import type { RunnerHandle } from "./runner-handle.ts";

/** A request, from `run` until its stream ended. */
export interface Entry {
  readonly request: RunRequest;
  /** Null once the caller has its answer, or wants none. */
  done: ((outcome: RunOutcome) => void) | null;
  stream: number;
  /** Its runner said that it runs now. */
  isRunning: boolean;
  /** It was running when a runner died, so it runs by itself from now on. */
  isAlone: boolean;
  /** Runners that died while running it. */
  deaths: number;
}

/** A place for a runner, and the runner that has it now. */
export class Slot {
  readonly id: number;
  readonly inFlight = new Map<number, Entry>();
  readonly onGone: (() => void)[] = [];
  handle: RunnerHandle | null = null;
  writer: FrameWriter | null = null;
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
  isFlushDue = false;
  /** What the runner last said of its memory, where that can't be seen from here. */
  reportedBytes: number | null = null;
  cancelRestart: CancelTimer | null = null;
  #stream = 0;

  constructor(id: number) {
    this.id = id;
  }

  opened(handle: RunnerHandle | null, send: RunnerHandle["send"], now: number, wall: number): void {
    this.handle = handle;
    this.writer = new FrameWriter(send);
    this.state = "starting";
    this.openedAt = this.progressAt = now;
    this.startedAtMs = wall;
    this.killCause = null;
    this.refusal = null;
    this.reportedBytes = null;
  }

  closed(): void {
    this.handle = null;
    this.writer = null;
    this.state = "dead";
    this.inFlight.clear();
    for (const gone of this.onGone.splice(0)) gone();
  }

  residentBytes(): number | null {
    return this.handle === null ? null : (this.handle.residentBytes() ?? this.reportedBytes);
  }

  nextStream(): number {
    this.#stream = (this.#stream + 1) >>> 0;
    return this.#stream;
  }

  entry(stream: number): Entry {
    const entry = this.inFlight.get(stream);
    if (entry === undefined) throw frameError(`stream ${stream} is not open`);
    return entry;
  }

  /** What it runs: what it announced, or the oldest, which it runs without a word when it is the only one. */
  runningEntries(): Entry[] {
    const entries = [...this.inFlight.values()];
    const announced = entries.filter(({ isRunning }) => isRunning);
    return announced.length > 0 ? announced : entries.slice(0, 1);
  }

  control(message: ControlMessage): void {
    this.writer!.begin(FrameKind.control, 0, 0, 0, 0);
    this.writer!.json(message);
    this.writer!.end();
    this.writer!.flush();
  }

  readonly flush = (): void => {
    this.isFlushDue = false;
    this.writer?.flush();
  };
}

export function fail(entry: Entry, error: SlipwayError): void {
  if (entry.done !== null) answer(entry, { ok: false, error });
}

export function succeed(entry: Entry, outputs: readonly NamedTensor[], times: RunTimes): void {
  if (entry.done !== null) answer(entry, { ok: true, outputs, times });
}

function answer(entry: Entry, outcome: RunOutcome): void {
  const done = entry.done!;
  entry.done = null;
  try {
    done(outcome);
  } catch (error) {
    // A caller's bug is not the runner's, nor its batch mates': it surfaces by itself.
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Answers those whose deadline passed; their streams stay open until the runner ends them. */
export function expire(entries: Iterable<Entry>, now: number): void {
  for (const entry of entries) {
    if (entry.done !== null && entry.request.deadline <= now) {
      fail(entry, new SlipwayError("DEADLINE_EXCEEDED", "The deadline passed before the answer was ready."));
    }
  }
}
