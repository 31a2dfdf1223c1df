import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, stat, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { FakeClock } from "@slipway/core/base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf, temporaryDirectory } from "../../../test/support/registry.ts";
import { openBlobDirectory } from "./blob-directory.ts";
import type { BlobStore } from "./blobs.ts";
import { diskFileSystem, type FileSystem } from "./files.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function open(
  files?: FileSystem,
  directory?: string,
): Promise<{ blobs: BlobStore; directory: string; clock: FakeClock }> {
  const at = directory ?? path.join(await temporaryDirectory(), "blobs");
  const clock = new FakeClock();
  const temporaryName = () => randomBytes(8).toString("hex");
  const blobs = await openBlobDirectory({ directory: at, clock, temporaryName, ...(files && { files }) });
  return { blobs, directory: at, clock };
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
const collectBytes = async (chunks: AsyncIterable<Uint8Array>) => Buffer.concat(await collect(chunks));

const code = async (promise: Promise<unknown>) => (await errorOf(promise)).code;

/** What each way of getting at a blob fails with. */
const codesOfReading = async (blobs: BlobStore, hash: string) => [
  await code(blobs.place(hash)),
  await code(blobs.read(hash)),
  await code(blobs.verify(hash)),
  await code(collect(blobs.stream(hash))),
];

describe("blobs", () => {
  test("come back as they were put, whole or in part, however they came in", async () => {
    const { blobs } = await open();
    const anyChunks = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyChunks, fc.nat(), fc.nat(), async (chunks, a, b) => {
        const whole = Buffer.concat(chunks);
        const { hash, sizeBytes } = await blobs.put(Readable.from(chunks, { objectMode: true }));
        expect({ hash, sizeBytes }).toEqual({ hash: sha256(whole), sizeBytes: whole.length });
        expect(Buffer.from(await blobs.read(hash)).equals(whole)).toBe(true);
        expect((await collectBytes(blobs.stream(hash, { isVerified: true }))).equals(whole)).toBe(true);
        const [start, end] = [a % (whole.length + 1), b % (whole.length + 1)].sort((x, y) => x - y) as [number, number];
        const part = await collectBytes(blobs.stream(hash, { range: { start, end } }));
        expect(part.equals(whole.subarray(start, end))).toBe(true);
      }),
      { numRuns: 30 },
    );
    expect(await collect(blobs.leftovers())).toEqual([]);
  });

  test("larger than a read come back", async () => {
    const { blobs } = await open();
    const bytes = randomBytes(3 * 2 ** 20 + 17);
    const { hash } = await blobs.put(bytes);
    expect((await collectBytes(blobs.stream(hash))).equals(bytes)).toBe(true);
    expect(Buffer.from(await blobs.read(hash)).equals(bytes)).toBe(true);
  });

  test("have the file format that is written down", async () => {
    const { blobs, directory } = await open();
    const bytes = bytesOf("forty-two");
    const { hash } = await blobs.put(bytes);
    const place = await blobs.place(hash);
    expect(place).toEqual({
      hash,
      sizeBytes: 9,
      path: path.join(directory, hash.slice(0, 2), `${hash}.blob`),
      offset: 4096,
    });
    const file = await readFile(place.path);
    expect(file.length).toBe(4096 + 9);
    expect(file.toString("hex", 0, 64)).toBe(
      `${Buffer.from("SLIPBLOB").toString("hex")}010000000000000000100000000010000900000000000000${hash}`,
    );
    expect(file.subarray(64, 4096).every((byte) => byte === 0)).toBe(true);
    expect(file.toString("utf8", 4096)).toBe("forty-two");
    if (process.platform !== "win32") expect((await stat(place.path)).mode & 0o777).toBe(0o600);
  });

  test("that do not have the announced hash, or are too many, are not kept", async () => {
    const { blobs } = await open();
    expect(await code(blobs.put(bytesOf("b"), { expectedHash: sha256(bytesOf("a")) }))).toBe("REQUEST_MALFORMED");
    expect(await code(blobs.put(bytesOf("12345"), { limitBytes: 4 }))).toBe("MODEL_TOO_LARGE");
    expect((await blobs.put(bytesOf("1234"), { limitBytes: 4 })).sizeBytes).toBe(4);
    expect((await collect(blobs.list())).length).toBe(1);
    expect(await collect(blobs.leftovers())).toEqual([]);
  });

  test("whose source fails are not kept, and the failure is the source's", async () => {
    const { blobs } = await open();
    async function* source() {
      yield bytesOf("half");
      throw new Error("the client went away");
    }
    await expect(blobs.put(source())).rejects.toThrow("the client went away");
    expect(await collect(blobs.list())).toEqual([]);
    expect(await collect(blobs.leftovers())).toEqual([]);
  });

  test("that are absent are said to be", async () => {
    const { blobs } = await open();
    const absent = sha256(bytesOf("absent"));
    expect(await blobs.renew(absent)).toBe(false);
    expect(await blobs.delete(absent)).toBe(false);
    expect(await codesOfReading(blobs, absent)).toEqual(Array(4).fill("BLOB_NOT_FOUND"));
  });

  test("are listed with when they were put or renewed, and deleted only where older than asked", async () => {
    const { blobs, clock } = await open();
    const first = await blobs.put(bytesOf("first"));
    clock.advance(60_000);
    const second = await blobs.put(bytesOf("second!"));
    const later = clock.wall();
    const listed = new Map((await collect(blobs.list())).map((blob) => [blob.hash, blob]));
    expect(listed.get(first.hash)).toEqual({ ...first, renewedAt: later - 60_000 });
    expect(listed.get(second.hash)).toEqual({ ...second, renewedAt: later });
    expect(await blobs.delete(second.hash, { notRenewedSince: later })).toBe(false);
    expect(await blobs.renew(first.hash)).toBe(true);
    expect(await blobs.delete(first.hash, { notRenewedSince: later })).toBe(false);
    expect(await blobs.delete(first.hash, { notRenewedSince: later + 1 })).toBe(true);
    expect(await blobs.delete(second.hash)).toBe(true);
    expect(await collect(blobs.list())).toEqual([]);
  });

  test("put twice are one, also at once", async () => {
    const { blobs } = await open();
    const bytes = randomBytes(100_000);
    const results = await Promise.all(Array.from({ length: 8 }, () => blobs.put(bytes)));
    expect(new Set(results.map(({ hash }) => hash)).size).toBe(1);
    expect((await collect(blobs.list())).length).toBe(1);
    await blobs.verify(results[0]!.hash);
  });

  test("are read also where they are put again, or removed, just after they were opened", async () => {
    const bytes = bytesOf("put again and again");
    let meanwhile = async () => {};
    const files: FileSystem = {
      ...diskFileSystem,
      open: async (file, ...rest) => {
        const handle = await diskFileSystem.open(file, ...rest);
        if (String(file).endsWith(".blob")) await meanwhile();
        return handle;
      },
    };
    const { blobs, directory } = await open(files);
    const { blobs: others } = await open(undefined, directory);
    const { hash } = await others.put(bytes);
    let putsLeft = 3;
    meanwhile = async () => {
      if (putsLeft-- > 0) await others.put(bytes);
    };
    expect(Buffer.from(await blobs.read(hash))).toEqual(Buffer.from(bytes));
    putsLeft = 3;
    expect((await blobs.place(hash)).sizeBytes).toBe(bytes.length);
    meanwhile = async () => void (await others.delete(hash));
    expect(await code(blobs.read(hash))).toBe("BLOB_NOT_FOUND");
  });

  test("being written are no leftovers; those of a killed process are", async () => {
    const { blobs, directory } = await open();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    async function* slow() {
      yield bytesOf("slow");
      await finished;
    }
    const putting = blobs.put(slow());
    await writeFile(path.join(directory, "incoming", "of-a-killed-process"), "12345");
    expect(await collect(blobs.leftovers())).toEqual([{ id: "of-a-killed-process", sizeBytes: 5 }]);
    finish();
    await putting;
    await blobs.deleteLeftover("of-a-killed-process");
    expect(await collect(blobs.leftovers())).toEqual([]);
  });
});

