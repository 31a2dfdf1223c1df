import { assert, FakeClock, SlipwayError } from "@slipway/core/base";
import type { Dimension, Signature } from "@slipway/core/tensor";
import { describe, expect, test } from "vitest";
import type { Executor } from "#runtime";
import type { RequestContext } from "./context.ts";
import { createServing } from "./create-serving.ts";
import type { DeploymentSpec, InferenceOutcome, Serving, Variant, VariantStatus } from "./serving.ts";
import { SimulatedExecutor, type SimulatedExecutorOptions } from "./simulated-executor.testing.ts";

function signature(input = "x", shape: readonly Dimension[] = ["N", 2]): Signature {
  return {
    inputs: [{ name: input, type: { kind: "tensor", dtype: "float32", shape } }],
    outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape } }],
  };
}

function setUp(memoryBudgetBytes: number | null = null) {
  const clock = new FakeClock();
  const changes: string[] = [];
  const onVariantChanged = ({ endpoint, version, state }: VariantStatus): void => {
    changes.push(`${endpoint} ${version} ${state}`);
  };
  const serving = createServing({ clock, hooks: [{ onVariantChanged }], memoryBudgetBytes });
  return { clock, serving, changes };
}

interface SpecOptions extends Partial<SimulatedExecutorOptions> {
  readonly endpoint?: string;
  readonly estimatedBytes?: number;
  readonly load?: DeploymentSpec["load"];
}

function specOf(clock: FakeClock, version: string, options: SpecOptions = {}) {
  const { endpoint = "e", estimatedBytes = 0, load, ...rest } = options;
  const executor = new SimulatedExecutor({ clock, signature: signature(), serviceMs: () => 10, ...rest });
  const spec: DeploymentSpec = {
    deploymentId: `${endpoint}-${version}`,
    endpoint,
    version,
    queue: { maxRequests: 100, maxBytes: 1e6, priorityLevels: 4, agingMs: 100 },
    attachment: `attached ${version}`,
    estimatedBytes,
    load: load ?? (async () => executor),
  };
  return { spec, executor };
}

function contextOf(clock: FakeClock, timeoutMs = 1000): RequestContext {
  const arrivedAt = clock.now();
  return {
    inferenceId: "i",
    tenant: "default",
    principal: null,
    purpose: null,
    priority: 0,
    arrivedAt,
    deadline: arrivedAt + timeoutMs,
    traceparent: null,
  };
}

function submit(clock: FakeClock, variant: Variant, timeoutMs?: number): { outcome: InferenceOutcome | null } {
  const sent: { outcome: InferenceOutcome | null } = { outcome: null };
  const x = { name: "x", dtype: "float32", shape: [1, 2], data: new Float32Array(2) } as const;
  variant.submit({ inputs: [x], outputs: null }, contextOf(clock, timeoutMs), (outcome) => {
    expect(sent.outcome).toBeNull();
    sent.outcome = outcome;
  });
  return sent;
}

async function rejection(promise: Promise<unknown>): Promise<SlipwayError> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  assert(error instanceof SlipwayError, `It did not fail with a coded error but with ${String(error)}.`);
  return error;
}

const codeOf = (task: () => unknown): string => {
  try {
    task();
    return "none";
  } catch (error) {
    return error instanceof SlipwayError ? error.code : String(error);
  }
};
const stateOf = (serving: Serving): string[] =>
  serving.status().map(({ version, state, isLive }) => `${version} ${state}${isLive ? " live" : ""}`);

