// Labelled rows from stored .npy files.
import { createHash } from "node:crypto";
import { SlipwayError } from "@slipway/core/base";
import { type Tensor, tensorFromNpy } from "@slipway/core/tensor";
import { datasetFromArrays, type SubjectRows } from "#lab/measure";
import type { BlobStore } from "#store";

/** Rows by the hashes of the files that hold them. */
export interface StoredRows {
  readonly name: string;
  readonly split: string | null;
  /** By the model's inputs. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly labels: string;
}

/** @throws SlipwayError BLOB_NOT_FOUND, ROWS_INVALID for files that are none or labels that are no numbers, one a row */
export async function labelledRows(
  { name, split, inputs, labels }: StoredRows,
  blobs: Pick<BlobStore, "read">,
): Promise<SubjectRows> {
  const tensors: Record<string, Tensor> = {};
  for (const [input, hash] of Object.entries(inputs)) tensors[input] = await tensorOf(`input "${input}"`, hash, blobs);
  const of = Object.entries(inputs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256")
    .update(JSON.stringify([of, labels]))
    .digest("hex");
  const dataset = datasetFromArrays({
    dataset: { name, split, hash },
    inputs: tensors,
    labels: labelsFrom(await tensorOf("labels", labels, blobs)),
  });
  return { dataset, split };
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
  if (isColumn && /^(u?int(8|16|32|64)|float(32|64))$/.test(labels.dtype)) return labels;
  throw new SlipwayError(
    "ROWS_INVALID",
    `Labels are ${labels.dtype}[${labels.shape.join(", ")}]; they are one a row: a class index of an integer type, or a number to predict as float32 or float64.`,
  );
}
