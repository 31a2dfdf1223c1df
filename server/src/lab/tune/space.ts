// What may be tuned, and which candidates are tried: settings as rows of a table, candidates as their combinations that respect the
// thread plan (all runners together use no more threads than there are cores).
import { assert } from "@slipway/core/base";
import { describeSettings } from "#config";
import { planThreads } from "#runtime";

/** A value for each tuned setting, by its key. */
export type Candidate = Readonly<Record<string, number>>;

/** What bounds the candidates worth trying. */
export interface Circumstances {
  readonly cores: number;
  /** Rows that may wait at once: no batch holds more. */
  readonly rowsInFlight: number;
  /** Whether requests share runs. */
  readonly doesBatch: boolean;
  /** Whether the model runs inside the server, which then has one of it. */
  readonly isInline: boolean;
  /** Whether several front processes can share the port here. */
  readonly canShare: boolean;
}

export interface Dimension {
  /** The setting's key. */
  readonly key: string;
  /** Whose setting it is: a deployment is loaded with it, a server started. */
  readonly of: "deployment" | "server";
  /** For the head of a column. */
  readonly title: string;
  /**
   * Values to try.
   * @param soFar values of the rows above
   * @param most the largest the setting takes
   * @param step how far apart they are, as a ratio
   */
  readonly values: (of: {
    readonly current: Candidate;
    readonly soFar: Candidate;
    readonly circumstances: Circumstances;
    readonly most: number;
    readonly step: number;
  }) => readonly number[];
  /** What a value comes to, where two may come to the same. */
  readonly effect?: (value: number, candidate: Candidate, circumstances: Circumstances) => number;
}

export const DIMENSIONS: readonly Dimension[] = [
  {
    key: "runtime.instances",
    of: "deployment",
    title: "instances",
    values: ({ current, circumstances: { cores, isInline }, most, step }) =>
      isInline ? [valueIn(current, "runtime.instances")] : powersUpTo(Math.min(cores, most), step),
  },
  {
    key: "runtime.intraOpThreads",
    of: "deployment",
    title: "threads",
    values: ({ current, soFar, circumstances: { cores }, most, step }) => {
      const share = shareOf(cores, valueIn(soFar, "runtime.instances"));
      const values = powersUpTo(Math.min(share, most), step);
      // What is left to the thread plan stays so: the candidate then suits a larger machine too.
      return valueIn(current, "runtime.intraOpThreads") === 0 ? [0, ...values] : values;
    },
    effect: (value, candidate, { cores }) =>
      value === 0 ? plannedThreads(cores, valueIn(candidate, "runtime.instances")) : value,
  },
  {
    key: "runtime.maxBatchRows",
    of: "deployment",
    title: "batch rows",
    values: ({ current, circumstances: { rowsInFlight, doesBatch }, most, step }) => {
      const now = valueIn(current, "runtime.maxBatchRows");
      // A short measurement can't tell batches of nearly the same size apart.
      return doesBatch ? [now, ...powersAround(now, step ** 2, most, rowsInFlight)] : [now];
    },
    effect: (value, _, { rowsInFlight }) => Math.min(value, rowsInFlight),
  },
  {
    key: "server.fronts",
    of: "server",
    title: "fronts",
    values: ({ current, circumstances: { cores, canShare }, most, step }) =>
      canShare ? powersUpTo(Math.min(cores, most), step) : [valueIn(current, "server.fronts")],
  },
];

/** Values lie at first this far apart. */
const FIRST_STEP = 2;
/** Farther apart than this they say nothing of what lies between. */
const LAST_STEP = 64;

/**
 * The candidates to try, the current one first. Where they are more than `most`, values lie farther apart until they are not.
 * @returns at most `most` candidates, no two of the same effect
 */
export function candidatesToTry(current: Candidate, circumstances: Circumstances, most: number): readonly Candidate[] {
  let candidates: readonly Candidate[] = [current];
  for (let step = FIRST_STEP; step <= LAST_STEP; step *= 2) {
    candidates = distinct([current, ...combinations(current, circumstances, step)], circumstances);
    if (candidates.length <= most) return candidates;
  }
  // What changes least says most about the current settings.
  return candidates.toSorted((a, b) => changesOf(a, current).length - changesOf(b, current).length).slice(0, most);
}

/** The settings in which a candidate differs from the current one. */
export function changesOf(candidate: Candidate, current: Candidate): readonly Dimension[] {
  return DIMENSIONS.filter(({ key }) => valueIn(candidate, key) !== valueIn(current, key));
}

/** The value a candidate has for a setting. */
export function valueIn(candidate: Candidate, key: string): number {
  const value = candidate[key];
  assert(value !== undefined, `A candidate has no ${key}. This is a bug.`);
  return value;
}

/** What a candidate's value comes to on this machine. */
export function effectOf(dimension: Dimension, candidate: Candidate, circumstances: Circumstances): number {
  const value = valueIn(candidate, dimension.key);
  return dimension.effect?.(value, candidate, circumstances) ?? value;
}

/** Threads that a candidate's runs use together. */
export function threadsOf(candidate: Candidate, { cores }: Pick<Circumstances, "cores">): number {
  const instances = valueIn(candidate, "runtime.instances");
  const threads = valueIn(candidate, "runtime.intraOpThreads");
  return instances * (threads === 0 ? plannedThreads(cores, instances) : threads);
}

/** What a candidate that does equally well is passed over for: fewer changes, then fewer threads and processes. */
export function costOf(candidate: Candidate, current: Candidate, circumstances: Circumstances): number {
  const processes = threadsOf(candidate, circumstances) + valueIn(candidate, "server.fronts");
  return changesOf(candidate, current).length * 1e6 + processes;
}

function combinations(current: Candidate, circumstances: Circumstances, step: number): readonly Candidate[] {
  let candidates: readonly Candidate[] = [{}];
  for (const { key, values } of DIMENSIONS) {
    const { kind } = describeSettings().find((setting) => setting.key === key)!;
    assert(kind.type === "integer", `The setting ${key} is tuned and is no number. This is a bug.`);
    candidates = candidates.flatMap((soFar) =>
      values({ current, soFar, circumstances, most: kind.max, step }).map((value) => ({ ...soFar, [key]: value })),
    );
  }
  return candidates;
}

function distinct(candidates: readonly Candidate[], circumstances: Circumstances): readonly Candidate[] {
  const seen = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const effects = DIMENSIONS.map((dimension) => effectOf(dimension, candidate, circumstances)).join();
    if (!seen.has(effects)) seen.set(effects, candidate);
  }
  return [...seen.values()];
}

/** Threads of a run that says nothing of its own. */
function plannedThreads(cores: number, instances: number): number {
  return planThreads({ instances, intraOpThreads: 0 }, cores).intraOpThreads;
}

/** Most threads a run of each runner may have. */
function shareOf(cores: number, instances: number): number {
  return Math.max(1, Math.floor(cores / instances));
}

/** 1, step, step², … and `top` itself. */
function powersUpTo(top: number, step: number): readonly number[] {
  const values: number[] = [];
  for (let value = 1; value < top; value *= step) values.push(value);
  return [...values, top];
}

/** `from` × and ÷ powers of `step` down to 1, up to the first that `enough` does not exceed. */
function powersAround(from: number, step: number, top: number, enough: number): readonly number[] {
  const values = [1];
  for (let value = from / step; value >= step; value /= step) values.push(Math.round(value));
  for (let value = from * step; value <= top && value / step < enough; value *= step) values.push(value);
  return values;
}
