import { mkdirSync, writeFileSync } from "node:fs";
import { tensorFromInitializer } from "@slipway/core/graph";
import { networkModel, madeUpBatch, NETWORK_NAMES } from "../bench/train/networks.ts";
for (const name of NETWORK_NAMES) {
  const m = networkModel(name);
  const { x, labels } = madeUpBatch(name);
  const all: any[] = [
    ["x", x],
    ["target", labels],
    ...m.graph.initializers
      .filter((i) => i.dtype === "float32" && i.shape.length > 0)
      .map((i) => [i.name, tensorFromInitializer(i)]),
  ];
  mkdirSync("/tmp/speedw/" + name, { recursive: true });
  writeFileSync(`/tmp/speedw/${name}/tensors.json`, JSON.stringify(all.map(([n, t]) => [n, t.dtype, t.shape])));
  writeFileSync(
    `/tmp/speedw/${name}/tensors.bin`,
    Buffer.concat(all.map(([, t]) => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength))),
  );
}
