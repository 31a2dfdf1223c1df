// Serving against the echo and the limit: throughput at each number of connections, and what a lone request costs beyond
// echo and model.
import path from "node:path";
import { type Contender, startEcho, startSlipway, workDirectory } from "./contenders.ts";
import { closedLoop, costlyLoop, LOAD_TOOL, WARM_UP_SECONDS } from "./load.ts";
import { MODELS, type ModelName, writeModel } from "./models.ts";
import { type Payload, type Wire, writePayload } from "./payloads.ts";
import { runNode, SERVER_CORE } from "./processes.ts";
import { type Figure, figureOf, figureText, ratioOf } from "./summary.ts";

interface ServeOptions {
  readonly wires: readonly Wire[];
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export interface ServeFigures {
  readonly tool: string;
  /** One run of the model alone, by the rows it takes. */
  readonly rawRunUs: Readonly<Record<number, Figure>>;
  readonly points: readonly ServePoint[];
  /** All processes of Slipway after the load. */
  readonly memoryBytes: number | null;
}

/** One form of request at one number of connections. */
interface ServePoint {
  readonly wire: Wire;
  readonly connections: number;
  readonly echoPerSecond: Figure;
  readonly slipwayPerSecond: Figure;
  readonly overEcho: Figure;
  /** Processor time a request costs, all processes; and the same ratios by it, which neighbours on the core change less. */
  readonly cpuUs: Figure;
  readonly overEchoByCpu: Figure;
  readonly overLimitByCpu: Figure;
  /** 1 / (1/echo + 1/raw) at a batch of as many rows as connections, at most MAX_BATCH; and what share Slipway reaches. */
  readonly limitPerSecond: Figure;
  readonly overLimit: Figure;
  readonly echoP50Us: Figure;
  readonly slipwayP50Us: Figure;
  readonly slipwayP99Us: Figure;
  /** Slipway's p50 less echo's and less the model's own run, round by round; at one connection only. */
  readonly addedP50Us: Figure | null;
}

/** What one run takes by default, `runtime.maxBatchRows`. */
const MAX_BATCH = 32;
const RAW_SECONDS = 1;
/** A load lasts at least so many runs of a full batch: what is under way at its end is not counted. */
const LEAST_RUNS = 30;

/** Measures a model against the echo, contenders taking turns within every round. */
export async function benchServe(model: ModelName, options: ServeOptions): Promise<ServeFigures> {
  const { wires, connections, rounds, seconds, log } = options;
  await using directory = await workDirectory();
  const modelFile = await writeModel(directory.path, model);
  const echo = await startEcho();
  const slipway = await startSlipway(directory.path, model).catch(async (error: unknown) => {
    await echo.stop();
    throw error;
  });
  try {
    const payloads = await Promise.all(wires.map((wire) => writePayload(directory.path, model, wire)));
    const points = wires.flatMap((wire, index) =>
      connections.map((count) => new PointInProgress(wire, payloads[index]!, count)),
    );
    await warmUp([echo, slipway], payloads);
    const raw = new Map<number, RawRun[]>(points.map(({ rows }) => [rows, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const [rows, seen] of raw) seen.push(await rawRun(modelFile, model, rows));
      for (const point of points) {
        const lasting = Math.max(seconds, Math.ceil((LEAST_RUNS * raw.get(point.rows)!.at(-1)!.p50Us) / 1e6));
        log(`${model} round ${round}: ${await point.measure(echo, slipway, lasting)}`);
      }
    }
    return {
      tool: LOAD_TOOL,
      rawRunUs: Object.fromEntries([...raw].map(([rows, seen]) => [rows, figureOf(seen.map(({ p50Us }) => p50Us))])),
      points: points.map((point) => point.figures(raw.get(point.rows)!)),
      memoryBytes: slipway.memory()?.pssBytes ?? null,
    };
  } finally {
    await Promise.all([echo.stop(), slipway.stop()]);
  }
}

/** Not counted. */
async function warmUp(contenders: readonly Contender[], payloads: readonly Payload[]): Promise<void> {
  for (const { url } of contenders) {
    for (const payload of payloads) await closedLoop({ url, payload, connections: 32, seconds: WARM_UP_SECONDS });
  }
}

interface RawRun {
  readonly p50Us: number;
  readonly cpuUs: number;
}

/** Bare runs on the server's core. */
async function rawRun(modelFile: string, model: ModelName, rows: number): Promise<RawRun> {
  const what = [modelFile, String(MODELS[model].width), String(rows), String(RAW_SECONDS)];
  const out = await runNode([path.join(import.meta.dirname, "raw-run.ts"), ...what], SERVER_CORE);
  return JSON.parse(out) as RawRun;
}

class PointInProgress {
  readonly wire: Wire;
  readonly #payload: Payload;
  readonly #connections: number;
  readonly rows: number;
  readonly #echo = { perSecond: [] as number[], cpuUs: [] as number[], p50Us: [] as number[] };
  readonly #slipway = {
    perSecond: [] as number[],
    cpuUs: [] as number[],
    p50Us: [] as number[],
    p99Us: [] as number[],
  };

  constructor(wire: Wire, payload: Payload, connections: number) {
    this.wire = wire;
    this.#payload = payload;
    this.#connections = connections;
    this.rows = Math.min(connections, MAX_BATCH);
  }

  /** One round; answers a line about it. */
  async measure(echo: Contender, slipway: Contender, seconds: number): Promise<string> {
    const load = { payload: this.#payload, connections: this.#connections, seconds };
    const ofEcho = await costlyLoop(echo, load);
    const ofSlipway = await costlyLoop(slipway, load);
    this.#echo.cpuUs.push(ofEcho.cpuUs);
    this.#slipway.cpuUs.push(ofSlipway.cpuUs);
    this.#echo.perSecond.push(ofEcho.perSecond);
    this.#echo.p50Us.push(ofEcho.p50Us);
    this.#slipway.perSecond.push(ofSlipway.perSecond);
    this.#slipway.p50Us.push(ofSlipway.p50Us);
    this.#slipway.p99Us.push(ofSlipway.p99Us);
    const text = ({ perSecond, p50Us }: typeof ofEcho) => `${Math.round(perSecond)}/s, p50 ${Math.round(p50Us)} µs`;
    return `${this.wire}, ${this.#connections} connections: echo ${text(ofEcho)}; slipway ${text(ofSlipway)}`;
  }

  figures(raw: readonly RawRun[]): ServePoint {
    const [echo, slipway] = [this.#echo, this.#slipway];
    const limits = echo.perSecond.map((perSecond, round) => 1 / (1 / perSecond + raw[round]!.p50Us / this.rows / 1e6));
    const added = slipway.p50Us.map((us, round) => us - echo.p50Us[round]! - raw[round]!.p50Us);
    return {
      wire: this.wire,
      connections: this.#connections,
      echoPerSecond: figureOf(echo.perSecond),
      slipwayPerSecond: figureOf(slipway.perSecond),
      overEcho: ratioOf(slipway.perSecond, echo.perSecond),
      cpuUs: figureOf(slipway.cpuUs),
      overEchoByCpu: ratioOf(echo.cpuUs, slipway.cpuUs),
      limitPerSecond: figureOf(limits),
      overLimit: ratioOf(slipway.perSecond, limits),
      overLimitByCpu: ratioOf(
        echo.cpuUs.map((us, round) => us + raw[round]!.cpuUs / this.rows),
        slipway.cpuUs,
      ),
      echoP50Us: figureOf(echo.p50Us),
      slipwayP50Us: figureOf(slipway.p50Us),
      slipwayP99Us: figureOf(slipway.p99Us),
      addedP50Us: this.#connections === 1 ? figureOf(added) : null,
    };
  }
}

/** The figures as people read them. */
export function serveText(model: ModelName, { points, rawRunUs, memoryBytes, tool }: ServeFigures): string {
  const lines = [`${model}, load by ${tool}`];
  for (const point of points) {
    lines.push(
      `  ${point.wire}, ${point.connections} connections`,
      `    slipway            ${figureText(point.slipwayPerSecond, "/s")}`,
      `    echo               ${figureText(point.echoPerSecond, "/s")}`,
      `    over echo          ${figureText(point.overEcho)}, by CPU time ${figureText(point.overEchoByCpu)}`,
      `    over the limit     ${figureText(point.overLimit)}, by CPU time ${figureText(point.overLimitByCpu)}`,
      `    p50                ${figureText(point.slipwayP50Us, " µs")}, echo's ${figureText(point.echoP50Us, " µs")}`,
    );
    if (point.addedP50Us !== null) lines.push(`    added p50          ${figureText(point.addedP50Us, " µs")}`);
  }
  for (const [rows, us] of Object.entries(rawRunUs))
    lines.push(`  a bare run of ${rows}      ${figureText(us, " µs")}`);
  lines.push(`  memory afterwards    ${memoryBytes === null ? "not known here" : mebibytes(memoryBytes)}`);
  return lines.join("\n");
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
