// A bare ONNX Runtime loop, without server, protocol or batching: what the model itself costs.
//   node raw-run.ts MODEL.onnx INPUTS ROWS SECONDS   → {"cpuUs": …, "p50Us": …}
import { readFileSync } from "node:fs";
import { Latencies, seededRandom } from "../server/src/load/index.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";

const [file, width, rows, seconds] = process.argv.slice(2);
const backend = createOnnxRuntimeBackend();
const session = await backend.load(
  { model: readFileSync(file!), externalData: new Map() },
  { intraOpThreads: 1, graphOptimizationLevel: "all", executionProviders: ["cpu"], configEntries: {} },
);
const random = seededRandom(1);
const shape = [Number(rows), Number(width)];
const data = Float32Array.from({ length: shape[0]! * shape[1]! }, () => random());
const inputs = [{ name: "x", dtype: "float32", shape, data }] as const;
const latencies = new Latencies();
const warmUntil = performance.now() + 300;
while (performance.now() < warmUntil) await session.run(inputs, ["y"]);
const cpuBefore = process.cpuUsage();
const until = performance.now() + Number(seconds) * 1000;
for (let before = performance.now(); before < until; ) {
  await session.run(inputs, ["y"]);
  const after = performance.now();
  latencies.observe(after - before);
  before = after;
}
const { user, system } = process.cpuUsage(cpuBefore);
const { count, p50Ms } = latencies.summary()!;
process.stdout.write(`${JSON.stringify({ cpuUs: (user + system) / count, p50Us: p50Ms * 1000 })}\n`);
await session.unload();
