// What clients do below HTTP, all at once: send heads and bodies a byte at a time, close their half, send garbage behind a
// request, or nothing at all. Whoever behaves is answered meanwhile, and afterwards nothing of it is left.
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { readdirSync } from "node:fs";
import { memoryOf } from "../../bench/processes.ts";
import { answersIn, requestBytes } from "../../test/support/raw-http.ts";
import { type ServerProcess, startServerProcess } from "../../test/support/server-process.ts";
import { check, eventually, pause, percentiles } from "../campaign.ts";
import { deployScale, type Fault, type FaultRun, requireAnswer, stop } from "./fault.ts";

const BODY = '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}';
const REQUEST = requestBytes("/v2/models/scale/infer", { body: BODY });
/**
 * Times that heads and whole requests have: short where they run out, long where connections must have time to be made.
 * Then the queue has room for what all of them ask.
 */
const SHORT_TIMES = ["--headers-timeout-ms", "2s", "--request-timeout-ms", "3s"];
const LONG_TIMES = ["--headers-timeout-ms", "5min", "--request-timeout-ms", "5min", "--queue-max-requests", "20000"];
/** Of connections on which something goes on all the while; one process can't keep more of them busy. */
const MOST_BUSY = 2000;
/** Connections opened at a time. */
const AT_ONCE = 100;

/** A connection that keeps what it hears. */
class Client {
  readonly socket: Socket;
  text = "";
  isEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (this.text += chunk));
    socket.on("error", () => (this.isEnded = true));
    socket.on("end", () => (this.isEnded = true));
    socket.on("close", () => (this.isEnded = true));
  }

  static async open(address: string, allowHalfOpen = false): Promise<Client> {
    const { hostname, port } = new URL(address);
    const client = new Client(connect({ host: hostname, port: Number(port), allowHalfOpen }));
    await once(client.socket, "connect");
    return client;
  }

  statuses(): number[] {
    return answersIn(this.text).map(({ status }) => status);
  }
}

async function openMany(address: string, count: number, allowHalfOpen = false): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, () =>
      Client.open(address, allowHalfOpen),
    );
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

async function withServer<T>(
  run: FaultRun,
  times: readonly string[],
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await startServerProcess(path.join(run.directory, "data"), times);
  try {
    await deployScale(server);
    const answer = await use(server);
    await stop(server);
    return answer;
  } finally {
    server.child.kill("SIGKILL");
    await server.exited;
  }
}

/** Asks again and again until told to stop; answers how long each answer took. */
function askMeanwhile(server: ServerProcess): () => Promise<number[]> {
  const over = new AbortController();
  const asked = (async () => {
    const tookMs: number[] = [];
    while (!over.signal.aborted) {
      tookMs.push(await requireAnswer(server));
      await pause(5);
    }
    return tookMs;
  })();
  // Looked at when it is asked for.
  asked.catch(() => undefined);
  return async () => {
    over.abort();
    return await asked;
  };
}

/** Sends all of `bytes` but the last a byte at a time, on every connection, until the server has ended them all. */
async function drip(clients: readonly Client[], bytes: Uint8Array, limitMs: number): Promise<void> {
  const start = performance.now();
  for (let at = 0; clients.some(({ isEnded }) => !isEnded); at++) {
    check(
      performance.now() - start < limitMs,
      `${clients.filter(({ isEnded }) => !isEnded).length} connections stay open`,
    );
    const byte = bytes.subarray(at % (bytes.length - 1), (at % (bytes.length - 1)) + 1);
    for (const { socket, isEnded } of clients) if (!isEnded) socket.write(at < bytes.length - 1 ? byte : "a");
    await pause(100);
  }
}

function slow(name: string, first: Uint8Array, rest: Uint8Array): Fault {
  return {
    name,
    run: (run) =>
      withServer(run, SHORT_TIMES, async (server) => {
        const clients = await openMany(server.inferenceAddress, Math.min(MOST_BUSY, run.connections));
        const stopAsking = askMeanwhile(server);
        if (first.length > 0) for (const { socket } of clients) socket.write(first);
        await drip(clients, rest, 60_000);
        const othersMs = await stopAsking();
        const statuses = clients.map((client) => client.statuses().join());
        check(
          statuses.every((status) => status === "408"),
          () => `Answered ${[...new Set(statuses)].join(" / ")}`,
        );
        await requireAnswer(server);
        return { connections: clients.length, refusedWith: 408, othersAnsweredMs: percentiles(othersMs) };
      }),
  };
}

