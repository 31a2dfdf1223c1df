import { deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MemoryListener, MirrorExecutor, startMemoryListener } from "./memory-listener.testing.ts";
import { fetchChecked } from "./open-inference.testing.ts";

let listener: MemoryListener;
beforeAll(async () => {
  listener = await startMemoryListener({ maxBodyBytes: 64 * 1024 });
});
afterAll(() => listener.close());

const TINY = '{"id":"r1","inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- the answers' shapes are what the tests look at
  readonly json: any;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetchChecked(listener.address + path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === "" ? null : JSON.parse(text) };
}

function infer(
  body: NonNullable<RequestInit["body"]>,
  headers: Record<string, string> = {},
  model = "mirror",
): Promise<Answer> {
  return ask(`/v2/models/${model}/infer`, { method: "POST", body, headers });
}

describe("under overload", () => {
  it("refuses without reading what is asked, unless that may say how urgent it is", async () => {
    const full = new MirrorExecutor(listener.mirror.signature);
    await listener.serving.deploy({
      deploymentId: "full-1",
      endpoint: "full",
      version: "1",
      queue: { maxRequests: 1, maxBytes: 2 ** 20, priorityLevels: 4, agingMs: 500 },
      attachment: null,
      estimatedBytes: 0,
      load: async () => full,
    });
    full.isHolding = true;
    const admitted = Array.from({ length: full.credits + 1 }, () => infer(TINY, {}, "full"));
    await expect.poll(() => listener.serving.route("full", null).isCrowded).toBe(true);
    const codeOf = async (asked: Promise<Answer>) => (await asked).json.code;
    const priority = '{"parameters":{"priority":1},';
    expect(await codeOf(infer("no JSON at all", {}, "full"))).toBe("QUEUE_FULL");
    expect(await codeOf(infer(priority, {}, "full"))).toBe("REQUEST_MALFORMED");
    expect(await codeOf(infer('{"p\\u0061rameters":', {}, "full"))).toBe("REQUEST_MALFORMED");
    const binary = { "inference-header-content-length": String(priority.length) };
    expect(await codeOf(infer(`${priority}\\`, binary, "full"))).toBe("REQUEST_MALFORMED");
    expect(await codeOf(infer('[]"priority"', { "inference-header-content-length": "2" }, "full"))).toBe("QUEUE_FULL");
    const late = { "slipway-timeout-ms": "never" };
    expect(await codeOf(infer(TINY, late, "full"))).toBe("PARAMETER_INVALID");
    full.letGo();
    expect(new Set((await Promise.all(admitted)).map(({ status }) => status))).toEqual(new Set([200]));
    await listener.serving.unload("full");
  });
});

