import { writeFileSync, readFileSync, rmSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { trainLoop, prepareForGradient, trainStep, inGradientWords, parametersOf } from "@slipway/core/autodiff";
import { bytesFromModel } from "@slipway/core/onnx";
import { tensorFromInitializer } from "@slipway/core/graph";
import { createPreparingEngine } from "../server/src/lab/gradient/index.ts";
import { createOnnxRuntimeBackend, sampleInputs } from "../server/src/runtime/index.ts";
import { networkModel, madeUpBatch, OPTIMIZERS } from "../bench/train/networks.ts";
const arg = (n: string, d: string) => {
  const i = process.argv.indexOf("--" + n);
  return i < 0 ? d : process.argv[i + 1]!;
};
const name = arg("net", "mlp") as any,
  opt = arg("opt", "sgd") as any,
  threads = Number(arg("threads", "1")),
  n = Number(arg("n", "10"));
const level = arg("level", "all") as any,
  mode = arg("io", "ping"),
  prof = process.argv.includes("--prof"),
  emission = arg("emission", "fast");
const extra = JSON.parse(arg("extra", "{}"));
const model = networkModel(name);
const t0 = performance.now();
const engine = createPreparingEngine({
  backend: createOnnxRuntimeBackend(),
  externalData: new Map(),
  inputs: (s) => sampleInputs(s, { rows: 64, freeLength: 8, scale: 1, seed: 1 }),
});
const parameters = parametersOf(inGradientWords(model));
const prepared = await prepareForGradient(model, parameters, engine);
const t1 = performance.now();
const step = await trainStep(prepared.model, {
  parameters,
  loss: { kind: "cross-entropy" },
  optimizer: OPTIMIZERS[opt as "sgd"].optimizer,
  typesOf: (m) => engine.typesOf(m),
  emission,
} as any);
const t2 = performance.now();
const K = Number(arg("loop", "0"));
const loop = K ? trainLoop(step) : null;
const bytes = bytesFromModel(loop ? loop.model : step.model);
if (arg("save", "")) writeFileSync(arg("save", ""), bytes);
const session = await InferenceSession.create(bytes, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  graphOptimizationLevel: level,
  ...(arg("opt-out", "") ? { optimizedModelFilePath: arg("opt-out", "") } : {}),
  ...(prof ? { enableProfiling: true, profileFilePrefix: "/tmp/speedprof" } : {}),
  ...extra,
});
const t3 = performance.now();
console.log(
  `${name} ${opt}: nodes ${step.model.graph.nodes.length}; prepare ${(t1 - t0).toFixed(0)} differentiate ${(t2 - t1).toFixed(0)} session ${(t3 - t2).toFixed(0)} ms`,
);
const { x, labels } = madeUpBatch(name);
const T = (t: any) => new Tensor(t.dtype, t.data, t.shape);
const stored = new Map(step.stored.map((s) => [s.name, tensorFromInitializer(s).data as Float32Array]));
const size = (s: readonly number[]) => s.reduce((a, b) => a * b, 1);
let carried: Record<string, Tensor> = {};
let other: Record<string, Tensor> = {};
for (const c of step.carried) {
  carried[c.input] = new Tensor(
    "float32",
    c.start === "stored" ? Float32Array.from(stored.get(c.of)!) : new Float32Array(size(c.shape)),
    [...c.shape],
  );
  other[c.input] = new Tensor("float32", new Float32Array(size(c.shape)), [...c.shape]);
}
const times: number[] = [];
const cpus: number[] = [];
const faults: number[] = [];
const users: number[] = [];
const losses: number[] = [];
if (loop)
  for (let k = 0; k < n; k++) {
    const rep = (t: any) => {
      const d = new t.data.constructor(t.data.length * K);
      for (let i = 0; i < K; i++) d.set(t.data, i * t.data.length);
      return new Tensor(t.dtype, d, [K, ...t.shape]);
    };
    const feeds: any = {
      ...carried,
      x: rep(x),
      [step.target]: rep(labels),
      [loop.learningRates]: new Tensor("float32", new Float32Array(K).fill(OPTIMIZERS[opt as "sgd"].learningRate), [K]),
      ...(loop.firstStep ? { [loop.firstStep]: new Tensor("float64", [k * K + 1], []) } : {}),
    };
    const cpu0 = process.cpuUsage(),
      began = performance.now();
    const got: any = await session.run(feeds);
    const cu = process.cpuUsage(cpu0);
    cpus.push((cu.user + cu.system) / 1000 / K);
    times.push((performance.now() - began) / K);
    losses.push(...got[loop.losses].data);
    carried = Object.fromEntries(step.carried.map((c) => [c.input, got[c.output]]));
  }
