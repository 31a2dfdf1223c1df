import { FakeClock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import { describe, expect, test } from "vitest";
import type { RequestContext } from "./context.ts";
import { Deployment } from "./deployment.ts";
import { HookList } from "./hooks.ts";
import type { DeploymentSpec, InferenceOutcome, InferenceRequest, ServeHooks, Variant } from "./serving.ts";
import { SimulatedExecutor, type SimulatedExecutorOptions } from "./simulated-executor.testing.ts";

const SIGNATURE: Signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
  outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
};
const QUEUE = { maxRequests: 4, maxBytes: 1000, priorityLevels: 4, agingMs: 100 };

function request(rows = 1): InferenceRequest {
  const x: NamedTensor = { name: "x", dtype: "float32", shape: [rows, 2], data: new Float32Array(2 * rows) };
  return { inputs: [x], outputs: null };
}

let made = 0;
function context(clock: FakeClock, timeoutMs = 1000, priority = 0): RequestContext {
  const arrivedAt = clock.now();
  return {
    inferenceId: `i${++made}`,
    tenant: "default",
    principal: null,
    purpose: null,
    priority,
    arrivedAt,
    deadline: arrivedAt + timeoutMs,
    traceparent: null,
  };
}

interface Ending {
  readonly code: string;
  readonly at: number;
  readonly outcome: InferenceOutcome;
}

function setUp(options: Partial<SimulatedExecutorOptions> = {}, queue: Partial<DeploymentSpec["queue"]> = {}) {
  const clock = new FakeClock();
  const executor = new SimulatedExecutor({ clock, signature: SIGNATURE, serviceMs: () => 10, ...options });
  const log: string[] = [];
  const code = (outcome: InferenceOutcome): string => (outcome.ok ? "OK" : outcome.error.code);
  const hooks: ServeHooks = {
    onAdmitted: () => log.push("admitted"),
    onEnded: (_variant, _context, outcome) => log.push(`ended ${code(outcome)}`),
    onRefused: (_variant, _context, error) => log.push(`refused ${error.code}`),
  };
  const spec: DeploymentSpec = {
    deploymentId: "d1",
    endpoint: "e",
    version: "1",
    queue: { ...QUEUE, ...queue },
    attachment: null,
    estimatedBytes: 0,
    load: async () => executor,
  };
  const deployment = new Deployment({ clock, hooks: new HookList([hooks]), onChange: () => {} }, spec, executor);
  const submit = (timeoutMs = 1000, priority = 0, body = request()): { ending: Ending | null; cancel: () => void } => {
    const entry: { ending: Ending | null; cancel: () => void } = { ending: null, cancel: () => {} };
    let hasReturned = false;
    entry.cancel = deployment.submit(body, context(clock, timeoutMs, priority), (outcome) => {
      expect(hasReturned, "answered before submit returned").toBe(true);
      expect(entry.ending, "answered twice").toBeNull();
      entry.ending = { code: code(outcome), at: clock.now(), outcome };
    });
    hasReturned = true;
    return entry;
  };
  return { clock, executor, deployment, submit, log };
}

const ONE = { batching: { mode: "off", maxRows: 1, reason: "one at a time", padAxis: null }, credits: 1 } as const;

describe("a request", () => {
  test("goes straight to the executor when a credit is free", () => {
    const { clock, deployment, executor, submit, log } = setUp();
    const sent = submit();
    expect(executor.inFlight).toBe(1);
    expect(deployment.inFlight).toBe(1);
    clock.advance(10);
    expect(sent.ending?.code).toBe("OK");
    const outcome = sent.ending!.outcome;
    expect(outcome.ok && outcome.outputs[0]?.name).toBe("y");
    expect(outcome.ok && outcome.times.queueMs).toBe(0);
    expect(log).toEqual(["admitted", "ended OK"]);
  });

  test("waits for a credit, and says how long it did", () => {
    const { clock, submit } = setUp(ONE);
    submit();
    const second = submit();
    clock.advance(100);
    const outcome = second.ending!.outcome;
    expect(second.ending!.at).toBe(20);
    expect(outcome.ok && outcome.times.queueMs).toBe(10);
  });

  test("that does not fit the signature is refused, later, and never admitted", () => {
    const { clock, deployment, submit, log } = setUp();
    const sent = submit(1000, 0, { inputs: [], outputs: null });
    expect(sent.ending).toBeNull();
    clock.advance(0);
    expect(sent.ending?.code).toBe("INPUT_MISSING");
    expect(log).toEqual(["refused INPUT_MISSING"]);
    expect(deployment.inFlight).toBe(0);
  });

  test("whose refusal is not waited for hears nothing", () => {
    const { clock, submit } = setUp();
    const sent = submit(1000, 0, { inputs: [], outputs: null });
    sent.cancel();
    clock.advance(10);
    expect(sent.ending).toBeNull();
  });

  test("past its deadline is refused at the door", () => {
    const { clock, submit, log } = setUp();
    submit(0);
    clock.advance(0);
    expect(log).toEqual(["refused DEADLINE_EXCEEDED"]);
  });

  test.each([5, -1, 1.5, Number.NaN])("of priority %s is refused", (priority) => {
    const { clock, submit } = setUp();
    const sent = submit(1000, priority);
    clock.advance(0);
    expect(sent.ending?.code).toBe("PARAMETER_INVALID");
  });
});

