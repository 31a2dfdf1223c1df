// Disks that are full, or can't be written to any more. They are real ones, small and in memory, so mounting must be allowed.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { importModel, scaleModel } from "../../test/platform.ts";
import { startServerProcess, StartFailure } from "../../test/support/server-process.ts";
import { check } from "../campaign.ts";
import { codeOf, deployScale, type Fault, type FaultOutcome, type FaultRun, requireAnswer, stop } from "./fault.ts";

/** Gives `use` a disk of 16 MiB. */
async function withDisk({ directory }: FaultRun, use: (disk: string) => Promise<FaultOutcome>): Promise<FaultOutcome> {
  const disk = path.join(directory, "disk");
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return { skipped: "a small file system can't be mounted here" };
  }
  try {
    return await use(disk);
  } finally {
    execFileSync("umount", ["-l", disk]);
  }
}

/** Fills a disk to its last bytes. Answers how to empty it again. */
function fill(disk: string): () => void {
  let size = 2 ** 20;
  for (let part = 0; size >= 512; ) {
    try {
      writeFileSync(path.join(disk, `ballast${part}`), Buffer.alloc(size));
      part++;
    } catch {
      size /= 2;
    }
  }
  return () => {
    for (const name of readdirSync(disk)) if (name.startsWith("ballast")) rmSync(path.join(disk, name));
  };
}

/** Imports are refused with DISK_FULL, what is live answers, also after a kill, and space brings everything back. */
export const fullDisk: Fault = {
  name: "full disk",
  run: (run) =>
    withDisk(run, async (disk) => {
      const data = path.join(disk, "data");
      const server = await startServerProcess(data);
      await deployScale(server);
      const empty = fill(disk);
      const refused = await codeOf(importModel(server, "scale", scaleModel(4, 4000)));
      check(refused === "DISK_FULL", `An import on a full disk: ${refused}`);
      await requireAnswer(server);
      check((await server.client.getStatus()).isReady, "Not ready on a full disk");
      server.child.kill("SIGKILL");
      await server.exited;
      // Also on the full disk it starts and serves what it has, or says why it can't.
      const again = await startServerProcess(data).catch((error: unknown) => error);
      if (again instanceof StartFailure) check(again.message.includes("DISK_FULL"), again.message);
      else {
        await requireAnswer(again as typeof server);
        await stop(again as typeof server);
      }
      empty();
      const last = await startServerProcess(data);
      await requireAnswer(last);
      const number = await importModel(last, "scale", scaleModel(4));
      check(number === 2, `The next import became version ${number}`);
      await stop(last);
      return { refused, startedOnFullDisk: !(again instanceof StartFailure) };
    }),
};

/**
 * Where blobs can't be written any more, imports are refused with DISK_READ_ONLY and what is live answers; a server on a disk
 * that is read-only altogether says so; and writing works again once the disk does.
 */
export const readOnlyDisk: Fault = {
  name: "read-only disk",
  run: (run) =>
    withDisk(run, async (disk) => {
      const mount = (...flags: string[]) => execFileSync("mount", flags, { stdio: "ignore" });
      const data = path.join(disk, "data");
      const server = await startServerProcess(data);
      await deployScale(server);
      // The kernel makes no disk read-only while its database is open for writing, so a read-only mount is laid over blobs.
      const blobs = path.join(data, "blobs");
      mount("--bind", blobs, blobs);
      mount("-o", "remount,bind,ro", blobs);
      const refused = await codeOf(importModel(server, "scale", scaleModel(4)));
      await requireAnswer(server);
      execFileSync("umount", [blobs]);
      check(refused === "DISK_READ_ONLY", `An import on a read-only disk: ${refused}`);
      const number = await importModel(server, "scale", scaleModel(4));
      check(number === 2, `The next import became version ${number}`);
      await stop(server);
      mount("-o", "remount,ro", disk);
      const failure = await startServerProcess(data).catch((error: unknown) => error);
      check(failure instanceof StartFailure, "A server started on a disk that is read-only.");
      check(failure.message.includes("DISK_READ_ONLY"), failure.message);
      mount("-o", "remount,rw", disk);
      const again = await startServerProcess(data);
      await requireAnswer(again);
      await stop(again);
      return { importRefused: refused, startRefused: "DISK_READ_ONLY" };
    }),
};
