import { writeFile } from "node:fs/promises";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BY,
  hashOf,
  importSample,
  openTestRegistry,
  sampleModel,
  type TestRegistry,
} from "../../../test/support/registry.ts";
import { BlobLeases } from "./leases.ts";
import { openRegistry } from "./registry.ts";

const HOUR_MS = 3_600_000;

async function storedHashes({ store }: TestRegistry): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { hash } of store.blobs.list()) hashes.push(hash);
  return hashes;
}

describe("garbage collection", () => {
  test("takes what nothing refers to once its grace is over, and says so before and after", async () => {
    const opened = await openTestRegistry();
    const { registry, clock, directory } = opened;
    const { model } = await importSample(registry, "kept", 1);
    const lost = await registry.putBlob(sampleModel(2), { expectedHash: hashOf(sampleModel(2)) });
    await writeFile(path.join(directory, "blobs", "incoming", "half"), "123");
    clock.advance(HOUR_MS / 2);
    const young = await registry.putBlob(sampleModel(3), { expectedHash: hashOf(sampleModel(3)) });
    const renewed = await registry.putBlob(sampleModel(4), { expectedHash: hashOf(sampleModel(4)) });
    clock.advance(HOUR_MS / 2 + 1);
    await registry.hasBlob(renewed.hash);

    const items = [
      { kind: "leftover", what: "half", sizeBytes: 3, reason: "left behind by an import that was interrupted" },
      { kind: "blob", what: lost.hash, sizeBytes: lost.sizeBytes, reason: "nothing refers to it" },
    ];
    const expected = { items, sizeBytes: 3 + lost.sizeBytes };
    expect(await registry.collectGarbage({ ...BY, isDryRun: true })).toEqual({ isDryRun: true, ...expected });
    expect((await storedHashes(opened)).length).toBe(4);
    expect(await registry.collectGarbage({ ...BY, isDryRun: false })).toEqual({ isDryRun: false, ...expected });
    expect(await storedHashes(opened)).toEqual([model.hash, young.hash, renewed.hash].sort());
    expect((await registry.collectGarbage({ ...BY, isDryRun: false })).items).toEqual([]);
    expect((await registry.listDecisions({ limit: 9 })).map(({ kind }) => kind)).toEqual(["collected", "imported"]);
    await registry.collectGarbage({ ...BY, isDryRun: false, graceMs: -1 });
    expect(await storedHashes(opened)).toEqual([model.hash]);
  });

  test("leaves alone what another tenant refers to", async () => {
    const opened = await openTestRegistry();
    const { database, blobs } = opened.store;
    const random = (sizeBytes: number) => new Uint8Array(sizeBytes);
    const other = openRegistry({ database, blobs, clock: opened.clock, random, tenant: "other" });
    const { model } = await importSample(other, "theirs", 1);
    opened.clock.advance(2 * HOUR_MS);
    expect((await opened.registry.collectGarbage({ ...BY, isDryRun: false })).items).toEqual([]);
    expect(await storedHashes(opened)).toEqual([model.hash]);
    expect(await opened.registry.listVersions()).toEqual([]); // and sees nothing of them
    expect((await other.resolve("theirs")).model).toEqual(model);
  });

  test("at the same time as imports of old bytes takes none that they need", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 }), async (order) => {
        const opened = await openTestRegistry();
        const { registry, clock } = opened;
        for (let number = 0; number < 4; number++)
          await registry.putBlob(sampleModel(number), { expectedHash: hashOf(sampleModel(number)) });
        clock.advance(2 * HOUR_MS); // all are garbage now
        const tasks = order.map(async (what): Promise<void> => {
          if (what >= 4) {
            await registry.collectGarbage({ ...BY, isDryRun: false, graceMs: 0 });
            return;
          }
          const hash = hashOf(sampleModel(what));
          const facts = { ...BY, processing: null, source: "test", note: null, number: null };
          const files = [{ path: "model.onnx", hash }];
          await registry
            .importStored({ ...facts, name: `m${what}`, mainFile: "model.onnx", files })
            .catch((error: { code: string }) => expect(error.code).toBe("BLOB_NOT_FOUND"));
        });
        await Promise.all(tasks);
        for (const version of await registry.listVersions()) await opened.store.blobs.verify(version.modelHash);
      }),
      { numRuns: 25 },
    );
  });
});

describe("leases", () => {
  test("keep collection out while held, and wait while it runs", async () => {
    const leases = new BlobLeases();
    const releases = [await leases.hold("a"), await leases.hold("a")];
    expect(await leases.collect("a", async () => true)).toBe(false);
    releases[0]!();
    releases[0]!(); // twice is once
    expect(await leases.collect("a", async () => true)).toBe(false);
    releases[1]!();
    const order: string[] = [];
    const collecting = leases.collect("a", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push("collected");
      return true;
    });
    const holding = leases.hold("a").then((release) => {
      order.push("held");
      return release;
    });
    expect(await collecting).toBe(true);
    (await holding)();
    expect(order).toEqual(["collected", "held"]);
    expect(leases.isHeld("a")).toBe(false);
  });

  test("are given out also when collecting failed", async () => {
    const leases = new BlobLeases();
    const collecting = leases.collect("a", () => Promise.reject(new Error("disk")));
    const holding = leases.hold("a");
    await expect(collecting).rejects.toThrow("disk");
    (await holding)();
  });
});