describe("deadlines", () => {
  test("end a waiting request at once, without running it", () => {
    const { clock, executor, submit } = setUp({ ...ONE, serviceMs: () => 500 });
    submit();
    const waiting = submit(30);
    clock.advance(29);
    expect(waiting.ending).toBeNull();
    clock.advance(1);
    expect(waiting.ending).toMatchObject({ code: "DEADLINE_EXCEEDED", at: 30 });
    clock.advance(2000);
    expect(executor.runs).toBe(1);
  });

  test("end a running request when they pass, and free its credit", () => {
    const { clock, deployment, executor, submit } = setUp({ ...ONE, serviceMs: () => 500 });
    const running = submit(30);
    const next = submit(5000);
    clock.advance(30);
    expect(running.ending).toMatchObject({ code: "DEADLINE_EXCEEDED", at: 30 });
    const outcome = running.ending!.outcome;
    expect(!outcome.ok && outcome.error.message).toBe(
      "The request had 30 ms; it waited 0 ms in the queue and was with a runner for 30 ms.",
    );
    expect(deployment.inFlight).toBe(1);
    expect(executor.inFlight).toBe(1);
    clock.advance(5000);
    expect(next.ending?.code).toBe("OK");
  });

  test("that are infinite never ring", () => {
    const { clock, submit } = setUp();
    const sent = submit(Number.POSITIVE_INFINITY);
    clock.advance(10);
    expect(sent.ending?.code).toBe("OK");
  });
});

describe("cancelling", () => {
  test("a waiting request makes room for another", () => {
    const { clock, deployment, submit, log } = setUp(ONE, { maxRequests: 1 });
    submit();
    const waiting = submit();
    waiting.cancel();
    waiting.cancel();
    expect(deployment.queuedRequests).toBe(0);
    expect(deployment.queuedBytes).toBe(0);
    const other = submit();
    clock.advance(100);
    expect(waiting.ending).toBeNull();
    expect(other.ending?.code).toBe("OK");
    expect(log.filter((line) => line === "ended REQUEST_CANCELLED")).toHaveLength(1);
  });

  test("a running request hands its credit on", () => {
    const { clock, executor, submit } = setUp(ONE);
    const running = submit();
    const next = submit();
    running.cancel();
    expect(executor.inFlight).toBe(1);
    clock.advance(100);
    expect(running.ending).toBeNull();
    expect(next.ending?.code).toBe("OK");
  });

  test("after the answer does nothing", () => {
    const { clock, submit, log } = setUp();
    const sent = submit();
    clock.advance(10);
    sent.cancel();
    expect(log).toEqual(["admitted", "ended OK"]);
  });
});

