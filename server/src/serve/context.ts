// Who asks, for what, and until when. Records, quotas, experiments and audit join on it, so every request carries one.

export interface RequestContext {
  /** Made by the server, unique, in every answer whatever the protocol. */
  readonly inferenceId: string;
  readonly tenant: string;
  /** Who asks; null until identities exist. */
  readonly principal: string | null;
  /** What the answer is for, as the caller declares it. */
  readonly purpose: string | null;
  /** 1 (first) to `queue.priorityLevels`; 0 means the middle one. */
  readonly priority: number;
  /** When the request arrived, and when its answer is no longer wanted, in `Clock.now()` milliseconds. */
  readonly arrivedAt: number;
  readonly deadline: number;
  /** W3C trace context, as received. */
  readonly traceparent: string | null;
}
