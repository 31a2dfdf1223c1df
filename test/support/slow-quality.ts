// A model whose runs take as long as its rows say, and labelled rows for it: measuring quality on them lasts for seconds, or
// for ever.
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { npyFromTensor } from "@slipway/core/tensor";
import type { Client, OperationInput } from "slipway/client";

/** y = x, after as many turns of a Loop as the largest x says. */
export function loopingModel(): Model {
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", ["N", 2]);
  const trips = graph.op("Cast", [graph.op("ReduceMax", [x], { keepdims: 0 })], { to: 7 });
  const body = graph.subgraph("body", (inner) => {
    inner.input("turn", "int64", []);
    const going = inner.input("going", "bool", []);
    const carried = inner.input("carried", "float32", null);
    inner.output("going_on", inner.op("Identity", [going]), "bool", []);
    inner.output("carried_on", inner.op("Mul", [carried, inner.values("float32", [1], [])]), "float32", null);
  });
  graph.output("y", graph.op("Loop", [trips, graph.values("bool", [true], []), x], { body }), "float32", ["N", 2]);
  return graph.model();
}

/** Labelled rows for it, of class 0 each, as .npy files: inputs and labels. */
export function loopingRows(rows: number, turns: number): { inputs: Uint8Array; labels: Uint8Array } {
  const data = new Float32Array(2 * rows).map((_, index) => (index % 2 === 0 ? turns : 0));
  return {
    inputs: npyFromTensor({ dtype: "float32", shape: [rows, 2], data }),
    labels: npyFromTensor({ dtype: "uint8", shape: [rows], data: new Uint8Array(rows) }),
  };
}

/** Stores such rows, and answers them as a measurement names them. */
export async function storeLoopingRows(
  client: Client,
  rows: number,
  turns: number,
): Promise<NonNullable<OperationInput<"startMeasure">["body"]["data"]>> {
  const store = async (bytes: Uint8Array) => {
    const hash = createHash("sha256").update(bytes).digest("hex");
    await client.putBlob({ params: { hash }, body: Readable.from([bytes]) as never });
    return hash;
  };
  const { inputs, labels } = loopingRows(rows, turns);
  return { name: "looping", inputs: { x: await store(inputs) }, labels: await store(labels) };
}
