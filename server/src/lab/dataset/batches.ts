// Rows in batches: blocks of a source, the rows of one split among them, filled into a model's inputs.
import { assert, SlipwayError } from "@slipway/core/base";
import { concatRows, sliceRows, type Tensor } from "@slipway/core/tensor";
import type { ImagePreparer } from "#runtime";
import type { BadRows } from "./bad-rows.ts";
import type { BatchOptions, Labels, RowBatch } from "./dataset.ts";
import { type Filler, inputFiller, type Misfit } from "./fill.ts";
import { type NamedImage, tensorOfImages } from "./images.ts";
import type { InputBinding } from "./inputs.ts";
import { type LabelPlan, labelFiller, weightFiller } from "./labels.ts";
import { type Block, type ColumnBlock, misfitError, placeText, type RowSource, type Wanted } from "./source.ts";
import { sourceRowOf, type Splits } from "./splits.ts";

/** What batches are made of. */
export interface BatchParts {
  readonly source: RowSource;
  readonly splits: Splits | null;
  readonly labels: LabelPlan | null;
  readonly weight: string | null;
  readonly preparer: ImagePreparer;
  /** What becomes of rows that can't be used; an error where nobody says. */
  readonly badRows?: BadRows;
}

/** All that is read for a batch, and which columns of a block it is made of. */
interface Plan {
  readonly wanted: readonly Wanted[];
  readonly splitPlaces: readonly number[];
  readonly inputs: readonly { readonly name: string; readonly filler: Filler<Tensor> }[];
  readonly labels: Filler<Labels> | null;
  readonly weights: Filler<Float64Array> | null;
  /** Inputs, labels and weights, each with its columns of a block. */
  readonly fillers: readonly { readonly filler: Filler<unknown>; readonly places: readonly number[] }[];
  readonly images: readonly { readonly binding: InputBinding & { kind: "image" }; readonly place: number }[];
  readonly slices: readonly { readonly column: string; readonly place: number }[];
}

type BatchesWanted = Pick<BatchOptions, "batchRows" | "slices" | "firstRow" | "signal"> & {
  readonly every?: number | undefined;
};

/**
 * @param split its place among the splits; null takes all rows
 * @throws SlipwayError as `Dataset.batches` does
 */
export async function* batchesOf(
  parts: BatchParts,
  bindings: readonly InputBinding[],
  split: number | null,
  { batchRows, slices, firstRow, signal, every = 1 }: BatchesWanted,
): AsyncGenerator<RowBatch> {
  const { source, splits, badRows } = parts;
  const errorOf = (block: Block, { row, column, wants, ifMissing, element }: Misfit) =>
    misfitError(source, block.firstRow + row, column, wants, ifMissing, element);
  const plan = planOf(parts, bindings, split, slices);
  const isFromStart = firstRow === 0 || split === null;
  const start = isFromStart ? firstRow : await sourceRowOf(splits!, split, firstRow, source, signal);
  let batch = new Batch(plan, parts, firstRow, batchRows);
  for await (const block of source.read(plan.wanted, start, signal)) {
    const columns = plan.splitPlaces.map((place) => block.columns[place]!);
    const all = split === null ? null : await splits!.assign({ ...block, columns });
    const assigned = every === 1 ? all : spread(all, block, split ?? 0, every);
    const views = plan.fillers.map(({ places }) => places.map((place) => block.columns[place]!));
    for (let from = 0; from < block.rows; ) {
      const end = endOfRun(assigned, split ?? 0, from, block.rows);
      if (assigned !== null && assigned[from] !== (split ?? 0)) {
        from = end;
        continue;
      }
      while (from < end) {
        let count = Math.min(end - from, batchRows - batch.rows);
        let bad = batch.add(block, views, from, count);
        let left: Misfit | null = null;
        // The rows before a bad one are taken again; another column may be bad in one of them.
        while (bad !== null) {
          if (badRows?.choice !== "skip") throw await errorOf(block, bad);
          left = bad;
          count = bad.row - from;
          bad = count === 0 ? null : batch.add(block, views, from, count);
        }
        from += count;
        if (left !== null) {
          badRows!.skip(block.firstRow + left.row, left.column, await errorOf(block, left));
          from += 1;
        }
        if (batch.rows < batchRows) continue;
        const made = await batch.finish(signal);
        if (made.rows > 0) yield made;
        batch = new Batch(plan, parts, batch.firstRow + made.rows, batchRows);
      }
    }
  }
  if (batch.rows === 0) return;
  const last = await batch.finish(signal);
  if (last.rows > 0) yield last;
}