describe("deploying", () => {
  test("makes an endpoint answer", async () => {
    const { clock, serving, changes } = setUp();
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_FOUND");
    const { spec } = specOf(clock, "1");
    const variant = await serving.deploy(spec);
    expect(variant).toMatchObject({ deploymentId: "e-1", endpoint: "e", version: "1", attachment: "attached 1" });
    expect(serving.route("e", null)).toBe(variant);
    expect(serving.route("e", "1")).toBe(variant);
    expect(codeOf(() => serving.route("e", "2"))).toBe("VERSION_NOT_SERVED");
    expect(stateOf(serving)).toEqual(["1 ready live"]);
    expect(changes).toEqual(["e 1 loading", "e 1 ready"]);
    const sent = submit(clock, variant);
    clock.advance(10);
    expect(sent.outcome?.ok).toBe(true);
  });

  test("a second version switches at once, and the first finishes what it admitted", async () => {
    const { clock, serving, changes } = setUp();
    const first = specOf(clock, "1");
    const second = specOf(clock, "2");
    const old = await serving.deploy(first.spec);
    const admitted = Array.from({ length: 40 }, () => submit(clock, old));
    await serving.deploy(second.spec);
    expect(serving.route("e", null).version).toBe("2");
    expect(codeOf(() => serving.route("e", "1"))).toBe("VERSION_NOT_SERVED");
    expect(stateOf(serving)).toEqual(["2 ready live", "1 draining"]);
    const straggler = submit(clock, old);
    await clock.advanceAsync(200);
    expect(admitted.every(({ outcome }) => outcome?.ok)).toBe(true);
    expect(straggler.outcome?.ok).toBe(true);
    expect(first.executor.status().state).toBe("closed");
    expect(stateOf(serving)).toEqual(["2 ready live"]);
    expect(changes.slice(-4)).toEqual(["e 2 loading", "e 2 ready", "e 1 draining", "e 1 unloaded"]);
    const late = submit(clock, old);
    clock.advance(0);
    expect(late.outcome).toMatchObject({ ok: false, error: { code: "ENDPOINT_NOT_READY", retryAfterMs: 0 } });
  });

  test("what is held between routing and submitting is not lost to a reload", async () => {
    const { clock, serving } = setUp();
    const old = await serving.deploy(specOf(clock, "1").spec);
    const release = old.hold();
    await serving.deploy(specOf(clock, "2").spec);
    await clock.advanceAsync(500);
    const sent = submit(clock, old);
    release();
    await clock.advanceAsync(10);
    expect(sent.outcome?.ok).toBe(true);
    expect(stateOf(serving)).toEqual(["2 ready live"]);
  });

  test("a failure leaves the old one untouched, and is shown", async () => {
    const { clock, serving } = setUp();
    const old = await serving.deploy(specOf(clock, "1").spec);
    const load = async (): Promise<never> => {
      throw new SlipwayError("MODEL_MALFORMED", "Not a model.");
    };
    expect(await rejection(serving.deploy(specOf(clock, "2", { load }).spec))).toMatchObject({
      code: "MODEL_MALFORMED",
    });
    expect(serving.route("e", null)).toBe(old);
    expect(stateOf(serving)).toEqual(["1 ready live", "2 failed"]);
    await serving.deploy(specOf(clock, "3").spec);
    await clock.advanceAsync(0);
    expect(stateOf(serving)).toEqual(["3 ready live"]);
  });

  test("what breaks unexpectedly is INTERNAL, with the cause", async () => {
    const { clock, serving } = setUp();
    const cause = new TypeError("oops");
    const load = async (): Promise<never> => {
      throw cause;
    };
    expect(await rejection(serving.deploy(specOf(clock, "1", { load }).spec))).toMatchObject({
      code: "INTERNAL",
      cause,
    });
  });

  test("a new endpoint that fails leaves no trace, unless it should be there", async () => {
    const { clock, serving } = setUp();
    const load = async (): Promise<never> => {
      throw new SlipwayError("MODEL_MALFORMED", "Not a model.");
    };
    const { spec } = specOf(clock, "1", { load });
    await rejection(serving.deploy(spec));
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_FOUND");
    expect(serving.isReady()).toBe(true);
    await rejection(serving.deploy(spec, { isExpected: true }));
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_READY");
    expect(stateOf(serving)).toEqual(["1 failed"]);
    expect(serving.isReady()).toBe(false);
    await serving.deploy(specOf(clock, "2").spec);
    expect(serving.isReady()).toBe(true);
  });

  test("a signature that would break callers is refused with the differences, unless allowed", async () => {
    const { clock, serving } = setUp();
    await serving.deploy(specOf(clock, "1").spec);
    const next = specOf(clock, "2", { signature: signature("image", ["N", 3]) });
    const error = await rejection(serving.deploy(next.spec));
    expect(error.code).toBe("SIGNATURE_BREAKING");
    expect(error.message).toBe(
      'Version 2 of "e" would break callers of version 1: input "x" is gone; "image" stands in its place; ' +
        'input "image" (float32[N, 3]) is new and required; output "y" had length 2 in axis 1 and has now length 3.',
    );
    expect(error.details?.["differences"]).toHaveLength(3);
    expect(next.executor.status().state).toBe("closed");
    expect(serving.route("e", null).version).toBe("1");
    await serving.deploy(specOf(clock, "2", { signature: signature("image", ["N", 3]) }).spec, { allowBreaking: true });
    expect(serving.route("e", null).version).toBe("2");
  });

  test("a model that no request could feed is refused", async () => {
    const { clock, serving } = setUp();
    const tensor = { kind: "tensor", dtype: "float32", shape: null } as const;
    const inputs = [{ name: "s", type: { kind: "sequence", element: tensor } as const }];
    const { spec, executor } = specOf(clock, "1", { signature: { inputs, outputs: [{ name: "y", type: tensor }] } });
    expect((await rejection(serving.deploy(spec))).code).toBe("MODEL_UNSUPPORTED");
    expect(executor.status().state).toBe("closed");
  });

  test("deployments to one endpoint wait for each other; others do not", async () => {
    const { clock, serving } = setUp();
    const order: string[] = [];
    const slow = (version: string, executor: Executor, delayMs: number) => (): Promise<Executor> => {
      order.push(`${version} begins`);
      return new Promise((resolve) =>
        clock.after(delayMs, () => {
          order.push(`${version} loaded`);
          resolve(executor);
        }),
      );
    };
    const deploy = (version: string, delayMs: number, endpoint = "e"): Promise<Variant> => {
      const { spec, executor } = specOf(clock, version, { endpoint });
      return serving.deploy({ ...spec, load: slow(version, executor, delayMs) });
    };
    const all = [deploy("1", 100), deploy("2", 10), deploy("3", 1, "other")];
    await clock.advanceAsync(200);
    await Promise.all(all);
    expect(order).toEqual(["1 begins", "3 begins", "3 loaded", "1 loaded", "2 begins", "2 loaded"]);
    expect(serving.route("e", null).version).toBe("2");
  });

  test("what is to happen before the switch happens before it, and its failure leaves the old one live", async () => {
    const { clock, serving, changes } = setUp();
    await serving.deploy(specOf(clock, "1").spec);
    const seen: string[] = [];
    const beforeSwitch = async (candidate: Variant): Promise<void> => {
      seen.push(`${candidate.version} over ${serving.route("e", null).version}`);
      await new Promise<void>((resolve) => clock.after(10, resolve));
      if (candidate.version === "2") throw new SlipwayError("DISK_FULL", "No room for the record.");
    };
    const second = specOf(clock, "2");
    const failed = rejection(serving.deploy(second.spec, { beforeSwitch }));
    await clock.advanceAsync(10);
    expect((await failed).code).toBe("DISK_FULL");
    expect(second.executor.status().state).toBe("closed");
    const third = serving.deploy(specOf(clock, "3").spec, { beforeSwitch });
    await clock.advanceAsync(10);
    await third;
    expect(serving.route("e", null).version).toBe("3");
    expect(seen).toEqual(["2 over 1", "3 over 1"]);
    expect(changes).toEqual([
      "e 1 loading",
      "e 1 ready",
      "e 2 loading",
      "e 2 failed",
      "e 3 loading",
      "e 3 ready",
      "e 1 draining",
      "e 1 unloaded",
    ]);
  });

  test("can be given up, also when the model loads all the same", async () => {
    const { clock, serving } = setUp();
    const abort = new AbortController();
    const { spec, executor } = specOf(clock, "1");
    const load = (): Promise<Executor> => new Promise((resolve) => clock.after(100, () => resolve(executor)));
    const deployed = rejection(serving.deploy({ ...spec, load }, { signal: abort.signal }));
    await clock.advanceAsync(50);
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_READY");
    abort.abort();
    await clock.advanceAsync(100);
    expect((await deployed).code).toBe("INTERRUPTED");
    expect(executor.status().state).toBe("closed");
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_FOUND");
  });

  test("given up while it waits for another, it does not begin", async () => {
    const { clock, serving } = setUp();
    const abort = new AbortController();
    const first = serving.deploy(specOf(clock, "1").spec);
    let hasBegun = false;
    const load = async (): Promise<never> => {
      hasBegun = true;
      throw new Error("begun");
    };
    const second = rejection(serving.deploy(specOf(clock, "2", { load }).spec, { signal: abort.signal }));
    abort.abort();
    await first;
    expect((await second).code).toBe("INTERRUPTED");
    expect(hasBegun).toBe(false);
  });
});

