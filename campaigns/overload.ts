// Far more is asked than can be answered: what is not answered is refused at once, sooner those of less priority; memory
// stays bounded, health is answered all the while, and when the load ends the next request is answered as ever.
import path from "node:path";
import { memoryOf } from "../bench/processes.ts";
import { MODELS } from "../bench/models.ts";
import { importModel } from "../test/platform.ts";
import { requestBytes } from "../test/support/raw-http.ts";
import { type ServerProcess, startServerProcess } from "../test/support/server-process.ts";
import { type Campaign, type CampaignRun, check, type Figures, pause, percentiles } from "./campaign.ts";
import { Endings, LoadClient } from "./load.ts";

const WIDTH = MODELS.ms1.width;
/** Clients of each priority; each asks again as soon as it has its answer or refusal. */
const CLIENTS = 48;
const QUEUE = { maxRequests: 32, agingMs: 3_600_000 };
/** What all processes may take more than at rest: connections, and a queue that is full. */
const MEMORY_BYTES = 192 * 2 ** 20;
/** The load's end to the next answer. A budget of a second on a quiet machine; here it may be busy with others' work. */
const RECOVERY_MS = 5000;

export const overload: Campaign = {
  name: "overload",
  what: "Many times the capacity at two priorities: refused at once or answered, the important sooner, with bounded memory, live health and a quick recovery",
  unit: "seconds",
  short: 3,
  long: 60,
  run: overloadServer,
};

async function overloadServer(run: CampaignRun): Promise<Figures> {
  const server = await startServerProcess(path.join(run.directory, "data"));
  try {
    await importModel(server, "ms1", MODELS.ms1.build());
    const settings = { runtime: { intraOpThreads: 1, maxBatchRows: 1 }, queue: QUEUE };
    await server.client.deploy({ params: { endpoint: "ms1" }, body: { settings } });
    const aloneMs = await ask(server, 1, 1500, 1);
    const before = memoryOf(server.pid)?.pssBytes ?? null;
    let highest = before;
    const watch = setInterval(() => {
      const now = memoryOf(server.pid)?.pssBytes ?? null;
      if (now !== null && highest !== null) highest = Math.max(highest, now);
    }, 250);
    const forMs = run.size * 1000;
    const [first, last, healthMs] = await Promise.all([
      ask(server, 1, forMs, CLIENTS),
      ask(server, 4, forMs, CLIENTS),
      askHealth(server, forMs),
    ]).finally(() => clearInterval(watch));
    const recoveryMs = await firstAnswer(server);
    for (const { endings } of [first, last]) endings.require(/^(?:200|503 QUEUE_FULL|504 DEADLINE_EXCEEDED)$/);
    check(
      first.endings.of("503 QUEUE_FULL") + last.endings.of("503 QUEUE_FULL") > 0,
      "Nothing was refused: it was no overload.",
    );
    check(
      first.endings.of("200") > last.endings.of("200"),
      `${first.endings.of("200")} important and ${last.endings.of("200")} other answers`,
    );
    check(recoveryMs < RECOVERY_MS, `The first answer after the load took ${recoveryMs} ms`);
    if (before !== null && highest !== null)
      check(highest - before < MEMORY_BYTES, `Memory rose from ${before} to ${highest} bytes`);
    return {
      seconds: run.size,
      alone: figuresOf(aloneMs),
      important: figuresOf(first),
      other: figuresOf(last),
      healthMs: percentiles(healthMs),
      recoveryMs: Math.round(recoveryMs),
      memoryBytes: { before, highest },
    };
  } finally {
    server.child.kill("SIGKILL");
    await server.exited;
  }
}

interface Asked {
  readonly endings: Endings;
  readonly answeredMs: readonly number[];
  readonly refusedMs: readonly number[];
}

function bytesOf(priority: number): Buffer {
  const inputs = [{ name: "x", shape: [1, WIDTH], datatype: "FP32", data: Array.from({ length: WIDTH }, () => 0.5) }];
  return requestBytes("/v2/models/ms1/infer", {
    body: JSON.stringify({ parameters: { priority, timeout: 5_000_000 }, inputs }),
  });
}

async function ask(server: ServerProcess, priority: number, forMs: number, clients: number): Promise<Asked> {
  const end = performance.now() + forMs;
  const endings = new Endings();
  const answeredMs: number[] = [];
  const refusedMs: number[] = [];
  const bytes = bytesOf(priority);
  const one = async (): Promise<void> => {
    const client = new LoadClient(server.inferenceAddress);
    while (performance.now() < end) {
      const start = performance.now();
      const ending = await client.send(bytes);
      (ending.status === 200 ? answeredMs : refusedMs).push(performance.now() - start);
      endings.count(ending);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: clients }, one));
  return { endings, answeredMs, refusedMs };
}

/** Asks whether the server lives and is ready, on connections of its own. */
async function askHealth(server: ServerProcess, forMs: number): Promise<number[]> {
  const end = performance.now() + forMs;
  const tookMs: number[] = [];
  while (performance.now() < end) {
    const start = performance.now();
    for (const route of ["live", "ready"]) {
      const { status } = await fetch(`${server.inferenceAddress}/v2/health/${route}`);
      check(status === 200, `/v2/health/${route} answered ${status} under load`);
    }
    tookMs.push((performance.now() - start) / 2);
    await pause(20);
  }
  return tookMs;
}

/** Milliseconds until a request is answered. */
async function firstAnswer(server: ServerProcess): Promise<number> {
  const start = performance.now();
  const client = new LoadClient(server.inferenceAddress);
  const bytes = bytesOf(4);
  while ((await client.send(bytes)).status !== 200) {
    check(performance.now() - start < 60_000, "No answer a minute after the load's end");
    await pause(1);
  }
  client.close();
  return performance.now() - start;
}

function figuresOf({ endings, answeredMs, refusedMs }: Asked): Figures {
  return { endings, answeredMs: percentiles(answeredMs), refusedMs: percentiles(refusedMs) };
}