describe("infer", () => {
  it("answers tensors with names, version and ids", async () => {
    const { status, headers, json } = await infer(TINY);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(json).toEqual({
      id: "r1",
      model_name: "mirror",
      model_version: "7",
      parameters: { inference_id: headers.get("slipway-inference-id") },
      outputs: [{ name: "y", shape: [1, 4], datatype: "FP32", data: [1, 2, 3, 4] }],
    });
  });

  it("gives each inference another id, and sends a client's own back", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => infer(TINY, { "x-request-id": "mine-1" })));
    expect(new Set(answers.map(({ headers }) => headers.get("slipway-inference-id"))).size).toBe(3);
    expect(answers[0]!.headers.get("x-request-id")).toBe("mine-1");
  });

  it("takes a version in the path, and refuses one that is not served", async () => {
    expect((await ask("/v2/models/mirror/versions/7/infer", { method: "POST", body: TINY })).status).toBe(200);
    const { status, json } = await ask("/v2/models/mirror/versions/8/infer", { method: "POST", body: TINY });
    expect([status, json.code]).toEqual([404, "VERSION_NOT_SERVED"]);
  });

  it("takes and answers binary tensors", async () => {
    const head = JSON.stringify({
      inputs: [{ name: "x", shape: [2], datatype: "FP16", parameters: { binary_data_size: 4 } }],
      parameters: { binary_data_output: true },
    });
    const body = Buffer.concat([Buffer.from(head), Buffer.of(0, 0x3c, 0, 0xc0)]);
    const response = await fetchChecked(`${listener.address}/v2/models/halves/infer`, {
      method: "POST",
      body,
      headers: { "Inference-Header-Content-Length": String(head.length) },
    });
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get("inference-header-content-length"));
    expect(JSON.parse(bytes.toString("utf8", 0, length)).outputs).toEqual([
      { name: "y", shape: [2], datatype: "FP16", parameters: { binary_data_size: 4 } },
    ]);
    expect([...bytes.subarray(length)]).toEqual([0, 0x3c, 0, 0xc0]);
  });

  it("takes a raw binary request", async () => {
    const response = await fetchChecked(`${listener.address}/v2/models/mirror/infer`, {
      method: "POST",
      body: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
      headers: { "Inference-Header-Content-Length": "0" },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(-16)).toEqual(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
  });

  it("answers classes by their labels", async () => {
    const outputs = [{ name: "y", parameters: { classification: 2 } }];
    const { json } = await infer(JSON.stringify({ ...JSON.parse(TINY), outputs }));
    expect(json.outputs).toEqual([{ name: "y", shape: [1, 2], datatype: "BYTES", data: ["4:3", "3:2"] }]);
  });

  it("takes a body of many chunks", async () => {
    const data = Array.from({ length: 4000 }, (_, i) => i);
    const { json } = await infer(JSON.stringify({ inputs: [{ name: "x", shape: [1000, 4], datatype: "FP32", data }] }));
    expect(json.outputs[0].data).toEqual(data);
  });

  it.each<[string, string, Record<string, string>, number, string]>([
    ["no JSON", "hello", {}, 400, "REQUEST_MALFORMED"],
    ["an empty body", "", {}, 400, "REQUEST_MALFORMED"],
    ["an unknown input", TINY.replace('"x"', '"z"'), {}, 400, "INPUT_UNKNOWN"],
    ["a missing input", '{"inputs":[]}', {}, 400, "INPUT_MISSING"],
    ["a wrong datatype", TINY.replace("FP32", "INT32"), {}, 400, "INPUT_DTYPE_MISMATCH"],
    ["a wrong shape", TINY.replace("[1,4]", "[4,1]"), {}, 400, "INPUT_SHAPE_MISMATCH"],
    ["a negative axis", TINY.replace("[1,4]", "[-1,4]"), {}, 400, "INPUT_SHAPE_MISMATCH"],
    ["an overflowing product", TINY.replace("[1,4]", "[4294967296,4294967296]"), {}, 400, "INPUT_SHAPE_MISMATCH"],
    ["too little data", TINY.replace("1,2,3,4", "1,2"), {}, 400, "INPUT_DATA_MISMATCH"],
    ["an unknown output", TINY.replace('"id":"r1"', '"outputs":[{"name":"q"}]'), {}, 400, "OUTPUT_UNKNOWN"],
    ["deep JSON", `{"a":${"[".repeat(20_000)}`, {}, 400, "REQUEST_MALFORMED"],
    ["a timeout that is no number", TINY, { "slipway-timeout-ms": "soon" }, 400, "PARAMETER_INVALID"],
    ["a purpose with spaces", TINY, { "slipway-purpose": "a b" }, 400, "PARAMETER_INVALID"],
    ["a broken header length", TINY, { "inference-header-content-length": "-1" }, 400, "REQUEST_MALFORMED"],
    ["a header length past the body", TINY, { "inference-header-content-length": "999" }, 400, "REQUEST_MALFORMED"],
    ["an unknown coding", TINY, { "content-encoding": "br" }, 415, "CONTENT_ENCODING_UNSUPPORTED"],
    ["a coding that is not true", TINY, { "content-encoding": "gzip" }, 400, "REQUEST_MALFORMED"],
    [
      "a priority there is not",
      TINY.replace('"id":"r1"', '"parameters":{"priority":99}'),
      {},
      400,
      "PARAMETER_INVALID",
    ],
    ["a timeout below 0", TINY.replace('"id":"r1"', '"parameters":{"timeout":-1}'), {}, 400, "PARAMETER_INVALID"],
    ["a body over the limit", " ".repeat(70_000), {}, 413, "REQUEST_TOO_LARGE"],
  ])("refuses %s", async (_, body, headers, status, code) => {
    const answer = await infer(body, headers);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.json.error).toMatch(/\.$/);
    expect(answer.json.inference_id).toBe(answer.headers.get("slipway-inference-id"));
  });

  it("refuses FP16 as JSON before anything runs", async () => {
    const head = '{"inputs":[{"name":"x","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}]}';
    const answer = await infer(head + "ab", { "inference-header-content-length": String(head.length) }, "halves");
    expect([answer.status, answer.json.code]).toEqual([400, "PARAMETER_INVALID"]);
  });

  it("answers 504 once the deadline passed, by parameter and by header", async () => {
    listener.mirror.isHolding = true;
    const byParameter = infer(TINY.replace('"id":"r1"', '"parameters":{"timeout":20000}'));
    const byHeader = infer(TINY, { "slipway-timeout-ms": "20" });
    for (const { status, json } of await Promise.all([byParameter, byHeader])) {
      expect([status, json.code]).toEqual([504, "DEADLINE_EXCEEDED"]);
    }
    listener.mirror.letGo();
  });

  it("cancels the work of a client that goes away", async () => {
    listener.mirror.isHolding = true;
    const before = listener.mirror.cancelled;
    const controller = new AbortController();
    const request = fetch(`${listener.address}/v2/models/mirror/infer`, {
      method: "POST",
      body: TINY,
      signal: controller.signal,
    });
    await expect.poll(() => listener.mirror.held).toBe(1);
    controller.abort();
    await expect(request).rejects.toThrow();
    await expect.poll(() => listener.mirror.cancelled).toBe(before + 1);
    await expect.poll(() => listener.server.inFlight()).toBe(0);
    listener.mirror.letGo();
  });
});

