// Real processes that carry jobs out, killed, stopped and failing in every way.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { type Clock, FakeClock, SlipwayError } from "@slipway/core/base";
import { containmentOf, systemClock } from "#runtime";
import { openDatabase } from "#store";
import { describe, expect, onTestFinished, test } from "vitest";
import { isAlive } from "../../../test/support/server-process.ts";
import { removeDirectory, temporaryDirectory } from "../../../test/platform.ts";
import { errorOf } from "../../../test/support/registry.ts";
import { JobBook } from "./job-book.ts";
import { carryOutInProcess, type JobProcessOptions } from "./job-process.ts";
import { JobQueue, untilEnded } from "./job-queue.ts";

const script = { beside: import.meta.url, name: "task-main.testing", environment: {} };
const never = new AbortController().signal;

function carryOut(kind: string, order: unknown, options: Partial<JobProcessOptions> = {}): Promise<unknown> {
  return carryOutInProcess({
    script,
    task: { kind, order, saved: null },
    clock: systemClock,
    signal: never,
    report: () => {},
    save: async () => {},
    find: async () => {},
    ...options,
  });
}

/** Carries a task out that tells its process by its progress; answers that, and how it ended. */
async function begun(kind: string, order: unknown, clock: Clock, signal: AbortSignal) {
  const { promise: pid, resolve } = Promise.withResolvers<number>();
  const error = errorOf(carryOut(kind, order, { clock, signal, report: ({ text }) => resolve(Number(text)) }));
  const first = await Promise.race([pid, error]);
  if (typeof first !== "number") throw first;
  return { pid: first, error };
}

describe("a job's process", () => {
  test("answers what came of the task, keeping what is found and saved in its order", async () => {
    const kept: unknown[] = [];
    const keep = async (value: unknown) => void kept.push(value);
    const result = await carryOut("count", { to: 3, hangAt: null }, { save: keep, find: keep });
    expect(result).toEqual({ counted: 3, from: 0 });
    expect(kept).toEqual([1, { done: 1 }, 2, { done: 2 }, 3, { done: 3 }]);
  });

  test("hands over what it found as it is, also what is no JSON and will be refused for that", async () => {
    const found: unknown[] = [];
    expect(await carryOut("odd", null, { find: async (value) => void found.push(value) })).toBe(Infinity);
    expect(found).toStrictEqual([{ ratio: Number.NaN, count: 1n, gone: undefined }]);
  });

  test("fails with what the task failed with", async () => {
    const refused = await errorOf(carryOut("refuse", null));
    expect(refused).toMatchObject({ code: "ROWS_INVALID", message: "Row 3 is none.", details: { row: 3 } });
    const broken = await errorOf(carryOut("break", null));
    expect(broken.code).toBe("INTERNAL");
    expect((broken.cause as Error).message).toMatch(/TypeError: a bug[\s\S]*task-main\.testing\.ts/);
    const unknown = await errorOf(carryOut("dream", null));
    expect((unknown.cause as Error).message).toContain('No work of the kind "dream"');
    const gone = await errorOf(carryOut("exit", null));
    expect(gone).toMatchObject({ code: "JOB_DIED", message: expect.stringContaining("it exited with code 7") });
  });

  test("hears that something could not be kept", async () => {
    const find = () => Promise.reject(new SlipwayError("DISK_FULL", "The disk is full."));
    expect(await carryOut("lose", null, { find })).toEqual({ code: "DISK_FULL", message: "The disk is full." });
  });

  test("stops when it is told to, and is killed where it does not hear that", async () => {
    for (const [kind, order] of [
      ["wait", null],
      ["count", { to: 2, hangAt: 1 }],
    ] as const) {
      const clock = new FakeClock();
      const controller = new AbortController();
      const { pid, error } = await begun(kind, order, clock, controller.signal);
      expect(isAlive(pid)).toBe(true);
      controller.abort(new SlipwayError("INTERRUPTED", "The job was cancelled."));
      if (kind === "count") clock.advance(3000);
      expect(await error).toMatchObject({ code: "INTERRUPTED", message: "The job was cancelled." });
      expect(isAlive(pid)).toBe(false);
    }
  });
});

