// Slipway and its peers in one run: same machine, core, model, bytes and load generator, taking turns within each round.
import { type Contender, startSlipway, workDirectory } from "../contenders.ts";
import { closedLoop, costlyLoop, LOAD_TOOL, openLoop, WARM_UP_MS, WARM_UP_SECONDS } from "../load.ts";
import { type ModelName, writeModel } from "../models.ts";
import { type Payload, type Wire, writePayload } from "../payloads.ts";
import { type Figure, figureOf, figureText, ratioOf } from "../summary.ts";
import { PEERS, type Peer } from "./peers.ts";
import { directoryOf, hold, startPeer } from "./start-peer.ts";

export interface PeersFigures {
  readonly tool: string;
  readonly contenders: readonly PeerFigures[];
  /** Peers that were not measured, and why. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

interface PeerFigures {
  readonly name: string;
  readonly wire: Wire;
  /** 32 connections. */
  readonly perSecond: Figure;
  readonly p99Us: Figure;
  /** Slipway's requests a second over its, on the same wire, round by round. */
  readonly slipwayOver: Figure;
  /** Processor time a request costs, all processes; and Slipway's advantage by it. */
  readonly cpuUs: Figure;
  readonly slipwayOverByCpu: Figure;
  /** One connection. */
  readonly p50Us: Figure;
  /** Open loop, OPEN_RATE requests a second at random: a rate all can hold. From when each was due. */
  readonly open: { readonly ratePerSecond: number; readonly p50Ms: Figure; readonly p99Ms: Figure } | null;
  /** All processes, after the load. */
  readonly memoryBytes: number | null;
}