/** No split has this place. */
const UNWANTED = 255;

/** Each so many-th row of the source alone, as if the others were of another split. */
function spread(assigned: Uint8Array | null, { firstRow, rows }: Block, split: number, every: number): Uint8Array {
  return Uint8Array.from({ length: rows }, (_, row) =>
    (firstRow + row) % every === 0 ? (assigned?.[row] ?? split) : UNWANTED,
  );
}

/** Where the rows that begin at `from` stop being all of the split, or all not. */
function endOfRun(assigned: Uint8Array | null, split: number, from: number, rows: number): number {
  if (assigned === null) return rows;
  const isWanted = assigned[from] === split;
  let end = from + 1;
  while (end < rows && (assigned[end] === split) === isWanted) end++;
  return end;
}

function planOf(
  { source, splits, labels, weight }: BatchParts,
  bindings: readonly InputBinding[],
  split: number | null,
  slices: readonly string[],
): Plan {
  const names = source.columns.map(({ name }) => name);
  const unknown = slices.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `There is no column "${unknown}" to slice by; there is ${names.join(", ")}.`,
    );
  }
  const wanted: Wanted[] = [];
  // A column in one form is read once, whoever wants it.
  const placeOf = ({ column, form }: Wanted): number => {
    const found = wanted.findIndex((one) => one.column === column && one.form === form);
    return found >= 0 ? found : wanted.push({ column, form }) - 1;
  };
  const splitPlaces = split === null ? [] : splits!.wanted.map(placeOf);
  const inputs: { name: string; filler: Filler<Tensor> }[] = [];
  const images: Plan["images"][number][] = [];
  for (const binding of bindings) {
    if (binding.kind === "image")
      images.push({ binding, place: placeOf({ column: binding.columns[0], form: "text" }) });
    else inputs.push({ name: binding.input, filler: inputFiller(binding, source) });
  }
  const label = labels === null ? null : labelFiller(labels, source);
  const weights = weight === null ? null : weightFiller(weight, source);
  const all = [...inputs.map(({ filler }) => filler), label, weights].filter((filler) => filler !== null);
  const fillers = all.map((filler) => ({ filler, places: filler.wanted.map(placeOf) }));
  const sliced = slices.map((column) => ({ column, place: placeOf({ column, form: "text" }) }));
  return { wanted, splitPlaces, inputs, labels: label, weights, fillers, images, slices: sliced };
}

/** A batch that is being filled. */
class Batch {
  readonly firstRow: number;
  rows = 0;
  readonly #plan: Plan;
  readonly #parts: BatchParts;
  readonly #images: NamedImage[][];
  readonly #slices: (string | null)[][];

  constructor(plan: Plan, parts: BatchParts, firstRow: number, capacity: number) {
    this.#plan = plan;
    this.#parts = parts;
    this.firstRow = firstRow;
    this.#images = plan.images.map(() => []);
    this.#slices = plan.slices.map(() => []);
    for (const { filler } of plan.fillers) filler.begin(capacity);
  }

