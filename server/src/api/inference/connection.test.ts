// What clients do below HTTP, on real sockets: cut, slow, smuggled, pipelined and oversized requests.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Settings } from "#config";
import { connectRaw, type MemoryListener, type RawConnection, startMemoryListener } from "./memory-listener.testing.ts";

const TINY = '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}';
const HEAD = "POST /v2/models/mirror/infer HTTP/1.1\r\nHost: a\r\n";
const whole = (body = TINY, more = "") => `${HEAD}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const LIVE = "GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n";

const open: MemoryListener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function start(limits: Partial<Settings["server"]> = {}): Promise<[MemoryListener, RawConnection]> {
  const listener = await startMemoryListener(limits);
  open.push(listener);
  return [listener, await connectRaw(listener.port)];
}

/** The status and, for an error, the code of each answer heard. */
function outline(text: string): string[] {
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).map((answer) => {
    const status = answer.slice(9, 12);
    const code = /"code":"([A-Z_]+)"/.exec(answer)?.[1];
    return code === undefined ? status : `${status} ${code}`;
  });
}

describe("pipelining", () => {
  it("answers in order, whatever is ready first", async () => {
    const [listener, connection] = await start();
    listener.mirror.isHolding = true;
    connection.send(whole() + LIVE + LIVE.replace("live", "nowhere"));
    await expect.poll(() => listener.mirror.held).toBe(1);
    expect(connection.heard()).toBe("");
    listener.mirror.letGo();
    const text = await connection.answers(3);
    expect(outline(text)).toEqual(["200", "200", "404 ROUTE_NOT_FOUND"]);
    expect(text).toMatch(/outputs.*live.*There is no route/s);
    connection.socket.destroy();
  });

  it("answers what came before a request that can't be read, then that, then closes", async () => {
    const [listener, connection] = await start();
    listener.mirror.isHolding = true;
    connection.send(`${whole()}${LIVE}NONSENSE\r\n\r\n`);
    await expect.poll(() => listener.mirror.held).toBe(1);
    listener.mirror.letGo();
    expect(outline(await connection.ended())).toEqual(["200", "200", "400 REQUEST_MALFORMED"]);
  });

  it("answers what came before a request that can't be read, however long that takes", async () => {
    const [listener, connection] = await start();
    listener.mirror.isHolding = true;
    connection.send(`${whole()}NONSENSE\r\n\r\n`);
    await expect.poll(() => listener.mirror.held).toBe(1);
    // Longer than a client has to read its last answer.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    listener.mirror.letGo();
    expect(outline(await connection.ended())).toEqual(["200", "400 REQUEST_MALFORMED"]);
  });

  it("cancels everything a connection asked when it goes", async () => {
    const [listener, connection] = await start();
    listener.mirror.isHolding = true;
    connection.send(whole() + whole() + whole());
    await expect.poll(() => listener.mirror.held).toBe(3);
    connection.socket.destroy();
    await expect.poll(() => listener.mirror.cancelled).toBe(3);
    expect(listener.server.inFlight()).toBe(0);
  });

  it("answers many on one connection", async () => {
    const [, connection] = await start();
    connection.send(Array.from({ length: 200 }, () => whole()).join(""));
    const text = await connection.answers(200);
    expect(outline(text)).toEqual(Array.from({ length: 200 }, () => "200"));
    const ids = [...text.matchAll(/slipway-inference-id: (\w+)/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBe(200);
    expect([...ids].sort()).toEqual(ids);
    connection.socket.destroy();
  });
});

describe("bodies", () => {
  it("takes chunks, of a byte each", async () => {
    const [, connection] = await start();
    const chunks = Array.from(TINY, (character) => `1\r\n${character}\r\n`).join("");
    connection.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    expect(outline(await connection.answers(1))).toEqual(["200"]);
    connection.socket.destroy();
  });

  it("takes a body that comes in pieces, cut anywhere", async () => {
    const [, connection] = await start();
    const text = whole();
    for (const end of [10, 60, 100, text.length - 1, text.length]) {
      const begin = { 10: 0, 60: 10, 100: 60, [text.length - 1]: 100 }[end] ?? text.length - 1;
      connection.send(text.slice(begin, end));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(outline(await connection.answers(1))).toEqual(["200"]);
    connection.socket.destroy();
  });

  it("refuses a declared size over the limit before the body comes, and keeps the connection in step", async () => {
    const [, connection] = await start({ maxBodyBytes: 1024 });
    connection.send(`${HEAD}Content-Length: 2000\r\n\r\n`);
    expect(outline(await connection.answers(1))).toEqual(["413 REQUEST_TOO_LARGE"]);
    connection.send(`${"x".repeat(2000)}${LIVE}`);
    expect(outline(await connection.answers(2))).toEqual(["413 REQUEST_TOO_LARGE", "200"]);
    connection.socket.destroy();
  });

  it("refuses chunks over the limit as they come", async () => {
    const [listener, connection] = await start({ maxBodyBytes: 1024 });
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    connection.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`);
    expect(outline(await connection.answers(1))).toEqual(["413 REQUEST_TOO_LARGE"]);
    expect(listener.server.inFlight()).toBe(0);
    connection.send(`${chunk}0\r\n\r\n${LIVE}`);
    expect(outline(await connection.answers(2))).toEqual(["413 REQUEST_TOO_LARGE", "200"]);
    connection.socket.destroy();
  });

  it("bounds what arrives on all connections together", async () => {
    const [listener, connection] = await start({ maxBodyBytes: 1024 });
    const others = await Promise.all(Array.from({ length: 8 }, () => connectRaw(listener.port)));
    for (const other of others) other.send(`${HEAD}Content-Length: 1024\r\n\r\n${"x".repeat(1020)}`);
    await expect.poll(() => listener.server.inFlight()).toBe(8);
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.send(whole());
    const text = await connection.answers(1);
    expect(outline(text)).toEqual(["503 QUEUE_FULL"]);
    expect(text).toMatch(/retry-after: 1\r\n/i);
    for (const other of others) other.socket.destroy();
    await expect.poll(() => listener.server.inFlight()).toBe(0);
    connection.send(whole());
    expect(outline(await connection.answers(2))).toEqual(["503 QUEUE_FULL", "200"]);
    connection.socket.destroy();
  });

  it("forgets a body that is cut off", async () => {
    const [listener, connection] = await start();
    connection.send(whole().slice(0, -10));
    await expect.poll(() => listener.server.inFlight()).toBe(1);
    connection.socket.destroy();
    await expect.poll(() => listener.server.inFlight()).toBe(0);
    expect(listener.mirror.held).toBe(0);
  });

  it("says 100 Continue only for a body it will take", async () => {
    const [, connection] = await start({ maxBodyBytes: 1024 });
    const expecting = (length: number) => `${HEAD}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    connection.send(expecting(TINY.length));
    await expect.poll(() => connection.heard()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(TINY);
    expect(outline(await connection.answers(1))).toEqual(["100", "200"]);
    connection.send(expecting(2000));
    // Whether the body still comes cannot be known, so the connection ends.
    expect(outline(await connection.ended())).toEqual(["100", "200", "413 REQUEST_TOO_LARGE"]);
  });

  it("refuses other expectations", async () => {
    const [, connection] = await start();
    connection.send(whole(TINY, "Expect: the-best\r\n"));
    expect(outline(await connection.answers(1))).toEqual(["417 REQUEST_MALFORMED"]);
    connection.socket.destroy();
  });

  it("refuses to be a tunnel, after what was asked before", async () => {
    const [listener, connection] = await start();
    connection.send(`${whole()}CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n`);
    expect(outline(await connection.ended())).toEqual(["200", "405 METHOD_NOT_ALLOWED"]);
    await expect.poll(() => listener.server.inFlight()).toBe(0);
  });

  it.each([
    ["bad UTF-8", Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xc3, 0x28), Buffer.from('","inputs":[]}')])],
    ["a byte order mark", Buffer.from(`\ufeff${TINY}`)],
    ["null bytes", Buffer.alloc(100)],
  ])("refuses %s", async (_, body) => {
    const [, connection] = await start();
    connection.send(Buffer.concat([Buffer.from(`${HEAD}Content-Length: ${body.length}\r\n\r\n`), body]));
    expect(outline(await connection.answers(1))).toEqual(["400 REQUEST_MALFORMED"]);
    connection.socket.destroy();
  });
});

describe("requests whose end is in doubt", () => {
  it.each([
    ["Content-Length and Transfer-Encoding", `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["Transfer-Encoding and Content-Length", `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`],
    ["a length twice", `${HEAD}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd`],
    ["a list of lengths", `${HEAD}Content-Length: 4, 4\r\n\r\nabcd`],
    ["a negative length", `${HEAD}Content-Length: -1\r\n\r\n`],
    ["a signed length", `${HEAD}Content-Length: +4\r\n\r\nabcd`],
    ["a hexadecimal length", `${HEAD}Content-Length: 0x4\r\n\r\nabcd`],
    ["a length past all numbers", `${HEAD}Content-Length: 99999999999999999999\r\n\r\n`],
    ["an unknown transfer coding", `${HEAD}Transfer-Encoding: chunky\r\n\r\n0\r\n\r\n`],
    ["chunked before another coding", `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
    ["a space before a header's colon", `${HEAD}Content-Length : 4\r\n\r\nabcd`],
    ["a folded header", `${HEAD}Content-Length:\r\n 4\r\n\r\nabcd`],
    ["a bare line feed", `${HEAD.replaceAll("\r\n", "\n")}Content-Length: 4\n\nabcd`],
    ["a null byte in a header", `${HEAD}X: \0\r\n\r\n`],
    [
      "a transfer coding without a body",
      "GET /v2/health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    ],
    ["no Host", "GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ])("refuses %s, and closes", async (_, text) => {
    const [listener, connection] = await start();
    connection.send(`${text}${LIVE}`);
    const heard = await connection.ended();
    // Nothing after the doubtful request is answered: it may be somebody's smuggled one.
    expect(heard).not.toContain('"live":true');
    if (heard !== "") expect(outline(heard)).toEqual(["400 REQUEST_MALFORMED"]);
    expect(listener.server.inFlight()).toBe(0);
  });

  it.each(["Host: b", "hOST: a"])("refuses a second Host: %s", async (second) => {
    const [, connection] = await start();
    connection.send(`GET /v2/health/live HTTP/1.1\r\nHost: a\r\n${second}\r\nConnection: close\r\n\r\n`);
    expect(outline(await connection.ended())).toEqual(["400 REQUEST_MALFORMED"]);
  });

  it("takes a target in absolute form, as a proxy sends it", async () => {
    const [, connection] = await start();
    connection.send("GET http://a/v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await connection.ended()).toContain('"live":true');
  });

  it("answers a request that asks for an upgrade, and closes", async () => {
    const [, connection] = await start();
    connection.send(`${LIVE.slice(0, -2)}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n${LIVE}`);
    const heard = await connection.ended();
    expect(outline(heard)).toEqual(["200"]);
    expect(heard).toMatch(/connection: close/i);
  });

  it("gives a request that was answered before its body broke no second answer", async () => {
    const [listener, connection] = await start();
    connection.send(`${LIVE.slice(0, -2)}Transfer-Encoding: chunked\r\n\r\n${LIVE}`);
    expect(outline(await connection.ended())).toEqual(["200"]);
    expect(listener.answers.map(({ status }) => status)).toEqual([200]);
  });

  it.each([
    ["a chunk size that is none", "xyz\r\nabc\r\n"],
    ["a negative chunk size", "-1\r\nabc\r\n"],
    ["a chunk longer than it says", `2\r\n${TINY}\r\n0\r\n\r\n`],
  ])("refuses %s in the exchange it breaks", async (_, body) => {
    const [listener, connection] = await start();
    connection.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${body}`);
    expect(outline(await connection.ended())).toEqual(["400 REQUEST_MALFORMED"]);
    expect(listener.server.inFlight()).toBe(0);
  });
});

