// A long task as what carries it out sees it: it is told to stop, it says how far it is, and it may leave behind what lets
// a later run go on where this one ended.

export interface JobProgress {
  /** In units of its own: rows, runs, rounds. */
  readonly done: number;
  /** null where nobody knows. */
  readonly total: number | null;
  /** What is being done, for people: "timing 4 threads, batch 8". */
  readonly text: string;
}

export interface JobRun {
  /** Aborted where the job is cancelled or its process is to end; what it throws then is the signal's reason. */
  readonly signal: AbortSignal;
  /** May be called as often as one likes; not all of it is shown. */
  readonly report: (progress: JobProgress) => void;
  /** What an earlier run of the same job saved last before it was interrupted, as JSON; null where nothing was. */
  readonly saved: unknown;
  /** Keeps what a later run would need to go on; resolves once it is stored. */
  readonly save: (state: unknown) => Promise<void>;
}

/** For tasks that are carried out at once and kept nowhere. */
export function unsavedRun(signal: AbortSignal, report: (progress: JobProgress) => void = () => {}): JobRun {
  return { signal, report, saved: null, save: async () => {} };
}
