// Image files that rows name, as a model's input: read, decoded apart from this process, and put through the steps that were
// declared.
import { SlipwayError } from "@slipway/core/base";
import { concatRows, type Signature, type Tensor, zeros } from "@slipway/core/tensor";
import type { ImagePreparer } from "#runtime";
import { fileInside } from "./files.ts";
import { readImage } from "./image-source.ts";
import type { InputBinding } from "./inputs.ts";
import { placeText, type RowSource } from "./source.ts";

type ImageBinding = Extract<InputBinding, { kind: "image" }>;

/** Images decoded in one go, so that the pixels of a batch are never all there at once. */
const MOST_TOGETHER = 16;
const MOST_BYTES_TOGETHER = 64 * 2 ** 20;

/** An image a row names. */
export interface NamedImage {
  readonly row: number;
  readonly name: string;
}

/**
 * The input of some rows.
 * @param onBad is told of each image that can't be used, whose row is filled with zeros then; null throws
 * @throws SlipwayError ROWS_INVALID naming the image that can't be used, FILE_UNREADABLE, DATASET_INVALID for steps that do
 *   not fit the input; the signal's reason
 */
export async function tensorOfImages(
  { input, dtype, shape, before }: ImageBinding,
  images: readonly NamedImage[],
  source: RowSource,
  preparer: ImagePreparer,
  signal: AbortSignal,
  onBad: ((at: number, error: SlipwayError) => void) | null = null,
): Promise<Tensor> {
  const signature: Signature = {
    inputs: [{ name: input, type: { kind: "tensor", dtype, shape: shape === null ? null : [null, ...shape] } }],
    outputs: [],
  };
  // Of some images each, in order; null for one that can't be used.
  const parts: (Tensor | null)[] = [];
  let files: Uint8Array[] = [];
  let heldBytes = 0;
  const flush = async (end: number): Promise<void> => {
    if (files.length === 0) return;
    const first = end - files.length;
    const place = (at: number) => placeText(source, images[first + at]!.row);
    try {
      const [made] = await prepared(files, place);
      parts.push(made!);
    } catch (error) {
      if (onBad === null || !isOfRow(error)) throw error;
      for (const [at, bytes] of files.entries()) parts.push(await single(first + at, bytes));
    }
    files = [];
    heldBytes = 0;
  };
  const single = async (at: number, bytes: Uint8Array): Promise<Tensor | null> => {
    try {
      const [made] = await prepared([bytes], () => placeText(source, images[at]!.row));
      return made!;
    } catch (error) {
      if (!isOfRow(error)) throw error;
      onBad!(at, error);
      return null;
    }
  };
  const read = async (at: number, { row, name }: NamedImage): Promise<Uint8Array | null> => {
    try {
      return await readImage(await fileInside(source.folderOf(row), name));
    } catch (error) {
      if (onBad === null || !isOfRow(error)) throw error;
      onBad(at, error);
      return null;
    }
  };
  const prepared = async (bytes: readonly Uint8Array[], place: (at: number) => string) => {
    try {
      return await preparer.prepare({ before, input, signature }, bytes, {
        deadline: Number.POSITIVE_INFINITY,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SlipwayError)) throw error;
      if (error.code === "PROCESSING_INVALID")
        throw new SlipwayError("DATASET_INVALID", error.message, { cause: error });
      if (error.code !== "RECORD_INVALID") throw error;
      const at = typeof error.details?.["record"] === "number" ? error.details["record"] : null;
      const why = error.message.replace(/^Record \d+: /, "");
      const where = at === null ? `one of ${place(0)} to ${place(bytes.length - 1)}` : place(at);
      throw new SlipwayError("ROWS_INVALID", `${where}: ${why}`, { cause: error, details: { path: where } });
    }
  };
  for (const [at, image] of images.entries()) {
    signal.throwIfAborted();
    const bytes = await read(at, image);
    if (bytes === null) {
      await flush(at);
      parts.push(null);
      continue;
    }
    if (files.length === MOST_TOGETHER || heldBytes + bytes.byteLength > MOST_BYTES_TOGETHER) await flush(at);
    files.push(bytes);
    heldBytes += bytes.byteLength;
  }
  await flush(images.length);
  const usable = parts.find((part) => part !== null);
  const width = usable?.shape.slice(1) ?? shape?.map((length) => (typeof length === "number" ? length : 0)) ?? [];
  return joined(
    parts.map((part) => part ?? zeros(usable?.dtype ?? dtype, [1, ...width])),
    images,
    source,
  );
}

/** Whether it is the row that is at fault. */
function isOfRow(error: unknown): error is SlipwayError {
  return error instanceof SlipwayError && (error.code === "ROWS_INVALID" || error.code === "FILE_UNREADABLE");
}

function joined(parts: readonly Tensor[], images: readonly NamedImage[], source: RowSource): Tensor {
  const [first] = parts;
  let row = 0;
  for (const { shape } of parts) {
    if (shape.some((length, axis) => axis > 0 && length !== first!.shape[axis])) {
      throw new SlipwayError(
        "INPUT_SHAPE_MISMATCH",
        `${placeText(source, images[row]!.row)} becomes [${shape.slice(1).join(", ")}], and the images before it [${first!.shape.slice(1).join(", ")}]; resize or crop them to one size.`,
      );
    }
    row += shape[0]!;
  }
  return concatRows(parts);
}
