// The generator against real servers whose delays are known. Bounds are wide: machines that test are busy.
import http from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { constantArrivals, poissonArrivals, seededRandom } from "./arrivals.ts";
import { type LoadMode, type LoadOptions, runLoad } from "./generator.ts";

const REQUEST = Buffer.from("POST /x HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}");
const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    if (server instanceof http.Server) server.closeAllConnections();
    server.close();
  }
});

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function load(port: number, mode: LoadMode, options: Partial<LoadOptions> = {}) {
  return runLoad({
    target: { host: "127.0.0.1", port, isTls: false },
    request: REQUEST,
    mode,
    warmUpMs: 0,
    durationMs: 1000,
    timeoutMs: 5000,
    now: () => performance.now(),
    ...options,
  });
}
const open = (ratePerSecond: number, connections = 16): LoadMode => ({
  kind: "open",
  arrivals: constantArrivals(ratePerSecond),
  connections,
});

/** Answers after a delay; `delayMs` is asked for each request with the time since the first one. */
function delayed(delayMs: (elapsedMs: number) => number): { server: http.Server; count: () => number } {
  let first: number | null = null;
  let count = 0;
  const server = http.createServer((request, response) => {
    first ??= performance.now();
    count++;
    request.resume();
    setTimeout(() => response.end("ok"), delayMs(performance.now() - first));
  });
  return { server, count: () => count };
}

describe("open loop", () => {
  test("sends what is due and answers are counted once", async () => {
    const { server, count } = delayed(() => 0);
    const result = await load(await listen(server), open(200));
    expect(result.offered).toBe(200);
    expect(result.answered).toBe(200);
    expect(result.failures).toEqual({});
    expect(count()).toBe(200);
    expect(result.latency.count).toBe(200);
  });

  test("Poisson arrivals are offered at their rate", async () => {
    const { server } = delayed(() => 0);
    const mode: LoadMode = { kind: "open", arrivals: poissonArrivals(300, seededRandom(3)), connections: 16 };
    const result = await load(await listen(server), mode);
    // Poisson with mean 300: a standard deviation of 17; six of them.
    expect(Math.abs(result.offered - 300)).toBeLessThan(104);
    expect(result.answered).toBe(result.offered);
  });

  test("the warm-up is sent but not counted", async () => {
    const { server, count } = delayed(() => 0);
    const result = await load(await listen(server), open(100), { warmUpMs: 500, durationMs: 500 });
    expect(result.offered).toBe(50);
    expect(count()).toBe(100);
  });

  test("a delay shows up in full", async () => {
    const { server } = delayed(() => 50);
    const { latency } = await load(await listen(server), open(100));
    expect(latency.quantile(0.5)!).toBeGreaterThanOrEqual(49);
  });

  test("a server that stalls is charged for every request that was due meanwhile (no coordinated omission)", async () => {
    // Whatever arrives in the first 600 of 1000 ms waits until those are over. With 8 connections a client that waits
    // for its answers would send 8 requests in that time and report a p90 of next to nothing.
    const { server } = delayed((elapsedMs) => Math.max(0, 600 - elapsedMs));
    const result = await load(await listen(server), open(200, 8));
    expect(result.answered).toBe(200);
    // Of 200 requests due over 1000 ms, those due in the first 300 ms waited more than 300 ms: 30 % of all.
    expect(result.latency.quantile(0.75)!).toBeGreaterThan(250);
    expect(result.latency.quantile(0.9)!).toBeGreaterThan(400);
    // What a closed loop would have claimed: nearly all of them took no time.
    expect(result.service!.p90Ms).toBeLessThan(result.latency.quantile(0.9)!);
  });

  test("a server that does not keep up is seen in the goodput", async () => {
    const { server } = delayed(() => 100);
    // Two connections at 100 ms each answer at most 20 a second.
    const result = await load(await listen(server), open(100, 2), { durationMs: 400 });
    expect((result.answered * 1000) / result.measuredMs).toBeLessThan(25);
    expect(result.latency.quantile(0.99)!).toBeGreaterThan(1000);
  });
});

describe("closed loop", () => {
  test("each client waits for its answer", async () => {
    const { server } = delayed(() => 50);
    const result = await load(await listen(server), { kind: "closed", concurrency: 4 });
    // 4 clients, at most 20 requests each in a second, and the first ones.
    expect(result.answered).toBeLessThanOrEqual(84);
    expect(result.answered).toBeGreaterThan(8);
    expect(result.offered).toBe(result.answered);
    expect(result.lag).toBeNull();
  });
});

describe("failures", () => {
  test("are counted by status and code, and are no latencies", async () => {
    let index = 0;
    const server = http.createServer((request, response) => {
      request.resume();
      const isRefused = index++ % 2 === 0;
      response.statusCode = isRefused ? 503 : 200;
      response.end(isRefused ? '{"error":"full","code":"QUEUE_FULL"}' : "ok");
    });
    const result = await load(await listen(server), open(100));
    expect(result.failures).toEqual({ "503 QUEUE_FULL": 50 });
    expect([result.answered, result.latency.count]).toEqual([50, 50]);
  });

  test("a connection that is closed instead of an answer", async () => {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.destroy());
    });
    const result = await load(await listen(server), open(50));
    expect(result.answered).toBe(0);
    expect(Object.values(result.failures).reduce((sum, times) => sum + times, 0)).toBe(50);
  });

  test("an answer that never comes ends with its time limit", async () => {
    const server = net.createServer((socket) => socket.on("error", () => {}));
    const result = await load(await listen(server), open(20, 2), { durationMs: 500, timeoutMs: 300 });
    expect(result.answered).toBe(0);
    expect(result.failures["timeout"]).toBeGreaterThan(0);
    expect(Object.values(result.failures).reduce((sum, times) => sum + times, 0)).toBe(result.offered);
  });

  test("a server that closes after every answer is used all the same", async () => {
    const server = http.createServer((request, response) => {
      request.resume();
      response.setHeader("connection", "close");
      response.end("ok");
    });
    const result = await load(await listen(server), open(100, 4));
    expect([result.answered, result.failures]).toEqual([100, {}]);
  });

  test("nobody there is an error at once", async () => {
    const server = net.createServer();
    const port = await listen(server);
    server.close();
    await expect(load(port, open(10))).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

test("an interrupt ends it with the figures up to then", async () => {
  const { server } = delayed(() => 0);
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 300);
  const result = await load(await listen(server), open(100), { durationMs: 60_000, signal: interrupt.signal });
  expect(result.wasInterrupted).toBe(true);
  expect(result.answered).toBeGreaterThan(0);
  expect(result.answered).toBe(result.offered);
});
