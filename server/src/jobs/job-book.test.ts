import { FakeClock } from "@slipway/core/base";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "#store";
import { errorOf } from "../../../test/support/registry.ts";
import { JOB_STATES, NEXT_STATES, type NewJob } from "./job.ts";
import { JobBook } from "./job-book.ts";

const NEW: NewJob = {
  kind: "measure",
  schema: 1,
  subject: "digits@1",
  order: { what: ["size"] },
  blobs: [],
  actor: "a test",
  reason: null,
};
const CLAIM = { holder: "me", leaseMs: 60_000, mostAttempts: 3 };
const never = new AbortController().signal;

async function openBook() {
  const database = await openDatabase(":memory:");
  onTestFinished(() => database.destroy());
  const clock = new FakeClock();
  let ids = 0;
  const options = { database, clock, newId: () => `job-${String(++ids).padStart(4, "0")}` };
  return { book: new JobBook(options), other: new JobBook({ ...options, tenant: "other" }), clock, database };
}

const codeOf = async (promise: Promise<unknown>) => (await errorOf(promise)).code;

describe("a job", () => {
  test("waits, is begun by who claims it, says how far it is, and ends with what came of it", async () => {
    const { book, clock } = await openBook();
    const submitted = await book.submit({ ...NEW, reason: "before launch" });
    expect(submitted).toEqual({
      ...NEW,
      blobs: undefined,
      tenant: "default",
      id: "job-0001",
      state: "queued",
      progress: null,
      checkpoint: null,
      result: null,
      error: null,
      attempts: 0,
      lease: null,
      cancelAskedAt: null,
      createdAt: clock.wall(),
      startedAt: null,
      endedAt: null,
      reason: "before launch",
      revision: 1,
    });
    clock.advance(1000);
    const begun = await book.claim(CLAIM);
    const lease = { holder: "me", until: clock.wall() + 60_000 };
    expect(begun).toMatchObject({ state: "running", attempts: 1, startedAt: clock.wall(), lease });
    await book.setProgress("job-0001", "me", { done: 3, total: 10, text: "rows" });
    await book.setCheckpoint("job-0001", "me", { row: 3 }, { isPartDone: false });
    expect(await book.get("job-0001")).toMatchObject({
      progress: { done: 3, total: 10, text: "rows" },
      checkpoint: { row: 3 },
    });
    clock.advance(1000);
    const ended = await book.end("job-0001", "me", { state: "succeeded", result: { evidence: ["e1"] } });
    expect(ended).toMatchObject({
      state: "succeeded",
      result: { evidence: ["e1"] },
      lease: null,
      startedAt: clock.wall() - 1000,
      endedAt: clock.wall(),
    });
    expect(await book.claim(CLAIM)).toBeNull();
  });

  test("that waited longest is begun first, and each once", async () => {
    const { book } = await openBook();
    for (const subject of ["a@1", "b@1", "c@1"]) await book.submit({ ...NEW, subject });
    const claims = await Promise.all(["x", "y", "z", "w"].map((holder) => book.claim({ ...CLAIM, holder })));
    expect(claims.map((job) => job?.subject)).toEqual(["a@1", "b@1", "c@1", undefined]);
    expect(new Set(claims.map((job) => job?.lease?.holder)).size).toBe(4);
  });

  test("can be claimed by its id, out of turn", async () => {
    const { book } = await openBook();
    await book.submit(NEW);
    await book.submit({ ...NEW, subject: "b@1" });
    expect(await book.claim({ ...CLAIM, id: "job-0002" })).toMatchObject({ subject: "b@1", state: "running" });
    expect(await book.claim({ ...CLAIM, id: "job-0002" })).toBeNull();
  });

  test("of one tenant is not seen by another", async () => {
    const { book, other } = await openBook();
    await book.submit(NEW);
    expect(await other.list({ limit: 10 })).toEqual([]);
    expect(await other.claim(CLAIM)).toBeNull();
    expect(await codeOf(other.get("job-0001"))).toBe("JOB_NOT_FOUND");
  });

  test("is found by state, kind and subject, newest first", async () => {
    const { book } = await openBook();
    await book.submit(NEW);
    await book.submit({ ...NEW, kind: "train" });
    await book.submit({ ...NEW, subject: "b@1" });
    await book.claim(CLAIM);
    const ids = async (filter: object) => (await book.list({ limit: 10, ...filter })).map(({ id }) => id);
    expect(await ids({})).toEqual(["job-0003", "job-0002", "job-0001"]);
    expect(await ids({ state: "running" })).toEqual(["job-0001"]);
    expect(await ids({ kind: "train" })).toEqual(["job-0002"]);
    expect(await ids({ subject: "b@1" })).toEqual(["job-0003"]);
    expect(await ids({ limit: 1 })).toEqual(["job-0003"]);
  });
});

