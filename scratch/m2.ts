// convolution variants
import { time } from "./micro.ts";
import type { GraphBuilder } from "@slipway/core/graph";
const ONLY = process.argv[2] ?? "";
const SH = [
  [64, 512, 512, 2, 3],
  [64, 256, 256, 4, 3],
  [64, 128, 128, 8, 3],
  [64, 64, 64, 16, 3],
  [64, 16, 16, 28, 3],
  [64, 32, 32, 14, 3],
  [64, 32, 48, 7, 3],
];
for (const [N, C, K, H, k] of SH as any) {
  if (ONLY && !`${H}`.match(new RegExp(`^(${ONLY})$`))) continue;
  const P = H * H,
    flop = 2 * N * C * K * P * 9;
  const X = [N, C, H, H],
    Y = [N, K, H, H],
    W = [K, C, 3, 3],
    lab = `${C}->${K} ${H}x${H}`;
  const I = (g: GraphBuilder, v: number[]) => g.values("int64", v);
  const pads = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const T = (g: GraphBuilder, x: string, perm: number[]) => g.op("Transpose", [x], { perm });
  const R = (g: GraphBuilder, x: string, s: number[]) => g.op("Reshape", [x, I(g, s)]);
  const fmm = (g: GraphBuilder, a: string, b: string, transA = 0, transB = 0) =>
    g.op("FusedMatMul", [a, b], { transA, transB }, { domain: "com.microsoft" });
  const gemm = (g: GraphBuilder, a: string, b: string, transA = 0, transB = 0) =>
    g.op("Gemm", [a, b], { transA, transB });
  const taps = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [i, j]));
  // CNHW columns [C*9, NP]
  const colsC = (g: GraphBuilder, x: string, c: number, rev = false) => {
    const p = g.op("Pad", [T(g, x, [1, 0, 2, 3]), I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    const list = (rev ? [...taps].reverse() : taps).map(([i, j]) =>
      R(g, g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [2, 3])]), [c, 1, N * P]),
    );
    return R(g, g.op("Concat", list, { axis: 1 }), [c * 9, N * P]);
  };
  // NHWC columns [NP, 9C]
  const colsL = (g: GraphBuilder, x: string, c: number, rev = false) => {
    const p = g.op("Pad", [T(g, x, [0, 2, 3, 1]), I(g, [0, 1, 1, 0, 0, 1, 1, 0])]);
    const list = (rev ? [...taps].reverse() : taps).map(([i, j]) =>
      g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [1, 2])]),
    );
    return R(g, g.op("Concat", list, { axis: 3 }), [N * P, 9 * c]);
  };
  const rowsC = (g: GraphBuilder, y: string, c: number) => R(g, T(g, y, [1, 0, 2, 3]), [c, N * P]);
  const rowsL = (g: GraphBuilder, y: string, c: number) => R(g, T(g, y, [0, 2, 3, 1]), [N * P, c]);
  const perImage = (g: GraphBuilder, x: string) => {
    const p = g.op("Pad", [x, I(g, [0, 0, 1, 1, 0, 0, 1, 1])]);
    return g.op(
      "Concat",
      taps.map(([i, j]) => R(g, g.op("Slice", [p, I(g, [i!, j!]), I(g, [i! + H, j! + H]), I(g, [2, 3])]), [N, C, P])),
      { axis: 1 },
    );
  };
  const n = 9;
  await time(lab + " fwd Conv", { X, W }, (g, v) => g.op("Conv", [v.X!, v.W!], pads), n, 1, flop);
  await time(
    lab + " fwd CNHW gemm",
    { X, W },
    (g, v) => T(g, R(g, gemm(g, R(g, v.W!, [K, C * 9]), colsC(g, v.X!, C)), [K, N, H, H]), [1, 0, 2, 3]),
    n,
    1,
    flop,
  );
  await time(
    lab + " fwd tall",
    { X, W },
    (g, v) => {
      const t = R(g, g.op("Pad", [T(g, v.X!, [1, 0, 2, 3]), I(g, [0, 0, 0, 0, 0, 0, 1, 0])]), [1, C, N * (H + 1), H]);
      const y = g.op("Conv", [t, v.W!], pads);
      return T(g, g.op("Slice", [R(g, y, [K, N, H + 1, H]), I(g, [0]), I(g, [H]), I(g, [2])]), [1, 0, 2, 3]);
    },
    n,
    1,
    flop,
  );
  await time(lab + " dX ConvTranspose", { Y, W }, (g, v) => g.op("ConvTranspose", [v.Y!, v.W!], pads), n, 1, flop);
  await time(
    lab + " dX Conv flip",
    { Y, W },
    (g, v) =>
      g.op(
        "Conv",
        [v.Y!, T(g, g.op("Slice", [v.W!, I(g, [-1, -1]), I(g, [-4, -4]), I(g, [2, 3]), I(g, [-1, -1])]), [1, 0, 2, 3])],
        pads,
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dX Conv flip by Gather",
    { Y, W },
    (g, v) =>
      g.op(
        "Conv",
        [
          v.Y!,
          R(
            g,
            g.op("Gather", [T(g, R(g, v.W!, [K, C, 9]), [1, 0, 2]), I(g, [8, 7, 6, 5, 4, 3, 2, 1, 0])], { axis: 2 }),
            [C, K, 3, 3],
          ),
        ],
        pads,
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dX CNHW gemm",
    { Y, W },
    (g, v) =>
      T(
        g,
        R(g, gemm(g, R(g, T(g, R(g, v.W!, [K, C, 9]), [1, 0, 2]), [C, K * 9]), colsC(g, v.Y!, K, true)), [C, N, H, H]),
        [1, 0, 2, 3],
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dX NHWC gemm",
    { Y, W },
    (g, v) =>
      T(
        g,
        R(g, gemm(g, colsL(g, v.Y!, K, true), R(g, T(g, R(g, v.W!, [K, C, 9]), [2, 0, 1]), [9 * K, C])), [N, H, H, C]),
        [0, 3, 1, 2],
      ),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW per image FMM(dY,cols)+sum",
    { X, Y },
    (g, v) => g.op("ReduceSum", [fmm(g, R(g, v.Y!, [N, K, P]), perImage(g, v.X!), 0, 1), I(g, [0])], { keepdims: 0 }),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW per image FMM(cols,dY)+sum",
    { X, Y },
    (g, v) => g.op("ReduceSum", [fmm(g, perImage(g, v.X!), R(g, v.Y!, [N, K, P]), 0, 1), I(g, [0])], { keepdims: 0 }),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW CNHW gemm(dY,cols^T)",
    { X, Y },
    (g, v) => gemm(g, rowsC(g, v.Y!, K), colsC(g, v.X!, C), 0, 1),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW CNHW gemm(cols,dY^T)",
    { X, Y },
    (g, v) => T(g, gemm(g, colsC(g, v.X!, C), rowsC(g, v.Y!, K), 0, 1), [1, 0]),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW NHWC gemm(dY^T,cols)",
    { X, Y },
    (g, v) => T(g, R(g, gemm(g, rowsL(g, v.Y!, K), colsL(g, v.X!, C), 1, 0), [K, 9, C]), [0, 2, 1]),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW NHWC gemm(cols^T,dY)",
    { X, Y },
    (g, v) => T(g, R(g, gemm(g, colsL(g, v.X!, C), rowsL(g, v.Y!, K), 1, 0), [9, C, K]), [2, 1, 0]),
    n,
    1,
    flop,
  );
  await time(
    lab + " dW conv of transposed",
    { X, Y },
    (g, v) =>
      T(g, g.op("Conv", [T(g, v.X!, [1, 0, 2, 3]), T(g, v.Y!, [1, 0, 2, 3])], { pads: [1, 1, 1, 1] }), [1, 0, 2, 3]),
    3,
    1,
    flop,
  );
  await time(lab + " im2col per image", { X }, (g, v) => perImage(g, v.X!), n);
  await time(lab + " im2col CNHW", { X }, (g, v) => colsC(g, v.X!, C), n);
  await time(lab + " im2col NHWC", { X }, (g, v) => colsL(g, v.X!, C), n);
}
