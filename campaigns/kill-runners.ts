// Kills runners under load: every request is answered once and with the right code, the endpoint says that it is not ready
// while it is not, and it recovers. What is reported is how long clients were without an answer.
import path from "node:path";
import { importModel, scaleModel } from "../test/platform.ts";
import { type ServerProcess, startServerProcess } from "../test/support/server-process.ts";
import { type Campaign, type CampaignRun, check, eventually, type Figures, pause, percentiles } from "./campaign.ts";
import { Endings, LoadClient } from "./load.ts";

const CLIENTS = 16;
/** As many as can be running, in one batch, when a runner dies; each of these may be told that its runner died. */
const MOST_FAILED_PER_KILL = CLIENTS;

export const killRunners: Campaign = {
  name: "kill-runners",
  what: "SIGKILL of runners under load, one and two to an endpoint: every request is answered once, with its result or RUNNER_DIED, and service recovers",
  unit: "rounds",
  short: 6,
  long: 300,
  run: killRunnersUnderLoad,
};

async function killRunnersUnderLoad(run: CampaignRun): Promise<Figures> {
  const server = await startServerProcess(path.join(run.directory, "data"));
  try {
    await importModel(server, "single", scaleModel(3));
    await importModel(server, "double", scaleModel(5));
    const settings = (instances: number) => ({ runtime: { intraOpThreads: 1, maxDistinctDeaths: 1000, instances } });
    await server.client.deploy({ params: { endpoint: "single" }, body: { settings: settings(1) } });
    await server.client.deploy({ params: { endpoint: "double" }, body: { settings: settings(2) } });
    const single = await kills(run, server, "single", 3, run.size);
    const double = await kills(run, server, "double", 5, Math.ceil(run.size / 2));
    return { single, double };
  } finally {
    server.child.kill("SIGKILL");
    await server.exited;
  }
}

async function kills(
  run: CampaignRun,
  server: ServerProcess,
  endpoint: string,
  factor: number,
  count: number,
): Promise<Figures> {
  const endings = new Endings();
  const recoveriesMs: number[] = [];
  const readyMs: number[] = [];
  const over = new AbortController();
  let answeredAt = performance.now();
  const ask = async (index: number): Promise<void> => {
    const client = new LoadClient(server.inferenceAddress);
    for (let x = index; !over.signal.aborted; x = (x + CLIENTS) % 100_000) {
      const ending = await client.ask(endpoint, [x, 1]);
      endings.count(ending);
      if (ending.status !== 200) continue;
      answeredAt = performance.now();
      check(ending.data![0] === factor * x, `${x} times ${factor} was answered with ${ending.data?.join()}`);
    }
    client.close();
  };
  const kill = async (): Promise<void> => {
    for (let round = 0; round < count; round++) {
      await pause(50 + run.random() * 200);
      const before = await runnersOf(server, endpoint);
      const victim = before[Math.floor(run.random() * before.length)]!;
      const killedAt = performance.now();
      process.kill(victim, "SIGKILL");
      const rest = (pids: readonly number[]) => !pids.includes(victim) && pids.length === before.length;
      await eventually(`${endpoint}, kill ${round}: runners`, () => runnersOf(server, endpoint), rest, {
        timeoutMs: 60_000,
      });
      readyMs.push(performance.now() - killedAt);
      // Answers of before the kill may still arrive; the first after the new runner is there is surely one of after.
      const seen = performance.now();
      await eventually(
        `${endpoint}, kill ${round}: an answer`,
        () => answeredAt,
        (at) => at > seen,
        { intervalMs: 1, timeoutMs: 60_000 },
      );
      recoveriesMs.push(answeredAt - killedAt);
      if ((round + 1) % 50 === 0) run.log(`${endpoint}: ${round + 1} kills, ${endings.total} requests`);
    }
    over.abort();
  };
  await Promise.all([kill(), ...Array.from({ length: CLIENTS }, (_, index) => ask(index))]);
  endings.require(/^(?:200|500 RUNNER_DIED)$/);
  const failed = endings.of("500 RUNNER_DIED");
  check(failed <= count * MOST_FAILED_PER_KILL, `${failed} of ${endings.total} requests failed in ${count} kills`);
  check(endings.of("200") > count, "Hardly anything was answered: the campaign shows nothing.");
  await requireCounted(server, endpoint, endings);
  return { kills: count, endings, newRunnerReadyMs: percentiles(readyMs), firstAnswerMs: percentiles(recoveriesMs) };
}

async function runnersOf({ client }: ServerProcess, endpoint: string): Promise<number[]> {
  const { deployments } = await client.getEndpoint({ params: { endpoint } });
  return deployments.flatMap(({ executor }) =>
    (executor?.runners ?? []).flatMap(({ state, pid }) => (state === "ready" && pid !== null ? [pid] : [])),
  );
}

/** The server counts what the clients did: as many admitted as were asked, as many answered as had an answer. */
async function requireCounted(server: ServerProcess, endpoint: string, endings: Endings): Promise<void> {
  const metrics = await (await fetch(`${new URL(server.consoleAddress).origin}/metrics`)).text();
  const counted = (name: string) =>
    Number(new RegExp(`^${name}\\{.*endpoint="${endpoint}".*\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
  const admitted = counted("slipway_requests_admitted_total");
  const answered = counted("slipway_requests_answered_total");
  check(admitted === endings.total, `${endings.total} asked, ${admitted} admitted`);
  check(answered === endings.of("200"), `${endings.of("200")} answers came, ${answered} were sent`);
}
