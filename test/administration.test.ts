// The administration listener over the whole platform: who may talk to it, what its operations do, and what survives.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../server/src/cli/index.ts";
import { OPERATIONS } from "../server/src/api/admin/operations.ts";
import { ROUTES } from "../server/src/api/admin/routes.ts";
import { createClient } from "../server/src/api/client.ts";
import { loadConfiguration } from "../server/src/config/index.ts";
import { createPlatform } from "../server/src/platform.ts";
import { importModel, infer, removeDirectory, scaleModel, startPlatform, temporaryDirectory } from "./platform.ts";

let directory: string;
let server: RunningServer;
let admin: URL;
let token: string;

beforeAll(async () => {
  directory = temporaryDirectory();
  server = await startPlatform(directory);
  admin = new URL(server.consoleAddress);
  token = admin.searchParams.get("token")!;
});
afterAll(async () => {
  await server.stop(1000);
  removeDirectory(directory);
});

/** fetch can't set Host or Origin; node:http can. */
function call(
  path: string,
  headers: Readonly<Record<string, string>>,
  method = "GET",
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: admin.hostname, port: admin.port, path, method, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("who may talk to it", () => {
  const bearer = () => ({ authorization: `Bearer ${token}` });
  test("the token's holder, and nobody without it", async () => {
    expect((await call("/api/status", bearer())).status).toBe(200);
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: `Bearer ${token}x` },
      { cookie: `slipway-${admin.port}=no` },
    ]) {
      const answer = await call("/api/status", headers);
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "UNAUTHENTICATED" });
    }
  });
  test("the printed address sets a cookie, forgets the token, and the cookie opens the API", async () => {
    const answer = await call(`/?token=${token}`, {});
    expect(answer.status).toBe(303);
    expect(answer.headers["location"]).toBe("/");
    const [cookie] = answer.headers["set-cookie"] as string[];
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await call("/api/status", { cookie: cookie!.split(";")[0]! })).status).toBe(200);
  });
  test("a page of another site is refused, by Origin, by Sec-Fetch-Site and by Host", async () => {
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" },
      { host: "evil.example" },
      { origin: "http://6.6.6.6:8010" },
      { origin: `http://localhost:${admin.port}` },
      { host: `127.0.0.1.evil.example:${admin.port}` },
    ]) {
      const answer = await call("/api/status", { ...bearer(), ...(headers as Record<string, string>) });
      expect([answer.status, JSON.parse(answer.text).code], JSON.stringify(headers)).toEqual([403, "ORIGIN_REFUSED"]);
    }
    expect(
      (await call("/api/status", { ...bearer(), origin: admin.origin, "sec-fetch-site": "same-origin" })).status,
    ).toBe(200);
  });
  test("through a tunnel it is reached by another port", async () => {
    const tunnelled = {
      ...bearer(),
      host: "localhost:9999",
      origin: "http://localhost:9999",
      "sec-fetch-site": "same-origin",
    };
    expect((await call("/api/status", tunnelled)).status).toBe(200);
  });
  test("health and metrics answer scrapers", async () => {
    expect((await call("/health/live", {})).status).toBe(200);
    expect((await call("/metrics", {})).text).toContain("slipway_build_info");
  });
});

