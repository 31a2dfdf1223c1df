// Rows of .npy and .npz files: each array is a column, and its first axis counts rows. Rows are read a few at a time, so an
// array may be larger than memory; only one whose first axis runs fastest (Fortran order) has to be read whole.
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { createInflateRaw } from "node:zlib";
import { SlipwayError } from "@slipway/core/base";
import {
  elementCount,
  NPY_HEADER_BYTES,
  type NpyHeader,
  npyHeader,
  numberFromBfloat16,
  numberFromFloat16,
  type NumericData,
  sliceRows,
  type Tensor,
  tensorFromNpyData,
} from "@slipway/core/tensor";
import type { DatasetColumn } from "./dataset.ts";
import { npzMembers } from "./npz.ts";
import type { Block, ColumnBlock, ColumnForm, ColumnKind, RowPlace, RowSource, Wanted } from "./source.ts";

export interface ArrayFile {
  /** Absolute. */
  readonly path: string;
  /** As it was named, for people. */
  readonly shown: string;
}

interface StoredArray {
  readonly name: string;
  readonly file: ArrayFile;
  readonly header: NpyHeader;
  /** Where its .npy file begins in the file, and how many bytes that is as stored. */
  readonly start: number;
  readonly storedBytes: number;
  readonly isDeflated: boolean;
}

const BLOCK_BYTES = 4 * 2 ** 20;
const MOST_BLOCK_ROWS = 2048;
const MOST_FORTRAN_BYTES = 256 * 2 ** 20;

/** @throws SlipwayError ROWS_INVALID, FILE_UNREADABLE */
export async function openArrays(files: readonly ArrayFile[]): Promise<RowSource> {
  const arrays = (await Promise.all(files.map(arraysOf))).flat();
  const twice = arrays.find(({ name }, at) => arrays.findIndex((one) => one.name === name) !== at);
  if (twice !== undefined) {
    throw new SlipwayError(
      "ROWS_INVALID",
      `Two arrays are called "${twice.name}", one of them in ${twice.file.shown}. Name each array, or .npy file, differently.`,
    );
  }
  const [first] = arrays;
  if (first === undefined) {
    throw new SlipwayError("ROWS_INVALID", `${files.map(({ shown }) => shown).join(", ")} holds no arrays.`);
  }
  for (const { name, file, header } of arrays) {
    if (header.shape.length > 0 && header.shape[0] === first.header.shape[0]) continue;
    throw new SlipwayError(
      "ROWS_INVALID",
      `The array "${name}" of ${file.shown} has the shape [${header.shape.join(", ")}], and "${first.name}" has ${first.header.shape[0] ?? "no"} rows; the first axis of each counts rows.`,
    );
  }
  return new Arrays(arrays);
}

class Arrays implements RowSource {
  readonly columns: readonly DatasetColumn[];
  readonly rows: number;
  readonly #arrays: ReadonlyMap<string, StoredArray>;

  constructor(arrays: readonly StoredArray[]) {
    this.#arrays = new Map(arrays.map((one) => [one.name, one]));
    this.rows = arrays[0]!.header.shape[0]!;
    this.columns = arrays.map(({ name, header: { dtype, shape } }) => ({
      name,
      type: shape.length === 1 ? dtype : `${dtype}[${shape.slice(1).join(", ")}]`,
    }));
  }

