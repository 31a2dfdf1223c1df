// What a program that reads no ONNX is handed: a network's first weights, and its batch.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { tensorFromInitializer } from "@slipway/core/graph";
import type { NamedTensor, TensorData } from "@slipway/core/tensor";
import { madeUpBatch, type NetworkName, networkModel } from "./networks.ts";

/** The weights, the batch and its labels, for a program that reads no ONNX: names and shapes as JSON, then all bytes in turn. */
export function writeTensors(folder: string, network: NetworkName): void {
  const { x, labels } = madeUpBatch(network);
  const tensors: NamedTensor[] = [
    { name: "x", ...x },
    { name: "target", ...labels },
    ...networkModel(network)
      .graph.initializers.filter(({ dtype, shape }) => dtype === "float32" && shape.length > 0)
      .map((one) => ({ name: one.name, ...tensorFromInitializer(one) })),
  ];
  const head = tensors.map(({ name, dtype, shape }) => [name, dtype, shape]);
  writeFileSync(path.join(folder, "tensors.json"), JSON.stringify(head));
  writeFileSync(path.join(folder, "tensors.bin"), Buffer.concat(tensors.map(({ data }) => bytesOf(data))));
}

function bytesOf(data: TensorData): Buffer {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}