test("what is contained reaches no network and writes to no file, as far as is said", async () => {
  const directory = temporaryDirectory();
  const listener = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  onTestFinished(() => {
    listener.close();
    removeDirectory(directory);
  });
  await once(listener, "listening");
  const file = path.join(directory, "kept");
  writeFileSync(file, "kept");
  const order = { file, port: (listener.address() as AddressInfo).port };
  expect(await carryOut("reach", order)).toEqual({ connected: "done", appended: "done" });
  const contained = { memoryLimitBytes: 2 ** 31, files: "any" } as const;
  const { text } = await containmentOf(contained);
  const has = (claim: string): boolean => text.some((one) => one.startsWith(claim));
  const found = (await carryOut("reach", order, { contained })) as Readonly<Record<string, string>>;
  expect(found["connected"]).toMatch(has("own network namespace") ? /^E(NETUNREACH|CONNREFUSED)$/ : /done/);
  expect(found["appended"]).toBe(has("writes to no file") ? "EFBIG" : "done");
});

test("a job's process whose parent is killed goes too, also while it computes", async () => {
  const source = `
    import { carryOutInProcess } from "./job-process.ts";
    import { systemClock } from "#runtime";
    await carryOutInProcess({
      script: { beside: ${JSON.stringify(import.meta.url)}, name: "task-main.testing", environment: {} },
      task: { kind: "count", order: { to: 2, hangAt: 1 }, saved: null },
      clock: systemClock,
      signal: new AbortController().signal,
      report: ({ text }) => console.log("process", text),
      save: async () => console.log("computes"),
      find: async () => {},
    });`;
  const flags = ["--conditions=source", "--input-type=module-typescript", "--disable-warning=ExperimentalWarning"];
  const parent = spawn(process.execPath, [...flags, "--eval", source], { cwd: import.meta.dirname });
  let out = "";
  parent.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await expect.poll(() => out, { timeout: 10_000 }).toMatch(/process \d+\n[\s\S]*computes/);
  const pid = Number(/process (\d+)/.exec(out)![1]);
  parent.kill("SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

test("a queued job whose process is killed while it computes goes on in another, and finds everything once", async () => {
  const database = await openDatabase(":memory:");
  onTestFinished(() => database.destroy());
  const book = new JobBook({ database, clock: systemClock, newId: () => "job-1" });
  const found: unknown[] = [];
  const queue = new JobQueue({
    book,
    clock: systemClock,
    holder: "a test",
    log: { info: () => {}, error: () => {} },
    kinds: {
      count: {
        schema: 1,
        carryOut: (job, carrier) =>
          carryOut(job.kind, job.order, {
            task: { kind: job.kind, order: job.order, saved: job.checkpoint },
            signal: carrier.signal,
            report: (progress) => carrier.report(progress),
            save: (state) => carrier.checkpoint(state, { isPartDone: false }),
            find: async (value) => void found.push(value),
          }),
      },
    },
  });
  queue.start();
  const order = { to: 5, hangAt: 3 };
  await queue.submit({ kind: "count", schema: 1, subject: "x@1", order, blobs: [], actor: "a test", reason: null });
  await expect.poll(async () => (await book.get("job-1")).checkpoint, { timeout: 10_000 }).toEqual({ done: 3 });
  const { progress, attempts } = await book.get("job-1");
  expect(attempts).toBe(1);
  const first = Number(progress!.text);
  process.kill(first, "SIGKILL");
  const job = await untilEnded(book, "job-1", never);
  expect(job).toMatchObject({ state: "succeeded", result: { counted: 5, from: 3 }, attempts: 2 });
  expect(Number(job.progress!.text)).not.toBe(first);
  expect(found).toEqual([1, 2, 3, 4, 5]);
  await queue.close();
});
