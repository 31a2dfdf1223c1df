import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { FakeClock, type SlipwayError } from "@slipway/core/base";
import { describe, expect, onTestFinished, test } from "vitest";
import { errorOf, temporaryDirectory } from "../../../test/support/registry.ts";
import { type DataDirectory, openDataDirectory, readServerFile } from "./data-directory.ts";
import type { ServerFile } from "./server-file.ts";

const clock = new FakeClock();
const SERVER: ServerFile = {
  pid: 4321,
  adminAddress: "http://127.0.0.1:8010",
  inferenceAddress: "http://127.0.0.1:8000",
  token: "secret-token",
  startedAt: clock.wall(),
  version: "0.1.0",
};

async function open(directory: string): Promise<DataDirectory> {
  const opened = await openDataDirectory({ path: directory, clock, holder: { pid: 4321, what: "slipway start" } });
  onTestFinished(() => opened.close());
  return opened;
}

describe("a data directory", () => {
  test("is made for its owner alone, and says what it is", async () => {
    const directory = path.join(await temporaryDirectory(), "a", "b");
    const opened = await open(directory);
    expect(opened.path).toBe(directory);
    expect(await readFile(path.join(directory, "format"), "utf8")).toBe("slipway 1\n");
    if (process.platform === "win32") return;
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(directory, "holder.json"))).mode & 0o777).toBe(0o600);
  });

  test("has one holder; others are told who, since when and where", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    const first = await open(directory);
    const early = await errorOf(open(directory));
    expect(early.code).toBe("DATA_DIRECTORY_LOCKED");
    expect(early.message).toContain("process 4321 (slipway start) since 2026-01-01T00:00:00.000Z");
    await first.writeServerFile(SERVER);
    const late = await errorOf(open(directory));
    expect(late.message).toContain("administration at http://127.0.0.1:8010");
    expect(late.message).not.toContain("secret-token");
    expect(late.details).toEqual({
      directory,
      pid: 4321,
      since: clock.wall(),
      adminAddress: "http://127.0.0.1:8010",
    });
    await first.close();
    await open(directory);
  });

  test("that does not exist yet and is opened by many at once gets one holder", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => open(directory)));
    expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
    for (const result of results)
      if (result.status === "rejected") expect((result.reason as SlipwayError).code).toBe("DATA_DIRECTORY_LOCKED");
  });

  test("may be named through a link, and is the same one", async () => {
    const root = await temporaryDirectory();
    await open(path.join(root, "data"));
    await symlink(path.join(root, "data"), path.join(root, "link"));
    expect((await errorOf(open(path.join(root, "link")))).code).toBe("DATA_DIRECTORY_LOCKED");
  });

  test("that is a file, or under one, is refused", async () => {
    const file = path.join(await temporaryDirectory(), "file");
    await writeFile(file, "");
    for (const wanted of [file, path.join(file, "under")])
      expect((await errorOf(open(wanted))).code).toBe("DATA_DIRECTORY_INVALID");
  });

  test("where no directories can be is refused, and does not try for ever", async (context) => {
    if (process.platform !== "linux") context.skip("/proc is Linux's");
    const { code, message } = await errorOf(open("/proc/slipway/data"));
    expect({ code, message }).toEqual({ code: "DATA_DIRECTORY_INVALID", message: expect.stringContaining('"/proc"') });
  });

  test("with other things in it is refused and left alone", async () => {
    const directory = await temporaryDirectory();
    await writeFile(path.join(directory, "thesis.tex"), "years of work");
    const error = await errorOf(open(directory));
    expect(error.code).toBe("DATA_DIRECTORY_INVALID");
    expect(error.message).toContain("thesis.tex");
    expect(await readdir(directory)).toEqual(["thesis.tex"]);
  });

  test("that is empty is taken", async () => {
    const directory = await temporaryDirectory();
    expect((await open(directory)).path).toBe(directory);
  });

  test("of a newer Slipway, or of something else, is refused", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    await (await open(directory)).close();
    for (const text of ["slipway 2\n", "slipway 1", "something else", ""]) {
      await writeFile(path.join(directory, "format"), text);
      expect((await errorOf(open(directory))).code).toBe("DATA_DIRECTORY_INVALID");
    }
    await writeFile(path.join(directory, "format"), "slipway 1\n");
    await open(directory);
  });

  test("that can't be written says so", async (context) => {
    if (process.platform === "win32" || process.getuid?.() === 0) return context.skip("needs a user who is not root");
    const directory = path.join(await temporaryDirectory(), "data");
    await mkdir(directory);
    await chmod(directory, 0o500);
    expect((await errorOf(open(directory))).code).toBe("DISK_READ_ONLY");
  });
});

describe("the server file", () => {
  test("is there while the server is, for its owner alone", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    expect(await readServerFile(directory)).toBeNull();
    const opened = await open(directory);
    expect(await readServerFile(directory)).toBeNull();
    await opened.writeServerFile({ ...SERVER, adminAddress: "http://127.0.0.1:1" });
    await opened.writeServerFile(SERVER); // replaced whole
    expect(await readServerFile(directory)).toEqual({ file: SERVER, isAlive: true });
    if (process.platform !== "win32")
      expect((await stat(path.join(directory, "server.json"))).mode & 0o777).toBe(0o600);
    await opened.close();
    await opened.close(); // again does nothing
    expect(await readServerFile(directory)).toBeNull();
    expect((await readdir(directory)).sort()).toEqual(["format", "lock.db"]);
  });

  test("that can't be read as one counts as none", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    await open(directory);
    for (const text of ["", "{", "null", "[]", '{"pid":"1"}']) {
      await writeFile(path.join(directory, "server.json"), text);
      expect(await readServerFile(directory)).toBeNull();
    }
  });

  test("of a killed server is known to be stale, and the next holder forgets it", async () => {
    const directory = path.join(await temporaryDirectory(), "data");
    const module_ = new URL("./data-directory.ts", import.meta.url).href;
    const program = `import { openDataDirectory } from ${JSON.stringify(module_)};
      const opened = await openDataDirectory({ path: ${JSON.stringify(directory)}, clock: { wall: () => Date.now() },
        holder: { pid: process.pid, what: "slipway start" } });
      await opened.writeServerFile({ ...${JSON.stringify(SERVER)}, pid: process.pid });
      console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--conditions=source", "--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    expect(await readServerFile(directory)).toEqual({ file: { ...SERVER, pid: child.pid }, isAlive: true });
    const locked = await errorOf(open(directory));
    expect(locked.details?.["pid"]).toBe(child.pid);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    expect((await readServerFile(directory))?.isAlive).toBe(false);
    await open(directory);
    expect(await readServerFile(directory)).toBeNull();
  });
});
