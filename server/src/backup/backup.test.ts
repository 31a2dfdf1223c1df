// Backups and restores on real data directories: what comes back, what a damaged one does, what a broken-off one leaves.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { FakeClock } from "@slipway/core/base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  importSample,
  openTestRegistry,
  sampleModel,
  temporaryDirectory,
  type TestRegistry,
} from "../../../test/support/registry.ts";
import { openRegistry } from "../registry/index.ts";
import { openStore } from "../store/index.ts";
import { type BackupReport, Backups } from "./backups.ts";
import { restoreBackup, type Restored, type RestoreOptions } from "./restore.ts";

let directory: string;
let origin: TestRegistry;
let backups: Backups;

beforeEach(async () => {
  directory = await temporaryDirectory();
  origin = await openTestRegistry();
  backups = openBackups(origin);
  await importSample(origin.registry, "first", 1);
  await importSample(origin.registry, "second", 2);
});
afterEach(() => backups.close());

const temporaryName = () => randomBytes(8).toString("hex");
const log = { debug: () => {}, error: () => {} };
const at = (...names: string[]) => path.join(directory, ...names);

function openBackups({ store, registry, clock }: TestRegistry, changed: Partial<TestRegistry["store"]> = {}): Backups {
  const { directory: place, blobs } = { ...store, ...changed };
  const ports = { store: { directory: place, blobs }, registry, clock, temporaryName, version: "1.2.3", log };
  return new Backups(ports);
}

async function ended(of: Backups = backups): Promise<BackupReport> {
  await expect.poll(() => of.report?.state, { interval: 5, timeout: 10_000 }).not.toBe("running");
  return of.report!;
}

async function backUp(to: string): Promise<BackupReport> {
  await backups.start(to);
  const report = await ended();
  expect(report).toMatchObject({ state: "done", error: null });
  return report;
}

function restore(from: string, to: string, options: Partial<RestoreOptions> = {}): Promise<Restored> {
  return restoreBackup({
    from,
    dataDirectory: to,
    isReplacing: false,
    isDryRun: false,
    clock: new FakeClock(),
    temporaryName,
    holder: { pid: process.pid, what: "a test" },
    signal: new AbortController().signal,
    onProgress: () => {},
    ...options,
  });
}

/** The versions of a data directory, with every byte of their models read and compared. */
async function contentsOf(dataDirectory: string): Promise<string[]> {
  const clock = new FakeClock();
  const holder = { pid: process.pid, what: "a test" };
  const store = await openStore({ path: dataDirectory, clock, random: randomBytes, holder });
  try {
    const { database, blobs } = store;
    const registry = openRegistry({ database, blobs, clock, random: randomBytes });
    const versions = await registry.listVersions();
    for (const { modelHash } of versions)
      for (const { hash } of (await registry.getModel(modelHash)).files) await blobs.verify(hash);
    return versions.map(({ name, number }) => `${name}@${number}`).toSorted();
  } finally {
    await store.close();
  }
}

/** Every file below a directory with its bytes. */
function filesBelow(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = path.join(parentPath, name);
      return [path.relative(root, file), readFileSync(file, "latin1")] as const;
    }),
  );
}

const expectRefused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) as string });

