// How large a model is: its files, what is left of them compressed, its weights.
import { z } from "zod";
import { fileSizesOf } from "./compute/index.ts";
import { exact } from "./exact.ts";
import { measurement } from "./measurement.ts";

const SCHEMA = 1;

/**
 * `gzip` is what a transfer with `Content-Encoding: gzip` costs (RFC 1952, level 6, each file by itself); `parameters` counts
 * the elements of stored tensors but those of int64, bool and string.
 */
export const size = measurement({
  about: "How large the model is: its files, what is left of them compressed, its parameters and nodes.",
  needsRows: false,
  needsRival: false,
  isTimed: false,
  options: z.strictObject({}),
  run: async ({ model, files }, _, { code }, { signal }) => {
    const sizes = await fileSizesOf(files, signal);
    const { parameterCount, tensorBytes, nodeCount, operators } = model.scan;
    return {
      kind: "size",
      schema: SCHEMA,
      values: {
        file: exact(sizes.sizeBytes, "B", "bytes of all files"),
        gzip: exact(sizes.gzipBytes, "B", "gzip, level 6"),
        weights: exact(tensorBytes, "B", "bytes of stored tensors"),
        parameters: exact(parameterCount, "1", "elements of stored tensors, without int64, bool and string"),
        nodes: exact(nodeCount, "1", "nodes, in bodies and functions too"),
      },
      details: {
        files: sizes.files.map(({ name, sizeBytes, gzipBytes }) => ({ name, sizeBytes, gzipBytes })),
        operators: operators.map(({ domain, opType, count }) => ({ domain, opType, count })),
      },
      dataset: null,
      machine: null,
      settings: {},
      method: "Read off the stored files; nothing is run.",
      code,
    };
  },
});