const headEnd = REQUEST.indexOf("\r\n\r\n") + 4;
export const slowHeads = slow(
  "slow heads",
  new Uint8Array(),
  Buffer.from(`GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(4000)}`),
);
export const slowBodies = slow(
  "slow bodies",
  Buffer.from(
    REQUEST.subarray(0, headEnd)
      .toString("latin1")
      .replace(/content-length: \d+/i, "content-length: 9000"),
  ),
  Buffer.alloc(9000, " "),
);

/** Clients that close their half once they have asked. */
export const halfClosed: Fault = {
  name: "half-closed connections",
  run: (run) =>
    withServer(run, LONG_TIMES, async (server) => {
      const before = descriptors(server);
      const stopAsking = askMeanwhile(server);
      const clients = await openMany(server.inferenceAddress, Math.min(MOST_BUSY, run.connections), true);
      for (const { socket } of clients) socket.end(REQUEST);
      await eventually(
        "connections left",
        () => clients.filter(({ isEnded }) => !isEnded).length,
        (left) => left === 0,
        { timeoutMs: 60_000 },
      );
      await stopAsking();
      const statuses = clients.map((client) => client.statuses().join() || "none");
      for (const { socket } of clients) socket.destroy();
      await requireRest(server, before);
      return { connections: clients.length, answers: tally(statuses) };
    }),
};

/** Garbage behind a request: the request is answered, the garbage refused once, and the connection ends. */
export const pipelinedGarbage: Fault = {
  name: "pipelined garbage",
  run: (run) =>
    withServer(run, LONG_TIMES, async (server) => {
      const before = descriptors(server);
      const stopAsking = askMeanwhile(server);
      const clients = await openMany(server.inferenceAddress, Math.min(MOST_BUSY, run.connections));
      for (const [index, { socket }] of clients.entries()) {
        socket.write(Buffer.concat([REQUEST, REQUEST, Buffer.from(`\0garbage ${index}\r\n\r\n`), REQUEST]));
      }
      await eventually(
        "connections left",
        () => clients.filter(({ isEnded }) => !isEnded).length,
        (left) => left === 0,
        { timeoutMs: 60_000 },
      );
      const othersMs = await stopAsking();
      const statuses = clients.map((client) => client.statuses().join());
      check(
        statuses.every((status) => status === "200,200,400"),
        () => `Answered ${[...new Set(statuses)].join(" / ")}`,
      );
      await requireRest(server, before);
      return { connections: clients.length, answers: tally(statuses), othersAnsweredMs: percentiles(othersMs) };
    }),
};

/** Connections on which nothing is asked: they cost a bounded piece of memory each, and nobody notices. */
export const idleConnections: Fault = {
  name: "idle connections",
  run: (run) =>
    withServer(run, LONG_TIMES, async (server) => {
      const before = descriptors(server);
      const memoryBefore = memoryOf(server.pid)?.pssBytes ?? null;
      const clients = await openMany(server.inferenceAddress, run.connections);
      // Some have asked something before they fell silent, and all keep their connection.
      for (const { socket } of clients.filter((_, index) => index % 10 === 0)) socket.write(REQUEST);
      await pause(1000);
      const memory = memoryOf(server.pid)?.pssBytes ?? null;
      const othersMs: number[] = [];
      for (let asked = 0; asked < 50; asked++) othersMs.push(await requireAnswer(server));
      // Until now none was closed, though those that never asked are closed as slow heads later.
      const answered = clients.filter((client) => client.statuses().join() === "200").length;
      check(answered === Math.ceil(clients.length / 10), `${answered} of the connections that asked were answered`);
      for (const { socket } of clients) socket.destroy();
      await requireRest(server, before);
      const bytesEach =
        memory === null || memoryBefore === null ? null : Math.round((memory - memoryBefore) / clients.length);
      return { connections: clients.length, bytesEach, othersAnsweredMs: percentiles(othersMs) };
    }),
};

function descriptors({ pid }: ServerProcess): number | null {
  return process.platform === "linux" ? readdirSync(`/proc/${pid}/fd`).length : null;
}

/** Waits until the server has let go of what the connections took. */
async function requireRest(server: ServerProcess, before: number | null): Promise<void> {
  if (before === null) return;
  // fetch keeps a connection of its own or two.
  await eventually(
    "descriptors",
    () => descriptors(server)!,
    (count) => count <= before + 3,
    { timeoutMs: 20_000 },
  );
  await requireAnswer(server);
}

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