describe.each(["backup.tar", "directory"])("%s", (form) => {
  test("brings back what was there when it was made, and nothing later", async () => {
    const report = await backUp(at(form));
    expect(report).toMatchObject({ files: 3, doneFiles: 3, reusedFiles: 0, doneBytes: report.sizeBytes });
    await importSample(origin.registry, "later", 3);
    const restored = await restore(at(form), at("restored"));
    expect(restored).toMatchObject({ files: 3, sizeBytes: report.sizeBytes, version: "1.2.3", keptAs: null });
    expect(await contentsOf(at("restored"))).toEqual(["first@1", "second@1"]);
    expect(readdirSync(at("restored")).toSorted()).toEqual(["blobs", "format", "lock.db", "slipway.db"]);
  });

  test("holds no token", async () => {
    const token = "a-token-nobody-may-have";
    const addresses = { adminAddress: "http://127.0.0.1:1", inferenceAddress: "http://127.0.0.1:2" };
    const file = { ...addresses, token, pid: 1, startedAt: 0, version: "1.2.3" };
    await origin.store.directory.writeServerFile(file);
    await backUp(at(form));
    const bytes = statSync(at(form)).isDirectory()
      ? [...filesBelow(at(form)).values()].join("")
      : readFileSync(at(form), "latin1");
    expect(bytes).not.toContain(token);
  });

  test("of an empty data directory is restored as one", async () => {
    const empty = await openTestRegistry();
    const own = openBackups(empty);
    await own.start(at(form));
    expect(await ended(own)).toMatchObject({ state: "done", files: 1 });
    await restore(at(form), at("restored"));
    expect(await contentsOf(at("restored"))).toEqual([]);
  });

  test("is given up on request, and leaves nothing", async () => {
    const { promise: reading, resolve: isReading } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { blobs } = origin.store;
    async function* stream(...given: Parameters<typeof blobs.stream>) {
      isReading();
      await released;
      yield* blobs.stream(...given);
    }
    const slow = openBackups(origin, { blobs: Object.assign(Object.create(blobs) as typeof blobs, { stream }) });
    await slow.start(at(form));
    await reading;
    await expect(slow.start(at("other.tar"))).rejects.toMatchObject(expectRefused("STATE_CONFLICT", /is being made/));
    // Collecting garbage takes nothing meanwhile, whatever its age.
    const garbage = await origin.registry.collectGarbage({
      actor: "tester",
      reason: null,
      isDryRun: false,
      graceMs: 0,
    });
    expect(garbage.items).toEqual([]);
    const cancelled = slow.cancel();
    release();
    expect(await cancelled).toMatchObject({ state: "cancelled", endedAt: expect.any(Number) as number });
    expect(existsSync(at("backup.tar"))).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes("partial"))).toEqual([]);
    if (form === "directory") {
      expect(readdirSync(at(form)).filter((name) => /partial|backup\.json/.test(name))).toEqual([]);
      await expect(restore(at(form), at("restored"))).rejects.toMatchObject(
        expectRefused("BACKUP_INVALID", /never finished/),
      );
    }
    // What the broken-off one stored is of use to the next.
    expect(await backUp(at(form))).toMatchObject({ state: "done" });
  });

  test("fails where a stored file is damaged, naming it, and leaves nothing", async () => {
    const [blob] = [...filesBelow(origin.store.directory.blobsDirectory).keys()];
    const file = path.join(origin.store.directory.blobsDirectory, blob!);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    await backups.start(at(form));
    expect(await ended()).toMatchObject({ state: "failed", error: { code: "BLOB_CORRUPT" } });
    expect(existsSync(at("backup.tar"))).toBe(false);
    expect(existsSync(at("directory", "backup.json"))).toBe(false);
  });
});

test("a stop gives up the backup that is made, and none is begun after it", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const registry = { ...origin.registry, holdBlobs: async () => await released.then(() => () => {}) };
  const stopping = openBackups({ ...origin, registry });
  await stopping.start(at("backup.tar"));
  const closed = stopping.close();
  release();
  await closed;
  expect(stopping.report).toMatchObject({ state: "cancelled" });
  expect(readdirSync(directory)).toEqual([]);
  await expect(stopping.start(at("backup.tar"))).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
});