test("a put waits for the disk before and after the blob gets its name", async () => {
  const calls: string[] = [];
  const recorded = (handle: FileHandle, name: string): FileHandle =>
    new Proxy(handle, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        if (key === "write" || key === "sync") calls.push(`${key} ${name}`);
        return value.bind(target) as unknown;
      },
    });
  const files = {
    ...diskFileSystem,
    open: async (...all: Parameters<FileSystem["open"]>) => {
      const name = path.basename(String(all[0]));
      return recorded(await diskFileSystem.open(...all), name.length === 16 ? "incoming" : name);
    },
    rename: async (...all: Parameters<FileSystem["rename"]>) => {
      calls.push("rename");
      await diskFileSystem.rename(...all);
    },
  };
  const { blobs } = await open(files);
  calls.length = 0;
  const { hash } = await blobs.put(bytesOf("durable"));
  const writes = ["write incoming", "write incoming"]; // bytes, then header
  expect(calls).toEqual([...writes, "sync incoming", "rename", `sync ${hash.slice(0, 2)}`, "sync blobs"]);
});

describe("damage", () => {
  const damages: Readonly<Record<string, (file: string, bytes: Buffer) => Promise<unknown>>> = {
    "cut in the header": (file) => truncate(file, 1000),
    "cut in the bytes": (file) => truncate(file, 4096 + 3),
    emptied: (file) => truncate(file, 0),
    longer: (file, bytes) => writeFile(file, Buffer.concat([bytes, Buffer.alloc(1)])),
    "no header": (file, bytes) => writeFile(file, Buffer.concat([Buffer.alloc(64), bytes.subarray(64)])),
    "another's header": (file, bytes) =>
      writeFile(file, Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32, 7), bytes.subarray(64)])),
    "absurd length": (file, bytes) => {
      const copy = Buffer.from(bytes);
      copy.fill(0xff, 24, 32);
      return writeFile(file, copy);
    },
    "a hard link": (file) => link(file, `${file}.other`),
    "a symbolic link": async (file) => {
      await rename(file, `${file}.moved`);
      await symlink(`${file}.moved`, file);
    },
    "a folder": async (file) => {
      await unlink(file);
      await mkdir(file);
    },
  };
  test.each(Object.keys(damages))("%s is seen before anything is read", async (name) => {
    const { blobs } = await open();
    const { hash } = await blobs.put(bytesOf("0123456789"));
    const { path: file } = await blobs.place(hash);
    await damages[name]!(file, await readFile(file));
    expect(await codesOfReading(blobs, hash)).toEqual(Array(4).fill("BLOB_CORRUPT"));
    expect(await blobs.renew(hash)).toBe(false);
  });

  test("of the bytes themselves is seen where they are verified, and putting them again heals it", async () => {
    const { blobs } = await open();
    const bytes = bytesOf("0123456789");
    const { hash } = await blobs.put(bytes);
    const { path: file } = await blobs.place(hash);
    const stored = await readFile(file);
    stored[4096 + 5]! ^= 1;
    await writeFile(file, stored);
    expect(await code(blobs.read(hash))).toBe("BLOB_CORRUPT");
    expect(await code(blobs.verify(hash))).toBe("BLOB_CORRUPT");
    expect(await code(collect(blobs.stream(hash, { isVerified: true })))).toBe("BLOB_CORRUPT");
    expect(await blobs.renew(hash)).toBe(false);
    await blobs.put(bytes);
    expect(Buffer.from(await blobs.read(hash)).toString()).toBe("0123456789");
  });

  test("a format of a newer Slipway is not taken for damage", async () => {
    const { blobs } = await open();
    const { hash } = await blobs.put(bytesOf("x"));
    const { path: file } = await blobs.place(hash);
    const stored = await readFile(file);
    stored.writeUInt32LE(2, 8);
    await writeFile(file, stored);
    expect(await code(blobs.read(hash))).toBe("DATA_DIRECTORY_INVALID");
    expect(await code(blobs.renew(hash))).toBe("DATA_DIRECTORY_INVALID");
  });
});

