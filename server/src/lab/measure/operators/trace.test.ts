import { expect, test } from "vitest";
import { describeProfile, profileFromTrace, type TraceEvent } from "./index.ts";

const node = (name: string, operator: string, dur: number, index: string, more: Record<string, unknown> = {}) => ({
  cat: "Node",
  name: `${name}_kernel_time`,
  dur,
  args: { op_name: operator, provider: "CPUExecutionProvider", node_index: index, ...more },
});
const run = (dur: number): TraceEvent => ({ cat: "Session", name: "model_run", dur });

const SHAPES = { input_type_shape: [{ float: [1, 3] }, { int64: [] }], output_type_shape: [{ float: [1, 4] }] };
const EVENTS: readonly TraceEvent[] = [
  { cat: "Session", name: "model_loading_array", dur: 99 },
  node("a", "Conv", 1000, "0"), // of the warm-up
  run(2000),
  node("a", "Conv", 60, "0", { ...SHAPES, output_size: "16", parameter_size: "8", activation_size: "12" }),
  node("b", "Conv", 12, "1", { mem_in_use_peak: "4096" }),
  node("c", "Gemm", 20, "2", { mem_in_use_peak: "1024" }),
  { cat: "Session", name: "SequentialExecutor::Execute", dur: 95 },
  run(110),
  node("a", "Conv", 80, "0", SHAPES),
  node("b", "Conv", 8, "1"),
  node("c", "Gemm", 20, "2"),
  run(130),
];

test("sums are those made by hand, over the runs that count", () => {
  const profile = profileFromTrace(EVENTS, 2);
  expect(profile).toMatchObject({ runs: 2, runUs: 240, nodeUs: 200, peakBytes: 4096, isWhole: true });
  expect(profile.operators).toEqual([
    { operator: "Conv", provider: "CPUExecutionProvider", nodes: 2, calls: 4, totalUs: 160, share: 0.8 },
    { operator: "Gemm", provider: "CPUExecutionProvider", nodes: 1, calls: 2, totalUs: 40, share: 0.2 },
  ]);
  expect(profile.nodes.map(({ name, totalUs, calls }) => [name, totalUs, calls])).toEqual([
    ["a", 140, 2],
    ["c", 40, 2],
    ["b", 20, 2],
  ]);
  expect(profile.nodes[0]).toMatchObject({ index: 0, inputs: ["float[1, 3]", "int64[]"], outputs: ["float[1, 4]"] });
});

test("what has a body is not counted beside what is in it", () => {
  const events = [node("exp", "Exp", 30, "0"), node("exp", "Exp", 30, "0"), node("turns", "Scan", 70, "4"), run(90)];
  expect(profileFromTrace(events, 1)).toMatchObject({
    nodeUs: 60,
    operators: [{ operator: "Exp", calls: 2, share: 1 }],
  });
});

test("a trace with fewer runs than asked for says so", () => {
  expect(profileFromTrace(EVENTS, 7)).toMatchObject({ runs: 3, nodeUs: 1200, isWhole: false });
  expect(profileFromTrace([], 3)).toMatchObject({ runs: 0, runUs: 0, nodes: [], isWhole: false });
});

test("what a model made up of names, types and numbers is survived", () => {
  const odd = [
    { cat: "Node", name: 7, dur: "x" },
    { cat: "Node", name: "n_kernel_time", dur: -5, args: { op_name: 3, input_type_shape: [null, 4, { float: "no" }] } },
    { cat: "Node", name: `${"long".repeat(1000)}_kernel_time`, dur: 1, args: { node_index: "NaN" } },
    run(3),
  ];
  const profile = profileFromTrace(odd, 1);
  expect(profile.nodeUs).toBe(1);
  expect(profile.nodes.map(({ name }) => name.length)).toEqual([200, 1]);
  expect(profile.nodes[1]).toMatchObject({ operator: "unknown", inputs: ["float[]"], totalUs: 0 });
});

test("it is said in words: operators, the slowest node, what is between nodes, providers", () => {
  expect(describeProfile(profileFromTrace(EVENTS, 2))).toEqual([
    "80 % of the time is Conv (2 nodes).",
    "20 % is Gemm (1 node).",
    'The slowest node is Conv "a", which takes float[1, 3], int64[]: 70 %, 70 µs of a run.',
    "17 % of a run is between nodes: handing over inputs, choosing the next node, and the profiling itself.",
  ]);
  const mixed = [
    node("a", "Conv", 30, "0"),
    node("b", "Conv", 10, "1", { provider: "CUDAExecutionProvider" }),
    run(40),
  ];
  expect(describeProfile(profileFromTrace(mixed, 1)).at(-1)).toBe(
    "It runs on 2 execution providers: 1 node on CPUExecutionProvider (75 % of the time), 1 node on CUDAExecutionProvider (25 % of the time).",
  );
  expect(describeProfile(profileFromTrace([], 1))).toEqual([
    "No node took as long as a microsecond, which is the finest that is told.",
  ]);
});
