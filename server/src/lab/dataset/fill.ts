// Blocks of columns into what a batch holds: one input's tensor, row after row.
import { assert, SlipwayError } from "@slipway/core/base";
import {
  createData,
  createTensor,
  type Dimension,
  elementCount,
  type NumericData,
  type NumericDType,
  type Tensor,
} from "@slipway/core/tensor";
import { type Conversion, conversionTo, isWhole } from "./elements.ts";
import type { InputBinding } from "./inputs.ts";
import type { ColumnBlock, RowElement, RowSource, Wanted } from "./source.ts";

/** A value that can't be used. */
export interface Misfit {
  /** In the block. */
  readonly row: number;
  readonly column: string;
  /** What it should have been, as `misfitError` takes it. */
  readonly wants: string;
  readonly ifMissing?: string;
  /** Of rows of several values: which of them. */
  readonly element?: RowElement;
}

/** One of the things a batch holds, filled from some columns. */
export interface Filler<Made> {
  readonly wanted: readonly Wanted[];
  /** Begins a batch. */
  begin(rows: number): void;
  /**
   * Takes `count` rows of a block, from `from` on, as the batch's rows from `at` on.
   * @param columns those that were wanted
   * @throws SlipwayError INPUT_SHAPE_MISMATCH, INPUT_DTYPE_MISMATCH where rows can't fill the input, whatever their values
   */
  add(columns: readonly ColumnBlock[], from: number, count: number, at: number): Misfit | null;
  /** The first `rows` rows of the batch. */
  finish(rows: number): Made;
}

type ColumnsBinding = Extract<InputBinding, { kind: "columns" }>;

export function inputFiller(binding: ColumnsBinding, source: RowSource): Filler<Tensor> {
  const { dtype, shape, columns, isTime = false } = binding;
  const isOne = columns.length === 1;
  // Text that fills many numbers is a list, written out.
  const mayBeList = isOne && (shape === null || !shape.every((length) => length === 1));
  const wanted = columns.map((column): Wanted => {
    const kind = source.kindOf(column);
    if (isTime) return { column, form: "seconds" };
    if (kind === "list") return { column, form: "list" };
    if (dtype === "string") return { column, form: "text" };
    if (kind === "text" && mayBeList) return { column, form: "list" };
    return { column, form: isWhole(dtype) ? "integer" : "number" };
  });
  return dtype === "string" ? new TextInput(binding, wanted) : new NumberInput(binding, wanted, dtype);
}

/** What both kinds of inputs share: the shape of a row, found with the first one of a batch. */
abstract class Input implements Filler<Tensor> {
  readonly wanted: readonly Wanted[];
  protected readonly binding: ColumnsBinding;
  protected width = 0;
  #rows = 0;
  #shape: readonly number[] | null = null;

  constructor(binding: ColumnsBinding, wanted: readonly Wanted[]) {
    this.binding = binding;
    this.wanted = wanted;
  }

  begin(rows: number): void {
    this.#rows = rows;
    this.#shape = null;
  }

