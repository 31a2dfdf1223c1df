import { readFileSync } from "node:fs";
import { byteSourceFromBytes } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { prepareForGradient, withLoss } from "@slipway/core/autodiff";
import { sampleAxesOf } from "/work/wt/modes/core/src/autodiff/per-sample/sample-axes.ts";
import { reachedFrom } from "/work/wt/modes/core/src/autodiff/per-sample/plan.ts";
import { engineOn, tensorOf } from "/work/wt/modes/test/autodiff/gradient-check.ts";
import { test } from "vitest";
test("x", async () => {
  for (const name of process.env.NAMES!.split(",")) {
    const base = `/work/wt/modes/test/goldens/gradients/${name}`;
    const facts = JSON.parse(readFileSync(`${base}.json`, "utf8"));
    const read = modelFromBytes(byteSourceFromBytes(readFileSync(`${base}.onnx`)));
    const feeds = Object.fromEntries(
      Object.entries(facts.inputs).map(([i, { shape, dtype, values }]: any) => [i, tensorOf(dtype, values, shape)]),
    );
    const wrt = facts.parameters.map((o: any) => o.name);
    const p = await prepareForGradient(read, wrt, engineOn(feeds));
    const j = withLoss(p.model, {
      loss: { kind: "cross-entropy" },
      axis: facts.axis,
      isPerSample: true,
      types: p.types,
    });
    const types = await engineOn({
      ...feeds,
      [j.target]: tensorOf("int64", facts.labels.values, facts.labels.shape),
    }).typesOf(j.model);
    const ins = j.model.graph.inputs.map((i: any) => i.name);
    const axes = sampleAxesOf(j.model.graph, types, new Set(ins), reachedFrom(j.model.graph, types, wrt));
    console.log(name, "loss", JSON.stringify(types.get(j.loss)), JSON.stringify(axes.get(j.loss)));
    let shown = 0;
    for (const n of j.model.graph.nodes) {
      const bad = n.outputs.some((o) => ["unknown", "mixed"].includes(axes.get(o)?.kind ?? "none"));
      const was = n.inputs.some((o) => ["unknown", "mixed"].includes(axes.get(o)?.kind ?? "none"));
      if (bad && !was && shown++ < 8)
        console.log(
          n.opType,
          n.name,
          n.inputs
            .map((i) => `${i}:${JSON.stringify(types.get(i)?.shape)}:${JSON.stringify(axes.get(i) ?? "")}`)
            .join(" | "),
          "=>",
          JSON.stringify(types.get(n.outputs[0]!)?.shape),
        );
    }
  }
});