describe("any bytes at all", () => {
  it("are answered or hung up on, and leave nothing behind", async () => {
    const [listener, first] = await start();
    first.socket.destroy();
    const original = Buffer.from(`${whole()}${LIVE}${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
    const edit = fc.record({
      at: fc.nat(original.length - 1),
      bytes: fc.oneof(fc.constantFrom("\r\n", "\r\n\r\n", "\0", ":", " ", "9", "-1"), fc.string({ maxLength: 3 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 4 }), fc.nat(original.length), async (edits, cut) => {
        let text = original.toString("latin1");
        for (const { at, bytes } of edits) text = text.slice(0, at) + bytes + text.slice(at + bytes.length);
        const connection = await connectRaw(listener.port);
        connection.socket.end(Buffer.from(cut % 2 === 0 ? text : text.slice(0, cut), "latin1"));
        const heard = await connection.ended();
        for (const answer of heard === "" ? [] : outline(heard)) expect(answer).toMatch(/^(200|4\d\d [A-Z_]+)$/);
      }),
      { numRuns: 200 },
    );
    await expect.poll(() => listener.server.inFlight()).toBe(0);
    expect(listener.logged).toEqual([]);
    const last = await connectRaw(listener.port);
    last.send(whole());
    expect(outline(await last.answers(1))).toEqual(["200"]);
    last.socket.destroy();
  });
});

describe("limits on heads and time", () => {
  it("refuses a head over its limit with 431", async () => {
    const [, connection] = await start({ maxHeaderBytes: 2048 });
    connection.send(`${HEAD}X-Long: ${"a".repeat(4000)}\r\n\r\n`);
    expect(outline(await connection.ended())).toEqual(["431 REQUEST_TOO_LARGE"]);
  });

  it("refuses a target over the head's limit with 431", async () => {
    const [, connection] = await start({ maxHeaderBytes: 2048 });
    connection.send(`GET /v2/models/${"a".repeat(4000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(outline(await connection.ended())).toEqual(["431 REQUEST_TOO_LARGE"]);
  });

  it("answers 408 to a head that drips", async () => {
    const [, connection] = await start({ headersTimeoutMs: 150, requestTimeoutMs: 300 });
    const drip = setInterval(() => connection.send("X: y\r\n"), 20);
    connection.send(HEAD);
    const heard = await connection.ended();
    clearInterval(drip);
    expect(outline(heard)).toEqual(["408 REQUEST_TIMEOUT"]);
  });

  it("answers 408 to a body that drips", async () => {
    const [listener, connection] = await start({ headersTimeoutMs: 150, requestTimeoutMs: 300 });
    connection.send(`${HEAD}Content-Length: 100000\r\n\r\n`);
    const drip = setInterval(() => connection.send("x"), 20);
    const heard = await connection.ended();
    clearInterval(drip);
    expect(outline(heard)).toEqual(["408 REQUEST_TIMEOUT"]);
    expect(listener.server.inFlight()).toBe(0);
  });

  it("does not hurry a request that arrived and only takes long to answer", async () => {
    const [listener, connection] = await start({ headersTimeoutMs: 100, requestTimeoutMs: 100 });
    listener.mirror.isHolding = true;
    connection.send(whole());
    await new Promise((resolve) => setTimeout(resolve, 400));
    listener.mirror.letGo();
    expect(outline(await connection.answers(1))).toEqual(["200"]);
    connection.socket.destroy();
  });

  it("closes a connection that stays idle", async () => {
    const [, connection] = await start({ keepAliveTimeoutMs: 50 });
    connection.send(LIVE);
    expect(outline(await connection.ended())).toEqual(["200"]);
  });

  it("turns connections over the limit away", async () => {
    const [listener, connection] = await start({ maxConnections: 1 });
    connection.send(LIVE);
    await connection.answers(1);
    const second = await connectRaw(listener.port);
    expect(await second.ended()).toBe("");
    connection.socket.destroy();
  });
});

describe("keep-alive", () => {
  it("closes after an answer when asked to, and for HTTP/1.0", async () => {
    const [listener, connection] = await start();
    connection.send(LIVE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect(await connection.ended()).toMatch(/connection: close/i);
    const old = await connectRaw(listener.port);
    old.send("GET /v2/health/live HTTP/1.0\r\n\r\n");
    expect(outline(await old.ended())).toEqual(["200"]);
  });
});

describe("closing", () => {
  it("answers what was asked, tells the truth meanwhile, then ends every connection", async () => {
    const [listener, connection] = await start();
    const idle = await connectRaw(listener.port);
    const probe = await connectRaw(listener.port);
    probe.send("GET /v2/health/ready HTTP/1.1\r\nHost: a\r\n");
    listener.mirror.isHolding = true;
    connection.send(whole());
    await expect.poll(() => listener.mirror.held).toBe(1);
    const closed = listener.server.close(5000);
    probe.send("\r\n");
    expect(outline(await probe.ended())).toEqual(["400 SHUTTING_DOWN"]);
    listener.mirror.letGo();
    const text = await connection.ended();
    expect(outline(text)).toEqual(["200"]);
    expect(text).toMatch(/connection: close/i);
    await closed;
    await idle.ended();
    await expect(connectRaw(listener.port)).rejects.toThrow();
  });

  it("gives up on what takes longer than the drain time", async () => {
    const [listener, connection] = await start();
    listener.mirror.isHolding = true;
    connection.send(whole());
    await expect.poll(() => listener.mirror.held).toBe(1);
    await listener.server.close(50);
    expect(outline(await connection.ended())).toEqual(["503 SHUTTING_DOWN"]);
    await expect.poll(() => listener.mirror.cancelled).toBe(1);
  });

  it("answers once where the drain time ends while an answer is being compressed", async () => {
    const [listener, connection] = await start();
    const rows = 50_000;
    const values = Array.from({ length: 4 * rows }, (_, index) => index / 7);
    const body = JSON.stringify({ inputs: [{ name: "x", shape: [rows, 4], datatype: "FP32", data: values }] });
    listener.mirror.isHolding = true;
    connection.send(whole(body, "Accept-Encoding: gzip\r\n"));
    await expect.poll(() => listener.mirror.held).toBe(1);
    const closed = listener.server.close(0);
    // In this order: the answer is handed to the compressor, then the drain time ends.
    listener.mirror.letGo();
    await closed;
    expect(outline(await connection.ended())).toEqual(["503 SHUTTING_DOWN"]);
    // As long again: what was compressed meanwhile comes back, and finds its request answered.
    await promisify(gzip)(JSON.stringify(values));
    expect(listener.answers.map(({ status }) => status)).toEqual([503]);
    expect(listener.server.inFlight()).toBe(0);
  });
});
