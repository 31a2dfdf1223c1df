// Every published attack on what reads and runs ONNX files, given to a whole platform: refused by name where the file
// shows it, contained where only running does. docs/containment.md says where the other cases are.
import { readdirSync, readlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../server/src/cli/index.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import { KNOWN_ATTACKS } from "./support/known-attacks.ts";
import { expectNothingLeaked, SECRET } from "./support/leaks.ts";

const RUNTIME = { intraOpThreads: 1, memoryLimitBytes: 512 * 2 ** 20, loadTimeoutMs: 20_000, runTimeoutMs: 10_000 };

let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = temporaryDirectory();
  server = await startPlatform(path.join(directory, "data"));
  await writeFile(path.join(directory, "data", ".env"), SECRET);
  await importModel(server, "beside", scaleModel(3));
  await server.client.deploy({ params: { endpoint: "beside" }, body: {} });
});
afterAll(async () => {
  await server.stop(0);
  removeDirectory(directory);
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "ok",
    (error: { code: string; message: string }) => {
      expectNothingLeaked(error.message, "a refusal");
      return error.code;
    },
  );
}

test.each(KNOWN_ATTACKS)("$what ($source)", async ({ make, refusedAtImport, atLoad = [], atRun = [] }) => {
  const imported = await codeOf(importModel(server, "attack", make()));
  if (refusedAtImport !== null) expect(refusedAtImport).toContain(imported);
  else {
    expect(imported).toBe("ok");
    const body = { settings: { runtime: RUNTIME }, allowBreaking: true };
    const loaded = await codeOf(server.client.deploy({ params: { endpoint: "attack" }, body }));
    expect(atLoad).toContain(loaded);
    if (loaded === "ok") {
      const answer = await infer(server.inferenceAddress, "attack", [1, 2], [1, 2]);
      expectNothingLeaked(JSON.stringify(answer), "an answer");
      expect(atRun).toContain(answer.body.code ?? "ok");
    }
  }
  expect(await infer(server.inferenceAddress, "beside", [1, 2], [1, 2])).toMatchObject({
    status: 200,
    body: { outputs: [{ data: [3, 6] }] },
  });
});

describe.runIf(process.platform === "linux")("a runner that is at work", () => {
  test("holds no file open, and no network where it is said to have none", async () => {
    const { endpoints } = await server.client.getStatus();
    const executor = endpoints.find(({ name }) => name === "beside")!.live!.executor!;
    const pid = executor.runners[0]!.pid!;
    const targets = readdirSync(`/proc/${pid}/fd`).map((descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
    for (const target of targets) expect(target).toMatch(/^(pipe:|socket:|anon_inode:|\/dev\/null$)/);
    if (executor.containment.some((line) => line.startsWith("own network namespace"))) {
      expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
    }
    expect(readlinkSync(`/proc/${pid}/cwd`)).toMatch(/slipway-runner-.* \(deleted\)$/);
  });
});