describe("the queue's bounds", () => {
  test("refuse what is too many, saying when to come again", () => {
    const { clock, submit } = setUp(ONE);
    for (let i = 0; i < 5; i++) submit();
    const refused = submit();
    clock.advance(0);
    expect(refused.ending?.code).toBe("QUEUE_FULL");
    const outcome = refused.ending!.outcome;
    expect(!outcome.ok && outcome.error.retryAfterMs).toBe(1000);
    expect(!outcome.ok && outcome.error.message).toBe('4 requests wait for "e", as many as may.');
  });

  test("refuse what is too big", () => {
    const { clock, submit } = setUp(ONE, { maxBytes: 20 });
    submit();
    submit();
    submit();
    const refused = submit(1000, 0, request(1));
    clock.advance(0);
    expect(refused.ending?.code).toBe("QUEUE_FULL");
    const outcome = refused.ending!.outcome;
    expect(!outcome.ok && outcome.error.message).toBe(`16 of 20 bytes wait for "e"; these 8 don't fit.`);
  });

  test("tell the measured time to come again", () => {
    const { clock, submit } = setUp(ONE, { maxRequests: 10 });
    for (let i = 0; i < 11; i++) submit();
    clock.advance(100); // ten dispatches from the queue, 10 ms each
    for (let i = 0; i < 10; i++) submit();
    const refused = submit();
    clock.advance(0);
    const outcome = refused.ending!.outcome;
    expect(!outcome.ok && outcome.error.code).toBe("QUEUE_FULL");
    expect(!outcome.ok && outcome.error.retryAfterMs).toBe(100);
  });

  test("refuse what could not be answered in time", () => {
    const { clock, submit } = setUp(ONE, { maxRequests: 100 });
    for (let i = 0; i < 51; i++) submit();
    clock.advance(200); // 20 answered, 30 wait: 300 ms
    const late = submit(250);
    const inTime = submit(400);
    clock.advance(0);
    expect(late.ending?.code).toBe("QUEUE_FULL");
    expect(inTime.ending).toBeNull();
    clock.advance(1000);
    expect(inTime.ending?.code).toBe("OK");
  });

  test("are not taken for full for ever by what takes too long: one is tried as soon as nothing runs", () => {
    let serviceMs = 500;
    const { clock, deployment, submit } = setUp({ ...ONE, serviceMs: () => serviceMs }, { maxRequests: 100 });
    const slow = Array.from({ length: 8 }, () => submit(600));
    clock.advance(1100); // the second was tried, in vain, and took its time
    expect(slow.map(({ ending }) => ending?.code)).toEqual(["OK", ...Array(7).fill("DEADLINE_EXCEEDED")]);
    serviceMs = 10;
    const refused = [submit(100), submit(100)];
    clock.advance(50);
    expect(refused.map(({ ending }) => ending?.code)).toEqual(["OK", "QUEUE_FULL"]);
    expect(deployment.queuedRequests).toBe(0);
    for (let i = 0; i < 100; i++) {
      submit(100);
      clock.advance(20);
    }
    const both = [submit(100), submit(100)];
    clock.advance(50);
    expect(both.map(({ ending }) => ending?.code)).toEqual(["OK", "OK"]);
  });

  test("let a more urgent request in where a lesser one would be too late", () => {
    const { clock, submit } = setUp(ONE, { maxRequests: 100 });
    for (let i = 0; i < 51; i++) submit(1000, 4);
    clock.advance(200);
    const urgent = submit(250, 1);
    clock.advance(250);
    expect(urgent.ending?.code).toBe("OK");
  });
});

describe("a request nobody has read yet", () => {
  test("is refused where as many wait as may, and counts as refused", () => {
    const { clock, deployment, submit, log } = setUp(ONE);
    for (let i = 0; i < 4; i++) submit();
    expect([deployment.isCrowded, deployment.refuseUnread(context(clock))]).toEqual([true, null]);
    submit();
    expect(deployment.refuseUnread(context(clock))).toMatchObject({ code: "QUEUE_FULL", retryAfterMs: 1000 });
    expect(log.filter((line) => line !== "admitted")).toEqual(["refused QUEUE_FULL"]);
    clock.advance(1000);
    expect([deployment.isCrowded, deployment.refuseUnread(context(clock))]).toEqual([false, null]);
  });

  test("is refused where it would be too late, but not one that goes before the others", () => {
    const { clock, deployment, submit } = setUp(ONE, { maxRequests: 100 });
    for (let i = 0; i < 51; i++) submit(1000, 4);
    clock.advance(200); // 20 answered, 30 wait: 300 ms
    expect(deployment.refuseUnread(context(clock, 250, 4))).toMatchObject({ code: "QUEUE_FULL" });
    expect(deployment.refuseUnread(context(clock, 400, 4))).toBeNull();
    expect(deployment.refuseUnread(context(clock, 250, 1))).toBeNull();
    expect(deployment.refuseUnread(context(clock, 250, 9))).toMatchObject({ code: "PARAMETER_INVALID" });
  });

  test("is left to its turn where nothing is admitted at all", () => {
    const { clock, deployment, submit } = setUp(ONE);
    for (let i = 0; i < 5; i++) submit();
    deployment.refuseAll(new SlipwayError("SHUTTING_DOWN", "It is over."));
    expect(deployment.refuseUnread(context(clock))).toBeNull();
  });
});

