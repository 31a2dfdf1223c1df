import { once } from "node:events";
import { type Socket, createServer, connect } from "node:net";
import type { Clock } from "@slipway/core/base";
import { expect, it, onTestFinished } from "vitest";
import { type LinkEnd, LinkSocket } from "./link-socket.ts";
import { LongTurns } from "./long-turns.ts";
import { systemClock } from "./system-clock.ts";

/** Windows gives sockets no descriptors: there the event loop alone reads and writes, and these have nothing to show. */
const canLook = process.platform !== "win32";

/** Time passes here as the tests say, so that a machine with other work makes no turn longer. */
let nowMs = 0;
const clock: Clock = { ...systemClock, now: () => nowMs };

/** Lets the kernel carry what was written, without a turn of the event loop. */
function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  nowMs += ms;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => systemClock.soon(resolve));

async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection");
  const near = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [far] = (await connected) as [Socket];
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

function linkOf(socket: Socket, end: Partial<LinkEnd>): { link: LinkSocket; look: () => void } {
  const longTurns = new LongTurns(clock);
  const link = new LinkSocket(socket, clock);
  link.read({ receive: () => undefined, isAwaited: () => true, flush: () => undefined, ...end });
  longTurns.add(link);
  return { link, look: () => longTurns.look(nowMs) };
}

it.runIf(canLook)("reads in the midst of a turn, in order with the event loop", async () => {
  const { near, far } = await pair();
  let heard = "";
  let flushes = 0;
  let isAwaited = true;
  const { look } = linkOf(near, {
    receive: (chunk) => (heard += Buffer.from(chunk).toString()),
    isAwaited: () => isAwaited,
    flush: () => flushes++,
  });
  await nextTurn();

  look(); // a turn begins
  far.write("one ");
  wait(5);
  expect(heard).toBe("");
  look();
  expect([heard, flushes]).toEqual(["one ", 1]);
  look(); // too soon to look again
  expect(flushes).toBe(1);
  far.write("two ");
  wait(5);
  isAwaited = false;
  look();
  expect([heard, flushes]).toEqual(["one ", 1]);

  far.write("three");
  await expect.poll(() => heard).toBe("one two three");
  isAwaited = true;
  far.write("!");
  wait(5);
  look(); // the first of its turn, which may be short
  expect(heard).toBe("one two three");
  wait(5);
  look();
  expect(heard).toBe("one two three!");
});

it.runIf(canLook)("does not read on from within what it hands over", async () => {
  const { near, far } = await pair();
  const heard: string[] = [];
  const { look } = linkOf(near, {
    receive(chunk) {
      if (heard.length === 0) {
        look(); // a turn begins
        far.write("second");
        wait(5);
        look();
      }
      heard.push(Buffer.from(chunk).toString());
    },
  });
  far.write("first");
  await expect.poll(() => heard).toEqual(["first", "second"]);
});

it("sends in order what the system has no room for: in the midst of a turn, and by the event loop", async () => {
  const { near, far } = await pair();
  const { link, look } = linkOf(near, {});
  const total = 24 * 2 ** 20;
  const sent = Buffer.alloc(total);
  for (let at = 0; at < total; at += 4) sent.writeUInt32LE(at, at);
  const received: Buffer[] = [];
  let receivedBytes = 0;
  far.on("data", (chunk: Buffer) => {
    received.push(chunk);
    receivedBytes += chunk.length;
  });
  far.resume();
  let wasTaken = true;
  const part = 2 ** 20;
  for (let at = 0; at < total; at += part) {
    const half = at + part / 2;
    wasTaken = link.send([sent.subarray(at, half), sent.subarray(half, at + part)]) && wasTaken;
    look();
    wait(2);
    look();
    if (at % (4 * part) === 0) await nextTurn();
  }
  expect(wasTaken).toBe(false);
  await expect.poll(() => receivedBytes).toBe(total);
  expect(Buffer.concat(received).equals(sent)).toBe(true);
});

it("writes and reads nothing once its socket has closed", async () => {
  const { near, far } = await pair();
  const { link, look } = linkOf(near, {});
  look();
  near.destroy();
  far.destroy();
  wait(5);
  look();
  expect(link.send([Buffer.from("late")])).toBe(true);
  await nextTurn();
});

it.runIf(canLook)("one look ends before another begins, whatever comes of what was read", async () => {
  const one = await pair();
  const other = await pair();
  const longTurns = new LongTurns(systemClock);
  const heard: string[] = [];
  const add = (socket: Socket, name: string): void => {
    const link = new LinkSocket(socket, systemClock);
    link.read({
      receive(chunk) {
        wait(5);
        longTurns.look(nowMs);
        // Read only now, as whoever takes a large chunk piece by piece does.
        heard.push(`${name} ${Buffer.from(chunk).toString()}`);
      },
      isAwaited: () => true,
      flush: () => undefined,
    });
    longTurns.add(link);
  };
  add(one.near, "one");
  add(other.near, "other");
  await nextTurn();
  longTurns.look(nowMs); // a turn begins
  one.far.write("first");
  other.far.write("second");
  wait(5);
  longTurns.look(nowMs);
  expect(heard).toEqual(["one first", "other second"]);
});
