// Real stores and small real models for the tests of store and registry.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { FakeClock } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { onTestFinished } from "vitest";
import { openRegistry, type Registry } from "../../server/src/registry/index.ts";
import { openStore, type Store } from "../../server/src/store/index.ts";

/** A directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestRegistry {
  readonly directory: string;
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: FakeClock;
}

/** A registry in a fresh data directory, closed and removed when the test ends. */
export async function openTestRegistry(): Promise<TestRegistry> {
  const directory = path.join(await temporaryDirectory(), "data");
  const clock = new FakeClock();
  const store = await openStore({
    path: directory,
    clock,
    random: randomBytes,
    holder: { pid: process.pid, what: "a test" },
  });
  onTestFinished(() => store.close());
  const { database, blobs } = store;
  return { directory, store, clock, registry: openRegistry({ database, blobs, clock, random: randomBytes }) };
}

/** `y = x + number` over float32 [N, 2], as an ONNX file; each number makes another model. */
export function sampleModel(number: number): Uint8Array {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", ["N", 2]);
  graph.output("y", graph.op("Add", [x, graph.values("float32", [number])]), "float32", ["N", 2]);
  return bytesFromModel(graph.model());
}

/** As `sampleModel`, with the number added lying in a file of its own, `offset` bytes in. */
export function sampleModelWithExternalData(location: string, offset = 0): Uint8Array {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", ["N", 2]);
  const reference = { location, offset, length: 4, checksum: null, others: new Map<string, string>() };
  const weight = graph.initializer({
    kind: "initializer",
    name: "weight",
    dtype: "float32",
    shape: [1],
    data: { kind: "external", reference },
    docString: "",
    metadata: new Map(),
    extra: [],
  });
  graph.output("y", graph.op("Add", [x, weight]), "float32", ["N", 2]);
  return bytesFromModel(graph.model());
}
