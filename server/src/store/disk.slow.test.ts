// Disks as they are: one that is really full, and a blob larger than Node reads at once.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, stat, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  BY,
  errorOf,
  hashOf,
  importSample,
  openTestRegistry,
  temporaryDirectory,
} from "../../../test/support/registry.ts";
import { openRegistry } from "../registry/index.ts";
import { openStore } from "./store.ts";

const MIB = 2 ** 20;
const clock = { wall: () => Date.now() };

/** A file system of a few MiB, or null where this user may not mount one. */
async function mountSmallDisk(sizeMib: number): Promise<string | null> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
  const mountPoint = path.join(await temporaryDirectory(), "disk");
  await mkdir(mountPoint);
  try {
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "tmpfs", mountPoint], { stdio: "ignore" });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("/bin/umount", ["-l", mountPoint]));
  return mountPoint;
}

describe("a full disk", () => {
  test("refuses what does not fit, loses nothing, and works again after garbage collection", async (context) => {
    const disk = await mountSmallDisk(16);
    if (disk === null) return context.skip("needs root on Linux, and the right to mount");
    const options = {
      path: path.join(disk, "data"),
      clock,
      random: randomBytes,
      holder: { pid: process.pid, what: "a test" },
    };
    let store = await openStore(options);
    onTestFinished(() => store.close());
    const open = () => openRegistry({ database: store.database, blobs: store.blobs, clock, random: randomBytes });
    let registry = open();
    const { version } = await importSample(registry, "kept", 1);
    const garbage = randomBytes(4 * MIB);
    await registry.putBlob(garbage, { expectedHash: hashOf(garbage) });

    const large = randomBytes(14 * MIB);
    expect((await errorOf(registry.putBlob(large, { expectedHash: hashOf(large) }))).code).toBe("DISK_FULL");
    for await (const { id } of store.blobs.leftovers()) expect.unreachable(`leftover ${id}`);

    // Fill the rest to the last byte; then even the database has no room.
    const filler = path.join(disk, "filler");
    await writeFile(filler, "");
    for (const size of [MIB, 4096, 1])
      for (;;) {
        try {
          await writeFile(filler, Buffer.alloc(size), { flag: "a" });
        } catch {
          break;
        }
      }
    const codes = new Set<string>();
    for (let number = 2; number < 400 && codes.size === 0; number++) {
      const importing = importSample(registry, "more", number);
      await importing.catch((error: { code: string }) => codes.add(error.code));
    }
    expect([...codes]).toEqual(["DISK_FULL"]);
    expect(await registry.getVersion("kept", 1)).toEqual(version);

    // Also when it was stopped meanwhile: opening and collecting need no room to speak of.
    await store.close();
    store = await openStore(options);
    registry = open();
    const { sizeBytes } = await registry.collectGarbage({ ...BY, isDryRun: false, graceMs: -1000 });
    expect(sizeBytes).toBeGreaterThanOrEqual(4 * MIB);
    await unlink(filler);
    await importSample(registry, "later", 9);
    expect(await registry.getVersion("kept", 1)).toEqual(version);
    await store.blobs.verify(version.modelHash);
  });
});

describe("a blob over 2 GiB", () => {
  test("is stored, read in parts and verified without being held in memory", async () => {
    const { store } = await openTestRegistry();
    const chunk = randomBytes(16 * MIB);
    const count = 130; // 2080 MiB
    async function* source() {
      for (let index = 0; index < count; index++) {
        chunk.writeUInt32LE(index, 0);
        yield chunk;
      }
    }
    const digest = createHash("sha256");
    for await (const part of source()) digest.update(part);
    const before = process.memoryUsage.rss();
    const { hash, sizeBytes } = await store.blobs.put(source(), { expectedHash: digest.digest("hex") });
    await store.blobs.verify(hash);
    expect(sizeBytes).toBe(count * chunk.length);
    expect(sizeBytes).toBeGreaterThan(2 ** 31);
    const place = await store.blobs.place(hash);
    expect((await stat(place.path)).size).toBe(place.offset + sizeBytes);
    const start = 129 * chunk.length; // behind 2 GiB
    const parts: Uint8Array[] = [];
    for await (const part of store.blobs.stream(hash, { range: { start, end: start + 8 } })) parts.push(part);
    expect(Buffer.concat(parts).readUInt32LE(0)).toBe(129);
    expect(process.memoryUsage.rss() - before).toBeLessThan(512 * MIB);
  });
});