describe("compressed bodies", () => {
  it.each([
    ["gzip", gzipSync(TINY)],
    ["x-gzip", gzipSync(TINY)],
    ["deflate", deflateSync(TINY)],
    ["deflate", deflateRawSync(TINY)],
    ["identity", Buffer.from(TINY)],
  ])("takes %s", async (coding, body) => {
    const { status, json } = await infer(body, { "content-encoding": coding });
    expect([status, json.outputs[0].data]).toEqual([200, [1, 2, 3, 4]]);
  });

  it("stops a bomb at the body limit", async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 2 ** 20));
    expect(bomb.length).toBeLessThan(64 * 1024);
    const { status, json } = await infer(bomb, { "content-encoding": "gzip" });
    expect([status, json.code]).toEqual([413, "REQUEST_TOO_LARGE"]);
  });

  it("refuses a body that is cut", async () => {
    const { status } = await infer(gzipSync(TINY).subarray(0, 20), { "content-encoding": "gzip" });
    expect(status).toBe(400);
  });

  it("compresses a large answer for a client that takes it, and leaves others alone", async () => {
    const data = Array.from({ length: 8000 }, () => 0);
    const body = JSON.stringify({ inputs: [{ name: "x", shape: [2000, 4], datatype: "FP32", data }] });
    const url = `${listener.address}/v2/models/mirror/infer`;
    const plain = await fetchChecked(url, { method: "POST", body, headers: { "accept-encoding": "identity" } });
    expect(plain.headers.get("content-encoding")).toBeNull();
    const packed = await fetchChecked(url, {
      method: "POST",
      body,
      headers: { "accept-encoding": "gzip;q=0.5, deflate;q=0.1" },
    });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(Number(packed.headers.get("content-length"))).toBeLessThan(1000);
    expect((await packed.json()).outputs[0].data).toEqual(data);
    expect((await infer(TINY, { "accept-encoding": "gzip" })).headers.get("content-encoding")).toBeNull();
  });

  it("takes a compressed binary request, whose lengths are of what was compressed", async () => {
    const head = '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","parameters":{"binary_data_size":16}}]}';
    const body = gzipSync(Buffer.concat([Buffer.from(head), Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)]));
    expect(gunzipSync(body)).toHaveLength(head.length + 16);
    const headers = { "content-encoding": "gzip", "inference-header-content-length": String(head.length) };
    expect((await infer(body, headers)).json.outputs[0].data).toEqual([1, 2, 3, 4]);
  });
});

