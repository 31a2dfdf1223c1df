import { InferenceSession, Tensor } from "onnxruntime-node";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
const M = 4 << 20;
const mk = async (f: any) => {
  const g = graphBuilder({ opset: 17 });
  f(g);
  return await InferenceSession.create(bytesFromModel(g.model()), { intraOpNumThreads: 1, logSeverityLevel: 3 });
};
const small = await mk((g: any) =>
  g.output(
    "y",
    g.op("Slice", [g.input("x", "float32", [M]), g.values("int64", [0]), g.values("int64", [1])]),
    "float32",
    [1],
  ),
);
const big = await mk((g: any) =>
  g.output("y", g.op("Expand", [g.input("x", "float32", [1]), g.values("int64", [M])]), "float32", [M]),
);
const t = new Tensor("float32", new Float32Array(M).fill(1), [M]);
const one = new Tensor("float32", [1], [1]);
const pre = new Tensor("float32", new Float32Array(M).fill(1), [M]);
const meas = async (l: string, f: any) => {
  const o: string[] = [];
  for (let i = 0; i < 8; i++) {
    const a = process.resourceUsage().minorPageFault,
      c = process.cpuUsage();
    await f();
    const u = process.cpuUsage(c);
    o.push(`${process.resourceUsage().minorPageFault - a}f ${((u.user + u.system) / 1000).toFixed(1)}ms`);
  }
  console.log(l, o.join(", "));
};
await meas("16 MB in, small out", () => small.run({ x: t }));
await meas("small in, 16 MB out, allocated", () => big.run({ x: one }));
await meas("small in, 16 MB out, given", () => big.run({ x: one }, { y: pre }));
let keep: any;
await meas("alloc kept", async () => {
  keep = await big.run({ x: one });
});