describe("the lease", () => {
  test("keeps others away until it ran out, and its holder from a job that was taken", async () => {
    const { book, clock } = await openBook();
    await book.submit(NEW);
    await book.claim(CLAIM);
    clock.advance(50_000);
    await book.renew("job-0001", "me", 60_000);
    clock.advance(50_000);
    expect(await book.claim({ ...CLAIM, holder: "other" })).toBeNull();
    clock.advance(10_001);
    expect(await book.claim({ ...CLAIM, holder: "other" })).toMatchObject({ attempts: 2, lease: { holder: "other" } });
    for (const late of [
      () => book.renew("job-0001", "me", 60_000),
      () => book.setProgress("job-0001", "me", { done: 1, total: 1, text: "" }),
      () => book.setCheckpoint("job-0001", "me", 1, { isPartDone: true }),
      () => book.end("job-0001", "me", { state: "succeeded", result: null }),
      () => book.giveBack("job-0001", "me", true),
    ]) {
      expect(await codeOf(late())).toBe("STATE_CONFLICT");
    }
    expect(await book.get("job-0001")).toMatchObject({ state: "running", checkpoint: null, progress: null });
  });

  test("of all others is ended by who knows that they are gone", async () => {
    const { book } = await openBook();
    for (let i = 0; i < 3; i++) await book.submit(NEW);
    await book.claim({ ...CLAIM, holder: "dead" });
    await book.claim({ ...CLAIM, holder: "dead" });
    await book.claim(CLAIM);
    await book.setCheckpoint("job-0001", "dead", { row: 7 }, { isPartDone: false });
    await book.askCancel("job-0002");
    expect(await book.giveBackOthers("me")).toEqual(["job-0001", "job-0002"]);
    expect(await book.get("job-0001")).toMatchObject({ state: "queued", lease: null, checkpoint: { row: 7 } });
    expect(await book.get("job-0002")).toMatchObject({ state: "cancelled" });
    expect(await book.get("job-0003")).toMatchObject({ state: "running" });
  });
});

describe("attempts", () => {
  test("are three, then the job has failed; resumed, it has three again and its checkpoint", async () => {
    const { book } = await openBook();
    await book.submit(NEW);
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await book.claim(CLAIM)).toMatchObject({ attempts: attempt });
      if (attempt === 1) await book.setCheckpoint("job-0001", "me", { row: 1 }, { isPartDone: false });
      await book.giveBack("job-0001", "me", true);
    }
    expect(await book.claim(CLAIM)).toBeNull();
    const failed = await book.get("job-0001");
    expect(failed).toMatchObject({ state: "failed", error: { code: "JOB_DIED" } });
    expect(failed.error!.message).toContain("begun 3 times");
    expect(await book.resume("job-0001")).toMatchObject({ state: "queued", error: null, endedAt: null, attempts: 0 });
    expect(await book.claim(CLAIM)).toMatchObject({ attempts: 1, checkpoint: { row: 1 } });
  });

  test("are counted anew when a part is done, and not counted for an orderly stop", async () => {
    const { book } = await openBook();
    await book.submit(NEW);
    for (let round = 0; round < 5; round++) {
      expect(await book.claim(CLAIM)).toMatchObject({ attempts: 1 });
      await book.giveBack("job-0001", "me", false);
    }
    for (let round = 0; round < 5; round++) {
      expect(await book.claim(CLAIM)).not.toBeNull();
      await book.setCheckpoint("job-0001", "me", { done: round }, { isPartDone: true });
      await book.giveBack("job-0001", "me", true);
    }
    expect(await book.get("job-0001")).toMatchObject({ state: "queued", attempts: 1 });
  });
});

describe("cancelling", () => {
  test("ends a job that waits, and asks one that runs", async () => {
    const { book, clock } = await openBook();
    await book.submit(NEW);
    await book.submit(NEW);
    await book.claim(CLAIM);
    expect(await book.askCancel("job-0002")).toMatchObject({ state: "cancelled", endedAt: clock.wall() });
    expect(await book.askCancel("job-0001")).toMatchObject({ state: "running", cancelAskedAt: clock.wall() });
    expect(await book.giveBack("job-0001", "me", true)).toMatchObject({ state: "cancelled", cancelAskedAt: null });
    expect(await book.claim(CLAIM)).toBeNull();
    expect(await book.askCancel("job-0001")).toMatchObject({ state: "cancelled" });
  });

  test("what has ended is refused, and says so", async () => {
    const { book } = await openBook();
    await book.submit(NEW);
    await book.claim(CLAIM);
    await book.end("job-0001", "me", { state: "failed", code: "DISK_FULL", message: "The disk is full." });
    expect((await errorOf(book.askCancel("job-0001"))).message).toContain("has failed already");
    expect(await codeOf(book.askCancel("nothing"))).toBe("JOB_NOT_FOUND");
  });
});

