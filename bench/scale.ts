// What more cores bring: fronts and runners on one, two, four… cores, up to half of the machine's, with the load on the
// other half. Every arrangement of a number of cores takes its turn in each round, beside the one that everything stands on:
// a front and a runner that share a core.
import os from "node:os";
import { type Contender, startSlipway, workDirectory } from "./contenders.ts";
import { closedLoop, WARM_UP_SECONDS } from "./load.ts";
import type { ModelName } from "./models.ts";
import { type Wire, writePayload } from "./payloads.ts";
import { type Figure, figureOf, figureText, ratioOf } from "./summary.ts";

interface ScaleOptions {
  /** The first is taken. */
  readonly wires: readonly Wire[];
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

interface Arrangement {
  readonly cores: number;
  readonly fronts: number;
  readonly instances: number;
}

export interface ScaleFigures {
  readonly wire: Wire;
  readonly loadCores: number;
  readonly arrangements: readonly (Arrangement & {
    readonly connections: number;
    readonly perSecond: Figure;
    readonly p99Us: Figure;
    /** Over a front and a runner that share one core, round by round. */
    readonly overOne: Figure;
  })[];
}

const CONNECTIONS_PER_CORE = 32;
const ONE: Arrangement = { cores: 1, fronts: 1, instances: 1 };

export async function benchScale(model: ModelName, options: ScaleOptions): Promise<ScaleFigures> {
  await using directory = await workDirectory();
  const wire = options.wires[0]!;
  const payload = await writePayload(directory.path, model, wire);
  const half = Math.max(1, os.cpus().length >> 1);
  const loadCores = Array.from({ length: half }, (_, core) => half + core);
  const all: ScaleFigures["arrangements"][number][] = [];
  for (let cores = 1; cores <= half; cores *= 2) {
    const arrangements = cores === 1 ? [ONE] : [ONE, ...arrangementsOf(cores)];
    const servers: Contender[] = [];
    try {
      for (const arrangement of arrangements) servers.push(await start(directory.path, model, arrangement));
      const connections = CONNECTIONS_PER_CORE * cores;
      const load = async (url: string, seconds: number) =>
        await closedLoop({ url, payload, connections, seconds, cores: loadCores });
      for (const { url } of servers) await load(url, WARM_UP_SECONDS);
      const rates: number[][] = servers.map(() => []);
      const p99s: number[][] = servers.map(() => []);
      for (let round = 1; round <= options.rounds; round++) {
        for (const [at, { url }] of servers.entries()) {
          const { perSecond, p99Us } = await load(url, options.seconds);
          rates[at]!.push(perSecond);
          p99s[at]!.push(p99Us);
        }
      }
      for (const [at, arrangement] of arrangements.entries()) {
        if (at === 0 && cores > 1) continue;
        const measured = {
          ...arrangement,
          connections,
          perSecond: figureOf(rates[at]!),
          p99Us: figureOf(p99s[at]!),
          overOne: ratioOf(rates[at]!, rates[0]!),
        };
        all.push(measured);
        options.log(`${model}: ${arrangementText(measured)}`);
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return { wire, loadCores: half, arrangements: all };
}

/** One of a kind with as many of the other as there are cores, half of each, and all of each. */
function arrangementsOf(cores: number): Arrangement[] {
  const half = cores >> 1;
  const pairs: readonly [number, number][] = [
    [1, 1],
    [cores, 1],
    [1, cores],
    [half, half],
    [cores, cores],
  ];
  const isNew = ([fronts, instances]: readonly [number, number], at: number) =>
    pairs.findIndex(([f, i]) => f === fronts && i === instances) === at;
  return pairs.filter(isNew).map(([fronts, instances]) => ({ cores, fronts, instances }));
}

function start(directory: string, model: ModelName, { cores, fronts, instances }: Arrangement): Promise<Contender> {
  const env = {
    ...process.env,
    SLIPWAY_SERVER_FRONTS: String(fronts),
    SLIPWAY_RUNTIME_INSTANCES: String(instances),
    SLIPWAY_RUNTIME_INTRA_OP_THREADS: "1",
  };
  return startSlipway(directory, model, { env, cores: Array.from({ length: cores }, (_, core) => core) });
}

function arrangementText({
  cores,
  fronts,
  instances,
  perSecond,
  overOne,
}: ScaleFigures["arrangements"][number]): string {
  const what = `${cores} cores, ${fronts} fronts, ${instances} runners`;
  return `${what}: ${figureText(perSecond, "/s")}, ${figureText(overOne)} of one core's`;
}

export function scaleText(model: ModelName, { wire, loadCores, arrangements }: ScaleFigures): string {
  return [
    `${model}, ${wire}, load from ${loadCores} other cores`,
    ...arrangements.map((arrangement) => `  ${arrangementText(arrangement)}`),
  ].join("\n");
}
