// The counters reconcile: whatever happens to requests, admitted = answered + failed, and every answer of the listener
// is counted once by route and code.
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchChecked } from "../server/src/api/inference/open-inference.testing.ts";
import type { RunningServer } from "../server/src/cli/index.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";

let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = temporaryDirectory();
  server = await startPlatform(directory);
  await importModel(server, "scale", scaleModel(2));
  await server.client.deploy({ params: { endpoint: "scale" }, body: {} });
});
afterAll(async () => {
  await server.stop(1000);
  removeDirectory(directory);
});

/** Samples by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const text = await (await fetch(new URL("/metrics", server.consoleAddress))).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

function sumOf(samples: ReadonlyMap<string, number>, metric: string): number {
  let sum = 0;
  for (const [key, value] of samples) if (key === metric || key.startsWith(`${metric}{`)) sum += value;
  return sum;
}

test("good, wrong, late and abandoned requests all add up", async () => {
  const good = Array.from({ length: 40 }, (_, i) => infer(server.inferenceAddress, "scale", [i, i], [1, 2]));
  const wrong = Array.from({ length: 7 }, () => infer(server.inferenceAddress, "scale", [1, 2, 3], [1, 3]));
  const unknown = Array.from({ length: 5 }, () => infer(server.inferenceAddress, "nothing", [1], [1, 1]));
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] });
  const url = `${server.inferenceAddress}/v2/models/scale/infer`;
  const late = Array.from({ length: 10 }, () =>
    fetch(url, { method: "POST", body, headers: { "slipway-timeout-ms": "0.001" } }).then(
      async (answer) => await answer.text(),
    ),
  );
  const abandoned = Array.from({ length: 10 }, async () => {
    const controller = new AbortController();
    const asking = fetch(url, { method: "POST", body, signal: controller.signal }).then(
      async (answer) => await answer.text(),
      () => "gone",
    );
    setTimeout(() => controller.abort(), Math.random() * 5);
    return await asking.catch(() => "gone");
  });
  const statuses = await Promise.all([...good, ...wrong, ...unknown].map(async (answer) => (await answer).status));
  await Promise.all([...late, ...abandoned]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(40);
  expect(statuses.filter((status) => status === 400)).toHaveLength(7);
  expect(statuses.filter((status) => status === 404)).toHaveLength(5);

  await expect.poll(async () => sumOf(await scrape(), "slipway_requests_in_flight")).toBe(0);
  const samples = await scrape();
  const admitted = sumOf(samples, "slipway_requests_admitted_total");
  const answered = sumOf(samples, "slipway_requests_answered_total");
  const failed = sumOf(samples, "slipway_requests_failed_total");
  expect(answered).toBeGreaterThanOrEqual(40);
  expect(admitted).toBe(answered + failed);
  expect(samples.get('slipway_requests_refused_total{endpoint="scale",version="1",code="INPUT_SHAPE_MISMATCH"}')).toBe(
    7,
  );
  expect(samples.get('slipway_stage_seconds_count{endpoint="scale",version="1",stage="total"}')).toBe(answered);
  expect(samples.get('slipway_rows_total{endpoint="scale",version="1"}')).toBe(answered);
  const byCode = (code: string) =>
    [...samples]
      .filter(([key]) => key.startsWith("slipway_http_answers_total{") && key.includes(`code="${code}"`))
      .reduce((sum, [, value]) => sum + value, 0);
  expect(byCode("ENDPOINT_NOT_FOUND")).toBe(5);
  expect(byCode("INPUT_SHAPE_MISMATCH")).toBe(7);
  expect(byCode("OK")).toBeGreaterThanOrEqual(40);
});

test("the protocol's statistics say the same", async () => {
  const samples = await scrape();
  const answer = await fetchChecked(`${server.inferenceAddress}/v2/models/scale/stats`);
  const { model_stats } = (await answer.json()) as {
    model_stats: {
      inference_count: number;
      execution_count: number;
      inference_stats: { success: { count: number } };
    }[];
  };
  expect(model_stats[0]!.inference_stats.success.count).toBe(sumOf(samples, "slipway_requests_answered_total"));
  expect(model_stats[0]!.inference_count).toBe(sumOf(samples, "slipway_rows_total"));
  expect(model_stats[0]!.execution_count).toBe(sumOf(samples, "slipway_batches_total"));
});

test("Triton's control routes load and unload on the administration listener alone", async () => {
  const admin = new URL(server.consoleAddress);
  const authorization = `Bearer ${admin.searchParams.get("token")}`;
  const control = (action: string, body: string | Uint8Array<ArrayBuffer> = "{}", type = "application/json") =>
    fetch(`${admin.origin}/v2/repository/models/scale/${action}`, {
      method: "POST",
      headers: { authorization, ...(type === "" ? {} : { "content-type": type }) },
      body,
    });
  expect(
    (await fetchChecked(`${server.inferenceAddress}/v2/repository/models/scale/unload`, { method: "POST" })).status,
  ).toBe(403);
  expect((await control("unload")).status).toBe(200);
  expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).status).toBe(404);
  expect((await control("load")).status).toBe(200);
  expect((await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).status).toBe(200);
  const planted = await control("load", JSON.stringify({ parameters: { config: "{}", "file:1/model.onnx": "" } }));
  expect([planted.status, ((await planted.json()) as { code: string }).code]).toEqual([400, "PARAMETER_INVALID"]);
  // Triton's clients say nothing of the body's type, or that it is bytes; a configuration must not be lost over that.
  for (const type of ["", "application/octet-stream", "text/plain"]) {
    const configured = await control("load", Buffer.from('{"parameters":{"config":"{}"}}'), type);
    expect([configured.status, ((await configured.json()) as { code: string }).code]).toEqual([
      400,
      "PARAMETER_INVALID",
    ]);
    expect((await control("load", Buffer.from("{"), type)).status).toBe(400);
    expect((await control("load", Buffer.alloc(0), type)).status).toBe(200);
  }
  expect((await control("explode")).status).toBe(404);
});