describe("the table of operations", () => {
  test("is what the client's routes are", () => {
    expect(ROUTES).toEqual(
      Object.fromEntries(
        Object.entries(OPERATIONS).map(([name, { method, path, response }]) => [
          name,
          response === "file" ? [method, path, "file"] : [method, path],
        ]),
      ),
    );
  });
  test("makes an OpenAPI 3.1 document with every operation and no dangling reference", async () => {
    const document = JSON.parse((await call("/api/openapi.json", {})).text) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(ids.toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!);
    for (const reference of references) {
      const target = reference
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });
  test("checks its inputs, naming the field and the value", async () => {
    const client = createClient({ address: admin.origin, token });
    await expect(client.getLive({ query: { seconds: 0 } })).rejects.toMatchObject({
      status: 400,
      code: "REQUEST_MALFORMED",
      message: expect.stringContaining("seconds"),
    });
    await expect(client.deploy({ params: { endpoint: "x" }, body: { number: 1.5 } })).rejects.toThrow(/number.*1\.5/);
    await expect(client.getEndpoint({ params: { endpoint: "nope" } })).rejects.toMatchObject({
      status: 404,
      code: "ENDPOINT_NOT_FOUND",
    });
    await expect(client.deploy({ params: { endpoint: "nope" }, body: {} })).rejects.toMatchObject({
      status: 404,
      code: "MODEL_NOT_FOUND",
    });
  });
  test("refuses bytes that do not have the hash they are sent under", async () => {
    const client = createClient({ address: admin.origin, token });
    const hash = "0".repeat(64);
    await expect(client.putBlob({ params: { hash }, body: Buffer.from("other") })).rejects.toMatchObject({
      status: 400,
    });
    expect(await client.hasBlob({ params: { hash } })).toEqual({ hash, isStored: false });
  });
});

describe("a version's life", () => {
  const answerOf = async (data: number[]) =>
    (await infer(server.inferenceAddress, "scale", data, [1, data.length])).body;

  test("an upload cut off leaves nothing and is no fault of the server; JSON is bounded, uploads are not", async () => {
    const other = temporaryDirectory();
    const lines: string[] = [];
    const flags = { "--data-dir": other, "--port": "0", "--admin-port": "0", "--log-level": "warn" };
    const platform = createPlatform({
      environment: {},
      logTo: { write: (line) => lines.push(line), isTerminal: false },
    });
    const logged = await platform.start(loadConfiguration({ flags }), new AbortController().signal);
    const { hostname: host, port, origin, searchParams } = new URL(logged.consoleAddress);
    const headers = { authorization: `Bearer ${searchParams.get("token")}` };
    const incoming = () => readdirSync(path.join(other, "blobs/incoming")).length;
    const upload = request({ host, port, path: `/api/blobs/${"0".repeat(64)}`, method: "PUT", headers });
    upload.on("error", () => {});
    upload.write(Buffer.alloc(1000));
    await expect.poll(incoming).toBe(1);
    upload.destroy();
    await expect.poll(incoming).toBe(0);
    const send = async (route: string, method: string, type: string, body: Uint8Array<ArrayBuffer>) => {
      const answer = await fetch(origin + route, { method, body, headers: { ...headers, "content-type": type } });
      return [answer.status, ((await answer.json()) as { code?: string }).code];
    };
    const large = new Uint8Array(5 * 2 ** 20).fill(0x20);
    expect(await send("/api/versions", "POST", "application/json", large)).toEqual([413, "REQUEST_TOO_LARGE"]);
    expect(await send("/nothing", "POST", "application/json", large)).toEqual([413, "REQUEST_TOO_LARGE"]);
    const hash = createHash("sha256").update(large).digest("hex");
    expect(await send(`/api/blobs/${hash}`, "PUT", "application/octet-stream", large)).toEqual([200, undefined]);
    await logged.stop(0);
    expect(lines).toEqual([]);
    removeDirectory(other);
  });

  test("imported, deployed, replaced, rolled back, unloaded; every step recorded", async () => {
    const { client } = server;
    expect(await importModel(server, "scale", scaleModel(2))).toBe(1);
    expect(await importModel(server, "scale", scaleModel(3))).toBe(2);
    expect(await importModel(server, "scale", scaleModel(2))).toBe(1);

    await client.deploy({ params: { endpoint: "scale" }, body: { number: 1 } });
    expect(await answerOf([1, 2])).toMatchObject({ model_version: "1", outputs: [{ data: [2, 4] }] });
    const second = await client.deploy({ params: { endpoint: "scale" }, body: {} });
    expect(second).toMatchObject({ replaced: { number: 1 }, deployment: { number: 2, state: "ready", isLive: true } });
    expect(await answerOf([1, 2])).toMatchObject({ model_version: "2", outputs: [{ data: [3, 6] }] });
    await client.rollback({ params: { endpoint: "scale" }, body: { reason: "worse" } });
    expect(await answerOf([1, 2])).toMatchObject({ model_version: "1", outputs: [{ data: [2, 4] }] });
    await client.unload({ params: { endpoint: "scale" }, body: {} });
    expect(await answerOf([1, 2])).toMatchObject({ code: "ENDPOINT_NOT_FOUND" });

    const decisions = await client.listDecisions({ query: { subject: "scale" } });
    expect(decisions.map(({ kind }) => kind)).toEqual([
      "unloaded",
      "rolled-back",
      "deployed",
      "deployed",
      "imported",
      "imported",
    ]);
    expect(decisions[1]!.text).toContain("(worse)");
  });

  test("a signature that would break callers is refused with its differences, unless told otherwise", async () => {
    const { client } = server;
    await client.deploy({ params: { endpoint: "scale" }, body: { number: 1 } });
    const wider = await importModel(server, "scale", scaleModel(4, 3));
    const deploying = client.deploy({ params: { endpoint: "scale" }, body: { number: wider } });
    await expect(deploying).rejects.toMatchObject({
      code: "SIGNATURE_BREAKING",
      message: expect.stringContaining("x"),
    });
    expect(await answerOf([1, 2])).toMatchObject({ model_version: "1" });
    await client.deploy({ params: { endpoint: "scale" }, body: { number: wider, allowBreaking: true } });
    expect(await answerOf([1, 2, 3])).toMatchObject({ outputs: [{ data: [4, 8, 12] }] });
  });

  test("processing that does not suit the model is refused at import, naming the step", async () => {
    const importing = importModel(server, "scale", scaleModel(9), {
      schemaVersion: 1,
      before: [{ step: "decode-image", channels: "rgb" }],
    });
    await expect(importing).rejects.toMatchObject({ code: "PROCESSING_INVALID" });
    const listed = await server.client.listVersions({ query: { name: "scale" } });
    expect(listed.map(({ processing }) => processing)).toEqual(listed.map(() => null));
  });

  test("a version without the labels callers are answered is refused, unless told otherwise", async () => {
    const { client } = server;
    const labels = { schemaVersion: 1, after: [{ step: "labels", labels: ["cat", "dog"] }] };
    await importModel(server, "pets", scaleModel(2), labels);
    await client.deploy({ params: { endpoint: "pets" }, body: {} });
    const bare = await importModel(server, "pets", scaleModel(3));
    const deploying = client.deploy({ params: { endpoint: "pets" }, body: { number: bare } });
    await expect(deploying).rejects.toMatchObject({
      code: "SIGNATURE_BREAKING",
      message: expect.stringContaining("no longer answers labels") as string,
    });
    expect((await infer(server.inferenceAddress, "pets", [1, 2], [1, 2])).body).toMatchObject({ model_version: "1" });
    const done = await client.deploy({ params: { endpoint: "pets" }, body: { number: bare, allowBreaking: true } });
    expect(done.replaced).toMatchObject({ number: 1 });
    await client.rollback({ params: { endpoint: "pets" }, body: {} });
  });

  test("a model that can't be loaded leaves what was live, and says why", async () => {
    const { client } = server;
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N", 3]);
    g.output("y", g.op("NoSuchOperator", [x]), "float32", ["N", 3]);
    const number = await importModel(server, "scale", g.model());
    await expect(client.deploy({ params: { endpoint: "scale" }, body: { number } })).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_/),
    });
    expect(await answerOf([1, 2, 3])).toMatchObject({ outputs: [{ data: [4, 8, 12] }] });
  });

  test("what was live is back after a restart, and a second server on the directory is refused by name", async () => {
    await expect(startPlatform(directory)).rejects.toMatchObject({
      code: "DATA_DIRECTORY_LOCKED",
      message: expect.stringContaining(String(process.pid)),
    });
    await server.stop(1000);
    server = await startPlatform(directory);
    admin = new URL(server.consoleAddress);
    token = admin.searchParams.get("token")!;
    expect(await answerOf([1, 2, 3])).toMatchObject({ outputs: [{ data: [4, 8, 12] }] });
    expect((await server.client.getStatus()).isReady).toBe(true);
  });

  test("a start that is given up while models load leaves the directory free, and loses nothing", async () => {
    const other = temporaryDirectory();
    const first = await startPlatform(other);
    await importModel(first, "scale", scaleModel(2));
    await first.client.deploy({ params: { endpoint: "scale" }, body: {} });
    await first.stop(1000);
    for (const delayMs of [0, 1, 40]) {
      const interrupt = new AbortController();
      setTimeout(() => interrupt.abort(), delayMs);
      await expect(startPlatform(other, {}, interrupt.signal)).rejects.toThrow(/abort/i);
    }
    const again = await startPlatform(other);
    const { endpoints } = await again.client.getStatus();
    expect(endpoints.map(({ name, state }) => [name, state])).toEqual([["scale", "ready"]]);
    await again.stop(0);
    removeDirectory(other);
  });

  test("the configuration shows its sources, and garbage collection keeps what is referred to", async () => {
    const { keys } = await server.client.getConfig();
    expect(keys.find(({ key }) => key === "server.port")).toMatchObject({ value: 0, source: "flag --port" });
    const garbage = await server.client.collectGarbage({ body: { isDryRun: true } });
    expect(garbage.items).toEqual([]);
  });

  test("a taken port and a public address are refused by code", async () => {
    const other = temporaryDirectory();
    const { port } = new URL(server.inferenceAddress);
    await expect(startPlatform(other, { "--port": port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
    await expect(startPlatform(other, { "--host": "0.0.0.0" })).rejects.toMatchObject({ code: "PUBLIC_REFUSED" });
    removeDirectory(other);
  });
});