describe("an executor", () => {
  test("is given no more bytes at once than may wait, but any single request", () => {
    const { clock, executor, submit } = setUp({ credits: 16 }, { maxBytes: 100, maxRequests: 100 });
    const sent = [submit(1000, 0, request(20)), ...Array.from({ length: 4 }, () => submit(1000, 0, request(3)))];
    expect(executor.inFlight).toBe(1);
    clock.advance(10);
    expect(executor.inFlight).toBe(4); // 96 of 100 bytes
    clock.advance(100);
    expect(sent.map(({ ending }) => ending?.code)).toEqual(["OK", "OK", "OK", "OK", "OK"]);
  });

  test("may give up batching: then rows need not agree, and each request counts as one row", () => {
    const port = (name: string) => ({ name, type: { kind: "tensor", dtype: "float32", shape: null } as const });
    const signature: Signature = { inputs: [port("a"), port("b")], outputs: [port("y")] };
    const { clock, executor, submit } = setUp({ signature });
    const tensor = (name: string, rows: number): NamedTensor => {
      return { name, dtype: "float32", shape: [rows], data: new Float32Array(rows) };
    };
    const uneven: InferenceRequest = { inputs: [tensor("a", 2), tensor("b", 3)], outputs: null };
    const before = submit(1000, 0, uneven);
    executor.batching = { mode: "off", maxRows: 1, reason: "rows mix", padAxis: null };
    const after = submit(1000, 0, uneven);
    clock.advance(10);
    expect(before.ending?.code).toBe("INPUT_SHAPE_MISMATCH");
    const outcome = after.ending!.outcome;
    expect(outcome.ok && outcome.times.run.batchRows).toBe(1);
  });

  test("that recovers lets requests wait", () => {
    let isFirst = true;
    const kills = (): boolean => isFirst && !(isFirst = false);
    const { clock, executor, deployment, submit } = setUp({ ...ONE, kills, recoverMs: 100 });
    const killer = submit();
    clock.advance(10);
    expect(killer.ending?.code).toBe("RUNNER_DIED");
    expect(deployment.executorState).toBe("recovering");
    const waiting = submit();
    expect(executor.inFlight).toBe(0);
    expect(deployment.queuedRequests).toBe(1);
    clock.advance(120);
    expect(waiting.ending?.code).toBe("OK");
  });

  test("in quarantine ends what waits, refuses what comes, and serves again when released", async () => {
    const { clock, deployment, executor, submit } = setUp({ ...ONE, kills: () => executor.runs < 2, maxDeaths: 1 });
    submit();
    const waiting = submit();
    clock.advance(10);
    expect(waiting.ending).toMatchObject({ code: "DEPLOYMENT_QUARANTINED", at: 10 });
    const refused = submit();
    clock.advance(0);
    expect(refused.ending?.code).toBe("DEPLOYMENT_QUARANTINED");
    await deployment.executor.release();
    const served = submit();
    clock.advance(10);
    expect(served.ending?.code).toBe("OK");
  });
});

describe("draining", () => {
  test("waits for what was admitted and held, still admitting what was routed", () => {
    const { clock, deployment, submit } = setUp(ONE);
    let drainedAt: number | null = null;
    submit();
    submit();
    const release = deployment.hold();
    deployment.whenDrained(() => {
      drainedAt = clock.now();
    });
    clock.advance(50);
    expect(drainedAt).toBeNull();
    const held = submit();
    release();
    release();
    expect(drainedAt).toBeNull();
    clock.advance(50);
    expect(held.ending?.code).toBe("OK");
    expect(drainedAt).toBe(60);
  });

  test("is over at once when nothing is there", () => {
    const { deployment } = setUp();
    let isDrained = false;
    deployment.whenDrained(() => {
      isDrained = true;
    });
    expect(isDrained).toBe(true);
  });

  test("does not wait for holds once everything is refused", () => {
    const { clock, deployment, submit } = setUp(ONE);
    let isDrained = false;
    deployment.hold();
    submit();
    deployment.whenDrained(() => {
      isDrained = true;
    });
    deployment.refuseAll(new SlipwayError("SHUTTING_DOWN", "stop"));
    const late = submit();
    expect(isDrained).toBe(false);
    clock.advance(10);
    expect(isDrained).toBe(true);
    expect(late.ending?.code).toBe("SHUTTING_DOWN");
  });

  test("ends what is left when closed", async () => {
    const { deployment, submit, log } = setUp(ONE);
    const sent = [submit(), submit(), submit()];
    await deployment.close(new SlipwayError("SHUTTING_DOWN", "stop"));
    expect(sent.map(({ ending }) => ending?.code)).toEqual(["SHUTTING_DOWN", "SHUTTING_DOWN", "SHUTTING_DOWN"]);
    expect(log.filter((line) => line.startsWith("ended"))).toHaveLength(3);
    expect([deployment.inFlight, deployment.queuedRequests, deployment.queuedBytes]).toEqual([0, 0, 0]);
  });
});

test("answers may submit and cancel at once", () => {
  const { clock, deployment, submit, log } = setUp({ ...ONE, credits: 2 }, { maxRequests: 100 });
  const variant: Variant = deployment;
  let more = 50;
  const again = (): void => {
    if (more-- === 0) return;
    const doomed = submit();
    variant.submit(request(), context(clock), again);
    doomed.cancel();
  };
  again();
  clock.advance(10_000);
  expect(more).toBe(-1);
  expect(log.filter((line) => line === "admitted")).toHaveLength(100);
  expect(log.filter((line) => line === "ended OK")).toHaveLength(50);
  expect(log.filter((line) => line === "ended REQUEST_CANCELLED")).toHaveLength(50);
});
