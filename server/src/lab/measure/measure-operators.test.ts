import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endlessAlways } from "../../../../test/support/hostile-graphs.ts";
import { DIGITS, measureFile, OCR_CLASSIFIER, testPorts } from "./measuring.testing.ts";

// Scratch directories are made in a place of this test's own, so that what is left behind is seen.
let scratch: string;
const before = process.env["TMPDIR"];
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "slipway-operators-"));
  process.env["TMPDIR"] = scratch;
});
afterAll(async () => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  await rm(scratch, { recursive: true, force: true });
});
const left = async () => (await readdir(scratch)).filter((name) => name.startsWith("slipway-runner-"));

interface Details {
  readonly summary: readonly string[];
  readonly meanRunUs: number;
  readonly meanNodeUs: number;
  readonly operators: readonly { operator: string; meanUs: number; share: number; provider: string; nodes: number }[];
  readonly nodes: readonly { name: string; operator: string; meanUs: number; share: number; outputs: string[] }[];
}

describe("a real model", () => {
  test("digits: shares sum to 1, nodes to the operators, and no more than the run takes", async () => {
    const options = { operators: { shapes: { symbols: { N: 4 } }, runs: 8 } };
    const { values, details: all, settings } = await measureFile("operators", DIGITS, options);
    const details = all as unknown as Details;
    const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
    expect(sum(details.operators.map(({ share }) => share))).toBeCloseTo(1, 9);
    expect(sum(details.operators.map(({ meanUs }) => meanUs))).toBeCloseTo(details.meanNodeUs, 6);
    expect(sum(details.nodes.map(({ meanUs }) => meanUs))).toBeCloseTo(details.meanNodeUs, 6);
    // Each of a run's events is rounded to a microsecond.
    expect(details.meanNodeUs).toBeLessThanOrEqual(details.meanRunUs + details.nodes.length);
    expect(values["node-time"]!.value).toBeCloseTo(details.meanNodeUs / 1000, 9);
    expect(values["share[Conv]"]!.value).toBeCloseTo(
      details.operators.find((one) => one.operator === "Conv")!.share,
      9,
    );
    expect(values["overhead"]!.value).toBeGreaterThan(0);
    expect(settings).toMatchObject({ inputs: { image: [4, 1, 28, 28] }, runs: 8 });
    // The engine fuses the rectifiers into the convolutions, whose channels it blocks.
    const convolutions = details.nodes.filter(({ operator }) => operator === "Conv");
    expect(convolutions.length).toBe(details.operators.find(({ operator }) => operator === "Conv")!.nodes);
    expect(convolutions.every(({ outputs }) => /^float\[4, \d+, \d+, \d+\]$/.test(outputs[0]!))).toBe(true);
    expect(details.nodes.some(({ operator }) => operator === "Relu")).toBe(false);
    expect(details.operators.every(({ provider }) => provider === "CPUExecutionProvider")).toBe(true);
    expect(details.summary.some((line) => /^\d+ % of the time is Conv \(\d nodes\)\.$/.test(line))).toBe(true);
    expect(details.summary.at(-1)).toMatch(/^Profiling makes (a run|no run)/);
    expect(await left()).toEqual([]);
  });

  test("the OCR classifier at a stated shape", async () => {
    const options = { operators: { shapes: { inputs: { x: [1, 3, 48, 192] } }, runs: 3 } };
    const { details } = await measureFile("operators", OCR_CLASSIFIER, options);
    // Which takes longest is the machine's affair.
    const found = new Set((details as unknown as Details).operators.map(({ operator }) => operator));
    expect(found.has("Conv")).toBe(true);
    expect(found.has("BatchNormalization")).toBe(false);
  });

  test("shapes that do not fit are refused by name", async () => {
    const options = { operators: { shapes: { inputs: { image: [1, 2, 28, 28] } } } };
    await expect(measureFile("operators", DIGITS, options)).rejects.toMatchObject({ code: "INPUT_SHAPE_MISMATCH" });
  });
});

describe("a hostile model", () => {
  test("one without end is ended, and leaves no file", async () => {
    const file = path.join(scratch, "endless.onnx");
    await writeFile(file, bytesFromModel(endlessAlways()));
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 1500);
    const measured = measureFile("operators", file, {}, testPorts, controller.signal);
    await expect(measured).rejects.toMatchObject({ code: "REQUEST_CANCELLED" });
    clearTimeout(timer);
    expect(await left()).toEqual([]);
  });
});