  add(columns: readonly ColumnBlock[], from: number, count: number, at: number): Misfit | null {
    if (this.#shape === null) {
      const missing = this.#missingList(columns, from);
      if (missing !== null) return missing;
      this.#shape = this.#shapeFrom(columns, from);
      this.width = elementCount(this.#shape);
      this.allocate(this.#rows * this.width);
    }
    let place = 0;
    for (const [index, block] of columns.entries()) {
      const bad = this.#addColumn(index, block, from, count, at, place);
      if (bad !== null) return bad;
      place += widthOf(block, from);
    }
    return null;
  }

  finish(rows: number): Tensor {
    if (this.#shape === null) {
      // No row came, so nothing says how long an open axis is.
      const shape = this.binding.shape?.map((length) => (typeof length === "number" ? length : 0)) ?? [];
      this.width = elementCount(shape);
      this.allocate(0);
      return this.made([0, ...shape]);
    }
    return this.made([rows, ...this.#shape]);
  }

  protected abstract allocate(count: number): void;
  protected abstract made(shape: readonly number[]): Tensor;
  /** Writes `count` elements from `from` on to the batch's element `at` and every `stride` after it; answers a bad one. */
  protected abstract write(
    values: NumericData | readonly (string | null)[],
    from: number,
    count: number,
    at: number,
    stride: number,
    nulls: (ColumnBlock & { kind: "numbers" }) | null,
  ): number;
  protected abstract wants(): Pick<Misfit, "wants" | "ifMissing">;

  #addColumn(index: number, block: ColumnBlock, from: number, count: number, at: number, place: number): Misfit | null {
    const column = this.binding.columns[index]!;
    const start = at * this.width + place;
    if (block.kind === "lists") {
      for (let row = 0; row < count; row++) {
        const list = block.rows[from + row]!;
        if (list === null || list.nullAt >= 0) return this.#misfit(from + row, column);
        this.#checkList(list.values.length, list.shape, column, from + row);
        const bad = this.write(list.values, 0, list.values.length, start + row * this.width, 1, null);
        if (bad >= 0) return this.#misfit(from + row, column, elementOf(list.values, list.shape ?? [], bad, bad));
      }
      return null;
    }
    const own = elementCount(block.shape);
    const nulls = block.kind === "numbers" ? block : null;
    if (own === 1 || own === this.width) {
      const stride = own === 1 ? this.width : 1;
      const bad = this.write(block.values, from * own, count * own, start, stride, nulls);
      if (bad < 0) return null;
      return this.#misfit(Math.floor(bad / own), column, elementOf(block.values, block.shape, bad, bad % own));
    }
    for (let row = 0; row < count; row++) {
      const bad = this.write(block.values, (from + row) * own, own, start + row * this.width, 1, nulls);
      if (bad >= 0) return this.#misfit(from + row, column, elementOf(block.values, block.shape, bad, bad % own));
    }
    return null;
  }

  #misfit(row: number, column: string, element: RowElement | null = null): Misfit {
    return { row, column, ...this.wants(), ...(element === null ? {} : { element }) };
  }

  #missingList(columns: readonly ColumnBlock[], from: number): Misfit | null {
    const at = columns.findIndex((block) => block.kind === "lists" && block.rows[from] === null);
    return at < 0 ? null : this.#misfit(from, this.binding.columns[at]!);
  }

  #checkList(length: number, shape: readonly number[] | null, column: string, row: number): void {
    if (shape === null) {
      throw this.misshapen(`the column "${column}" has lists of different lengths inside one row`, row);
    }
    const others = this.binding.columns.length - 1;
    if (others === 0 ? length === this.width : length <= this.width) return;
    throw this.misshapen(
      `the column "${column}" has ${length} values, and the rows before it in the batch have ${this.width}; rows of one batch have one shape`,
      row,
    );
  }

  protected misshapen(why: string, row: number): SlipwayError {
    return new SlipwayError("INPUT_SHAPE_MISMATCH", `For the input "${this.binding.input}" ${why}.`, {
      details: { blockRow: row },
    });
  }

  #shapeFrom(columns: readonly ColumnBlock[], from: number): readonly number[] {
    const width = columns.reduce((sum, block) => sum + widthOf(block, from), 0);
    const only = columns.length === 1 ? ownShape(columns[0]!, from) : [width];
    const dims = this.binding.shape;
    if (dims === null) return only ?? [width];
    if (
      only !== null &&
      only.length === dims.length &&
      dims.every((one, axis) => typeof one !== "number" || one === only[axis])
    )
      return only;
    const solved = solve(dims, width);
    if (solved !== null) return solved;
    const has = only === null ? `${width} values` : `the shape [${only.join(", ")}]`;
    throw this.misshapen(
      `a row has ${has}, and the model takes [${dims.map((length) => length ?? "?").join(", ")}] of each`,
      from,
    );
  }
}

/** @param within the row */
function elementOf(
  values: NumericData | readonly (string | null)[],
  shape: readonly number[],
  place: number,
  within: number,
): RowElement | null {
  if (elementCount(shape) === 1) return null;
  let left = within;
  const at = shape.map((_, axis) => {
    const inner = elementCount(shape.slice(axis + 1));
    const index = Math.floor(left / inner);
    left %= inner;
    return index;
  });
  return { at, value: String(values[place]) };
}

/** Lengths that make `width` elements, where at most one axis is open. */
function solve(dims: readonly Dimension[], width: number): readonly number[] | null {
  const fixed = dims.reduce<number>((product, length) => product * (typeof length === "number" ? length : 1), 1);
  const open = dims.filter((length) => typeof length !== "number").length;
  if (open === 0) return fixed === width ? (dims as readonly number[]) : null;
  if (open > 1 || fixed === 0 || width % fixed !== 0) return null;
  return dims.map((length) => (typeof length === "number" ? length : width / fixed));
}

