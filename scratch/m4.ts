import { time } from "./micro.ts";
import type { GraphBuilder } from "@slipway/core/graph";
const SH = [
  [64, 16, 16, 28],
  [64, 32, 32, 14],
  [64, 16, 32, 14],
  [64, 32, 48, 7],
  [64, 64, 64, 16],
  [64, 128, 128, 8],
  [64, 256, 256, 4],
];
for (const [N, C, K, H] of SH as any) {
  const P = H * H,
    W = H,
    Wp = H + 2,
    flop = 2 * N * C * K * P * 9,
    lab = `${C}->${K} ${H}x${H}`;
  const X = [N, C, H, H],
    Y = [N, K, H, H];
  const I = (g: GraphBuilder, v: number[]) => g.values("int64", v);
  const T = (g: GraphBuilder, x: string, perm: number[]) => g.op("Transpose", [x], { perm });
  const R = (g: GraphBuilder, x: string, s: number[]) => g.op("Reshape", [x, I(g, s)]);
  const fmm = (g: GraphBuilder, a: string, b: string, transA = 0, transB = 0) =>
    g.op("FusedMatMul", [a, b], { transA, transB }, { domain: "com.microsoft" });
  const taps = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [i, j]));
  const perImage = (g: GraphBuilder, x: string) => {
    const p = g.op("Pad", [x, I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return g.op(
      "Concat",
      taps.map(([i, j]) => R(g, g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [2, 3])]), [N, C, P])),
      { axis: 1 },
    );
  };
  const colsC = (g: GraphBuilder, x: string, c: number) => {
    const p = g.op("Pad", [T(g, x, [1, 0, 2, 3]), I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return R(
      g,
      g.op(
        "Concat",
        taps.map(([i, j]) =>
          R(g, g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [2, 3])]), [c, 1, N * P]),
        ),
        { axis: 1 },
      ),
      [c * 9, N * P],
    );
  };
  const n = 15;
  await time(
    lab + " dW per image FMM(dY,cols)",
    { X, Y },
    (g, v) => g.op("ReduceSum", [fmm(g, R(g, v.Y!, [N, K, P]), perImage(g, v.X!), 0, 1), I(g, [0])], { keepdims: 0 }),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW per image FMM(cols,dY)",
    { X, Y },
    (g, v) => g.op("ReduceSum", [fmm(g, perImage(g, v.X!), R(g, v.Y!, [N, K, P]), 0, 1), I(g, [0])], { keepdims: 0 }),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW joined gemm",
    { X, Y },
    (g, v) => g.op("Gemm", [R(g, T(g, v.Y!, [1, 0, 2, 3]), [K, N * P]), colsC(g, v.X!, C)], { transB: 1 }),
    n,
    1,
    flop,
  );
  const splitX = (g: GraphBuilder, x: string) => {
    const p = g.op("Pad", [x, I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return g.op(
      "Concat",
      [0, 1, 2].map((i) => R(g, g.op("Slice", [p, I(g, [i]), I(g, [i + H]), I(g, [2])]), [N, C, H * Wp])),
      { axis: 1 },
    );
  };
  const splitY = (g: GraphBuilder, y: string) =>
    g.op(
      "Concat",
      [0, 1, 2].map((j) => R(g, g.op("Pad", [y, I(g, [0, 0, 0, j, 0, 0, 0, 2 - j])]), [N, K, H * Wp])),
      { axis: 1 },
    );
  await time(
    lab + " dW split per image FMM(dY,X)",
    { X, Y },
    (g, v) =>
      T(
        g,
        R(g, g.op("ReduceSum", [fmm(g, splitY(g, v.Y!), splitX(g, v.X!), 0, 1), I(g, [0])], { keepdims: 0 }), [
          3,
          K,
          3,
          C,
        ]),
        [1, 3, 2, 0],
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW split per image FMM(X,dY)",
    { X, Y },
    (g, v) =>
      T(
        g,
        R(g, g.op("ReduceSum", [fmm(g, splitX(g, v.X!), splitY(g, v.Y!), 0, 1), I(g, [0])], { keepdims: 0 }), [
          3,
          C,
          3,
          K,
        ]),
        [3, 1, 0, 2],
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW split joined",
    { X, Y },
    (g, v) => {
      const p = g.op("Pad", [T(g, v.X!, [1, 0, 2, 3]), I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
      const xs = R(
        g,
        g.op(
          "Concat",
          [0, 1, 2].map((i) => R(g, g.op("Slice", [p, I(g, [i]), I(g, [i + H]), I(g, [2])]), [C, 1, N * H * Wp])),
          { axis: 1 },
        ),
        [3 * C, N * H * Wp],
      );
      const t = T(g, v.Y!, [1, 0, 2, 3]);
      const ys = R(
        g,
        g.op(
          "Concat",
          [0, 1, 2].map((j) => R(g, g.op("Pad", [t, I(g, [0, 0, 0, j, 0, 0, 0, 2 - j])]), [K, 1, N * H * Wp])),
          { axis: 1 },
        ),
        [3 * K, N * H * Wp],
      );
      return T(g, R(g, g.op("Gemm", [ys, xs], { transB: 1 }), [K, 3, C, 3]), [0, 2, 3, 1]);
    },
    n,
    1,
    flop,
  );
}
