import { FakeClock, SlipwayError } from "@slipway/core/base";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "#store";
import { errorOf } from "../../../test/support/registry.ts";
import { type Job, type NewJob } from "./job.ts";
import { JobBook } from "./job-book.ts";
import { type JobCarrier, JobQueue, untilEnded } from "./job-queue.ts";

const NEW: NewJob = {
  kind: "task",
  schema: 1,
  subject: "digits@1",
  order: null,
  blobs: [],
  actor: "a test",
  reason: null,
};
const never = new AbortController().signal;

/** A run of a job, ended by the test. */
interface Begun {
  readonly job: Job;
  readonly carrier: JobCarrier;
  readonly succeed: (result: unknown) => void;
  readonly fail: (error: unknown) => void;
}

async function openQueues() {
  const database = await openDatabase(":memory:");
  onTestFinished(() => database.destroy());
  const clock = new FakeClock();
  let ids = 0;
  const book = new JobBook({ database, clock, newId: () => `job-${++ids}` });
  const begun: Begun[] = [];
  const logged: string[] = [];
  const log = (facts: object, text: string) => void logged.push(`${text} ${JSON.stringify(facts)}`);
  let queues = 0;
  /** A process on the same directory; the one before is gone, however it ended. */
  const next = () =>
    new JobQueue({
      book,
      clock,
      holder: `process ${++queues}`,
      log: { info: log, error: log },
      kinds: {
        task: {
          schema: 1,
          carryOut: (job, carrier) =>
            new Promise((succeed, fail) => {
              begun.push({ job, carrier, succeed, fail });
              carrier.signal.addEventListener("abort", () => fail(carrier.signal.reason));
            }),
        },
      },
    });
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const states = async () => (await book.list({ limit: 100 })).map(({ state }) => state).toReversed();
  return { book, clock, begun, logged, next, settle, states, database };
}

describe("a queue", () => {
  test("carries out one after the other, in their order, also what comes while one runs", async () => {
    const { next, begun, settle, states } = await openQueues();
    const queue = next();
    await queue.submit(NEW);
    await settle();
    expect(begun).toHaveLength(0); // not started yet
    queue.start();
    await queue.submit(NEW);
    await settle();
    expect(await states()).toEqual(["running", "queued"]);
    begun[0]!.succeed({ found: 1 });
    await settle();
    expect(await states()).toEqual(["succeeded", "running"]);
    begun[1]!.fail(new SlipwayError("ROWS_INVALID", "Row 3 is none."));
    await settle();
    expect(await states()).toEqual(["succeeded", "failed"]);
    await queue.submit(NEW);
    await settle();
    expect(begun.map(({ job }) => job.id)).toEqual(["job-1", "job-2", "job-3"]);
    await queue.close();
  });

  test("takes what is submitted at any moment of its looking for more", async () => {
    const { next, begun, settle } = await openQueues();
    const queue = next();
    queue.start();
    for (let turns = 0; turns < 30; turns++) {
      await queue.submit(NEW);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      const count = begun.length;
      await queue.submit(NEW);
      await settle();
      begun.at(-1)!.succeed(null);
      await settle();
      begun.at(-1)!.succeed(null);
      await settle();
      expect(begun.length).toBeGreaterThan(count);
    }
    expect(begun).toHaveLength(60);
    await queue.close();
  });

  test("without a start carries out only what is named", async () => {
    const { next, settle, states, begun } = await openQueues();
    const queue = next();
    for (let i = 0; i < 3; i++) await queue.submit(NEW);
    queue.carryOut("job-2");
    queue.carryOut("job-3");
    await settle();
    expect(await states()).toEqual(["queued", "running", "queued"]);
    begun[0]!.succeed(null);
    await settle();
    expect(await states()).toEqual(["queued", "succeeded", "running"]);
    await queue.close();
    expect(await states()).toEqual(["queued", "succeeded", "queued"]);
  });

  test("begins what is named again where its process dies, without a start", async () => {
    const { next, settle, states, begun } = await openQueues();
    const queue = next();
    await queue.submit(NEW);
    await queue.submit(NEW);
    queue.carryOut("job-1");
    await settle();
    begun[0]!.fail(new SlipwayError("JOB_DIED", "It was ended by SIGKILL."));
    await settle();
    expect(begun[1]!.job).toMatchObject({ id: "job-1", attempts: 2 });
    begun[1]!.succeed(1);
    await settle();
    expect(await states()).toEqual(["succeeded", "queued"]);
    await queue.close();
  });

  test("writes progress down about once a second, and the last of it", async () => {
    const { next, begun, settle, book, clock } = await openQueues();
    const queue = next();
    queue.start();
    const { id } = await queue.submit(NEW);
    await settle();
    const done = async () => (await book.get(id)).progress?.done;
    const before = (await book.get(id)).revision;
    for (let i = 1; i <= 500; i++) begun[0]!.carrier.report({ done: i, total: 1000, text: "rows" });
    await settle();
    expect(await done()).toBe(1);
    clock.advance(1000);
    await settle();
    expect(await done()).toBe(500);
    begun[0]!.carrier.report({ done: 1000, total: 1000, text: "rows" });
    begun[0]!.succeed(null);
    await settle();
    expect(await book.get(id)).toMatchObject({ state: "succeeded", progress: { done: 1000 }, revision: before + 4 });
  });

  test("keeps its lease for as long as it works", async () => {
    const { next, begun, settle, book, clock } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit(NEW);
    for (let minute = 0; minute < 10; minute++) {
      await settle();
      for (let i = 0; i < 3; i++) {
        clock.advance(20_000);
        await settle();
      }
      expect(await book.claim({ holder: "other", leaseMs: 1, mostAttempts: 3 })).toBeNull();
    }
    begun[0]!.succeed(null);
    await settle();
    clock.advance(3_600_000);
    await settle();
    expect(await untilEnded(book, "job-1", never)).toMatchObject({ state: "succeeded", attempts: 1 });
    await queue.close();
  });

  test("lets go of a job that somebody else took, and changes nothing of it", async () => {
    const { next, begun, settle, book, clock } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit(NEW);
    await settle();
    await book.giveBackOthers("other");
    await book.claim({ holder: "other", leaseMs: 600_000, mostAttempts: 3 });
    clock.advance(20_000);
    await settle();
    expect(begun[0]!.carrier.signal.reason).toMatchObject({ code: "STATE_CONFLICT" });
    expect(await book.get("job-1")).toMatchObject({ state: "running", lease: { holder: "other" } });
    await queue.close();
    expect(await book.get("job-1")).toMatchObject({ state: "running", lease: { holder: "other" } });
  });
});

