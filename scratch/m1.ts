import { time } from "./micro.ts";
import { float } from "@slipway/core/graph";
import type { GraphBuilder } from "@slipway/core/graph";
const S = [64, 128, 1024];
const gelu = (g: GraphBuilder, x: string, G: string) => {
  const c = (v: number) => g.values("float32", [v], []);
  const cum = g.op("Mul", [c(0.5), g.op("Add", [c(1), g.op("Erf", [g.op("Mul", [x, c(Math.SQRT1_2)])])])]);
  const den = g.op("Mul", [c(1 / Math.sqrt(2 * Math.PI)), g.op("Exp", [g.op("Mul", [c(-0.5), g.op("Mul", [x, x])])])]);
  return g.op("Mul", [G, g.op("Add", [cum, g.op("Mul", [x, den])])]);
};
const gelu9 = (g: GraphBuilder, x: string, G: string) => {
  const c = (v: number) => g.values("float32", [v], []);
  const u = g.op("Mul", [x, c(Math.SQRT1_2)]);
  const cum = g.op("HardSigmoid", [g.op("Erf", [u])], { alpha: float(0.5), beta: float(0.5) });
  const X = g.op("Exp", [g.op("Mul", [u, u])]);
  const t = g.op("Div", [g.op("Mul", [x, c(1 / Math.sqrt(2 * Math.PI))]), X]);
  return g.op("Mul", [G, g.op("Add", [cum, t])]);
};
const scan = (f: any, k: number) => (g: GraphBuilder, v: any) => {
  const shape = g.values("int64", [k, (S[0]! * S[1]! * S[2]!) / k]);
  const body = g.subgraph("chunk", (b: any) => {
    const x = b.input("bx", "float32", [(S[0]! * S[1]! * S[2]!) / k]);
    const G = b.input("bg", "float32", [(S[0]! * S[1]! * S[2]!) / k]);
    b.output("by", f(b, x, G), "float32", [(S[0]! * S[1]! * S[2]!) / k]);
  });
  return g.op("Scan", [g.op("Reshape", [v.x, shape]), g.op("Reshape", [v.G, shape])], { body, num_scan_inputs: 2 });
};
await time("gelu backward plain", { x: S, G: S }, (g, v) => gelu(g, v.x!, v.G!));
await time("gelu backward 9", { x: S, G: S }, (g, v) => gelu9(g, v.x!, v.G!));
for (const k of [32, 64, 128, 256, 512]) await time("gelu9 scan " + k, { x: S, G: S }, scan(gelu9, k));
await time("gelu scan 128", { x: S, G: S }, scan(gelu, 128));
await time("gelu forward", { x: S }, (g, v) => g.op("Gelu", [v.x!]));
await time("mul", { x: S, G: S }, (g, v) => g.op("Mul", [v.x!, v.G!]));
