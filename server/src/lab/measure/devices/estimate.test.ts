import { expect, test } from "vitest";
import { node, SLOW } from "./devices.testing.ts";
import { estimateLatency } from "./index.ts";

test("a run takes what each node's arithmetic or traffic does, whichever is more, and starting them", () => {
  const nodes = [
    node("MatMul", { flops: 50e6, readBytes: 3000, writtenBytes: 1000 }), // 50 ms of arithmetic over 4 ms of traffic
    node("Conv", { flops: 1e6, readBytes: 8000, writtenBytes: 2000 }), // 2 ms over 10 ms
    node("Conv", { flops: 20e6, readBytes: 0, writtenBytes: 0, times: 3 }), // 40 ms, three times
    node("BatchNormalization", { flops: 1e6, readBytes: 9000, writtenBytes: 9000 }), // part of the convolution
    node("Relu", { flops: 1e6, readBytes: 9000, writtenBytes: 9000 }), // and this
    node("Add", { flops: 9e12, readBytes: 4000, writtenBytes: 4000 }), // no rate of its own: 8 ms of traffic
    node("Relu", { flops: 1e6, readBytes: 1500, writtenBytes: 1500 }), // after no convolution; in the cache, 0.003 ms
    node("Reshape", { readBytes: 1e9, writtenBytes: 1e9 }), // free
    node("MatMul", { flops: null, times: 0 }), // in the branch that is not taken
  ];
  const found = estimateLatency(nodes, SLOW);
  if ("reason" in found) throw new Error(found.reason);
  expect(found.parts.matrix).toBeCloseTo(0.05, 12);
  expect(found.parts.convolution).toBeCloseTo(0.12, 12);
  expect(found.parts.memory).toBeCloseTo(0.018003, 12);
  expect(found.parts.nodes).toBeCloseTo(0.007, 12); // 1 + 1 + 3 + 1 + 1
  expect(found.parts.run).toBe(0.01);
  expect(found.seconds).toBeCloseTo(0.205003, 12);
  expect(found.lower).toBeCloseTo(0.1025015, 12);
  expect(found.upper).toBeCloseTo(0.410006, 12);
});

test("what is not known of a node or the device leaves no estimate, and says which", () => {
  const reason = (...arguments_: Parameters<typeof estimateLatency>) =>
    (estimateLatency(...arguments_) as { reason?: string }).reason;
  expect(reason([node("Own", { flops: null })], SLOW)).toBe("the work of Own node is not known");
  expect(reason([node("Relu", { readBytes: null })], SLOW)).toBe("the sizes around Relu node are not known");
  expect(reason([node("MatMul", { isPerIteration: true })], SLOW)).toBe("the work of MatMul node is not known");
  const unknown = { value: null, source: "nobody told" };
  expect(reason([node("MatMul")], { ...SLOW, matrixFlops: unknown })).toMatch(/its rate of matrix operations/);
  expect(reason([node("Relu")], { ...SLOW, matrixFlops: unknown })).toBeUndefined();
  expect(reason([node("Relu")], { ...SLOW, bandwidthBytes: unknown })).toMatch(/its memory bandwidth/);
  expect(reason([], { ...SLOW, runSeconds: unknown })).toMatch(/starting a node or a run/);
});
