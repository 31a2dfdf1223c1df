// The ONNX reader: a file is refused with a coded error, or read and written again to the same bytes, weights and all; and
// what the scan says of it can be said without it.
import { SlipwayError } from "@slipway/core/base";
import {
  byteSourceFromBytes,
  initializerElementCount,
  signatureFromModel,
  tensorFromInitializer,
  tensorsOfModel,
} from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes, scanModel } from "@slipway/core/onnx";
import { seedModels } from "../../../test/support/hostile-models.ts";
import { sampleModel, sampleModelWithExternalData } from "../../../test/support/sample-models.ts";
import { restructured } from "../protobuf-tree.ts";
import { bytesOf, type FuzzTarget, sortOf } from "../target.ts";

const TOKENS = [
  "Add",
  "Loop",
  "If",
  "Constant",
  "ai.onnx.ml",
  "location",
  "offset",
  "../a",
  "/etc/passwd",
  "N",
  "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
];

export const onnxTarget: FuzzTarget = {
  name: "onnx",
  share: 30,
  maxBytes: 4096,
  seeds: () => [...seedModels(), sampleModel(1), sampleModelWithExternalData("weights.bin")],
  tokens: TOKENS.map(bytesOf),
  restructure: restructured,
  run(input) {
    const scanned = outcomeOf(() => scanModel(input));
    const read = outcomeOf(() => modelFromBytes(input));
    const streamed = outcomeOf(() => modelFromBytes(byteSourceFromBytes(input)));
    if (read.end !== streamed.end) throw new Error(`From memory: ${read.end}; from a source: ${streamed.end}`);
    if (read.value === null) {
      if (scanned.value !== null) throw new Error("The scan takes what the reader refuses");
      return read.end;
    }
    if (Buffer.compare(bytesFromModel(read.value), input) !== 0) throw new Error("Written again, it is another file");
    for (const { tensor } of tensorsOfModel(read.value)) {
      if (tensor.data.kind === "external") continue;
      const end = outcomeOf(() => {
        tensorFromInitializer(tensor);
        return initializerElementCount(tensor);
      });
      // The bytes of a small file can't stand for more elements than it has bits.
      if (end.value !== null && end.value > 8 * input.length)
        throw new Error(`${end.value} elements from ${input.length} bytes`);
    }
    if (scanned.value !== null) {
      const signature = JSON.stringify(signatureFromModel(read.value));
      if (JSON.stringify(scanned.value.signature) !== signature) throw new Error("The scan's signature is another");
    }
    return `read; scan: ${scanned.end}`;
  },
};

function outcomeOf<T>(read: () => T): { readonly value: T | null; readonly end: string } {
  try {
    return { value: read(), end: "ok" };
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.kind === "failed") throw error;
    return { value: null, end: sortOf(error.code, error.message) };
  }
}
