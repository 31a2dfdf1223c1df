// Requests of every malformed kind against a whole platform, on both its listeners: each is refused by status and code,
// tells nothing it should not, and leaves the endpoints answering and the counters right.
import { readFileSync } from "node:fs";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openInferenceProblems } from "../server/src/api/inference/open-inference.testing.ts";
import type { RunningServer } from "../server/src/cli/index.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";
import { type BadRequest, BINARIES, BODIES, COMPRESSED, HEADS, IMAGES, INSTANCES } from "./support/bad-requests.ts";
import { expectNothingLeaked } from "./support/leaks.ts";
import { exchangeRaw, type HttpRequest, type RawExchange, requestBytes } from "./support/raw-http.ts";

const DIGITS = path.resolve(import.meta.dirname, "../examples/digits");

let directory: string;
let server: RunningServer;
/** Of the administration listener. */
let admin: URL;

beforeAll(async () => {
  directory = temporaryDirectory();
  server = await startPlatform(path.join(directory, "data"), {
    "--max-body-bytes": "4MiB",
    "--headers-timeout-ms": "300",
    "--request-timeout-ms": "600",
  });
  admin = new URL(server.consoleAddress);
  const text = graphBuilder();
  text.output("y", text.op("Identity", [text.input("x", "string", ["N"])]), "string", ["N"]);
  await importModel(server, "scale", scaleModel(3));
  await importModel(server, "text", text.model());
  await importModel(
    server,
    "digits",
    readFileSync(path.join(DIGITS, "model.onnx")),
    JSON.parse(readFileSync(path.join(DIGITS, "processing.json"), "utf8")),
  );
  await Promise.all(
    ["scale", "text", "digits"].map((endpoint) => server.client.deploy({ params: { endpoint }, body: {} })),
  );
});
afterAll(async () => {
  await server.stop(0);
  removeDirectory(directory);
});
afterEach(async () => {
  expect(await infer(server.inferenceAddress, "scale", [1, 2], [1, 2])).toMatchObject({
    status: 200,
    body: { outputs: [{ data: [3, 6] }] },
  });
});

/** Status and code of each answer, after looking that nothing is told and every error has its form. */
function outlined({ text, answers }: RawExchange): string[] {
  expectNothingLeaked(text, "an answer");
  return answers.map(({ status, headers, body }) => {
    if (status < 300) return String(status);
    expect(headers["content-type"]).toMatch(/^application\/json/);
    const { error, code } = JSON.parse(body) as { error: string; code: string };
    expect(error.length).toBeGreaterThan(10);
    return `${status} ${code}`;
  });
}

async function ask(bytes: Uint8Array, count = 1): Promise<string[]> {
  const exchange = await exchangeRaw(server.inferenceAddress, bytes, { answers: count });
  for (const { status, headers, body } of exchange.answers) {
    if (status === 200) continue; // its form depends on the route, which is not known for bytes that need not be HTTP
    const answer = { method: "POST", target: "/v2", status, headers, body: Buffer.from(body, "latin1") };
    expect(openInferenceProblems(answer)).toEqual([]);
  }
  return outlined(exchange);
}

describe.each([
  ["bodies", BODIES],
  ["binary tensors", BINARIES],
  ["compressed bodies", COMPRESSED],
  ["heads and targets", HEADS],
  ["images", IMAGES],
  ["instances", INSTANCES],
] as readonly (readonly [string, Readonly<Record<string, BadRequest>>])[])("%s that can't be", (_kind, cases) => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const { bytes, answers } = cases[name]!;
    expect(await ask(bytes, answers.length)).toEqual(answers);
  });
});

