import { time } from "./micro.ts";
import { float, tensorOfValues } from "@slipway/core/graph";
const S = [64, 16, 28, 28];
const c = (g: any, v: number) => g.values("float32", [v], []);
const I = (g: any, v: number[]) => g.values("int64", v);
await time("relu Where(Greater)", { x: S, G: S }, (g, v) =>
  g.op("Where", [g.op("Greater", [v.x!, c(g, 0)]), v.G!, c(g, 0)]),
);
await time("relu Mul(Sign(y))", { x: S, G: S }, (g, v) => g.op("Mul", [v.G!, g.op("Sign", [v.x!])]));
await time("relu Mul(Cast(Greater))", { x: S, G: S }, (g, v) =>
  g.op("Mul", [v.G!, g.op("Cast", [g.op("Greater", [v.x!, c(g, 0)])], { to: 1 })]),
);
await time("relu ThresholdedRelu trick none; Min(Ceil..)", { x: S, G: S }, (g, v) =>
  g.op("Mul", [v.G!, g.op("HardSigmoid", [v.x!], { alpha: float(1e30), beta: float(0) })]),
);
await time("mul", { x: S, G: S }, (g, v) => g.op("Mul", [v.x!, v.G!]));
await time("mul scalar", { x: S }, (g, v) => g.op("Mul", [v.x!, c(g, 2)]));
await time("sub channel", { x: S, m: [1, 16, 1, 1] }, (g, v) => g.op("Sub", [v.x!, v.m!]));
await time("reduce RKR", { x: S }, (g, v) => g.op("ReduceSum", [v.x!, I(g, [0, 2, 3])], { keepdims: 0 }));
await time("BN affine", { x: S, m: [16] }, (g, v) =>
  g.op(
    "BatchNormalization",
    [v.x!, v.m!, v.m!, g.values("float32", Array(16).fill(0)), g.values("float32", Array(16).fill(1))],
    { epsilon: float(0) },
  ),
);
await time("maxpool plain", { x: S }, (g, v) => g.op("MaxPool", [v.x!], { kernel_shape: [2, 2], strides: [2, 2] }));
await time(
  "maxpool indices",
  { x: S },
  (g, v) => g.opOutputs("MaxPool", [v.x!], 2, { kernel_shape: [2, 2], strides: [2, 2] })[0]!,
);
const up = (g: any, x: string) =>
  g.op("Resize", [x, "", g.values("float32", [1, 1, 2, 2])], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
await time("resize up 2x", { y: [64, 16, 14, 14] }, (g, v) => up(g, v.y!));
await time("maxpool backward by resize, shared", { x: S, y: [64, 16, 14, 14], G: [64, 16, 14, 14] }, (g, v) => {
  const m = g.op("Cast", [g.op("Equal", [v.x!, up(g, v.y!)])], { to: 1 });
  const n = g.op("AveragePool", [m], { kernel_shape: [2, 2], strides: [2, 2] });
  return g.op("Mul", [m, up(g, g.op("Div", [g.op("Mul", [v.G!, c(g, 0.25)]), n]))]);
});
await time("maxpool scatter", { x: [802816], G: [200704] }, (g, v) =>
  g.op(
    "ScatterElements",
    [
      v.x!,
      g.values(
        "int64",
        Array.from({ length: 200704 }, (_, i) => i * 4),
      ),
      v.G!,
    ],
    { axis: 0 },
  ),
);
for (const [C, H] of [
  [16, 28],
  [64, 16],
  [128, 8],
] as const) {
  const w: number[] = [];
  for (let ch = 0; ch < C; ch++) for (let t = 0; t < 9; t++) for (let u = 0; u < 9; u++) w.push(t === u ? 1 : 0);
  await time(`im2col one-hot conv C=${C} H=${H}`, { x: [64, C, H, H] }, (g, v) =>
    g.op("Conv", [v.x!, g.values("float32", w, [9 * C, 1, 3, 3])], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      group: C,
    }),
  );
  const taps = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [i, j]));
  await time(`im2col slices C=${C} H=${H}`, { x: [64, C, H, H] }, (g, v) => {
    const p = g.op("Pad", [v.x!, I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return g.op(
      "Concat",
      taps.map(([i, j]) =>
        g.op("Reshape", [
          g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [2, 3])]),
          I(g, [64, C, H * H]),
        ]),
      ),
      { axis: 1 },
    );
  });
  await time(`im2col 2 stages C=${C} H=${H}`, { x: [64, C, H, H] }, (g, v) => {
    const p = g.op("Pad", [v.x!, I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    const wide = g.op(
      "Concat",
      [0, 1, 2].map((j) => g.op("Slice", [p, I(g, [j]), I(g, [j + H]), I(g, [3])])),
      { axis: 1 },
    ); // [N,3C,H+2,H]
    return g.op(
      "Concat",
      [0, 1, 2].map((i) => g.op("Slice", [wide, I(g, [i]), I(g, [i + H]), I(g, [2])])),
      { axis: 1 },
    );
  });
}
await time("maxpool 3x3 s2 plain", { x: [64, 64, 32, 32] }, (g, v) =>
  g.op("MaxPool", [v.x!], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
);
await time(
  "maxpool 3x3 s2 indices",
  { x: [64, 64, 32, 32] },
  (g, v) => g.opOutputs("MaxPool", [v.x!], 2, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })[0]!,
);
const L = [64, 128, 256];
await time("ln: MatMul(G, col)", { G: L, w: [256, 1] }, (g, v) => g.op("MatMul", [v.G!, v.w!]));
await time("ln: ReduceMean last", { G: L }, (g, v) => g.op("ReduceMean", [v.G!, I(g, [-1])]));
await time("ln: ReduceSum rows", { G: L }, (g, v) => g.op("ReduceSum", [v.G!, I(g, [0, 1])], { keepdims: 0 }));
await time("ln: sum rows by MatMul", { G: [8192, 256], o: [1, 8192] }, (g, v) => g.op("MatMul", [v.o!, v.G!]));
await time("ln: Mul rows", { G: L, w: [64, 128, 1] }, (g, v) => g.op("Mul", [v.G!, v.w!]));
await time("ln: Mul cols", { G: L, w: [256] }, (g, v) => g.op("Mul", [v.G!, v.w!]));
await time("ln: Mul full", { G: L, w: L }, (g, v) => g.op("Mul", [v.G!, v.w!]));