describe("the memory budget", () => {
  test("counts what is loaded, loading and draining, and says the numbers", async () => {
    const mib = 2 ** 20;
    const { clock, serving } = setUp(100 * mib);
    await serving.deploy(specOf(clock, "1", { estimatedBytes: 10 * mib, residentBytes: 60 * mib }).spec);
    const error = await rejection(serving.deploy(specOf(clock, "7", { endpoint: "f", estimatedBytes: 50 * mib }).spec));
    expect(error.code).toBe("MEMORY_BUDGET");
    expect(error.message).toBe(
      'Loading "f" version 7 takes about 50 MiB; of the budget of 100 MiB, 40 MiB are left ("e" version 1: 60 MiB).',
    );
    const load = (): Promise<Executor> => new Promise(() => undefined);
    void serving.deploy(specOf(clock, "1", { endpoint: "g", estimatedBytes: 30 * mib, load }).spec);
    await clock.advanceAsync(0);
    const second = await rejection(
      serving.deploy(specOf(clock, "7", { endpoint: "f", estimatedBytes: 20 * mib }).spec),
    );
    expect(second.details).toEqual({ wantedBytes: 20 * mib, takenBytes: 90 * mib, budgetBytes: 100 * mib });
    await serving.deploy(specOf(clock, "7", { endpoint: "f", estimatedBytes: 10 * mib }).spec);
  });
});

