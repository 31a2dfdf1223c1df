// Labelled rows from stored .npy files.
import { createHash } from "node:crypto";
import { SlipwayError } from "@slipway/core/base";
import { type Tensor, tensorFromNpy } from "@slipway/core/tensor";
import type { LabelledRows } from "#lab/measure";
import type { BlobStore } from "#store";

/** Rows by the hashes of the files that hold them. */
export interface StoredRows {
  readonly name: string;
  readonly split: string | null;
  /** By the model's inputs. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly labels: string;
  readonly output: string | null;
  readonly scores: "probabilities" | "logits" | null;
}

/** @throws SlipwayError BLOB_NOT_FOUND, ROWS_INVALID for files that are none or labels that are no whole numbers */
export async function labelledRows(
  { name, split, inputs, labels, output, scores }: StoredRows,
  blobs: Pick<BlobStore, "read">,
): Promise<LabelledRows> {
  const tensors: Record<string, Tensor> = {};
  for (const [input, hash] of Object.entries(inputs)) tensors[input] = await tensorOf(`input "${input}"`, hash, blobs);
  const of = Object.entries(inputs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256")
    .update(JSON.stringify([of, labels]))
    .digest("hex");
  return {
    dataset: { name, split, hash },
    inputs: tensors,
    labels: labelsFrom(await tensorOf("labels", labels, blobs)),
    output,
    scale: scores,
  };
}

async function tensorOf(what: string, hash: string, blobs: Pick<BlobStore, "read">): Promise<Tensor> {
  try {
    return tensorFromNpy(await blobs.read(hash));
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "REQUEST_MALFORMED") throw error;
    throw new SlipwayError("ROWS_INVALID", `The ${what} of the rows can't be read: ${error.message}`, { cause: error });
  }
}

function labelsFrom(labels: Tensor): Tensor {
  const isColumn = labels.shape.length === 1 || (labels.shape.length === 2 && labels.shape[1] === 1);
  if (isColumn && /^u?int(8|16|32|64)$/.test(labels.dtype)) return labels;
  throw new SlipwayError(
    "ROWS_INVALID",
    `Labels are ${labels.dtype}[${labels.shape.join(", ")}]; they are one class index a row, of an integer type.`,
  );
}
