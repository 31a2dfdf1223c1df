import { FakeClock, SlipwayError } from "@slipway/core/base";
import { expect, test } from "vitest";
import type { InferenceOutcome, RequestContext, Variant, VariantStatus } from "#serve";
import { AnswerBook } from "./answers.ts";
import { LiveWindow } from "./live.ts";
import { metricsText } from "./metrics.ts";
import { TrafficBook } from "./traffic.ts";

const context = { arrivedAt: 0 } as RequestContext;
const run = { queueNs: 0, inputNs: 0, inferNs: 1e6, outputNs: 0, batchRows: 1, batchRequests: 1 };
const answered: InferenceOutcome = { ok: true, outputs: [], times: { queueMs: 0, run } };
const FACTS = { version: "1", backend: "none", node: "v24", residentBytes: 0 };

function variant(endpoint: string, version: string): Variant {
  return { deploymentId: `${endpoint}-${version}-${Math.random()}`, endpoint, version } as Variant;
}

function status(endpoint: string, version: string, change: Partial<VariantStatus>): VariantStatus {
  return {
    deploymentId: "any",
    endpoint,
    version,
    state: "ready",
    reason: null,
    isLive: true,
    queuedRequests: 0,
    queuedBytes: 0,
    inFlight: 0,
    executor: null,
    ...change,
  };
}

function answer(book: TrafficBook, asked: Variant): void {
  book.hooks.onAdmitted!(asked, context);
  book.hooks.onEnded!(asked, context, answered, 2);
}

/** Samples by name and labels; fails where one is there twice, which scrapers refuse. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
    const [, sample, value] = /^(.*) (\S+)$/.exec(line)!;
    expect(found.has(sample!), sample).toBe(false);
    found.set(sample!, Number(value));
  }
  return found;
}

test("a version that is loaded again goes on counting, one sample for both of its deployments", () => {
  const book = new TrafficBook(() => 1);
  answer(book, variant("e", "1"));
  answer(book, variant("e", "1"));
  book.hooks.onRefused!(variant("e", "1"), context, new SlipwayError("QUEUE_FULL", "Full."));
  answer(book, variant("e", "2"));
  const runner = { id: 0, pid: 1, state: "ready" as const, residentBytes: 100, startedAtMs: 0, runs: 0, inFlight: 0 };
  const executor = { runners: [runner], deathsByCause: { crash: 2 } } as unknown as VariantStatus["executor"];
  const both = [
    status("e", "1", { executor, queuedRequests: 1 }),
    status("e", "1", { executor, queuedRequests: 4, state: "draining", isLive: false }),
  ];
  const found = samples(metricsText(book, new AnswerBook(), both, FACTS));
  const of = (name: string, more = "") => found.get(`${name}{endpoint="e",version="1"${more}}`);
  expect(of("slipway_requests_answered_total")).toBe(2);
  expect(of("slipway_requests_refused_total", ',code="QUEUE_FULL"')).toBe(1);
  expect(of("slipway_requests_queued")).toBe(5);
  expect(of("slipway_runner_resident_bytes", ',runner="0"')).toBe(200);
  expect(of("slipway_runner_deaths_total", ',cause="crash"')).toBe(4);
  expect(of("slipway_endpoint_ready")).toBe(1);
  expect(found.get('slipway_requests_answered_total{endpoint="e",version="2"}')).toBe(1);
});

test("what was idle longest is forgotten once there are too many versions", () => {
  let now = 0;
  const book = new TrafficBook(() => now);
  for (let version = 1; version <= 1000; version++) {
    now++;
    answer(book, variant("e", String(version)));
    answer(book, variant("busy", "1"));
  }
  const kept = [...book.all()];
  expect(kept.length).toBe(256);
  expect(book.get("busy", "1")!.answered).toBe(1000);
  expect(book.get("e", "1000")!.answered).toBe(1);
  expect(book.get("e", "1")).toBeUndefined();
});

test("the live window shows one row for a version, also while its deployment is replaced, and no negative rates", () => {
  const clock = new FakeClock();
  const book = new TrafficBook(() => clock.wall());
  let loaded = [status("e", "1", { inFlight: 1 })];
  const live = new LiveWindow({ clock, book, status: () => loaded, keepSeconds: 3 });
  for (let i = 0; i < 10; i++) answer(book, variant("e", "1"));
  clock.advance(1000);
  loaded = [status("e", "1", { inFlight: 1 }), status("e", "1", { inFlight: 2, state: "draining", isLive: false })];
  for (let i = 0; i < 5; i++) answer(book, variant("e", "1"));
  clock.advance(1000);
  // So many others that the book forgets and begins anew.
  for (let other = 0; other < 300; other++) answer(book, variant("other", String(other)));
  expect(book.get("e", "1")).toBeUndefined();
  answer(book, variant("e", "1"));
  clock.advance(1000);
  const rows = live.last(3).map(({ endpoints }) => endpoints);
  expect(rows.map((row) => row.length)).toEqual([1, 1, 1]);
  expect(rows.map(([row]) => [row!.requestsPerSecond, row!.inFlight])).toEqual([
    [10, 1],
    [5, 3],
    [1, 3],
  ]);
  clock.advance(5000);
  expect(live.last(100).length).toBe(3);
  live.close();
});