/** A file system whose calls are counted, and fail from call `failFrom` on until `heal`. */
function failingFileSystem(errorCode: string): {
  files: FileSystem;
  arm: (failFrom: number) => void;
  calls: () => number;
} {
  let calls = 0;
  let failFrom = Number.POSITIVE_INFINITY;
  const step = () => {
    if (++calls >= failFrom) throw Object.assign(new Error(`${errorCode}: simulated`), { code: errorCode });
  };
  const failing = <Arguments extends unknown[], Result>(call: (...all: Arguments) => Promise<Result>) => {
    return async (...all: Arguments): Promise<Result> => {
      step();
      return await call(...all);
    };
  };
  const wrapHandle = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        const bound = value.bind(target) as (...all: unknown[]) => Promise<unknown>;
        return key === "write" || key === "sync" || key === "utimes" ? failing(bound) : bound;
      },
    });
  const files = {
    ...diskFileSystem,
    open: failing(async (...all: Parameters<FileSystem["open"]>) => wrapHandle(await diskFileSystem.open(...all))),
    rename: failing(diskFileSystem.rename),
    mkdir: failing(diskFileSystem.mkdir),
  } as FileSystem;
  const arm = (from: number) => {
    calls = 0;
    failFrom = from;
  };
  return { files, arm, calls: () => calls };
}