interface PeersOptions {
  readonly isInstalling: boolean;
  /** Part of a peer's name, to measure only some. */
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

const CONNECTIONS = 32;
const OPEN_RATE = 200;
/** Stands for the latency where nothing was answered. */
const UNANSWERED_MS = 30_000;
/** The one model for which latency at a rate is taken too. */
const OPEN_MODEL: ModelName = "mid";
/** Binary tensors are measured where reading numbers is most of the work. */
const BINARY_MODEL: ModelName = "mid";

export async function benchPeers(model: ModelName, options: PeersOptions): Promise<PeersFigures> {
  await using directory = await workDirectory();
  const wires: readonly Wire[] = model === BINARY_MODEL ? ["json", "binary"] : ["json"];
  const payloads = await Promise.all(wires.map((wire) => writePayload(directory.path, model, wire)));
  const modelFile = await writeModel(directory.path, model);
  const { peers, skipped } = peersHere(options);
  const turns: Turn[] = [];
  try {
    const add = (contender: Contender, on: readonly Wire[]) => {
      for (const [index, wire] of wires.entries()) {
        if (on.includes(wire)) turns.push(new Turn(contender, wire, payloads[index]!));
      }
      hold(contender, true);
    };
    add(await startSlipway(directory.path, model), wires);
    for (const peer of peers) {
      try {
        add(await startPeer(peer, modelFile, payloads[0]!), peer.wires);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        skipped.push({ name: peer.name, why });
        options.log(why);
      }
    }
    const left = new Set(turns);
    for (let round = 0; round <= options.rounds; round++) {
      for (const turn of left) {
        hold(turn.contender, false);
        try {
          // The first round warms up.
          if (round === 0) await closedLoop({ ...turn.load, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
          else options.log(`${model} round ${round}: ${await turn.measure(model === OPEN_MODEL, options.seconds)}`);
        } catch (error) {
          if (turn.contender.name === "slipway") throw error;
          left.delete(turn);
          skipped.push({ name: turn.contender.name, why: String(error) });
        }
        hold(turn.contender, true);
      }
    }
    return { tool: LOAD_TOOL, contenders: [...left].map((turn) => turn.figures(turns)), skipped };
  } finally {
    for (const contender of new Set(turns.map((turn) => turn.contender))) {
      hold(contender, false);
      await contender.stop();
    }
  }
}

function peersHere({ isInstalling, peers: only, log }: PeersOptions): {
  peers: Peer[];
  skipped: { name: string; why: string }[];
} {
  const peers: Peer[] = [];
  const skipped: { name: string; why: string }[] = [];
  for (const peer of PEERS) {
    if (only.length > 0 && !only.some((part) => peer.name.toLowerCase().includes(part.toLowerCase()))) continue;
    const directory = directoryOf(peer);
    try {
      if (isInstalling && !peer.isInstalled(directory)) {
        log(`Installing ${peer.name} in ${directory} …`);
        peer.install(directory);
      }
      if (!peer.isInstalled(directory)) throw new Error("is not installed; --install does it");
      peers.push(peer);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      skipped.push({ name: peer.name, why });
      log(`${peer.name}: ${why}`);
    }
  }
  return { peers, skipped };
}

/** A contender on one wire, and what was seen of it. */
class Turn {
  readonly contender: Contender;
  readonly wire: Wire;
  readonly load: { readonly url: string; readonly payload: Payload };
  readonly #seen = { perSecond: [], cpuUs: [], p99Us: [], p50Us: [], openP50Ms: [], openP99Ms: [] } as Record<
    "perSecond" | "cpuUs" | "p99Us" | "p50Us" | "openP50Ms" | "openP99Ms",
    number[]
  >;

  constructor(contender: Contender, wire: Wire, payload: Payload) {
    this.contender = contender;
    this.wire = wire;
    this.load = { url: contender.url, payload };
  }

  async measure(isOpenToo: boolean, seconds: number): Promise<string> {
    const many = await costlyLoop(this.contender, { ...this.load, connections: CONNECTIONS, seconds });
    this.#seen.cpuUs.push(many.cpuUs);
    const one = await closedLoop({ ...this.load, connections: 1, seconds: 1 });
    this.#seen.perSecond.push(many.perSecond);
    this.#seen.p99Us.push(many.p99Us);
    this.#seen.p50Us.push(one.p50Us);
    if (isOpenToo && this.wire === "json") {
      const rate = { arrivals: "poisson", ratePerSecond: OPEN_RATE } as const;
      const times = { seconds, timeoutMs: UNANSWERED_MS, warmUpMs: WARM_UP_MS };
      const open = await openLoop({ ...this.load, ...rate, ...times, connections: CONNECTIONS });
      this.#seen.openP50Ms.push(open.latency?.p50Ms ?? UNANSWERED_MS);
      this.#seen.openP99Ms.push(open.latency?.p99Ms ?? UNANSWERED_MS);
    }
    return `${this.contender.name}, ${this.wire}: ${Math.round(many.perSecond)}/s; alone p50 ${one.p50Us} µs`;
  }

  figures(turns: readonly Turn[]): PeerFigures {
    const slipway = turns.find((turn) => turn.contender.name === "slipway" && turn.wire === this.wire)!;
    const { perSecond, cpuUs, p99Us, p50Us, openP50Ms, openP99Ms } = this.#seen;
    return {
      name: this.contender.name,
      wire: this.wire,
      perSecond: figureOf(perSecond),
      p99Us: figureOf(p99Us),
      slipwayOver: ratioOf(slipway.#seen.perSecond, perSecond),
      cpuUs: figureOf(cpuUs),
      slipwayOverByCpu: ratioOf(cpuUs, slipway.#seen.cpuUs),
      p50Us: figureOf(p50Us),
      open:
        openP50Ms.length === 0
          ? null
          : { ratePerSecond: OPEN_RATE, p50Ms: figureOf(openP50Ms), p99Ms: figureOf(openP99Ms) },
      memoryBytes: this.contender.memory()?.pssBytes ?? null,
    };
  }
}

export function peersText(model: ModelName, { contenders, skipped, tool }: PeersFigures): string {
  return [
    `${model}, load by ${tool}`,
    ...contenders.flatMap((of) => [
      `  ${of.name}, ${of.wire}`,
      `    32 connections   ${figureText(of.perSecond, "/s")}; slipway over it ${figureText(of.slipwayOver)}, by CPU time ${figureText(of.slipwayOverByCpu)}`,
      `    1 connection     p50 ${figureText(of.p50Us, " µs")}`,
      ...(of.open === null ? [] : [`    ${OPEN_RATE}/s at random  p99 ${figureText(of.open.p99Ms, " ms")}`]),
    ]),
    ...skipped.map(({ name, why }) => `  ${name} was not measured: ${why}`),
  ].join("\n");
}