else
  for (let k = 0; k < n; k++) {
    const flt = process.resourceUsage().minorPageFault;
    const began = performance.now();
    const cpu0 = process.cpuUsage();
    const feeds: any = {
      ...carried,
      x: T(x),
      [step.target]: T(labels),
      [step.learningRate]: new Tensor("float32", [OPTIMIZERS[opt as "sgd"].learningRate], []),
      ...(step.step ? { [step.step]: new Tensor("float64", [k + 1], []) } : {}),
    };
    let got: any;
    if (mode === "ping") {
      const fetches: any = { [step.loss]: null };
      for (const c of step.carried) fetches[c.output] = other[c.input];
      got = await session.run(feeds, fetches);
      [carried, other] = [other, carried];
    } else {
      const fetches = [step.loss, ...step.carried.map((c) => c.output)];
      got = await session.run(feeds, fetches);
      carried = Object.fromEntries(step.carried.map((c) => [c.input, got[c.output]]));
    }
    losses.push(Number(got[step.loss].data[0]));
    const cu = process.cpuUsage(cpu0);
    cpus.push((cu.user + cu.system) / 1000);
    faults.push(process.resourceUsage().minorPageFault - flt);
    users.push(cu.user / 1000);
    times.push(performance.now() - began);
  }
if (process.argv.includes("--list"))
  console.log("faults", faults.join(" "), "\nuser", users.map((c) => c.toFixed(1)).join(" "));
if (process.argv.includes("--list")) console.log(cpus.map((c) => c.toFixed(1)).join(" "));
const sc = cpus.slice(2).sort((a, b) => a - b);
const sorted = times.slice(2).sort((a, b) => a - b);
console.log(
  `CPU median ${sc[sc.length >> 1]!.toFixed(2)} min ${sc[0]!.toFixed(2)}; wall median ${sorted[sorted.length >> 1]!.toFixed(2)} min ${sorted[0]!.toFixed(2)} ms; first ${times[0]!.toFixed(1)}; losses ${losses[0]!.toFixed(6)} ${losses[1]!.toFixed(6)} ${losses[losses.length - 1]!.toFixed(6)}; peak ${((readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s+(\d+)/)![1] as any) / 1024).toFixed(0)} MB`,
);
if (prof) {
  session.endProfiling();
  const { readdirSync } = await import("node:fs");
  const f =
    "/tmp/" +
    readdirSync("/tmp")
      .filter((x) => x.startsWith("speedprof"))
      .sort()
      .at(-1);
  const ev = JSON.parse(readFileSync(f, "utf8"));
  rmSync(f);
  const byNode = new Map<string, any>();
  const runs = ev.filter((e: any) => e.name === "model_run").length;
  let seen = 0;
  for (const e of ev) {
    if (e.name === "model_run") {
      seen++;
      continue;
    }
    if (seen < 2 || e.cat !== "Node" || !e.name.endsWith("_kernel_time")) continue;
    const key = e.name + e.args.node_index;
    const b = byNode.get(key) ?? {
      t: 0,
      op: e.args.op_name,
      name: e.name.replace("_kernel_time", ""),
      i: JSON.stringify(e.args.input_type_shape),
      o: JSON.stringify(e.args.output_type_shape),
    };
    b.t = Math.min(b.t || 1e15, e.dur);
    byNode.set(key, b);
  }
  const ops = new Map<string, [number, number]>();
  for (const b of byNode.values()) {
    const o = ops.get(b.op) ?? [0, 0];
    ops.set(b.op, [o[0] + b.t, o[1] + 1]);
  }
  const total = [...byNode.values()].reduce((a, b) => a + b.t, 0);
  console.log("node total", (total / 1000).toFixed(2), "ms");
  for (const [op, [t, c]] of [...ops].sort((a, b) => b[1][0] - a[1][0]).slice(0, 22))
    console.log(`  ${op.padEnd(24)} ${String(c).padStart(4)} ${(t / 1000).toFixed(2)} ms`);
  for (const b of [...byNode.values()].sort((a, b) => b.t - a.t).slice(0, Number(arg("top", "30"))))
    console.log(
      `    ${(b.t / 1000).toFixed(3)} ${b.op} ${b.name} ${b.i.replaceAll('"float"', "f").slice(0, 150)} -> ${b.o.slice(0, 80)}`,
    );
}