describe("odd requests that are right", () => {
  const sound = JSON.stringify({ inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] });
  test.each<[string, Uint8Array]>([
    ["HTTP/1.0 without a Host", Buffer.from("GET /v2 HTTP/1.0\r\n\r\n")],
    ["a target in absolute form", requestBytes("http://elsewhere.example/v2", { method: "GET" })],
    [
      "an upgrade that is left alone",
      Buffer.from("GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ],
    [
      "a broken traceparent",
      requestBytes("/v2/models/scale/infer", { body: sound, headers: { traceparent: "garbage" } }),
    ],
    [
      "a request id of 5000 characters",
      requestBytes("/v2/models/scale/infer", { body: sound, headers: { "x-request-id": "a".repeat(5000) } }),
    ],
    [
      "keys of an object's prototype",
      requestBytes("/v2/models/scale/infer", {
        body: sound.replace("{", '{"__proto__":{"inputs":[]},"constructor":{"prototype":{}},'),
      }),
    ],
    [
      "a shape in other notation",
      requestBytes("/v2/models/scale/infer", { body: sound.replace("[1,2]", "[1e0,2.0]") }),
    ],
    [
      "no rows",
      requestBytes("/v2/models/scale/infer", {
        body: sound.replace("[1,2]", "[0,2]").replace('"data":[1,2]', '"data":[]'),
      }),
    ],
    [
      "NaN and infinities",
      requestBytes("/v2/models/scale/infer", { body: sound.replace('"data":[1,2]', '"data":[NaN,-Infinity]') }),
    ],
  ])("%s", async (_name, bytes) => {
    expect(await ask(bytes)).toEqual(["200"]);
  });
});

describe("clients that are slow or leave", () => {
  test("a head that drips is answered 408 and cut", async () => {
    const exchange = await exchangeRaw(server.inferenceAddress, ["GET /v2 HT", "TP/1.1\r\nHo", "st: a"], {
      pauseMs: 250,
    });
    expect(outlined(exchange)).toEqual(["408 REQUEST_TIMEOUT"]);
  });

  test("a body that drips is answered 408 and cut", async () => {
    const head = requestBytes("/v2/models/scale/infer", { headers: { "content-length": "500" } });
    const exchange = await exchangeRaw(server.inferenceAddress, [head, "{", " ", " ", " "], { pauseMs: 250 });
    expect(outlined(exchange)).toEqual(["408 REQUEST_TIMEOUT"]);
  });

  test("a chunk that never comes is answered 408", async () => {
    const head = "POST /v2/models/scale/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF0\r\nabc";
    expect(await ask(Buffer.from(head))).toEqual(["408 REQUEST_TIMEOUT"]);
  });

  test("bodies cut anywhere end their connection and nothing else", async () => {
    const whole = requestBytes("/v2/models/scale/infer", {
      body: '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}',
    });
    const cuts = Array.from({ length: 20 }, (_, index) => Math.floor(((index + 0.5) / 20) * whole.length));
    for (const exchange of await Promise.all(
      cuts.map((cut) => exchangeRaw(server.inferenceAddress, whole.subarray(0, cut), { isCut: true })),
    )) {
      expect(exchange.isClosed).toBe(true);
      for (const outline of outlined(exchange)) expect(outline).toBe("400 REQUEST_MALFORMED");
    }
  });
});

test("pictures far larger than their files are refused before they fill the memory", async () => {
  const bomb = await sharp({ create: { width: 8000, height: 7000, channels: 3, background: "white" } })
    .png()
    .toBuffer();
  const png = readFileSync(path.join(DIGITS, "seven.png"));
  for (const body of [bomb, png.subarray(0, 60), png.subarray(8)]) {
    const bytes = requestBytes("/v2/models/digits/predict", { body, headers: { "content-type": "image/png" } });
    expect(await ask(bytes)).toEqual(["400 RECORD_INVALID"]);
  }
  const bytes = requestBytes("/v2/models/digits/predict", { body: png, headers: { "content-type": "image/png" } });
  expect(await ask(bytes)).toEqual(["200"]);
});

test("after all of it the counters reconcile and nothing is in flight", async () => {
  const text = await (await fetch(`${admin.origin}/metrics`)).text();
  expectNothingLeaked(text, "the metrics");
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  expect(sum("slipway_requests_in_flight") + sum("slipway_requests_queued")).toBe(0);
  expect(sum("slipway_requests_admitted_total")).toBe(
    sum("slipway_requests_answered_total") + sum("slipway_requests_failed_total"),
  );
  expect(sum("slipway_requests_answered_total")).toBeGreaterThan(100);
});

describe("the administration listener", () => {
  const HASH = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // of "hello"
  const MALFORMED = "400 REQUEST_MALFORMED";
  const form = { name: "m", files: [{ path: "model.onnx", hash: HASH }] };
  const own = (
    method: string,
    target: string,
    body: string | Uint8Array = "",
    headers: HttpRequest["headers"] = {},
  ) => ({ method, target, body, headers });
  const json = (target: string, value: unknown) =>
    own("POST", target, typeof value === "string" ? value : JSON.stringify(value));

  const cases: Readonly<Record<string, readonly [ReturnType<typeof own>, string]>> = {
    "a foreign Host": [own("GET", "/api/status", "", { host: "elsewhere" }), "403 ORIGIN_REFUSED"],
    "a page of another origin": [own("GET", "/api/status", "", { origin: "http://elsewhere" }), "403 ORIGIN_REFUSED"],
    "another token": [own("GET", "/api/status", "", { authorization: "Bearer x" }), "401 UNAUTHENTICATED"],
    "an empty token": [own("GET", "/api/status", "", { authorization: "Bearer " }), "401 UNAUTHENTICATED"],
    "no such route": [own("GET", "/api/nope"), "404 ROUTE_NOT_FOUND"],
    "a path upwards": [own("GET", "/api/../../etc/passwd"), "404 ROUTE_NOT_FOUND"],
    "a broken escape": [own("GET", "/api/endpoints/%ZZ"), MALFORMED],
    "an endpoint outside": [own("GET", "/api/endpoints/..%2f..%2fx"), "404 ENDPOINT_NOT_FOUND"],
    "the endpoint __proto__": [own("GET", "/api/endpoints/__proto__"), "404 ENDPOINT_NOT_FOUND"],
    "version 1e308": [own("GET", "/api/versions/scale/1e308"), MALFORMED],
    "a version there is not": [own("GET", "/api/versions/scale/1000000000000000"), "404 VERSION_NOT_FOUND"],
    "a hash that is none": [own("GET", "/api/blobs/zz"), MALFORMED],
    "bytes of another hash": [
      own("PUT", `/api/blobs/${HASH}`, "hellp", { "content-type": "application/octet-stream" }),
      MALFORMED,
    ],
    "bytes said to be JSON": [
      own("PUT", `/api/blobs/${HASH}`, '"hello"', { "content-type": "application/json" }),
      MALFORMED,
    ],
    "bytes said to be text": [own("PUT", `/api/blobs/${HASH}`, "hello", { "content-type": "text/plain" }), MALFORMED],
    "no bytes": [own("PUT", `/api/blobs/${HASH}`), MALFORMED],
    "nothing to import": [json("/api/versions", ""), MALFORMED],
    "an import that is null": [json("/api/versions", "null"), MALFORMED],
    "an import that is no JSON": [json("/api/versions", "{"), MALFORMED],
    "an import 100 000 deep": [json("/api/versions", "[".repeat(1e5)), MALFORMED],
    "an import with a prototype": [json("/api/versions", `{"__proto__":{"a":1},"name":"m","files":[]}`), MALFORMED],
    "an import with an unknown key": [json("/api/versions", { ...form, nmae: "m" }), MALFORMED],
    "an import of more than fits": [json("/api/versions", { ...form, note: "n".repeat(5e6) }), "413 REQUEST_TOO_LARGE"],
    "an import under a path": [json("/api/versions", { ...form, name: "../m" }), "400 NAME_INVALID"],
    "an import of a path": [
      json("/api/versions", { ...form, main: "../m", files: [{ path: "../m", hash: HASH }] }),
      "404 BLOB_NOT_FOUND|400 MODEL_UNSAFE",
    ],
    "an import of what is not stored": [json("/api/versions", form), "404 BLOB_NOT_FOUND"],
    "a deployment of nothing": [json("/api/endpoints/m/deploy", {}), "404 MODEL_NOT_FOUND"],
    "a deployment outside": [json("/api/endpoints/..%2fm/deploy", { name: "scale" }), "400 NAME_INVALID"],
    "a deployment to __proto__": [json("/api/endpoints/__proto__/deploy", { name: "scale" }), "400 NAME_INVALID"],
    "settings there are not": [
      json("/api/endpoints/m/deploy", { name: "scale", settings: { runtime: { intances: 2 } } }),
      MALFORMED,
    ],
    "a billion instances": [
      json("/api/endpoints/m/deploy", { name: "scale", settings: { runtime: { instances: 1e9 } } }),
      MALFORMED,
    ],
    "a setting that writes files": [
      json("/api/endpoints/m/deploy", {
        name: "scale",
        settings: { runtime: { sessionConfig: { "session.optimized_model_filepath": "/tmp/x" } } },
      }),
      "400 CONFIG_INVALID",
    ],
    "a provider there is not": [
      json("/api/endpoints/m/deploy", { name: "scale", settings: { runtime: { executionProviders: ["abacus"] } } }),
      "400 CONFIG_INVALID",
    ],
    "a rollback to nothing": [json("/api/endpoints/scale/rollback", {}), "409 ROLLBACK_IMPOSSIBLE"],
    "an unload of nothing": [json("/api/endpoints/nope/unload", {}), "404 ENDPOINT_NOT_FOUND"],
    "a release of nothing": [json("/api/endpoints/nope/release", {}), "404 ENDPOINT_NOT_FOUND"],
    "a billion decisions": [own("GET", "/api/decisions?limit=1e9"), MALFORMED],
    "a question twice": [own("GET", "/api/decisions?limit=5&limit=6"), MALFORMED],
    "a yes that is a text": [json("/api/gc", { isDryRun: "yes" }), MALFORMED],
    "another method": [own("TRACE", "/api/status"), "404 ROUTE_NOT_FOUND"],
    "records that are none": [json("/api/endpoints/scale/predict", "{"), MALFORMED],
    "records that do not fit": [json("/api/endpoints/scale/predict", { instances: [[1]] }), "400 RECORD_INVALID"],
    "records over the limit": [
      own("POST", "/api/endpoints/scale/predict", Buffer.alloc(5e6), { "content-type": "image/png" }),
      "413 REQUEST_TOO_LARGE",
    ],
    "a head over the limit": [own("GET", "/api/status", "", { x: "a".repeat(1e5) }), "431 REQUEST_TOO_LARGE"],
  };

  test.each(Object.keys(cases))("refuses %s", async (name) => {
    const [{ method, target, body, headers }, expected] = cases[name]!;
    const type = method === "POST" ? { "content-type": "application/json" } : {};
    const all = { host: admin.host, authorization: `Bearer ${admin.searchParams.get("token")}`, ...type, ...headers };
    const [outline] = outlined(await exchangeRaw(admin.origin, requestBytes(target, { method, body, headers: all })));
    expect(expected.split("|")).toContain(outline);
  });

  test.each([
    ["garbage", "garbage\r\n\r\n"],
    [
      "both lengths",
      "POST /api/gc HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("refuses %s in the same form", async (_name, bytes) => {
    expect(outlined(await exchangeRaw(admin.origin, bytes))).toEqual([MALFORMED]);
  });

  test("keeps nothing of uploads that are cut short", async () => {
    const headers = {
      host: admin.host,
      authorization: `Bearer ${admin.searchParams.get("token")}`,
      "content-type": "application/octet-stream",
      "content-length": "100000",
    };
    for (const sent of ["", "a", "a".repeat(50_000)]) {
      const head = requestBytes(`/api/blobs/${"1".repeat(64)}`, { method: "PUT", headers });
      await exchangeRaw(admin.origin, [head, sent], { isCut: true });
    }
    expect(await server.client.hasBlob({ params: { hash: "1".repeat(64) } })).toMatchObject({ isStored: false });
    expect((await server.client.collectGarbage({ body: { isDryRun: true } })).items).toEqual([]);
  });
});