describe("a directory of backups", () => {
  test("takes only what is new, and lets go of what nobody needs", async () => {
    await backUp(at("kept"));
    const before = filesBelow(at("kept"));
    await importSample(origin.registry, "third", 3);
    expect(await backUp(at("kept"))).toMatchObject({ files: 4, reusedFiles: 2 });
    const after = filesBelow(at("kept"));
    expect([...after.keys()].filter((name) => name.endsWith(".db")).length).toBe(2); // the lock and one database
    for (const [name, bytes] of before) if (name.startsWith("blobs")) expect(after.get(name)).toBe(bytes);
    await restore(at("kept"), at("restored"));
    expect(await contentsOf(at("restored"))).toEqual(["first@1", "second@1", "third@1"]);
    // The same directory for another, smaller data directory: what is not its own goes.
    const other = await openTestRegistry();
    await importSample(other.registry, "alone", 9);
    const own = openBackups(other);
    await own.start(at("kept"));
    expect(await ended(own)).toMatchObject({ state: "done" });
    expect([...filesBelow(at("kept")).keys()].filter((name) => name.startsWith("blobs"))).toHaveLength(1);
  });

  test("heals a file that was cut short, and keeps the earlier backup when the next one fails", async () => {
    await backUp(at("kept"));
    const blob = [...filesBelow(at("kept")).keys()].find((name) => name.startsWith("blobs"))!;
    truncateSync(at("kept", blob), 3);
    expect(await backUp(at("kept"))).toMatchObject({ reusedFiles: 2 });
    await restore(at("kept"), at("restored"));
    await importSample(origin.registry, "third", 3);
    const { blobs } = origin.store;
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
    }
    const failing = openBackups(origin, { blobs: Object.assign(Object.create(blobs) as typeof blobs, { stream }) });
    await failing.start(at("kept"));
    expect(await ended(failing)).toMatchObject({ state: "failed", error: { code: "INTERNAL" } });
    await restore(at("kept"), at("again"));
    expect(await contentsOf(at("again"))).toEqual(["first@1", "second@1"]);
  });

  test("written to by two at a time is refused to the second", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const registry = { ...origin.registry, holdBlobs: async () => await released.then(() => () => {}) };
    const first = openBackups({ ...origin, registry });
    await first.start(at("kept"));
    await expect(backups.start(at("kept"))).rejects.toMatchObject(
      expectRefused("BACKUP_TARGET_INVALID", /another backup/),
    );
    release();
    expect(await ended(first)).toMatchObject({ state: "done" });
  });
});

describe("a place that will not do is refused, and left as it is", () => {
  test.each<[string, () => string, RegExp]>([
    ["a file", () => (writeFileSync(at("file"), "x"), at("file")), /such a file already/],
    ["an archive of before", () => (writeFileSync(at("old.tar"), "x"), at("old.tar")), /such a file already/],
    [
      "other things",
      () => (mkdirSync(at("other")), writeFileSync(at("other", "thesis"), "x"), at("other")),
      /"thesis"/,
    ],
    ["no such parent", () => at("nowhere", "backup.tar"), /not there/],
    ["a parent that is a file", () => (writeFileSync(at("file"), "x"), at("file", "backup.tar")), /no directory/],
    ["the data directory", () => origin.directory, /lies in the data directory/],
    ["inside it", () => path.join(origin.directory, "blobs", "x.tar"), /lies in the data directory/],
  ])("%s", async (_, make, message) => {
    const to = make();
    const before = filesBelow(directory);
    await expect(backups.start(to)).rejects.toMatchObject(expectRefused("BACKUP_TARGET_INVALID", message));
    expect(filesBelow(directory)).toEqual(before);
    await backUp(at("works.tar"));
  });

  test("a relative path", async () => {
    await expect(backups.start("backup.tar")).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });

  test("a file that comes while the backup is made", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const registry = { ...origin.registry, holdBlobs: async () => await released.then(() => () => {}) };
    const held = openBackups({ ...origin, registry });
    await held.start(at("backup.tar"));
    writeFileSync(at("backup.tar"), "mine");
    release();
    expect(await ended(held)).toMatchObject({ state: "failed", error: { code: "BACKUP_TARGET_INVALID" } });
    expect(filesBelow(directory)).toEqual(new Map([["backup.tar", "mine"]]));
  });
});

