// The books of several processes read as one. A front sends what its books say as plain data; adding it up gives books
// like any other, so that metrics, statistics and the live view do not know how many fronts there are.
import { type AnswerCount, AnswerBook } from "./answers.ts";
import type { Histogram } from "./histogram.ts";
import { type BatchCount, type Stage, STAGES, Traffic, type TrafficView } from "./traffic.ts";

interface HistogramSnapshot {
  readonly count: number;
  readonly sumMs: number;
  /** Buckets that count anything, as index and count in turn. */
  readonly counts: readonly number[];
}

export interface TrafficSnapshot {
  readonly endpoint: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly admitted: number;
  readonly answered: number;
  readonly rows: number;
  readonly batches: number;
  readonly failMs: number;
  readonly lastAnswerAtMs: number;
  readonly failed: readonly (readonly [string, number])[];
  readonly refused: readonly (readonly [string, number])[];
  readonly stages: Readonly<Record<Stage, HistogramSnapshot>>;
  readonly batchRows: readonly (readonly [number, BatchCount])[];
}

/** What the books of one process say. */
export interface BooksSnapshot {
  readonly traffic: readonly TrafficSnapshot[];
  readonly answers: readonly AnswerCount[];
}

export function snapshotOf(traffic: TrafficView, answers: AnswerBook): BooksSnapshot {
  return { traffic: Array.from(traffic.all(), trafficSnapshot), answers: [...answers.all()] };
}

function trafficSnapshot(traffic: Traffic): TrafficSnapshot {
  const { endpoint, version, startedAtMs, admitted, answered, rows, batches, failMs, lastAnswerAtMs } = traffic;
  const stages = {} as Record<Stage, HistogramSnapshot>;
  for (const stage of STAGES) stages[stage] = histogramSnapshot(traffic.stages[stage]);
  const failed = [...traffic.failed];
  const refused = [...traffic.refused];
  const batchRows = [...traffic.batchRows];
  const sums = { admitted, answered, rows, batches, failMs, lastAnswerAtMs };
  return { endpoint, version, startedAtMs, ...sums, failed, refused, stages, batchRows };
}

function histogramSnapshot({ counts, count, sumMs }: Histogram): HistogramSnapshot {
  const kept: number[] = [];
  counts.forEach((of, index) => {
    if (of > 0) kept.push(index, of);
  });
  return { count, sumMs, counts: kept };
}

/** Adds what a snapshot counted to running totals. */
function addTraffic(to: Traffic, of: TrafficSnapshot): void {
  to.startedAtMs = Math.min(to.startedAtMs, of.startedAtMs);
  to.admitted += of.admitted;
  to.answered += of.answered;
  to.rows += of.rows;
  to.batches += of.batches;
  to.failMs += of.failMs;
  to.lastAnswerAtMs = Math.max(to.lastAnswerAtMs, of.lastAnswerAtMs);
  for (const [code, count] of of.failed) to.failed.set(code, (to.failed.get(code) ?? 0) + count);
  for (const [code, count] of of.refused) to.refused.set(code, (to.refused.get(code) ?? 0) + count);
  for (const stage of STAGES) addHistogram(to.stages[stage], of.stages[stage]);
  for (const [rows, { count, inputNs, inferNs, outputNs }] of of.batchRows) {
    const batch = to.batchRows.get(rows) ?? { count: 0, inputNs: 0, inferNs: 0, outputNs: 0 };
    batch.count += count;
    batch.inputNs += inputNs;
    batch.inferNs += inferNs;
    batch.outputNs += outputNs;
    to.batchRows.set(rows, batch);
  }
}

function addHistogram(to: Histogram, { counts, count, sumMs }: HistogramSnapshot): void {
  for (let i = 0; i < counts.length; i += 2) to.counts[counts[i]!] = to.counts[counts[i]!]! + counts[i + 1]!;
  to.count += count;
  to.sumMs += sumMs;
}

/** Several processes' traffic as one book. */
export class MergedTraffic implements TrafficView {
  readonly #sources: () => Iterable<TrafficSnapshot>;

  /** @param sources what each process last said, in any order */
  constructor(sources: () => Iterable<TrafficSnapshot>) {
    this.#sources = sources;
  }

  *all(): Generator<Traffic> {
    const merged = new Map<string, Traffic>();
    for (const snapshot of this.#sources()) {
      const key = `${snapshot.endpoint} ${snapshot.version}`; // names hold no space
      let traffic = merged.get(key);
      if (traffic === undefined) merged.set(key, (traffic = new Traffic(snapshot, snapshot.startedAtMs)));
      addTraffic(traffic, snapshot);
    }
    yield* merged.values();
  }

  get(endpoint: string, version: string): Traffic | undefined {
    let traffic: Traffic | undefined;
    for (const snapshot of this.#sources()) {
      if (snapshot.endpoint !== endpoint || snapshot.version !== version) continue;
      traffic ??= new Traffic(snapshot, snapshot.startedAtMs);
      addTraffic(traffic, snapshot);
    }
    return traffic;
  }
}

/** Several processes' answers as one book. */
export function mergedAnswers(sources: Iterable<AnswerCount>): AnswerBook {
  const book = new AnswerBook();
  for (const { route, status, code, count } of sources) book.add(route, status, code, count);
  return book;
}