function widthOf(block: ColumnBlock, row: number): number {
  return block.kind === "lists" ? (block.rows[row]?.values.length ?? 0) : elementCount(block.shape);
}

function ownShape(block: ColumnBlock, row: number): readonly number[] | null {
  return block.kind === "lists" ? (block.rows[row]?.shape ?? null) : block.shape;
}

class NumberInput extends Input {
  readonly #dtype: NumericDType;
  readonly #conversion: Conversion;
  readonly #nan: number | null;
  #data: NumericData | null = null;

  constructor(binding: ColumnsBinding, wanted: readonly Wanted[], dtype: NumericDType) {
    super(binding, wanted);
    const conversion = conversionTo(dtype);
    assert(conversion !== undefined, `An input of ${dtype} was bound to columns.`);
    this.#dtype = dtype;
    this.#conversion = conversion;
    this.#nan = binding.missing === "nan" ? (NAN_OF[dtype] ?? Number.NaN) : null;
  }

  protected override allocate(count: number): void {
    this.#data = createData(this.#dtype, count);
  }

  protected override write(
    values: NumericData | readonly (string | null)[],
    from: number,
    count: number,
    at: number,
    stride: number,
    block: (ColumnBlock & { kind: "numbers" }) | null,
  ): number {
    if (!ArrayBuffer.isView(values)) {
      throw new SlipwayError(
        "INPUT_DTYPE_MISMATCH",
        `The input "${this.binding.input}" takes ${this.#dtype}, and ${this.binding.columns.join(", ")} ${this.binding.columns.length === 1 ? "has" : "have"} texts.`,
      );
    }
    const nulls = block?.nulls ?? null;
    const mayMiss = this.#nan !== null && (block === null || block.nullsMean === "missing");
    if (nulls !== null && !mayMiss) {
      const missing = nulls.subarray(from, from + count).indexOf(1);
      if (missing >= 0) return from + missing;
    }
    const data = this.#data!;
    const bad = this.#conversion.write(values, from, count, data, at, stride);
    if (bad >= 0) return bad;
    if (this.binding.isFinite === true) {
      for (let index = 0; index < count; index++) {
        const value = Math.abs(Number(data[at + index * stride]));
        if (value === Number.POSITIVE_INFINITY) return from + index;
      }
    }
    if (nulls !== null && mayMiss) {
      for (let index = 0; index < count; index++) if (nulls[from + index] === 1) data[at + index * stride] = this.#nan!;
    }
    if (this.#nan !== null || !(values instanceof Float64Array || values instanceof Float32Array)) return -1;
    for (let index = from; index < from + count; index++) if (Number.isNaN(values[index])) return index;
    return -1;
  }

  protected override made(shape: readonly number[]): Tensor {
    return createTensor(this.#dtype, shape, this.#data!.subarray(0, elementCount(shape)));
  }

  protected override wants(): Pick<Misfit, "wants" | "ifMissing"> {
    const { input, missing, isTime = false } = this.binding;
    if (isTime) return { wants: `the column has dates or times, such as 2026-11-26 or 2026-11-26T08:30:00Z` };
    const takesNan = this.#dtype.includes("float") && missing === "refuse";
    return {
      wants: `the input "${input}" takes ${this.#conversion.takes} (${this.#dtype})`,
      ...(takesNan ? { ifMissing: '; for models that take NaN, say "missing: nan" of the input' } : {}),
    };
  }
}

/** Halves are kept as their bits. */
const NAN_OF: Partial<Record<NumericDType, number>> = { float16: 0x7e00, bfloat16: 0x7fc0 };

class TextInput extends Input {
  #texts: string[] = [];

  protected override allocate(count: number): void {
    this.#texts = Array.from({ length: count }, () => "");
  }

  protected override write(
    values: NumericData | readonly (string | null)[],
    from: number,
    count: number,
    at: number,
    stride: number,
  ): number {
    for (let index = 0; index < count; index++) {
      const value = values[from + index];
      if (typeof value !== "string" && (value !== null || this.binding.missing !== "empty")) return from + index;
      // The engine takes texts that end with the first NUL.
      if (value?.includes("\0") === true) return from + index;
      this.#texts[at + index * stride] = value ?? "";
    }
    return -1;
  }

  protected override made(shape: readonly number[]): Tensor {
    return createTensor("string", shape, this.#texts.slice(0, elementCount(shape)));
  }

  protected override wants(): Pick<Misfit, "wants"> {
    return { wants: `the input "${this.binding.input}" takes texts without NUL characters` };
  }
}
