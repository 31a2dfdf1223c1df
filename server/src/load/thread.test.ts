import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoadPlan, LoadThread } from "./index.ts";

const server = http.createServer((_, response) => response.end("answer"));
const request = Buffer.from("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
let plan: LoadPlan;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const mode = { kind: "closed", concurrency: 4 } as const;
  plan = { url: `http://127.0.0.1:${port}/`, mode, seed: 1, warmUpMs: 20, durationMs: 100 };
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test("carries orders out on another thread, one after the other", async () => {
  const thread = new LoadThread();
  for (let round = 0; round < 2; round++) {
    const { report, busyShare } = await thread.run({ plan, request, timeoutMs: 1000 });
    expect(report.answered).toBeGreaterThan(0);
    expect(report).toMatchObject({ plan, failures: {} });
    expect(busyShare).toBeGreaterThan(0);
    expect(busyShare).toBeLessThanOrEqual(1);
  }
  await thread.close();
});

test("says that nobody answers, and takes the next order", async () => {
  const thread = new LoadThread();
  const nowhere = { ...plan, url: "http://127.0.0.1:9/" };
  await expect(thread.run({ plan: nowhere, request, timeoutMs: 1000 })).rejects.toMatchObject({
    code: "SERVER_UNREACHABLE",
  });
  expect((await thread.run({ plan, request, timeoutMs: 1000 })).report.answered).toBeGreaterThan(0);
  await thread.close();
});

test("closing gives up what is under way, and everything after", async () => {
  const thread = new LoadThread();
  const interrupted = { code: "INTERRUPTED" };
  const endless = expect(
    thread.run({ plan: { ...plan, durationMs: 3_600_000 }, request, timeoutMs: 1000 }),
  ).rejects.toMatchObject(interrupted);
  await thread.close();
  await endless;
  await expect(thread.run({ plan, request, timeoutMs: 1000 })).rejects.toMatchObject(interrupted);
});