describe("a job goes on", () => {
  test("from its checkpoint in the next process, when the one before was killed", async () => {
    const { next, begun, settle, book, states } = await openQueues();
    const first = next();
    first.start();
    await first.submit(NEW);
    await settle();
    await begun[0]!.carrier.checkpoint({ row: 5 }, { isPartDone: false });
    // No word from the first one any more.
    const second = next();
    await second.open();
    expect(await states()).toEqual(["queued"]);
    second.start();
    await settle();
    expect(begun[1]!.job).toMatchObject({ checkpoint: { row: 5 }, attempts: 2 });
    begun[1]!.succeed("done");
    // What the first one still says counts for nothing.
    await expect(begun[0]!.carrier.checkpoint({ row: 6 }, { isPartDone: true })).rejects.toThrow(
      "not carried out here",
    );
    begun[0]!.succeed("late");
    expect(await untilEnded(book, "job-1", never)).toMatchObject({ state: "succeeded", result: "done" });
    await settle();
    await second.close();
    await first.close();
    expect((await book.get("job-1")).result).toBe("done");
  });

  test("after an orderly stop, however often", async () => {
    const { next, begun, settle, states } = await openQueues();
    for (let round = 0; round < 6; round++) {
      const queue = next();
      await queue.open();
      queue.start();
      if (round === 0) await queue.submit(NEW);
      await settle();
      expect(begun.at(-1)!.job.attempts).toBe(1);
      await queue.close();
      expect(begun.at(-1)!.carrier.signal.reason).toMatchObject({ code: "SHUTTING_DOWN" });
      expect(await states()).toEqual(["queued"]);
      expect((await errorOf(queue.submit(NEW))).code).toBe("SHUTTING_DOWN");
    }
  });

  test("when its process dies, twice; the third time it has failed, and can be resumed", async () => {
    const { next, begun, settle, book } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit(NEW);
    for (let attempt = 0; attempt < 3; attempt++) {
      await settle();
      begun[attempt]!.fail(new SlipwayError("JOB_DIED", "It was ended by SIGKILL."));
    }
    await settle();
    expect(await book.get("job-1")).toMatchObject({ state: "failed", error: { code: "JOB_DIED" }, attempts: 3 });
    await queue.resume("job-1");
    await settle();
    begun[3]!.succeed(1);
    expect(await untilEnded(book, "job-1", never)).toMatchObject({ state: "succeeded", error: null });
    await settle();
    expect((await errorOf(queue.resume("job-1"))).code).toBe("STATE_CONFLICT");
    await queue.close();
  });

  test("unless it was to be cancelled when its process ended", async () => {
    const { next, begun, settle, book, states } = await openQueues();
    const first = next();
    first.start();
    await first.submit(NEW);
    await settle();
    await book.askCancel("job-1");
    const second = next();
    await second.open();
    second.start();
    await settle();
    expect(begun).toHaveLength(1);
    expect(await states()).toEqual(["cancelled"]);
    await second.close();
  });
});