describe("unloading", () => {
  test("drains, then forgets the endpoint", async () => {
    const { clock, serving } = setUp();
    const { spec, executor } = specOf(clock, "1");
    const variant = await serving.deploy(spec);
    const sent = submit(clock, variant);
    let isUnloaded = false;
    const unloading = serving.unload("e").then(() => (isUnloaded = true));
    await clock.advanceAsync(5);
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_READY");
    expect(isUnloaded).toBe(false);
    await clock.advanceAsync(5);
    await unloading;
    expect(sent.outcome?.ok).toBe(true);
    expect(executor.status().state).toBe("closed");
    expect(codeOf(() => serving.route("e", null))).toBe("ENDPOINT_NOT_FOUND");
    expect(serving.status()).toEqual([]);
    expect((await rejection(serving.unload("e"))).code).toBe("ENDPOINT_NOT_FOUND");
  });

  test("comes after the deployment asked for before it", async () => {
    const { clock, serving } = setUp();
    const deploying = serving.deploy(specOf(clock, "1").spec);
    const unloading = serving.unload("e");
    await deploying;
    await unloading;
    expect(serving.status()).toEqual([]);
  });
});

test("unloading is recorded in its turn, after a deployment still loading; a refusal leaves what is live", async () => {
  const { clock, serving } = setUp();
  const gate = Promise.withResolvers<Executor>();
  const recorded: string[] = [];
  const { spec, executor } = specOf(clock, "1", { load: () => gate.promise });
  const deployed = serving.deploy(spec, { beforeSwitch: async () => void recorded.push("live") });
  const unloaded = serving.unload("e", { beforeUnload: async () => void recorded.push("unloaded") });
  await clock.advanceAsync(1);
  expect(recorded).toEqual([]);
  gate.resolve(executor);
  await deployed;
  await unloaded;
  expect(recorded).toEqual(["live", "unloaded"]);
  expect(serving.status()).toEqual([]);
  await serving.deploy(specOf(clock, "2").spec);
  const beforeUnload = () => Promise.reject(new SlipwayError("DISK_FULL", "The disk is full."));
  expect((await rejection(serving.unload("e", { beforeUnload }))).code).toBe("DISK_FULL");
  expect(serving.route("e", null).version).toBe("2");
});

test("unloading an endpoint that should answer and does not ends the wait for it", async () => {
  const { clock, serving } = setUp();
  const load = async (): Promise<never> => {
    throw new SlipwayError("MODEL_LOAD_FAILED", "Broken.");
  };
  await rejection(serving.deploy(specOf(clock, "1", { load }).spec, { isExpected: true }));
  expect(serving.isReady()).toBe(false);
  await serving.unload("e");
  expect(serving.isReady()).toBe(true);
  expect(serving.status()).toEqual([]);
});