  /** Takes rows of a block, for which it must have room. @param views the columns of each filler */
  add(block: Block, views: readonly (readonly ColumnBlock[])[], from: number, count: number): Misfit | null {
    for (const [index, { filler }] of this.#plan.fillers.entries()) {
      const bad = this.#fill(filler, block, views[index]!, from, count);
      if (bad !== null) return bad;
    }
    for (const { binding, place } of this.#plan.images) {
      const unnamed = textsOf(block, place)
        .slice(from, from + count)
        .indexOf(null);
      if (unnamed >= 0) return { row: from + unnamed, column: binding.columns[0], wants: "it has to name an image" };
    }
    for (const [index, { place }] of this.#plan.images.entries()) {
      const names = textsOf(block, place);
      for (let row = from; row < from + count; row++)
        this.#images[index]!.push({ row: block.firstRow + row, name: names[row]! });
    }
    for (const [index, { place }] of this.#plan.slices.entries()) {
      this.#slices[index]!.push(...textsOf(block, place).slice(from, from + count));
    }
    this.rows += count;
    return null;
  }

  async finish(signal: AbortSignal): Promise<RowBatch> {
    const { inputs: filled, images, labels, weights, slices } = this.#plan;
    const made: (readonly [string, Tensor])[] = filled.map(({ name, filler }) => [name, filler.finish(this.rows)]);
    const unusable = new Set<number>();
    for (const [index, { binding }] of images.entries()) {
      const { source, preparer, badRows } = this.#parts;
      const named = this.#images[index]!;
      const skip = (at: number, error: SlipwayError): void => {
        badRows!.skip(named[at]!.row, binding.columns[0], error);
        unusable.add(at);
      };
      const onBad = badRows?.choice === "skip" ? skip : null;
      made.push([binding.input, await tensorOfImages(binding, named, source, preparer, signal, onBad)]);
    }
    const batch: RowBatch = {
      firstRow: this.firstRow,
      rows: this.rows,
      // An input may be called as every object has something.
      inputs: Object.fromEntries(made),
      labels: labels?.finish(this.rows) ?? null,
      weights: weights?.finish(this.rows) ?? null,
      slices: Object.fromEntries(slices.map(({ column }, index) => [column, this.#slices[index]!])),
    };
    return unusable.size === 0 ? batch : withoutRows(batch, unusable);
  }

  #fill(
    filler: Filler<unknown>,
    block: Block,
    columns: readonly ColumnBlock[],
    from: number,
    count: number,
  ): Misfit | null {
    try {
      return filler.add(columns, from, count, this.rows);
    } catch (error) {
      const row = error instanceof SlipwayError ? error.details?.["blockRow"] : undefined;
      if (!(error instanceof SlipwayError) || typeof row !== "number") throw error;
      const place = placeText(this.#parts.source, block.firstRow + row);
      throw new SlipwayError(error.code, `${place}: ${error.message}`, { cause: error });
    }
  }
}

function textsOf({ columns }: Block, place: number): readonly (string | null)[] {
  const block = columns[place];
  assert(block?.kind === "texts", "A column wanted as text came in another form.");
  return block.values;
}

/** The batch without some of its rows, by their places in it. */
function withoutRows(batch: RowBatch, left: ReadonlySet<number>): RowBatch {
  const kept = Array.from({ length: batch.rows }, (_, row) => row).filter((row) => !left.has(row));
  const { labels, weights } = batch;
  return {
    firstRow: batch.firstRow,
    rows: kept.length,
    inputs: Object.fromEntries(
      Object.entries(batch.inputs).map(([name, tensor]) => [
        name,
        kept.length === 0 ? sliceRows(tensor, 0, 0) : concatRows(kept.map((row) => sliceRows(tensor, row, row + 1))),
      ]),
    ),
    labels: labels === null ? null : keptLabels(labels, kept),
    weights: weights === null ? null : Float64Array.from(kept, (row) => weights[row]!),
    slices: Object.fromEntries(
      Object.entries(batch.slices).map(([name, values]) => [name, kept.map((row) => values[row]!)]),
    ),
  };
}

function keptLabels({ kind, values }: Labels, kept: readonly number[]): Labels {
  if (kind === "class") return { kind, values: Int32Array.from(kept, (row) => values[row]!) };
  return { kind, values: Float64Array.from(kept, (row) => values[row]!) };
}
