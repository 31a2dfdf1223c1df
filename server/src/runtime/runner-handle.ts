// A runner as the pool drives it: bytes in both directions, one way to end it, and word of its end. Processes, the
// in-process runner and simulations are made alike.
import type { Socket } from "node:net";
import type { Send } from "./frame-writer.ts";
import type { LinkEnd } from "./link-socket.ts";

/** How a runner ended. */
export interface RunnerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last of what it wrote to standard error. */
  readonly lastWords: string;
}

export interface RunnerListener extends LinkEnd {
  /** Called once; nothing arrives after it. */
  exited(exit: RunnerExit): void;
}

export interface RunnerHandle {
  readonly pid: number | null;
  /** Whether `kill` ends even a run in progress. */
  readonly isKillable: boolean;
  readonly send: Send;
  /** Ends it at once; `exited` follows. */
  kill(): void;
  /**
   * Opens a further link to the runner, for a front in another process: hands `send` the end that goes there, and once
   * that is on its way, the runner its own. Rejects where the runner is gone. Only runners that are shared have it.
   */
  openLink?(send: (end: Socket) => Promise<void>): Promise<void>;
  /** Memory it holds, in bytes, where that can be seen from here. */
  residentBytes(): number | null;
}

/** Starts a runner. `listener` is not called before this returns. */
export type StartRunner = (listener: RunnerListener) => RunnerHandle;
