import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DIGITS, measureFile } from "./measuring.testing.ts";

/** Runners are started, nine of them; other tests run beside. */
vi.setConfig({ testTimeout: 120_000 });
const MIB = 2 ** 20;
let directory: string;
beforeAll(async () => void (directory = await mkdtemp(path.join(tmpdir(), "slipway-memory-"))));
afterAll(async () => await rm(directory, { recursive: true, force: true }));

/** 16 MiB of weights and, while it runs, x beside a sum as large and another. Each reads and writes without much arithmetic. */
async function largeModel(): Promise<string> {
  const shape = [1024, 4096];
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", shape);
  const weights = graph.constant({ dtype: "float32", shape, data: new Float32Array(1024 * 4096).fill(0.001) });
  graph.output("y", graph.op("Softmax", [graph.op("Add", [x, weights])]), "float32", shape);
  const file = path.join(directory, "large.onnx");
  await writeFile(file, bytesFromModel(graph.model()));
  return file;
}

test("a model of known weights and activations takes at least them, and its peak what is alive at once", async () => {
  const file = await largeModel();
  const { values, details, machine } = await measureFile("memory", file, { memory: { runs: 2, repetitions: 2 } });
  const { resident, peak, loaded, base, counted } = values;
  // By hand: weights, x, sum and y are 16 MiB each.
  expect(counted!.value).toBe(16 * MIB + 48 * MIB);
  expect(loaded!.value).toBeGreaterThan(12 * MIB);
  // The engine may put y where the sum is.
  expect(peak!.value).toBeGreaterThan(16 * MIB + 32 * MIB);
  expect(peak!.value!).toBeGreaterThanOrEqual(resident!.value! - MIB);
  expect(base!.value).toBeGreaterThan(10 * MIB);
  expect(peak).toMatchObject({ unit: "B", count: 2 });
  expect(peak!.interval!.lower).toBeLessThanOrEqual(peak!.value!);
  expect(machine).not.toBeNull();
  const { series, counted: parts } = details as unknown as {
    series: [number, number][];
    counted: Record<string, number>;
  };
  expect(parts).toEqual({ weightsBytes: 16 * MIB, activationsBytes: 48 * MIB, unknownValues: 0 });
  expect(series.length).toBeGreaterThan(1);
  expect(series.length).toBeLessThanOrEqual(400);
  expect(series.every(([ms], index) => index === 0 || ms >= series[index - 1]![0])).toBe(true);
  // What is kept for the picture holds the peak that was seen.
  const seen = Math.max(...series.map(([, bytes]) => bytes));
  expect(seen).toBeGreaterThan(base!.value!);
});

test("the engine's own allocator hands out what liveness counts, where nothing is done in place", async () => {
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", [1024, 4096]);
  const turned = graph.op("Transpose", [x], { perm: [1, 0] });
  const doubled = graph.op("Concat", [turned, turned], { axis: 0 });
  const row = graph.constant({ dtype: "int64", shape: [1], data: BigInt64Array.of(7n) });
  graph.output("y", graph.op("Gather", [doubled, row], { axis: 0 }), "float32", [1, 1024]);
  const file = path.join(directory, "turned.onnx");
  await writeFile(file, bytesFromModel(graph.model()));
  const { values } = await measureFile("compute", file);
  // By hand, at the concatenation: x and its transpose of 16 MiB each, and both of them joined.
  expect(values["activations"]!.value).toBe(64 * MIB);
  const { details } = await measureFile("operators", file, { operators: { runs: 2, warmUpRuns: 1 } });
  // The input is the caller's, and no memory of the engine's. Its arena doubles as it grows and counts whole chunks, which
  // are at most twice what was asked for.
  const { peakBytes } = details as { peakBytes: number };
  expect(peakBytes).toBeGreaterThanOrEqual(48 * MIB);
  expect(peakBytes).toBeLessThan(2 * 48 * MIB);
});

test("a small model says what it counted and leaves nothing behind", async () => {
  const scratch = async () => (await readdir(tmpdir())).filter((name) => name.startsWith("slipway-measure-")).sort();
  const before = await scratch();
  const options = { memory: { shapes: { symbols: { N: 4 } }, runs: 3, repetitions: 2 } };
  const { values, settings, details } = await measureFile("memory", DIGITS, options);
  // Weights by `slipway measure size`; activations by `compute` at N=1, 103 488 bytes, of which all scale with N.
  expect(values["counted"]!.value).toBe(138_280 + 4 * 103_488);
  expect(settings).toMatchObject({ inputs: { image: [4, 1, 28, 28] }, runs: 3, repetitions: 2 });
  expect((details as { summary: string[] }).summary[0]).toMatch(/^The model adds /);
  expect((await scratch()).filter((name) => !before.includes(name))).toEqual([]);
});

test("options that are none, and shapes that do not fit, are refused by name", async () => {
  await expect(measureFile("memory", DIGITS, { memory: { repetitions: 1 } })).rejects.toMatchObject({
    code: "PARAMETER_INVALID",
  });
  const shapes = { inputs: { image: [1, 3, 28, 28] } };
  await expect(measureFile("memory", DIGITS, { memory: { shapes, repetitions: 2 } })).rejects.toMatchObject({
    code: "INPUT_SHAPE_MISMATCH",
  });
});