describe("readiness", () => {
  test("tells of recovery and quarantine, until released", async () => {
    const { clock, serving, changes } = setUp();
    const batching = { mode: "off", maxRows: 1, reason: null, padAxis: null } as const;
    const { spec, executor } = specOf(clock, "1", { batching, kills: () => executor.runs < 3, maxDeaths: 2 });
    const variant = await serving.deploy(spec);
    submit(clock, variant);
    clock.advance(10);
    expect(serving.isReady()).toBe(false);
    expect(serving.status()[0]).toMatchObject({ state: "not-ready", reason: "simulated: recovering" });
    clock.advance(50);
    expect(serving.isReady()).toBe(true);
    submit(clock, variant);
    clock.advance(10);
    expect(serving.status()[0]).toMatchObject({ state: "not-ready", reason: "simulated: quarantined" });
    await serving.release("e");
    expect(serving.isReady()).toBe(true);
    expect(changes.slice(-2)).toEqual(["e 1 not-ready", "e 1 ready"]);
    expect((await rejection(serving.release("nobody"))).code).toBe("ENDPOINT_NOT_FOUND");
  });
});

describe("closing", () => {
  test("lets what is in flight finish and takes nothing new", async () => {
    const { clock, serving } = setUp();
    const { spec, executor } = specOf(clock, "1");
    const variant = await serving.deploy(spec);
    const sent = submit(clock, variant);
    const closed = serving.close(1000);
    expect(serving.close(5)).toBe(closed);
    expect(codeOf(() => serving.route("e", null))).toBe("SHUTTING_DOWN");
    expect((await rejection(serving.deploy(spec))).code).toBe("SHUTTING_DOWN");
    expect(serving.isReady()).toBe(false);
    await clock.advanceAsync(1);
    const late = submit(clock, variant);
    await clock.advanceAsync(9);
    await closed;
    expect(sent.outcome?.ok).toBe(true);
    expect(late.outcome).toMatchObject({ ok: false, error: { code: "SHUTTING_DOWN" } });
    expect(executor.status().state).toBe("closed");
  });

  test("ends what takes longer than it has, and what is held", async () => {
    const { clock, serving } = setUp();
    const { spec, executor } = specOf(clock, "1", { serviceMs: () => 5000 });
    const variant = await serving.deploy(spec);
    variant.hold();
    const sent = submit(clock, variant, 60_000);
    const closed = serving.close(100);
    await clock.advanceAsync(99);
    expect(sent.outcome).toBeNull();
    await clock.advanceAsync(1);
    await closed;
    expect(sent.outcome).toMatchObject({ ok: false, error: { code: "SHUTTING_DOWN" } });
    expect(executor.status().state).toBe("closed");
  });

  test("gives up what is loading", async () => {
    const { clock, serving } = setUp();
    const { spec } = specOf(clock, "1");
    const load = (signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const deployed = rejection(serving.deploy({ ...spec, load }));
    await clock.advanceAsync(1);
    await serving.close(1000);
    expect((await deployed).code).toBe("SHUTTING_DOWN");
  });

  test("does not wait for a load that will not give up, and ends what it brings", async () => {
    const { clock, serving } = setUp();
    const { spec, executor } = specOf(clock, "1");
    const load = (): Promise<Executor> => new Promise((resolve) => clock.after(5000, () => resolve(executor)));
    const deployed = rejection(serving.deploy({ ...spec, load }));
    await clock.advanceAsync(1);
    let isClosed = false;
    const closed = serving.close(100).then(() => (isClosed = true));
    await clock.advanceAsync(100);
    expect(isClosed).toBe(true);
    await closed;
    await clock.advanceAsync(5000);
    expect((await deployed).code).toBe("SHUTTING_DOWN");
    expect(executor.status().state).toBe("closed");
  });

  test("ends what only goes live after it", async () => {
    const { clock, serving } = setUp();
    const old = specOf(clock, "1");
    await serving.deploy(old.spec);
    const { spec, executor } = specOf(clock, "2");
    const beforeSwitch = (): Promise<void> => new Promise((resolve) => clock.after(5000, resolve));
    const deploying = serving.deploy(spec, { beforeSwitch });
    await clock.advanceAsync(1);
    const closed = serving.close(100);
    await clock.advanceAsync(100);
    await closed;
    expect(old.executor.status().state).toBe("closed");
    await clock.advanceAsync(5000);
    const late = submit(clock, await deploying);
    await clock.advanceAsync(1);
    expect(late.outcome).toMatchObject({ ok: false, error: { code: "SHUTTING_DOWN" } });
    expect(executor.status().state).toBe("closed");
  });

  test("with nothing deployed is over at once", async () => {
    const { serving } = setUp();
    await serving.close(1000);
  });
});