  async *read(wanted: readonly Wanted[], firstRow: number, signal: AbortSignal): AsyncGenerator<Block> {
    const arrays = wanted.map(({ column }) => this.#arrays.get(column)!);
    const rowBytes = arrays.reduce((sum, { header }) => sum + rowBytesOf(header), 0);
    const step = Math.max(1, Math.min(MOST_BLOCK_ROWS, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes))));
    const readers: RowReader[] = [];
    try {
      for (const array of arrays) readers.push(await readerOf(array, firstRow));
      for (let at = firstRow; at < this.rows; at += step) {
        signal.throwIfAborted();
        const rows = Math.min(step, this.rows - at);
        const columns: ColumnBlock[] = [];
        for (const [index, { form }] of wanted.entries()) {
          columns.push(blockFrom(await readers[index]!.next(rows), form));
        }
        yield { firstRow: at, rows, columns };
      }
    } finally {
      for (const reader of readers) await reader.close();
    }
  }

  where(row: number): RowPlace {
    const files = new Set([...this.#arrays.values()].map(({ file }) => file.shown));
    return { path: [...files].join(", "), file: [...this.#arrays.values()][0]!.file.path, row };
  }

  async valueAt(row: number, column: string): Promise<string | null> {
    const reader = await readerOf(this.#arrays.get(column)!, row);
    try {
      const tensor = await reader.next(1);
      const { dtype, shape } = tensor;
      const isHalf = dtype === "float16" || dtype === "bfloat16";
      const { data } = isHalf ? widened(dtype, shape, tensor.data as Uint16Array) : tensor;
      const text = Array.from(data as ArrayLike<unknown>, String)
        .slice(0, 8)
        .join(", ");
      return data.length > 8 ? `${text}, …` : text;
    } finally {
      await reader.close();
    }
  }

  shapeOf(column: string): readonly number[] {
    return this.#arrays.get(column)!.header.shape.slice(1);
  }

  kindOf(column: string): ColumnKind {
    const { dtype } = this.#arrays.get(column)!.header;
    if (dtype === "string") return "text";
    if (dtype === "bool") return "truth";
    if (dtype.startsWith("complex")) return "other";
    return /int/.test(dtype) ? "whole" : "number";
  }

  folderOf(): string {
    return path.dirname([...this.#arrays.values()][0]!.file.path);
  }

  async close(): Promise<void> {}
}

function blockFrom({ dtype, shape, data }: Tensor, form: ColumnForm): ColumnBlock {
  const inner = shape.slice(1);
  if (dtype === "string") return { kind: "texts", values: data as readonly string[], shape: inner };
  if (dtype === "float16" || dtype === "bfloat16") return blockFrom(widened(dtype, shape, data as Uint16Array), form);
  if (form === "text") {
    const values = Array.from(data as ArrayLike<number | bigint>, String);
    return { kind: "texts", values, shape: inner };
  }
  return { kind: "numbers", values: data as NumericData, shape: inner, nulls: null, nullsMean: "missing" };
}

/** Halves are kept as their bits; here they become numbers. */
function widened(dtype: "float16" | "bfloat16", shape: readonly number[], bits: Uint16Array): Tensor {
  const number = dtype === "float16" ? numberFromFloat16 : numberFromBfloat16;
  return { dtype: "float32", shape, data: Float32Array.from(bits, number) };
}

function rowBytesOf({ shape, itemBytes }: NpyHeader): number {
  return elementCount(shape.slice(1)) * itemBytes;
}

/** Rows of one array, in order. */
interface RowReader {
  next(rows: number): Promise<Tensor>;
  close(): Promise<void>;
}

async function readerOf(array: StoredArray, firstRow: number): Promise<RowReader> {
  const bytes = array.isDeflated ? inflated(array) : await positioned(array);
  const { header } = array;
  const inner = header.shape.slice(1);
  try {
    if (header.isFortran && inner.length > 0) return await wholeReader(array, bytes, firstRow);
    await bytes.skip(header.dataStart + firstRow * rowBytesOf(header));
  } catch (error) {
    await bytes.close();
    throw error;
  }
  return {
    next: async (rows) => tensorFromNpyData(header, [rows, ...inner], await bytes.take(rows * rowBytesOf(header))),
    close: () => bytes.close(),
  };
}

async function wholeReader({ name, file, header }: StoredArray, bytes: Bytes, firstRow: number): Promise<RowReader> {
  const sizeBytes = header.shape[0]! * rowBytesOf(header);
  if (sizeBytes > MOST_FORTRAN_BYTES) {
    throw new SlipwayError(
      "ROWS_INVALID",
      `The array "${name}" of ${file.shown} is in Fortran order and takes ${sizeBytes} bytes; beyond ${MOST_FORTRAN_BYTES} rows are read in C order only. Save numpy.ascontiguousarray of it.`,
    );
  }
  await bytes.skip(header.dataStart);
  const tensor = tensorFromNpyData(header, header.shape, await bytes.take(sizeBytes));
  let at = firstRow;
  return {
    next: async (rows) => sliceRows(tensor, at, (at += rows)),
    close: () => bytes.close(),
  };
}

/** Bytes of an array's .npy file, in order. */
interface Bytes {
  skip(count: number): Promise<void>;
  take(count: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

async function positioned({ file, start, storedBytes, name }: StoredArray): Promise<Bytes> {
  const handle = await opened(file);
  let at = start;
  return {
    skip: async (count) => {
      at += count;
    },
    take: async (count) => {
      const bytes = new Uint8Array(count);
      for (let filled = 0; filled < count; ) {
        const { bytesRead } = await handle.read(bytes, filled, count - filled, at + filled);
        if (bytesRead === 0 || at + count > start + storedBytes) throw short(name, file);
        filled += bytesRead;
      }
      at += count;
      return bytes;
    },
    close: () => handle.close(),
  };
}

function inflated({ file, start, storedBytes, name }: StoredArray): Bytes {
  const stored = createReadStream(file.path, { start, end: start + Math.max(1, storedBytes) - 1 });
  const inflate = createInflateRaw();
  stored.on("error", (error) => inflate.destroy(error));
  const chunks: AsyncIterator<Buffer> = stored.pipe(inflate)[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    try {
      const next = await chunks.next();
      if (next.done === true) throw short(name, file);
      held = next.value;
    } catch (error) {
      if (error instanceof SlipwayError) throw error;
      throw new SlipwayError(
        "ROWS_INVALID",
        `The array "${name}" of ${file.shown} can't be unpacked: ${(error as Error).message}. Save it again.`,
        { cause: error },
      );
    }
  };
  return {
    skip: async (count) => {
      for (let left = count; left > 0; ) {
        if (held.byteLength === 0) await more();
        const step = Math.min(left, held.byteLength);
        held = held.subarray(step);
        left -= step;
      }
    },
    take: async (count) => {
      const bytes = new Uint8Array(count);
      for (let filled = 0; filled < count; ) {
        if (held.byteLength === 0) await more();
        const step = Math.min(count - filled, held.byteLength);
        bytes.set(held.subarray(0, step), filled);
        held = held.subarray(step);
        filled += step;
      }
      return bytes;
    },
    close: async () => {
      stored.destroy();
      inflate.destroy();
    },
  };
}

async function arraysOf(file: ArrayFile): Promise<StoredArray[]> {
  const handle = await opened(file);
  try {
    const { size } = await handle.stat();
    const members = file.path.endsWith(".npz")
      ? await npzMembers(handle, size, file.shown)
      : [{ name: path.basename(file.path, ".npy"), start: 0, storedBytes: size, sizeBytes: size, isDeflated: false }];
    const arrays: StoredArray[] = [];
    for (const { name, start, storedBytes, sizeBytes, isDeflated } of members) {
      const header = await headerOf(file, { name, start, storedBytes, isDeflated }, sizeBytes);
      const wanted = header.dataStart + elementCount(header.shape) * header.itemBytes;
      if (wanted !== sizeBytes) {
        throw new SlipwayError(
          "ROWS_INVALID",
          `The array "${name}" of ${file.shown} has ${sizeBytes} bytes; its shape [${header.shape.join(", ")}] of '${header.descr}' takes ${wanted}. Save it again.`,
        );
      }
      arrays.push({ name, file, header, start, storedBytes, isDeflated });
    }
    return arrays;
  } finally {
    await handle.close();
  }
}

async function headerOf(
  file: ArrayFile,
  member: Pick<StoredArray, "name" | "start" | "storedBytes" | "isDeflated">,
  sizeBytes: number,
): Promise<NpyHeader> {
  const array = { ...member, file, header: null as unknown as NpyHeader };
  const bytes = member.isDeflated ? inflated(array) : await positioned(array);
  try {
    return npyHeader(await bytes.take(Math.min(sizeBytes, NPY_HEADER_BYTES)));
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "REQUEST_MALFORMED") throw error;
    throw new SlipwayError(
      "ROWS_INVALID",
      `The array "${member.name}" of ${file.shown} can't be read: ${error.message}`,
      {
        cause: error,
      },
    );
  } finally {
    await bytes.close();
  }
}

async function opened(file: ArrayFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SlipwayError("FILE_UNREADABLE", `${file.shown} can't be read (${code}).`, { cause: error });
  }
}

function short(name: string, file: ArrayFile): SlipwayError {
  return new SlipwayError(
    "ROWS_INVALID",
    `The array "${name}" of ${file.shown} ends before its last row. Save it again, or copy the file again.`,
  );
}
