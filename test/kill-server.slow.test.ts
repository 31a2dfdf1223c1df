// The long forms: hundreds of kills at random moments, and a server on a disk that is really full.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { importModel, infer, removeDirectory, scaleModel, temporaryDirectory } from "./platform.ts";
import { killServers } from "./support/server-kills.ts";
import { startServerProcess } from "./support/server-process.ts";

test("200 kills", async () => {
  const directory = temporaryDirectory();
  try {
    const { versions, answers, seed } = await killServers(path.join(directory, "data"), 200);
    expect(versions, `seed ${seed}`).toBeGreaterThan(100);
    expect(answers, `seed ${seed}`).toBeGreaterThan(100);
  } finally {
    removeDirectory(directory);
  }
});

test("a full disk: imports are refused with DISK_FULL, what is live answers, and space brings everything back", async (context) => {
  const directory = temporaryDirectory();
  const disk = path.join(directory, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    removeDirectory(directory);
    context.skip("a small file system can't be mounted here");
  }
  try {
    const data = path.join(disk, "data");
    const server = await startServerProcess(data);
    await importModel(server, "scale", scaleModel(3));
    await server.client.deploy({ params: { endpoint: "scale" }, body: {} });
    const ballast = path.join(disk, "ballast");
    let size = 2 ** 20;
    for (let part = 0; size >= 512; ) {
      try {
        writeFileSync(path.join(disk, `ballast${part}`), Buffer.alloc(size));
        part++;
      } catch {
        size /= 2;
      }
    }
    await expect(importModel(server, "scale", scaleModel(4, 4000))).rejects.toMatchObject({
      code: "DISK_FULL",
      status: 507,
    });
    expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).body.outputs?.[0]?.data).toEqual([3, 6]);
    expect((await server.client.getStatus()).isReady).toBe(true);
    server.child.kill("SIGKILL");
    await server.exited;
    // Also on the full disk it starts, and serves what it has.
    const again = await startServerProcess(data).catch((error: unknown) => error as Error);
    if (again instanceof Error) expect(again.message).toContain("DISK_FULL");
    else {
      expect((await infer(again.inferenceAddress, "scale", [1, 2], [1, 2])).body.outputs?.[0]?.data).toEqual([3, 6]);
      again.child.kill("SIGTERM");
      expect(await again.exited).toEqual({ code: 0, signal: null });
    }
    for (const name of readdirSync(disk)) if (name.startsWith(path.basename(ballast))) rmSync(path.join(disk, name));
    const last = await startServerProcess(data);
    expect((await last.client.listVersions({ query: {} })).map(({ number }) => number)).toEqual([1]);
    expect(await importModel(last, "scale", scaleModel(4))).toBe(2);
    last.child.kill("SIGTERM");
    expect(await last.exited).toEqual({ code: 0, signal: null });
  } finally {
    execFileSync("umount", ["-l", disk]);
    removeDirectory(directory);
  }
});