describe("cancelling", () => {
  test("stops what runs, and the next begins", async () => {
    const { next, begun, settle, states, book } = await openQueues();
    const queue = next();
    queue.start();
    for (let i = 0; i < 3; i++) await queue.submit(NEW);
    await settle();
    expect(await queue.cancel("job-2")).toMatchObject({ state: "cancelled" });
    expect(await queue.cancel("job-1")).toMatchObject({ state: "running", cancelAskedAt: expect.any(Number) });
    await settle();
    expect(begun[0]!.carrier.signal.reason).toMatchObject({ code: "INTERRUPTED" });
    expect(await states()).toEqual(["cancelled", "cancelled", "running"]);
    await queue.resume("job-1");
    begun[1]!.succeed(null);
    await settle();
    expect(begun.map(({ job }) => job.id)).toEqual(["job-1", "job-3", "job-1"]);
    expect(await book.get("job-1")).toMatchObject({ cancelAskedAt: null, attempts: 1 });
    await queue.close();
  });

  test("is heard at every moment of a job's beginning", async () => {
    for (let turns = 0; turns < 40; turns++) {
      const { next, settle, states } = await openQueues();
      const queue = next();
      queue.start();
      const { id } = await queue.submit(NEW);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await queue.cancel(id);
      await settle();
      expect(await states()).toEqual(["cancelled"]);
      await queue.close();
    }
  });
});

describe("what can't be", () => {
  test("carried out by this Slipway fails and says so", async () => {
    const { next, settle, book } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit({ ...NEW, kind: "dream" });
    await queue.submit({ ...NEW, schema: 2 });
    await settle();
    expect((await book.get("job-1")).error!.message).toContain("dream@1, which this Slipway does not know");
    expect((await book.get("job-2")).error!.message).toContain("task@2");
    await queue.close();
  });

  test("kept, since it is too large, fails", async () => {
    const { next, begun, settle, book } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit(NEW);
    await settle();
    begun[0]!.succeed("x".repeat(17 * 2 ** 20));
    await settle();
    expect(await book.get("job-1")).toMatchObject({ state: "failed", error: { code: "REQUEST_TOO_LARGE" } });
    await queue.close();
  });

  test("recorded, as on a full disk, is recorded once it can be, or taken up by the next start", async () => {
    const { next, begun, settle, book, clock, states, logged } = await openQueues();
    const queue = next();
    queue.start();
    await queue.submit(NEW);
    await settle();
    const real = book.end.bind(book);
    book.end = () => Promise.reject(new SlipwayError("DISK_FULL", "The disk is full."));
    begun[0]!.succeed(null);
    await settle();
    expect(await states()).toEqual(["running"]);
    expect(logged.at(-1)).toContain("could not be recorded");
    book.end = real;
    clock.advance(5000);
    await settle();
    expect(await states()).toEqual(["succeeded"]);
    book.end = () => Promise.reject(new SlipwayError("DISK_FULL", "The disk is full."));
    await queue.submit(NEW);
    await settle();
    begun[1]!.succeed(null);
    await settle();
    await queue.close();
    const after = next();
    await after.open();
    expect(await states()).toEqual(["succeeded", "queued"]);
  });
});
