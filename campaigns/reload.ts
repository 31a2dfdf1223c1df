// Versions are switched, rolled back and loaded again under load: not one request fails, and each is answered by one
// version, whole.
import path from "node:path";
import { importModel, scaleModel } from "../test/platform.ts";
import { startServerProcess } from "../test/support/server-process.ts";
import { type Campaign, type CampaignRun, check, type Figures, percentiles } from "./campaign.ts";
import { Endings, LoadClient } from "./load.ts";

const CLIENTS = 16;
const VERSIONS = 4;

export const reload: Campaign = {
  name: "reload",
  what: "Switching versions, rolling back and loading again under load: no request fails, and each is answered by one version",
  unit: "requests",
  short: 3000,
  long: 200_000,
  run: reloadUnderLoad,
};

async function reloadUnderLoad(run: CampaignRun): Promise<Figures> {
  const server = await startServerProcess(path.join(run.directory, "data"));
  try {
    const { client } = server;
    const params = { endpoint: "scale" };
    for (let factor = 1; factor <= VERSIONS; factor++) await importModel({ client }, "scale", scaleModel(factor));
    await client.deploy({ params, body: { number: 1 } });
    const endings = new Endings();
    const perVersion: Record<string, number> = {};
    const latenciesMs: number[] = [];
    const over = new AbortController();
    const ask = async (index: number): Promise<void> => {
      const one = new LoadClient(server.inferenceAddress);
      for (let x = index; !over.signal.aborted; x = (x + CLIENTS) % 100_000) {
        const start = performance.now();
        const ending = await one.ask("scale", [x, 1]);
        latenciesMs.push(performance.now() - start);
        endings.count(ending);
        if (endings.total >= run.size) over.abort();
        if (ending.status !== 200) continue;
        const factor = Number(ending.version);
        check(
          ending.data![0] === factor * x && ending.data![1] === factor,
          `Version ${factor} answered ${ending.data?.join()}`,
        );
        perVersion[factor] = (perVersion[factor] ?? 0) + 1;
        if (endings.total % 20_000 === 0) run.log(`${endings.total} requests`);
      }
      one.close();
    };
    const switchesMs: number[] = [];
    const change = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const start = performance.now();
        if (run.random() < 0.2) await client.rollback({ params, body: {} }).catch(allowNothingBefore);
        else await client.deploy({ params, body: { number: 1 + Math.floor(run.random() * VERSIONS) } });
        switchesMs.push(performance.now() - start);
      }
    };
    await Promise.all([change(), ...Array.from({ length: CLIENTS }, (_, index) => ask(index))]);
    endings.require(/^200$/);
    check(switchesMs.length > 1, "Nothing was switched: the campaign shows nothing.");
    server.child.kill("SIGTERM");
    const { code } = await server.exited;
    check(code === 0, `The server ended with ${code}`);
    return {
      requests: endings.total,
      failed: endings.total - endings.of("200"),
      switches: switchesMs.length,
      versionsAnswered: perVersion,
      switchMs: percentiles(switchesMs),
      latencyMs: percentiles(latenciesMs),
    };
  } finally {
    server.child.kill("SIGKILL");
    await server.exited;
  }
}

/** There may be nothing to go back to; the server then says so. */
function allowNothingBefore(error: unknown): void {
  if ((error as { code?: string }).code !== "ROLLBACK_IMPOSSIBLE") throw error;
}
