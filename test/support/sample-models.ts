// Small real models, for tests and the processes they start.
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";

/** `y = x + number` over float32 [N, 2], as an ONNX file; each number makes another model. */
export function sampleModel(number: number): Uint8Array {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", ["N", 2]);
  graph.output("y", graph.op("Add", [x, graph.values("float32", [number])]), "float32", ["N", 2]);
  return bytesFromModel(graph.model());
}

/** As `sampleModel`, with the number added lying in a file of its own, `offset` bytes in. */
export function sampleModelWithExternalData(location: string, offset = 0): Uint8Array {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", ["N", 2]);
  const reference = { location, offset, length: 4, checksum: null, others: new Map<string, string>() };
  const weight = graph.initializer({
    kind: "initializer",
    name: "weight",
    dtype: "float32",
    shape: [1],
    data: { kind: "external", reference },
    docString: "",
    metadata: new Map(),
    extra: [],
  });
  graph.output("y", graph.op("Add", [x, weight]), "float32", ["N", 2]);
  return bytesFromModel(graph.model());
}
