// Real stores and registries for tests, and short ways to fill them.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { FakeClock, SlipwayError } from "@slipway/core/base";
import { onTestFinished } from "vitest";
import { type Imported, type JsonObject, openRegistry, type Registry } from "../../server/src/registry/index.ts";
import { openStore, type Store } from "../../server/src/store/index.ts";
import { sampleModel } from "./sample-models.ts";

export { sampleModel, sampleModelWithExternalData } from "./sample-models.ts";

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

export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Who decides in tests. */
export const BY = { actor: "tester", reason: null };

/** Imports `sampleModel(number)` under a name. */
export async function importSample(
  registry: Registry,
  name: string,
  number: number,
  processing: JsonObject | null = null,
): Promise<Imported> {
  const bytes = sampleModel(number);
  const { hash } = await registry.putBlob(bytes, { expectedHash: hashOf(bytes) });
  const files = [{ path: "model.onnx", hash }];
  const facts = { mainFile: "model.onnx", source: "test", note: null, number: null };
  return await registry.importStored({ ...BY, ...facts, name, files, processing });
}

/** The coded error a promise fails with; what is not one goes through. */
export async function errorOf(promise: Promise<unknown>): Promise<SlipwayError> {
  const error: unknown = await promise.then(
    () => new Error("It did not fail."),
    (error: unknown) => error,
  );
  if (!(error instanceof SlipwayError)) throw error;
  return error;
}
