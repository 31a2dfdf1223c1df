// A runner's place in the pool, and the runner that has it now. It decides nothing; the pool does.
import type { CancelTimer, Clock, SlipwayError } from "@slipway/core/base";
import type { KillCause } from "./runner-exit.ts";
import type { RunnerHandle } from "./runner-handle.ts";
import type { RunnerLink } from "./runner-link.ts";

/** Kills that do not put in question what the runner says. */
const OUTSPOKEN: ReadonlySet<KillCause> = new Set(["run-timeout", "memory"]);

export class Slot {
  readonly id: number;
  readonly onGone: (() => void)[] = [];
  handle: RunnerHandle | null = null;
  /** The pool's own link to the runner; null without one. */
  link: RunnerLink | null = null;
  state: "starting" | "ready" | "dead" = "dead";
  openedAt = 0;
  startedAtMs = 0;
  /** Deaths in a row without having done anything. */
  failures = 0;
  killCause: KillCause | null = null;
  refusal: SlipwayError | null = null;
  /** What the runner last said of its memory, where that can't be seen from here. */
  reportedBytes: number | null = null;
  /** Since when an answer to a ping is due; null while none is. */
  pingedAt: number | null = null;
  pongedAt = 0;
  cancelRestart: CancelTimer | null = null;

  constructor(id: number) {
    this.id = id;
  }

  opened(handle: RunnerHandle | null, link: RunnerLink, clock: Clock): void {
    this.handle = handle;
    this.link = link;
    this.state = "starting";
    this.openedAt = clock.now();
    this.startedAtMs = clock.wall();
    this.killCause = null;
    this.refusal = null;
    this.reportedBytes = null;
    this.pingedAt = null;
    this.pongedAt = this.openedAt;
  }

  closed(): void {
    this.handle = null;
    this.link = null;
    this.state = "dead";
    for (const gone of this.onGone.splice(0)) gone();
  }

  residentBytes(): number | null {
    return this.handle === null ? null : (this.handle.residentBytes() ?? this.reportedBytes);
  }

  /** Ends the runner; why is remembered until it is gone. */
  kill(cause: KillCause): void {
    if (this.handle === null || this.killCause !== null) return;
    this.killCause = cause;
    this.handle.kill();
  }

  /** Whether what the runner says still counts: also what it had sent before it was killed tells what was running. */
  get isHeard(): boolean {
    return this.killCause === null || (this.state === "ready" && OUTSPOKEN.has(this.killCause));
  }
}