describe("predict", () => {
  const predict = (body: NonNullable<RequestInit["body"]>, type: string) =>
    ask("/v2/models/mirror/predict", { method: "POST", body, headers: { "content-type": type } });

  it("takes an image", async () => {
    const { status, json, headers } = await predict(Uint8Array.of(1, 2, 3), "image/png");
    expect(status).toBe(200);
    expect(json).toEqual({
      model_name: "mirror",
      model_version: "7",
      inference_id: headers.get("slipway-inference-id"),
      predictions: [{ bytes: [1, 2, 3] }],
    });
  });

  it("takes instances, images among them", async () => {
    const { json } = await predict('{"instances":[{"b64":"AQI="},{"a":1},[1,2],"s"]}', "application/json");
    expect(json.predictions).toEqual([{ bytes: [1, 2] }, { value: { a: 1 } }, { value: [1, 2] }, { value: "s" }]);
  });

  it.each<[string, string, string, string]>([
    ["no instances", "{}", "application/json", "REQUEST_MALFORMED"],
    ["instances that are no list", '{"instances":{}}', "application/json", "REQUEST_MALFORMED"],
    ["an empty list", '{"instances":[]}', "application/json", "RECORD_INVALID"],
    ["an empty image", "", "image/jpeg", "RECORD_INVALID"],
    ["broken base64", '{"instances":[{"b64":"%%%%"}]}', "application/json", "RECORD_INVALID"],
    ["unpadded base64", '{"instances":[{"b64":"AQI"}]}', "application/json", "RECORD_INVALID"],
    ["no JSON", "{", "application/json", "REQUEST_MALFORMED"],
    ["what the version's processing refuses", '{"instances":["bad"]}', "application/json", "RECORD_INVALID"],
  ])("refuses %s", async (_, body, type, code) => {
    const { status, json } = await predict(body, type);
    expect([status, json.code]).toEqual([400, code]);
  });

  it.each([
    ["PNG", "\x89PNG\r\n\x1a\n"],
    ["JPEG", "\xff\xd8\xff\xe0"],
    ["WebP", "RIFF\0\0\0\0WEBP"],
  ])("tells that a %s sent as curl sends any body needs its type", async (_, start) => {
    const { status, json } = await predict(Buffer.from(start, "latin1"), "application/x-www-form-urlencoded");
    expect([status, json.code]).toEqual([400, "REQUEST_MALFORMED"]);
    expect(json.error).toContain("say image/png, image/jpeg or image/webp");
  });
});