test("no state follows another but by the table", async () => {
  const { book } = await openBook();
  const steps = {
    queued: async () => void (await book.resume("job-0001")),
    running: async () => expect(await book.claim(CLAIM)).not.toBeNull(),
    succeeded: async () => void (await book.end("job-0001", "me", { state: "succeeded", result: null })),
    failed: async () => void (await book.end("job-0001", "me", { state: "failed", code: "INTERNAL", message: "" })),
    cancelled: async () => void (await book.end("job-0001", "me", { state: "cancelled" })),
  };
  await book.submit(NEW);
  // One way through all of them; what succeeded can't be taken up again.
  for (const state of ["running", "failed", "queued", "running", "cancelled", "queued", "running"] as const) {
    await steps[state]();
    expect((await book.get("job-0001")).state).toBe(state);
  }
  await steps.succeeded();
  // Nobody holds it any more, so nobody can change it; asked for again, it is what it was.
  await expect(steps.failed()).rejects.toMatchObject({ code: "STATE_CONFLICT" });
  expect((await errorOf(book.resume("job-0001"))).message).toContain("has succeeded");
  expect(NEXT_STATES.succeeded).toEqual([]);
  expect(JOB_STATES).toEqual(["queued", "running", "succeeded", "failed", "cancelled"]);
});

describe("waiting for a change", () => {
  test("ends with the change, with the time, or with the signal", async () => {
    const { book, clock } = await openBook();
    const { revision } = await book.submit(NEW);
    expect(await book.getChanged("job-0001", revision - 1, 60_000, never)).toMatchObject({ revision });
    const changed = book.getChanged("job-0001", revision, 60_000, never);
    await book.claim(CLAIM);
    const running = await changed;
    expect(running).toMatchObject({ state: "running" });
    // A sign of life is no change.
    let isWaiting = true;
    const timed = book.getChanged("job-0001", running.revision, 60_000, never).finally(() => (isWaiting = false));
    await book.renew("job-0001", "me", 60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isWaiting).toBe(true);
    clock.advance(60_000);
    expect(await timed).toEqual({ ...running, lease: { holder: "me", until: clock.wall() } });
    const leaving = new AbortController();
    const left = book.getChanged("job-0001", running.revision, 60_000, leaving.signal);
    leaving.abort();
    expect(await left).toMatchObject({ revision: running.revision });
    expect(await codeOf(book.getChanged("nothing", 1, 60_000, never))).toBe("JOB_NOT_FOUND");
  });
});

describe("what a job needs", () => {
  const blobs = [
    { hash: "a".repeat(64), sizeBytes: 10 },
    { hash: "a".repeat(64), sizeBytes: 10 },
    { hash: "b".repeat(64), sizeBytes: 20 },
  ];

  test("is referred to until it succeeded, or is forgotten a month after it ended", async () => {
    const { book, clock, database } = await openBook();
    const held = async () =>
      (await database.selectFrom("job_blob").select(["job_id", "blob_hash"]).orderBy("blob_hash").execute()).map(
        ({ job_id, blob_hash }) => `${job_id} ${blob_hash[0]}`,
      );
    await book.submit({ ...NEW, blobs });
    await book.submit({ ...NEW, blobs: blobs.slice(2) });
    expect(await held()).toEqual(["job-0001 a", "job-0001 b", "job-0002 b"]);
    await book.claim(CLAIM);
    await book.end("job-0001", "me", { state: "succeeded", result: null });
    await book.askCancel("job-0002");
    expect(await held()).toEqual(["job-0002 b"]);
    clock.advance(31 * 86_400_000);
    await book.submit(NEW);
    expect(await held()).toEqual([]);
    expect((await book.list({ limit: 10 })).map(({ id }) => id)).toEqual(["job-0003"]);
  });

  test("is said within limits", async () => {
    const { book } = await openBook();
    expect(await codeOf(book.submit({ ...NEW, order: "x".repeat(2 ** 20) }))).toBe("REQUEST_TOO_LARGE");
    for (let i = 0; i < 1000; i++) await book.submit(NEW);
    expect((await errorOf(book.submit(NEW))).message).toContain("1000 jobs wait already");
  });
});