describe("an archive", () => {
  test("is a tar file that other tools unpack, and what they unpack is a backup", async (context) => {
    await backUp(at("backup.tar"));
    mkdirSync(at("unpacked"));
    try {
      execFileSync("tar", ["-xf", at("backup.tar"), "-C", at("unpacked")], { stdio: "pipe" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return context.skip("there is no tar here");
    }
    await restore(at("unpacked"), at("restored"));
    expect(await contentsOf(at("restored"))).toEqual(["first@1", "second@1"]);
  });

  test("cut short anywhere is refused, and nothing is restored", async () => {
    await backUp(at("whole.tar"));
    const whole = readFileSync(at("whole.tar"));
    for (let length = 0; length < whole.length - 512; length += 509) {
      writeFileSync(at("cut.tar"), whole.subarray(0, length));
      await expect(restore(at("cut.tar"), at("restored")), `${length} bytes`).rejects.toMatchObject({
        code: "BACKUP_INVALID",
      });
      if (existsSync(at("restored"))) expect(readdirSync(at("restored"))).toEqual(["lock.db"]);
    }
  }, 60_000);

  test("with any byte changed is refused, or the byte meant nothing", async () => {
    await backUp(at("whole.tar"));
    const whole = readFileSync(at("whole.tar"));
    let refused = 0;
    const positions = [...Array(150).keys()].map((i) => Math.floor((i * whole.length) / 150) + (i % 7));
    for (const position of positions) {
      const changed = Buffer.from(whole);
      changed[position]! ^= 0x11;
      writeFileSync(at("changed.tar"), changed);
      const code = await restore(at("changed.tar"), at("unused"), { isDryRun: true }).then(
        () => "",
        (error: { code: string }) => error.code,
      );
      if (code !== "") refused++;
      expect(["", "BACKUP_INVALID"], `byte ${position}`).toContain(code);
      // Only the zeros that fill blocks may be anything.
      if (code === "") expect(whole[position], `byte ${position}`).toBe(0);
    }
    expect(refused).toBeGreaterThan(75);
    expect(existsSync(at("unused"))).toBe(false);
  }, 60_000);
});

describe("a damaged directory is refused, and nothing is restored", () => {
  const blobOf = (root: string) =>
    path.join(root, [...filesBelow(root).keys()].find((name) => name.startsWith("blobs"))!);
  const databaseOf = (root: string) => path.join(root, readdirSync(root).find((name) => name.startsWith("slipway-"))!);
  const flip = (file: string, position: number) => {
    const bytes = readFileSync(file);
    bytes[position]! ^= 1;
    writeFileSync(file, bytes);
  };
  const manifest = (root: string, change: (facts: Record<string, unknown>) => void) => {
    const facts = JSON.parse(readFileSync(path.join(root, "backup.json"), "utf8")) as Record<string, unknown>;
    change(facts);
    writeFileSync(path.join(root, "backup.json"), JSON.stringify(facts));
  };

  test.each<[string, (root: string) => void, RegExp]>([
    ["a blob changed", (root) => flip(blobOf(root), 40), /another SHA-256/],
    ["a blob cut short", (root) => truncateSync(blobOf(root), 40), /40 bytes instead of/],
    ["a blob longer", (root) => appendFileSync(blobOf(root), "x"), /instead of/],
    ["a blob gone", (root) => rmSync(blobOf(root)), /is not there/],
    [
      "a blob that is a link",
      (root) => {
        const blob = blobOf(root);
        renameSync(blob, at("elsewhere"));
        symlinkSync(at("elsewhere"), blob);
      },
      /symbolic link/,
    ],
    ["the database changed", (root) => flip(databaseOf(root), 5000), /another SHA-256/],
    ["the database gone", (root) => rmSync(databaseOf(root)), /is not there/],
    ["no manifest", (root) => rmSync(path.join(root, "backup.json")), /never finished/],
    ["a manifest that is no JSON", (root) => truncateSync(path.join(root, "backup.json"), 30), /no JSON/],
    [
      "a manifest with a blob less",
      (root) => manifest(root, (facts) => (facts["blobs"] as unknown[]).pop()),
      /checksum/,
    ],
    [
      "a manifest of something else",
      (root) => writeFileSync(path.join(root, "backup.json"), "[]"),
      /not that of a backup/,
    ],
    [
      "a newer format",
      (root) => manifest(root, (facts) => (facts["formatVersion"] = 2)),
      /format 2, of a newer Slipway.*Update/,
    ],
  ])("%s", async (_, spoil, message) => {
    await backUp(at("kept"));
    await restore(at("kept"), at("restored"));
    const before = filesBelow(at("restored"));
    spoil(at("kept"));
    await expect(restore(at("kept"), at("restored"), { isReplacing: true })).rejects.toMatchObject(
      expectRefused("BACKUP_INVALID", message),
    );
    expect(filesBelow(at("restored"))).toEqual(before);
  });

  test("and what is no backup at all", async () => {
    await expect(restore(at("nothing"), at("restored"))).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    writeFileSync(at("model.onnx"), sampleModel(1));
    await expect(restore(at("model.onnx"), at("restored"))).rejects.toMatchObject({ code: "BACKUP_INVALID" });
    await expect(restore(origin.directory, at("restored"))).rejects.toMatchObject({ code: "BACKUP_INVALID" });
    expect(existsSync(at("restored"))).toBe(false);
  });
});

describe("a data directory that is not empty", () => {
  let kept: string;
  beforeEach(async () => {
    kept = at("backup.tar");
    await backUp(kept);
    const other = await openTestRegistry();
    await importSample(other.registry, "other", 5);
    cpSync(other.directory, at("data"), { recursive: true, filter: (file) => !file.endsWith("holder.json") });
  });

  test("is left alone unless asked, and then kept aside, whole", async () => {
    const before = filesBelow(at("data"));
    await expect(restore(kept, at("data"))).rejects.toMatchObject(expectRefused("RESTORE_REFUSED", /--replace/));
    expect(filesBelow(at("data"))).toEqual(before);
    const { keptAs } = await restore(kept, at("data"), { isReplacing: true });
    expect(await contentsOf(at("data"))).toEqual(["first@1", "second@1"]);
    expect(path.dirname(keptAs!)).toBe(at("data"));
    expect(await contentsOf(keptAs!)).toEqual(["other@1"]);
  });

  test("is as it was when the restore is interrupted", async () => {
    const before = filesBelow(at("data"));
    const interrupt = new AbortController();
    const onProgress = () => interrupt.abort();
    await expect(
      restore(kept, at("data"), { isReplacing: true, signal: interrupt.signal, onProgress }),
    ).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(filesBelow(at("data"))).toEqual(before);
  });

  test("is refused while a process holds it", async () => {
    await expect(restore(kept, origin.directory, { isReplacing: true })).rejects.toMatchObject(
      expectRefused("DATA_DIRECTORY_LOCKED", /is held by process/),
    );
    expect(await origin.registry.listVersions()).toHaveLength(2);
  });

  test("is refused where it is somebody else's", async () => {
    mkdirSync(at("home"));
    writeFileSync(at("home", "thesis"), "x");
    await expect(restore(kept, at("home"), { isReplacing: true })).rejects.toMatchObject(
      expectRefused("DATA_DIRECTORY_INVALID", /"thesis"/),
    );
    expect(filesBelow(at("home"))).toEqual(new Map([["thesis", "x"]]));
  });

  test("is one no server takes while it is half replaced, and is healed by restoring again", async () => {
    // As a kill between the moves leaves it: the format file went first, then the database.
    mkdirSync(at("data", "before-restore-1"));
    renameSync(at("data", "format"), at("data", "before-restore-1", "format"));
    renameSync(at("data", "slipway.db"), at("data", "before-restore-1", "slipway.db"));
    mkdirSync(at("data", "restoring-1", "blobs"), { recursive: true });
    await expect(contentsOf(at("data"))).rejects.toMatchObject({ code: "DATA_DIRECTORY_INVALID" });
    const healed: Restored = await restore(kept, at("data"), { isReplacing: true });
    expect(await contentsOf(at("data"))).toEqual(["first@1", "second@1"]);
    expect(readdirSync(healed.keptAs!)).toContain("blobs");
    expect(readdirSync(at("data", "before-restore-1")).toSorted()).toEqual(["format", "slipway.db"]);
    expect(readdirSync(at("data")).filter((name) => name.startsWith("restoring-"))).toEqual([]);
  });
});
