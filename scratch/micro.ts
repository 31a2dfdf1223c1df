// usage: micro.ts ; measures variants as small models
import { InferenceSession, Tensor } from "onnxruntime-node";
import { graphBuilder, type GraphBuilder, float } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
export async function time(
  label: string,
  inputs: Record<string, number[]>,
  build: (g: GraphBuilder, v: Record<string, string>) => string | string[],
  n = 12,
  threads = 1,
  flop = 0,
  opts: any = {},
) {
  const g = graphBuilder({ opset: 20, opsets: { "com.microsoft": 1 } });
  const v: Record<string, string> = {};
  const feeds: Record<string, Tensor> = {};
  for (const [k, s] of Object.entries(inputs)) {
    v[k] = g.input(k, "float32", s);
    const d = new Float32Array(s.reduce((a, b) => a * b, 1));
    for (let i = 0; i < d.length; i++) d[i] = Math.random() - 0.5;
    feeds[k] = new Tensor("float32", d, s);
  }
  const out = build(g, v);
  const outs = typeof out === "string" ? [out] : out;
  outs.forEach((o, i) => g.output("y" + i, o));
  try {
    const s = await InferenceSession.create(bytesFromModel(g.model()), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...opts,
    });
    const fetches: any = {};
    const first = await s.run(feeds);
    for (const k of Object.keys(first)) fetches[k] = first[k];
    const ts: number[] = [];
    for (let k = 0; k < n; k++) {
      const t = process.cpuUsage();
      await s.run(feeds, fetches);
      const u = process.cpuUsage(t);
      ts.push((u.user + u.system) / 1000);
    }
    ts.sort((a, b) => a - b);
    console.log(
      `${label.padEnd(60)} min ${ts[0]!.toFixed(2)} med ${ts[n >> 1]!.toFixed(2)} ms${flop ? ` ${(flop / ts[0]! / 1e6).toFixed(0)} GFLOP/s` : ""}`,
    );
    await s.release();
    return first;
  } catch (e) {
    console.log(label, String(e).slice(0, 300));
    return null;
  }
}