describe("a disk that fails", () => {
  test.each([
    ["ENOSPC", "DISK_FULL"],
    ["EDQUOT", "DISK_FULL"],
    ["EROFS", "DISK_READ_ONLY"],
    ["EACCES", "DISK_READ_ONLY"],
    ["ENOENT", "DATA_DIRECTORY_LOST"],
  ])("with %s at any call of a put answers %s and keeps nothing half-written", async (errorCode, expected) => {
    const { files, arm, calls } = failingFileSystem(errorCode);
    const { blobs } = await open(files);
    const kept = await blobs.put(bytesOf("stored before"));
    async function* chunks() {
      yield bytesOf("two ");
      yield bytesOf("chunks");
    }
    arm(Number.POSITIVE_INFINITY);
    const hash = (await blobs.put(chunks())).hash;
    const steps = calls();
    expect(steps).toBeGreaterThanOrEqual(7);
    for (let failFrom = 1; failFrom <= steps; failFrom++) {
      await blobs.delete(hash);
      arm(failFrom);
      expect(await code(blobs.put(chunks())), `failing from call ${failFrom}`).toBe(expected);
      arm(Number.POSITIVE_INFINITY);
      // What failed is absent; only where the bytes were complete and renamed may they be there, and then whole.
      if ((await collect(blobs.list())).some((blob) => blob.hash === hash)) await blobs.verify(hash);
      expect(await collect(blobs.leftovers())).toEqual([]);
      expect(Buffer.from(await blobs.read(kept.hash)).toString()).toBe("stored before");
    }
    expect((await blobs.put(chunks())).hash).toBe(hash);
    await blobs.verify(hash);
  });

  test("keeps the directory from being made", async () => {
    const { files, arm } = failingFileSystem("EROFS");
    arm(1);
    expect(await code(open(files))).toBe("DISK_READ_ONLY");
  });

  test("whatever was there before, a directory of blobs ignores what it did not make", async () => {
    const { blobs, directory } = await open();
    const { hash } = await blobs.put(bytesOf("mine"));
    await writeFile(path.join(directory, "README"), "not mine");
    await writeFile(path.join(directory, hash.slice(0, 2), "other.blob"), "not mine");
    await mkdir(path.join(directory, "zz"));
    expect((await collect(blobs.list())).map((blob) => blob.hash)).toEqual([hash]);
    expect((await readdir(directory)).includes("README")).toBe(true);
  });
});
