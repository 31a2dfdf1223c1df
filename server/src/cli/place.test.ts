// `slipway profile` and `slipway place` on the real platform, with no server running.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createPlatform } from "../platform.ts";
import { cli } from "./cli.testing.ts";

vi.setConfig({ testTimeout: 120_000 });

const DIGITS = path.resolve(import.meta.dirname, "../../../examples/digits");
const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });
let directory: string;
const call = (...arguments_: string[]) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], { loadPlatform, workingDirectory: directory });

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "slipway-place-"));
  expect(await call("import", DIGITS, "--name", "digits")).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("this machine's profile is written, and a model placed on it among others", async () => {
  const profiled = await call(
    "profile",
    "--device",
    "--out",
    "here.json",
    "--name",
    "here",
    "--threads",
    "1",
    "--time",
    "5ms",
  );
  expect(profiled).toMatchObject({ code: 0 });
  expect(profiled.out).toMatch(/^here: .*1 thread\.\n\nFIGURE +VALUE +HOW\nproducts +[\d. ]+ GFLOP\/s/);
  const profile = JSON.parse(readFileSync(path.join(directory, "here.json"), "utf8")) as { name: string };
  expect(profile.name).toBe("here");

  const placing = ["place", "digits", "--device", "here.json", "--device", "browser-wasm", "--volume", "10/s"];
  const { code, out } = await call(...placing, "--private", "--p99", "1h", "--json");
  expect(code).toBe(0);
  const advice = JSON.parse(out) as {
    recommended: string;
    places: { place: string; verdict: string }[];
    evidence: string;
  };
  expect(advice.recommended).toBe("browser");
  expect(advice.places.map(({ place, verdict }) => `${place} ${verdict}`)).toEqual([
    "browser recommended",
    "edge unknown",
    "batch ruled-out",
    "server ruled-out",
  ]);
  // What it rests on is kept.
  const kept = await call("measure", "digits", "fit", "--show", "--json");
  expect((JSON.parse(kept.out) as { id: string }[]).map(({ id }) => id)).toContain(advice.evidence);
  const text = await call(...placing);
  expect(text.out).toMatch(/^batch +RECOMMENDED, on here\n/);
  expect(text.out).toMatch(/digits@1 is best put: batch\. No time limit was stated/);
});

test("what can't be meant is refused before anything is measured", async () => {
  expect((await call("profile")).err).toMatch(/USAGE Name a model to profile, or --device/);
  expect((await call("profile", "digits", "--device")).err).toMatch(/one of the two/);
  expect((await call("profile", "--device", "--name", "Not This")).err).toMatch(/--name is "Not This"/);
  expect((await call("profile", "--device", "--threads", "1.5")).err).toMatch(/must be a whole number/);
  expect((await call("place", "digits", "--volume", "many")).err).toMatch(/--volume is "many"/);
  const unwritable = await call("profile", "--device", "--time", "5ms", "--out", "no/where.json");
  expect(unwritable.err).toMatch(/FILE_UNREADABLE no\/where\.json can't be written: there is no such directory/);
});
