import { time } from "./micro.ts";
const gemm = (a: any, b: any, at: any = {}) => (g: any, v: any) => g.op("Gemm", [v[a], v[b]], at);
for (const [M, K, N] of [[8192, 256, 1024], [8192, 1024, 256]] as const) {
  const f = 2 * M * K * N, n = 7;
  await time(`${M}x${K}x${N} Gemm NN`, { a: [M, K], b: [K, N] }, gemm("a", "b"), n, 1, f);
  await time(`${M}x${K}x${N} Gemm NT`, { a: [M, K], b: [N, K] }, gemm("a", "b", { transB: 1 }), n, 1, f);
  await time(`${M}x${K}x${N} MatMul NN`, { a: [M, K], b: [K, N] }, (g, v) => g.op("MatMul", [v.a!, v.b!]), n, 1, f);
  await time(`${M}x${K}x${N} FMM NT`, { a: [M, K], b: [N, K] }, (g, v) => g.op("FusedMatMul", [v.a!, v.b!], { transB: 1 }, { domain: "com.microsoft" }), n, 1, f);
  await time(`${K}x${M}x${N} Gemm TN (dW)`, { a: [M, K], b: [M, N] }, gemm("a", "b", { transA: 1 }), n, 1, f);
  await time(`${K}x${M}x${N} Gemm TN (dW) swapped, transposed`, { a: [M, K], b: [M, N] }, (g, v) => g.op("Transpose", [g.op("Gemm", [v.b!, v.a!], { transA: 1 })], { perm: [1, 0] }), n, 1, f);
  await time(`${K}x${M}x${N} Transpose, Gemm NN (dW)`, { a: [M, K], b: [M, N] }, (g, v) => g.op("Gemm", [g.op("Transpose", [v.a!], { perm: [1, 0] }), v.b!]), n, 1, f, { graphOptimizationLevel: "disabled" });
}
const A = [64, 4, 128, 64];
await time("attention q·kT", { q: A, k: A }, (g, v) => g.op("FusedMatMul", [v.q!, v.k!], { transB: 1 }, { domain: "com.microsoft" }), 7, 1, 2 * 256 * 128 * 128 * 64);
await time("attention q·kT, k transposed before", { q: A, k: [64, 4, 64, 128] }, (g, v) => g.op("MatMul", [v.q!, v.k!]), 7, 1, 2 * 256 * 128 * 128 * 64);
await time("attention pT·g", { p: [64, 4, 128, 128], g: A }, (g, v) => g.op("FusedMatMul", [v.p!, v.g!], { transA: 1 }, { domain: "com.microsoft" }), 7, 1, 2 * 256 * 128 * 128 * 64);
