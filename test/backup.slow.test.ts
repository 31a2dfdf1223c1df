// The long forms: many backups under load, backups killed at random moments, and targets that are really full.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importModel, removeDirectory, startPlatform, temporaryDirectory } from "./platform.ts";
import { backUpUnderLoad, slipway } from "./support/backup-load.ts";
import { randomFrom } from "./support/random.ts";
import { spawnSlipway } from "./support/server-process.ts";

const MIB = 2 ** 20;

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => removeDirectory(directory));

test("10 backups under load", async () => {
  const { failures, answers, changes, seed } = await backUpUnderLoad(directory, 10);
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(answers, `seed ${seed}`).toBeGreaterThan(1000);
  expect(changes, `seed ${seed}`).toBeGreaterThan(100);
});

/** Makes a data directory with models of about `sizeBytes` each, one for each of the seeds. */
async function fill(data: string, seeds: readonly number[], sizeBytes: number): Promise<void> {
  const server = await startPlatform(data);
  try {
    for (const seed of seeds) await importModel(server, "large", largeModel(seed, sizeBytes));
  } finally {
    await server.stop(0);
  }
}

/** y = x · weights, of which there are many. */
function largeModel(seed: number, sizeBytes: number): Model {
  const g = graphBuilder({ opset: 17 });
  const width = sizeBytes / 4;
  const x = g.input("x", "float32", ["N", width]);
  const weights = Array.from({ length: width }, (_, index) => seed + index);
  g.output("y", g.op("Mul", [x, g.values("float32", weights, [width])]), "float32", ["N", width]);
  return g.model();
}

const isSound = async (backup: string) => await slipway("restore", backup, "--check");

test("whatever moment a backup is killed at, nothing looks whole that is not, and the one before is", async () => {
  const seed = Number(process.env["SLIPWAY_TEST_SEED"] ?? randomBytes(4).readUInt32LE());
  const random = randomFrom(seed);
  const one = path.join(directory, "one");
  const two = path.join(directory, "two");
  await fill(one, [1, 2, 3, 4], 16 * MIB);
  await fill(two, [5, 6, 7, 8], 16 * MIB);
  const kept = path.join(directory, "kept");
  expect(await slipway("backup", "--data-dir", one, "--to", kept)).toMatchObject({ code: 0 });
  let killed = 0;
  for (let kill = 0; kill < 60; kill++) {
    const context = `seed ${seed}, kill ${kill}`;
    const archive = path.join(directory, `${kill}.tar`);
    // The directory is given to each in turn: what was whole there stays so until the other is.
    const data = kill % 4 < 2 ? two : one;
    const to = kill % 2 === 0 ? archive : kept;
    const child = spawnSlipway(["backup", "--data-dir", data, "--to", to]);
    child.stdout!.resume();
    child.stderr!.resume();
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const timer = setTimeout(() => child.kill("SIGKILL"), 500 + random() * 1500);
    const code = await ended;
    clearTimeout(timer);
    if (code === null) killed++;
    else expect(code, context).toBe(0);
    expect(await isSound(kept), context).toMatchObject({ code: 0 });
    if (existsSync(archive)) expect(await isSound(archive), context).toMatchObject({ code: 0 });
    else if (to === archive) expect(code, context).toBe(null);
    rmSync(archive, { force: true });
  }
  expect(killed, `seed ${seed}`).toBeGreaterThan(10);
  expect(await slipway("backup", "--data-dir", one, "--to", kept)).toMatchObject({ code: 0 });
  expect(await isSound(kept)).toMatchObject({ code: 0 });
  expect(readdirSync(kept).filter((name) => name.startsWith("partial-"))).toEqual([]);
});

test("a full target: DISK_FULL, nothing left, and space is all the next one needs", async (context) => {
  const data = path.join(directory, "data");
  const disk = path.join(directory, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return context.skip("a small file system can't be mounted here");
  }
  try {
    await fill(data, [1, 2, 3], 10 * MIB);
    for (const name of ["backup.tar", "kept"]) {
      const { code, err } = await slipway("backup", "--data-dir", data, "--to", path.join(disk, name));
      expect(err).toContain("DISK_FULL");
      expect(code).toBe(1);
      expect(existsSync(path.join(disk, "backup.tar"))).toBe(false);
      expect(existsSync(path.join(disk, "kept", "backup.json"))).toBe(false);
      expect(readdirSync(disk).filter((left) => left.includes("partial"))).toEqual([]);
    }
    removeDirectory(path.join(disk, "kept"));
    const whole = path.join(directory, "whole.tar");
    expect(await slipway("backup", "--data-dir", data, "--to", whole)).toMatchObject({ code: 0 });
    const restored = path.join(disk, "restored");
    const { code, err } = await slipway("restore", whole, "--data-dir", restored);
    expect(err).toContain("DISK_FULL");
    expect(code).toBe(1);
    expect(readdirSync(restored)).toEqual(["lock.db"]);
    execFileSync("mount", ["-o", "remount,size=96m", disk]);
    expect(await slipway("restore", whole, "--data-dir", restored)).toMatchObject({ code: 0 });
  } finally {
    execFileSync("umount", ["-l", disk]);
  }
});
