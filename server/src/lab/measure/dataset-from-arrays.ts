// Labelled rows that are in memory already, as a dataset: what the API's .npy files are read into.
import { SlipwayError } from "@slipway/core/base";
import { createTensor, elementCount, type Signature, type Tensor } from "@slipway/core/tensor";
import type { BatchOptions, Dataset, Labels, RowBatch } from "#lab/dataset";
import type { EvidenceDataset } from "#registry";

export interface LabelledArrays {
  readonly dataset: EvidenceDataset;
  /** By the model's inputs, rows along the first axis. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** [rows]: class indices where of an integer type, else numbers. */
  readonly labels: Tensor;
}

/** @throws SlipwayError ROWS_INVALID where inputs and labels are not of as many rows, or there are none */
export function datasetFromArrays({ dataset, inputs, labels }: LabelledArrays): Dataset {
  const all = labelsFrom(labels);
  const rows = all.values.length;
  for (const [input, { shape }] of Object.entries(inputs)) {
    if (shape[0] === rows) continue;
    throw new SlipwayError(
      "ROWS_INVALID",
      `Input "${input}" has the shape [${shape.join(", ")}] and there are ${rows} labels; the first axis counts rows.`,
    );
  }
  if (rows === 0) throw new SlipwayError("ROWS_INVALID", "There are no rows.");
  const { name, split, hash } = dataset;
  return {
    manifest: {
      schema: 1,
      name,
      format: "arrays",
      files: [],
      columns: [],
      rows,
      splits: split === null ? {} : { [split]: rows },
      source: null,
      licence: null,
      hash,
    },
    classes: null,
    rowsOf: () => rows,
    batches: (options) => batchesOf(inputs, all, options),
    close: async () => {},
  };
}

async function* batchesOf(
  inputs: LabelledArrays["inputs"],
  labels: Labels,
  { signature, batchRows, slices, firstRow, signal }: BatchOptions,
): AsyncIterable<RowBatch> {
  checkInputs(signature, inputs);
  const [column] = slices;
  if (column !== undefined) {
    throw new SlipwayError("ROWS_INVALID", `Arrays have no columns, so none is named "${column}" to slice by.`);
  }
  const all = labels.values.length;
  for (let first = firstRow; first < all; first += batchRows) {
    signal.throwIfAborted();
    const rows = Math.min(batchRows, all - first);
    yield {
      firstRow: first,
      rows,
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, tensor]) => [name, someRows(tensor, first, rows)] as const),
      ),
      labels:
        labels.kind === "class"
          ? { kind: "class", values: labels.values.subarray(first, first + rows) }
          : { kind: "number", values: labels.values.subarray(first, first + rows) },
      weights: null,
      slices: {},
    };
  }
}

function labelsFrom({ dtype, data }: Tensor): Labels {
  const numbers = Float64Array.from(data as ArrayLike<number | bigint>, Number);
  if (dtype === "float32" || dtype === "float64") return { kind: "number", values: numbers };
  const wrong = numbers.findIndex((label) => label < 0 || label > 2 ** 31 - 1);
  if (wrong >= 0) {
    throw new SlipwayError("ROWS_INVALID", `The label of row ${wrong} is ${numbers[wrong]}; class indices begin at 0.`);
  }
  return { kind: "class", values: Int32Array.from(numbers) };
}

/** Whether the rows have what the model takes, in its types; shapes beyond the first axis are the engine's to refuse. */
function checkInputs(signature: Signature, inputs: LabelledArrays["inputs"]): void {
  const names = signature.inputs.map(({ name }) => name);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new SlipwayError("INPUT_UNKNOWN", `The model has no input "${unknown}"; it takes ${names.join(", ")}.`);
  }
  for (const { name, type, isOptional } of signature.inputs) {
    const given = inputs[name];
    if (given === undefined && isOptional === true) continue;
    if (given === undefined) {
      throw new SlipwayError("INPUT_MISSING", `The rows have nothing for the model's input "${name}".`);
    }
    if (type.kind !== "tensor" || given.dtype === type.dtype) continue;
    throw new SlipwayError(
      "INPUT_DTYPE_MISMATCH",
      `The rows of "${name}" are ${given.dtype}, and the model takes ${type.dtype}. Save them as ${type.dtype}.`,
    );
  }
}

function someRows({ dtype, shape, data }: Tensor, first: number, count: number): Tensor {
  const width = elementCount(shape.slice(1));
  return createTensor(dtype, [count, ...shape.slice(1)], data.slice(first * width, (first + count) * width));
}
