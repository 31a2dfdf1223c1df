import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#runtime";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chain } from "../../../test/support/hostile-graphs.ts";
import { scanStoredModel } from "./scan.ts";
import type { StoredFile } from "./scan-file.ts";
import { type ScanProcessOptions, scanInProcess } from "./scan-process.ts";

const OFFSET = 100;
let directory: string;
let started = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-scan-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const start: ScanProcessOptions["start"] = async ({ beside, name, args }) => {
  started++;
  return runScript([fileURLToPath(new URL(`./${name}.ts`, beside)), ...args]);
};
const runScript = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ["--conditions=source", "--disable-warning=ExperimentalWarning", ...args], {
    stdio: ["pipe", "pipe", "ignore"],
  });

async function store(name: string, bytes: Uint8Array): Promise<StoredFile> {
  const path = join(directory, name);
  await writeFile(path, Buffer.concat([Buffer.alloc(OFFSET, 7), bytes]));
  return { path, offset: OFFSET, sizeBytes: bytes.byteLength };
}

test("a large file is examined elsewhere, a small one here, and both as they always were", async () => {
  const scan = scanInProcess({ clock: systemClock, start });
  const small = await store("small", bytesFromModel(chain(10)));
  expect(await scan(small)).toEqual(await scanStoredModel(small));
  expect(started).toBe(0);
  const large = await store("large", bytesFromModel(chain(20_000)));
  const [first, second] = await Promise.all([scan(large), scan(large)]);
  expect(first).toEqual(await scanStoredModel(large));
  expect(second).toEqual(first);
  expect(started).toBe(2);
});

test("a file that is refused there is refused here, by the same code and message", async () => {
  const scan = scanInProcess({ clock: systemClock, start });
  for (const bytes of [Buffer.alloc(300_000, 0xff), bytesFromModel(chain(20_000)).subarray(0, 300_000)]) {
    const file = await store("broken", bytes);
    const { code, message } = await scanStoredModel(file).then(
      () => expect.unreachable(),
      (error: { code: string; message: string }) => error,
    );
    await expect(scan(file)).rejects.toMatchObject({ code, message });
  }
});

test("a process that ends, says too much or takes too long is the model's refusal, and the next is examined", async () => {
  const file = await store("next", bytesFromModel(chain(20_000)));
  const scripts = [
    ["process.abort()", 120_000, /want of memory/],
    ['process.stdout.write("no answer")', 120_000, /want of memory/],
    ["const text = 'x'.repeat(2 ** 20); setInterval(() => process.stdout.write(text), 1)", 120_000, /names and texts/],
    ["setInterval(() => undefined, 1000)", 300, /took longer than 300 ms/],
  ] as const;
  for (const [script, timeoutMs, reason] of scripts) {
    const scan = scanInProcess({ clock: systemClock, timeoutMs, start: async () => runScript(["-e", script]) });
    await expect(scan(file)).rejects.toMatchObject({ code: "MODEL_TOO_LARGE", message: expect.stringMatching(reason) });
  }
  let count = 0;
  const scan = scanInProcess({
    clock: systemClock,
    start: async (script) => (count++ === 0 ? runScript(["-e", "process.abort()"]) : await start(script)),
  });
  const [lost, found] = await Promise.allSettled([scan(file), scan(file)]);
  expect([lost.status, found.status]).toEqual(["rejected", "fulfilled"]);
});