describe("describing routes", () => {
  it.each<[string, object]>([
    ["/v2", { name: "slipway", version: "1.2.3", extensions: expect.arrayContaining(["binary_tensor_data"]) }],
    ["/v2/", expect.objectContaining({ name: "slipway" })],
    ["/v2/health/live", { live: true }],
    ["/v2/health/ready", { ready: true }],
    ["/v2/models", { models: ["halves", "mirror", "texts"] }],
    ["/v2/models/mirror/ready", { name: "mirror", ready: true }],
    ["/v2/models/mirror/versions/7/ready", { name: "mirror", ready: true }],
    [
      "/v2/models/mirror",
      {
        name: "mirror",
        versions: ["7"],
        platform: "onnxruntime_onnx",
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [-1, 4] }],
      },
    ],
    ["/v2/models/mirror/config", expect.objectContaining({ name: "mirror", max_batch_size: 0 })],
    ["/v2/models/mirror/stats", { model_stats: [] }],
    ["/v2/models/mirror/versions/7/stats?x=1", { model_stats: [] }],
    ["/v2/models/stats", { model_stats: [] }],
  ])("answers %s", async (path, json) => {
    expect(await ask(path)).toMatchObject({ status: 200, json });
  });

  it("answers the repository index, whole or only what is ready", async () => {
    const index = (body?: string) => ask("/v2/repository/index", { method: "POST", body: body ?? null });
    expect((await index()).json).toEqual([{ name: "mirror", version: "7", state: "READY" }, { name: "asleep" }]);
    expect((await index('{"ready":true}')).json).toHaveLength(1);
    expect((await index('{"ready":"yes"}')).json.code).toBe("REQUEST_MALFORMED");
  });

  it.each<[string, string, number, string]>([
    ["GET", "/", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2//", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/health/dead", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/models/mirror/explain", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/models/mirror/__proto__", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/models/mirror/versions/one", 404, "ROUTE_NOT_FOUND"],
    ["GET", "/v2/models/nobody", 404, "ENDPOINT_NOT_FOUND"],
    ["GET", "/v2/models/nobody/ready", 404, "ENDPOINT_NOT_FOUND"],
    ["GET", "/v2/models/mirror/versions/8/ready", 404, "VERSION_NOT_SERVED"],
    ["GET", "/v2/models/nobody/stats", 404, "ENDPOINT_NOT_FOUND"],
    ["GET", "/v2/models/..%2f..%2fetc", 404, "ENDPOINT_NOT_FOUND"],
    ["GET", "/v2/models/%zz", 400, "REQUEST_MALFORMED"],
    ["GET", "/v2/models/mirror/infer", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v2/health/live", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v2/repository/models/mirror/load", 403, "CONTROL_REFUSED"],
    ["POST", "/v2/repository/default/models/mirror/unload", 403, "CONTROL_REFUSED"],
    ["GET", "/v2/systemsharedmemory/status", 501, "EXTENSION_UNSUPPORTED"],
    ["POST", "/v2/cudasharedmemory/region/r/register", 501, "EXTENSION_UNSUPPORTED"],
    ["GET", "/v2/trace/setting", 501, "EXTENSION_UNSUPPORTED"],
    ["POST", "/v2/models/mirror/trace/setting", 501, "EXTENSION_UNSUPPORTED"],
    ["GET", "/v2/logging", 501, "EXTENSION_UNSUPPORTED"],
    ["POST", "/v2/models/mirror/generate", 501, "EXTENSION_UNSUPPORTED"],
  ])("refuses %s %s with %i", async (method, path, status, code) => {
    const answer = await ask(path, { method });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    if (status === 405) expect(answer.headers.get("allow")).toMatch(method === "GET" ? /POST/ : /GET/);
  });

  it("answers HEAD as GET without a body", async () => {
    const response = await fetchChecked(`${listener.address}/v2/health/live`, { method: "HEAD" });
    expect([response.status, response.headers.get("content-length")]).toEqual([200, "13"]);
  });

  it("tells of every answer, by route and code", async () => {
    listener.answers.length = 0;
    await infer(TINY);
    await infer("{");
    await ask("/nowhere");
    expect(listener.answers).toEqual([
      { route: "infer", status: 200, code: null },
      { route: "infer", status: 400, code: "REQUEST_MALFORMED" },
      { route: "none", status: 404, code: "ROUTE_NOT_FOUND" },
    ]);
  });
});

describe("failures of our own", () => {
  it("answers 500 without telling more, and logs", async () => {
    const broken = await startMemoryListener(
      {},
      {
        statistics: () => {
          throw new Error("secret");
        },
      },
    );
    const response = await fetchChecked(`${broken.address}/v2/models/stats`);
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, "INTERNAL"]);
    expect(text).not.toContain("secret");
    expect(broken.logged).toEqual(["a request failed"]);
    await broken.close();
  });

  it("answers 500 where predictions can't be written, and logs", async () => {
    const broken = await startMemoryListener(
      {},
      {
        records: {
          predict(_, __, ___, done) {
            setImmediate(() => done({ ok: true, predictions: [1n] }));
            return () => {};
          },
        },
      },
    );
    const response = await fetchChecked(`${broken.address}/v2/models/mirror/predict`, {
      method: "POST",
      body: '{"instances":[1]}',
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([500, "INTERNAL"]);
    expect(broken.logged).toEqual(["a request failed"]);
    await broken.close();
  });

  it("says which port is taken", async () => {
    await expect(startMemoryListener({ port: listener.port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});
