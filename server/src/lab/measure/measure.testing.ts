// Rows and models for tests of what measures on rows: datasets in memory with columns and weights, and executors that answer
// what a function says.
import type { NamedTensor, Signature, Tensor } from "@slipway/core/tensor";
import type { Dataset, Labels } from "#lab/dataset";
import type { JobProgress, JobRun } from "#jobs";
import type { CancelRun, Executor, ExecutorStatus, RunOutcome, RunRequest } from "#runtime";

export interface FakeRows {
  /** [rows, width]: what the input "x" holds. */
  readonly inputs: readonly (readonly number[])[];
  readonly labels: Labels | null;
  readonly weights?: Float64Array;
  readonly columns?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly classes?: readonly string[];
}

/** Every row is in the split "test" too. */
export function fakeDataset({ inputs, labels, weights, columns = {}, classes }: FakeRows): Dataset {
  const rows = inputs.length;
  const width = inputs[0]?.length ?? 1;
  return {
    manifest: {
      schema: 1,
      name: "fake",
      format: "csv",
      files: [],
      columns: Object.keys(columns).map((name) => ({ name, type: "VARCHAR" })),
      rows,
      splits: { test: rows },
      source: null,
      licence: null,
      hash: "f".repeat(64),
    },
    classes: classes ?? null,
    rowsOf: () => rows,
    batches: async function* ({ batchRows, firstRow, slices }) {
      for (let first = firstRow; first < rows; first += batchRows) {
        const count = Math.min(batchRows, rows - first);
        const part = inputs.slice(first, first + count).flat();
        yield {
          firstRow: first,
          rows: count,
          inputs: { x: { dtype: "float64", shape: [count, width], data: Float64Array.from(part) } },
          labels: someLabels(labels, first, count),
          weights: weights?.slice(first, first + count) ?? null,
          slices: Object.fromEntries(slices.map((name) => [name, columns[name]!.slice(first, first + count)])),
        };
      }
    },
    close: async () => {},
  };
}

function someLabels(labels: Labels | null, first: number, count: number): Labels | null {
  if (labels === null) return null;
  return labels.kind === "class"
    ? { kind: "class", values: labels.values.slice(first, first + count) }
    : { kind: "number", values: labels.values.slice(first, first + count) };
}

/** Answers each batch's input "x" with what `answer` makes of it, as the output "y". */
export class FakeExecutor implements Executor {
  readonly signature: Signature = {
    inputs: [{ name: "x", type: { kind: "tensor", dtype: "float64", shape: [null, null] } }],
    outputs: [{ name: "y", type: { kind: "tensor", dtype: "float64", shape: [null, null] } }],
  };
  readonly batching;
  readonly credits = 2;
  /** Rows it was asked about. */
  rows = 0;
  isClosed = false;
  cancelled = 0;
  readonly #answer: (x: Tensor) => Tensor | null;

  /** @param answer null never answers */
  constructor(answer: (x: Tensor) => Tensor | null = (x) => x, maxRows = 4) {
    this.#answer = answer;
    this.batching = { mode: "dynamic", maxRows, reason: null, padAxis: null } as const;
  }

  run({ inputs, outputs, rows }: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    this.rows += rows;
    const tensor = this.#answer(inputs[0]!);
    const times = { queueNs: 0, inputNs: 0, inferNs: 1, outputNs: 0, batchRows: rows, batchRequests: 1 };
    const answered: NamedTensor[] = tensor === null ? [] : [{ ...tensor, name: outputs[0]! }];
    if (tensor !== null) setImmediate(() => done({ ok: true, outputs: answered, times }));
    return () => void this.cancelled++;
  }

  status(): ExecutorStatus {
    throw new Error("Nothing that measures quality asks for it.");
  }

  onChange(): () => void {
    return () => {};
  }

  async release(): Promise<void> {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** A job that keeps what is saved and reported, as if it went through JSON. */
export class FakeRun implements JobRun {
  readonly reports: JobProgress[] = [];
  readonly states: unknown[] = [];
  readonly saved: unknown;
  readonly #controller = new AbortController();

  constructor(saved: unknown = null) {
    this.saved = structuredClone(saved);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly report = (progress: JobProgress): void => void this.reports.push(progress);

  readonly save = async (state: unknown): Promise<void> => {
    this.states.push(JSON.parse(JSON.stringify(state)));
  };

  cancel(reason: Error): void {
    this.#controller.abort(reason);
  }
}
