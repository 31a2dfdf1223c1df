// Faults of the machine: memory and descriptors that run out, and a clock that jumps.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { importModel, infer, scaleModel, startPlatform } from "../../test/platform.ts";
import { memoryBomb } from "../../test/support/hostile-graphs.ts";
import { startServerProcess } from "../../test/support/server-process.ts";
import { check, eventually, pause } from "../campaign.ts";
import { Endings, LoadClient } from "../load.ts";
import { deployScale, FACTOR, type Fault, requireAnswer, stop } from "./fault.ts";

/** A run that takes all memory ends with its runner; its sender is told, nobody else notices, and the next is answered. */
export const outOfMemory: Fault = {
  name: "out-of-memory runner",
  async run({ directory }) {
    const server = await startServerProcess(path.join(directory, "data"));
    await deployScale(server);
    await importModel(server, "bomb", memoryBomb());
    const runtime = { memoryLimitBytes: 512 * 2 ** 20, maxDistinctDeaths: 1000 };
    await server.client.deploy({ params: { endpoint: "bomb" }, body: { settings: { runtime } } });
    const bombs = new Endings();
    const others = new Endings();
    const [bomber, other] = [new LoadClient(server.inferenceAddress), new LoadClient(server.inferenceAddress)];
    for (const count of [2e9, 5, 2e10, 5, 1e18, 5]) {
      const [ending] = await Promise.all([
        bomber.ask("bomb", [count, 0]),
        other.ask("scale", [1, 2]).then((one) => others.count(one)),
      ]);
      bombs.count(ending);
      check((ending.status === 200) === (count === 5), `${count} elements: ${ending.status} ${ending.code}`);
    }
    bombs.require(/^(?:200|500 RUNNER_MEMORY)$/);
    others.require(/^200$/);
    bomber.close();
    other.close();
    await stop(server);
    return { bombs, others };
  },
};

const SPARE_DESCRIPTORS = 40;

/** Without descriptors left, open connections are answered, new ones wait or are cut, and all is well when some are free. */
export const noDescriptors: Fault = {
  name: "descriptor exhaustion",
  async run({ directory }) {
    if (process.platform !== "linux") return { skipped: "limits of a running process are set on Linux alone" };
    const server = await startServerProcess(path.join(directory, "data"));
    await deployScale(server);
    const kept = new LoadClient(server.inferenceAddress);
    check((await kept.ask("scale", [1, 2])).status === 200, "No answer before");
    const open = readdirSync(`/proc/${server.pid}/fd`).length;
    const limit = (count: number) => execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${count}:20000`]);
    limit(open + SPARE_DESCRIPTORS);
    const { hostname, port } = new URL(server.inferenceAddress);
    const sockets: Socket[] = [];
    for (let index = 0; index < 3 * SPARE_DESCRIPTORS; index++) {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => {});
      sockets.push(socket);
      await Promise.race([once(socket, "connect"), pause(200)]);
    }
    await pause(300);
    const full = readdirSync(`/proc/${server.pid}/fd`).length;
    check(full >= open + SPARE_DESCRIPTORS - 2, `Only ${full} descriptors are open; ${open} were before`);
    const duringMs: number[] = [];
    for (let asked = 0; asked < 20; asked++) {
      const start = performance.now();
      const { status } = await kept.ask("scale", [1, 2]);
      check(status === 200, `${status} on an open connection without descriptors left`);
      duringMs.push(performance.now() - start);
    }
    for (const socket of sockets) socket.destroy();
    limit(20_000);
    await eventually(
      "a new connection",
      () => requireAnswer(server).catch(() => null),
      (ms) => ms !== null,
    );
    await server.client.deploy({ params: { endpoint: "scale" }, body: {} });
    await requireAnswer(server);
    kept.close();
    await stop(server);
    return { openBefore: open, openAtTheLimit: full, answeredMeanwhile: duringMs.length };
  },
};

const DAY_MS = 86_400_000;
const JUMPS_MS = [DAY_MS, -2 * DAY_MS, 3_600_000, 400 * DAY_MS, -800 * DAY_MS];

/**
 * The wall clock jumps by up to years, both ways, under load: no request fails or waits, versions keep their order, and
 * nothing that is needed is collected. Simulated: the server runs in this process, whose `Date.now` is replaced. Deadlines
 * and time limits are kept by the monotonic clock, which does not jump.
 */
export const clockJumps: Fault = {
  name: "clock jumps (simulated)",
  async run({ directory }) {
    const now = Date.now;
    let offsetMs = 0;
    Date.now = () => now() + offsetMs;
    const server = await startPlatform(path.join(directory, "data"));
    try {
      await deployScale(server);
      const endings = new Endings();
      const over = new AbortController();
      const ask = async (): Promise<void> => {
        const client = new LoadClient(server.inferenceAddress);
        while (!over.signal.aborted) endings.count(await client.ask("scale", [1, 2], { "slipway-timeout-ms": "5000" }));
        client.close();
      };
      const change = async (): Promise<void> => {
        for (const [index, jumpMs] of JUMPS_MS.entries()) {
          offsetMs += jumpMs;
          const number = await importModel(server, "scale", scaleModel(FACTOR, 2 + 1 + index));
          check(number === index + 2, `After a jump of ${jumpMs} ms an import became version ${number}`);
          await importModel(server, "other", scaleModel(10 + index));
          await server.client.deploy({ params: { endpoint: "other" }, body: {} });
          await server.client.collectGarbage({ body: { isDryRun: false } });
          const { status, body } = await infer(server.inferenceAddress, "other", [1, 2], [1, 2]);
          check(status === 200 && body.outputs?.[0]?.data[0] === 10 + index, `After a jump: ${status} ${body.code}`);
        }
        await server.client.rollback({ params: { endpoint: "other" }, body: {} });
        const { body } = await infer(server.inferenceAddress, "other", [1, 2], [1, 2]);
        check(
          body.outputs?.[0]?.data[0] === 10 + JUMPS_MS.length - 2,
          "Rolled back to another version than the one before",
        );
      };
      await Promise.all([change().finally(() => over.abort()), ask(), ask()]);
      endings.require(/^200$/);
      return { jumps: JUMPS_MS.length, endings };
    } finally {
      Date.now = now;
      await server.stop(0);
    }
  },
};
