// Rows that are image files in folders: the folder an image lies in is its label, and the first folder above it, where there
// is another, may be its split.
import { readFile } from "node:fs/promises";
import { SlipwayError } from "@slipway/core/base";
import type { DatasetColumn } from "./dataset.ts";
import type { FoundFile } from "./files.ts";
import { type Block, type ColumnKind, fileOfRow, type RowPlace, type RowSource, type Wanted } from "./source.ts";

/** Images with paths relative to one folder. */
export interface ImageFolder {
  /** Absolute. */
  readonly path: string;
  readonly images: readonly FoundFile[];
}

/** Of a folder of images. */
export const IMAGE_COLUMNS = { image: "image", label: "label", folder: "folder" } as const;

const BLOCK_ROWS = 2048;

/** Their rows: `image`, the path in the folder; `label`, the folder it lies in; `folder`, the first of its folders. */
export function openImages(folders: readonly ImageFolder[]): RowSource {
  return new Images(folders);
}

class Images implements RowSource {
  readonly columns: readonly DatasetColumn[] = [
    { name: IMAGE_COLUMNS.image, type: "image" },
    { name: IMAGE_COLUMNS.label, type: "text" },
    { name: IMAGE_COLUMNS.folder, type: "text" },
  ];
  readonly rows: number;
  readonly #folders: readonly ImageFolder[];
  readonly #folderRows: readonly number[];

  constructor(folders: readonly ImageFolder[]) {
    this.#folders = folders;
    this.#folderRows = folders.map(({ images }) => images.length);
    this.rows = this.#folderRows.reduce((sum, rows) => sum + rows, 0);
  }

  async *read(wanted: readonly Wanted[], firstRow: number, signal: AbortSignal): AsyncGenerator<Block> {
    for (let at = firstRow; at < this.rows; at += BLOCK_ROWS) {
      signal.throwIfAborted();
      const rows = Math.min(BLOCK_ROWS, this.rows - at);
      const columns = wanted.map(({ column }) => ({
        kind: "texts" as const,
        values: Array.from({ length: rows }, (_, row) => this.#valueOf(at + row, column)),
        shape: [],
      }));
      yield { firstRow: at, rows, columns };
    }
  }

  #valueOf(row: number, column: string): string | null {
    const { shown } = this.#imageOf(row);
    const folders = shown.split("/").slice(0, -1);
    if (column === IMAGE_COLUMNS.image) return shown;
    return (column === IMAGE_COLUMNS.label ? folders.at(-1) : folders[0]) ?? null;
  }

  #imageOf(row: number): FoundFile {
    const { file, row: within } = fileOfRow(this.#folderRows, row);
    return this.#folders[file]!.images[within]!;
  }

  shapeOf(): readonly number[] {
    return [];
  }

  kindOf(column: string): ColumnKind {
    return column === IMAGE_COLUMNS.image ? "image" : "text";
  }

  folderOf(row: number): string {
    return this.#folders[fileOfRow(this.#folderRows, row).file]!.path;
  }

  where(row: number): RowPlace {
    const { shown, path: file } = this.#imageOf(row);
    return { path: shown, file, row: null };
  }

  async valueAt(row: number, column: string): Promise<string | null> {
    return this.#valueOf(row, column);
  }

  async close(): Promise<void> {}
}

/** The bytes of an image that a row names. @throws SlipwayError ROWS_INVALID, FILE_UNREADABLE */
export async function readImage(file: FoundFile): Promise<Uint8Array> {
  if (file.sizeBytes > MOST_IMAGE_BYTES) {
    throw new SlipwayError(
      "ROWS_INVALID",
      `The image ${file.shown} has ${file.sizeBytes} bytes; at most ${MOST_IMAGE_BYTES} are read.`,
    );
  }
  try {
    return await readFile(file.path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SlipwayError("FILE_UNREADABLE", `The image ${file.shown} can't be read (${code}).`, { cause: error });
  }
}

const MOST_IMAGE_BYTES = 64 * 2 ** 20;
