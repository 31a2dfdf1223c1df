// Overload: ten times what a model can answer, offered on schedule whether or not answers come. What is still answered in
// time, how long that takes, what memory does, whether health answers, and how soon all is as before.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadReport } from "../server/src/load/index.ts";
import { type Contender, startEcho, startSlipway, workDirectory } from "./contenders.ts";
import { closedLoop, flood, type Flooded, openLoop, WARM_UP_MS, WARM_UP_SECONDS } from "./load.ts";
import type { ModelName } from "./models.ts";
import { type Payload, type Wire, writePayload } from "./payloads.ts";
import { type Figure, figureOf, figureText, ratioOf } from "./summary.ts";

interface OverloadOptions {
  /** The first is taken. */
  readonly wires: readonly Wire[];
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export interface OverloadFigures {
  readonly wire: Wire;
  /** Answers a second of 64 clients that each wait for theirs. */
  readonly capacityPerSecond: Figure;
  readonly echoPerSecond: Figure;
  /** Of an echo with as many clients as the overload has; missing in older results. */
  readonly crowdedEchoPerSecond?: Figure;
  /** From when a request was due, at 80 % of the capacity, arrivals at random. */
  readonly p99At80Ms: Figure;
  /** What every request of the overload gave itself: DEADLINE_FACTOR times that p99. */
  readonly deadlineMs: Figure;
  /** Requests that reached the server, over its capacity: what one core can send falls short of ten times small models. */
  readonly offeredOverCapacity: Figure;
  readonly goodputOverCapacity: Figure;
  /** Over what is left of a core where a refusal costs what an echo does, and clients what they cost an echo; or over what was offered. */
  readonly goodputOverLeft: Figure;
  /** The same where as many clients send again at once, by wrk, which sends more; null without it, missing in older results. */
  readonly flooded?: {
    readonly offeredOverCapacity: Figure;
    readonly goodputOverCapacity: Figure;
    readonly goodputOverLeft: Figure;
  } | null;
  readonly p99OverP99At80: Figure;
  readonly peakMemoryOverBefore: Figure | null;
  readonly peakMemoryBytes: Figure | null;
  /** Health was asked ten times a second; the share that answered 200 in time, and how long its slowest hundredth took. */
  readonly healthAnswered: Figure;
  readonly healthP99Ms: Figure;
  /** From the load's end to the first of ten answers in a row that came as quickly as before it. */
  readonly recoveryMs: Figure;
  /** The same overload without deadlines: the default bound, 1024 waiting requests, then decides how long they wait. */
  readonly withoutDeadline: {
    readonly goodputOverCapacity: Figure;
    readonly p99OverP99At80: Figure;
  };
  readonly refusals: Readonly<Record<string, number>>;
}

/** More than may wait (1024) and run, so that the server must refuse. */
const CONNECTIONS = 2048;
const CAPACITY_CONNECTIONS = 64;
const TIMES_CAPACITY = 10;
/** The most one core of these machines sends. */
const MOST_PER_SECOND = 60_000;
/** A budget of three times the p99 at 80 % leaves this for the deadline, and the rest for what comes after the run. */
const DEADLINE_FACTOR = 2.5;
const LEAST_DEADLINE_MS = 10;
/** A request without an answer for this long is given up; where there was no answer at all, it stands for the p99. */
const UNANSWERED_MS = 3000;
const MOST_SECONDS = 15;
const PATIENT_MS = 30_000;
const HEALTH_EVERY_MS = 100;
/** Counting the pages of a process stops it for milliseconds. */
const MEMORY_EVERY = 20;
const RECOVERED_ANSWERS = 10;
const RECOVERY_LIMIT_MS = 30_000;

interface Round {
  readonly capacity: number;
  readonly echo: number;
  readonly crowdedEcho: number;
  readonly p99At80Ms: number;
  readonly deadlineMs: number;
  readonly offered: number;
  readonly goodput: number;
  readonly refused: number;
  readonly p99Ms: number;
  readonly flooded: Flooded | null;
  readonly watched: Watched;
  readonly recoveryMs: number;
  readonly plainGoodput: number;
  readonly plainP99Ms: number;
}

export async function benchOverload(model: ModelName, options: OverloadOptions): Promise<OverloadFigures> {
  await using directory = await workDirectory();
  const wire = options.wires[0]!;
  const payload = await writePayload(directory.path, model, wire);
  const echo = await startEcho();
  const slipway = await startSlipway(directory.path, model);
  try {
    for (const { url } of [echo, slipway])
      await closedLoop({ url, payload, connections: CAPACITY_CONNECTIONS, seconds: WARM_UP_SECONDS });
    const all: Round[] = [];
    const refusals: Record<string, number> = {};
    for (let number = 1; number <= options.rounds; number++) {
      const round = await overloadOnce({ echo, slipway, payload, seconds: options.seconds, refusals });
      all.push(round);
      options.log(
        `${model} round ${number}: capacity ${Math.round(round.capacity)}/s, p99 at 80 % ${round.p99At80Ms.toFixed(1)} ms; ` +
          `offered ${Math.round(round.offered)}/s: ${Math.round(round.goodput)}/s answered, p99 ${round.p99Ms.toFixed(1)} ms; ` +
          floodText(round.flooded) +
          `without deadlines ${Math.round(round.plainGoodput)}/s, p99 ${round.plainP99Ms.toFixed(0)} ms`,
      );
    }
    return { wire, ...figuresFrom(all), refusals };
  } finally {
    await Promise.all([echo.stop(), slipway.stop()]);
  }
}

interface Setting {
  readonly echo: Contender;
  readonly slipway: Contender;
  readonly payload: Payload;
  readonly seconds: number;
  readonly refusals: Record<string, number>;
}

async function overloadOnce({ echo, slipway, payload, seconds, refusals }: Setting): Promise<Round> {
  const load = { payload, seconds };
  const closed = { ...load, connections: CAPACITY_CONNECTIONS };
  const echoPerSecond = (await closedLoop({ ...closed, url: echo.url })).perSecond;
  const crowdedEcho = (await closedLoop({ ...closed, url: echo.url, connections: CONNECTIONS })).perSecond;
  const capacity = (await closedLoop({ ...closed, url: slipway.url })).perSecond;
  const { url } = slipway;
  const open = { ...load, url, timeoutMs: UNANSWERED_MS } as const;
  const steady = { ...open, connections: CAPACITY_CONNECTIONS, arrivals: "poisson", warmUpMs: WARM_UP_MS } as const;
  const at80 = await openLoop({ ...steady, ratePerSecond: capacity * 0.8 });
  const usualMs = await soloMs(url, payload);
  const deadlineMs = Math.max(LEAST_DEADLINE_MS, Math.ceil(DEADLINE_FACTOR * at80.latency!.p99Ms));
  const ratePerSecond = Math.min(MOST_PER_SECOND, TIMES_CAPACITY * capacity);
  // Long enough for deadlines to come into their own where the machine is slow.
  const tooMuch = {
    ...open,
    connections: CONNECTIONS,
    arrivals: "constant",
    ratePerSecond,
    warmUpMs: 0,
    seconds: Math.min(MOST_SECONDS, Math.max(seconds, Math.ceil((5 * deadlineMs) / 1000))),
    timeoutMs: Math.max(UNANSWERED_MS, 2 * deadlineMs),
  } as const;
  const watch = watchServer(slipway);
  const headers = { ...payload.headers, "slipway-timeout-ms": String(deadlineMs) };
  const over = await openLoop({ ...tooMuch, payload: { ...payload, headers } });
  const recoveryMs = await recovered(url, payload, usualMs);
  const watched = await watch.end();
  const flooding = { ...load, url, connections: CONNECTIONS, seconds: tooMuch.seconds };
  const flooded = await flood({ ...flooding, payload: { ...payload, headers } });
  await recovered(url, payload, usualMs);
  // Clients that give up sooner than the queue is worked off would leave nothing to measure.
  const plain = await openLoop({ ...tooMuch, timeoutMs: PATIENT_MS });
  await recovered(url, payload, usualMs);
  for (const [code, count] of Object.entries(over.failures)) refusals[code] = (refusals[code] ?? 0) + count;
  return {
    capacity,
    echo: echoPerSecond,
    crowdedEcho,
    p99At80Ms: at80.latency!.p99Ms,
    deadlineMs,
    offered: answersOf(over) / (over.measuredMs / 1000),
    goodput: over.goodputPerSecond,
    refused: (answersOf(over) - over.answered) / (over.measuredMs / 1000),
    p99Ms: over.service?.p99Ms ?? UNANSWERED_MS,
    flooded,
    watched,
    recoveryMs,
    plainGoodput: plain.goodputPerSecond,
    plainP99Ms: plain.service?.p99Ms ?? UNANSWERED_MS,
  };
}

/** Requests the server said something to, be it no: what the generator never sent did not cost the server anything. */
function answersOf({ answered, failures }: LoadReport): number {
  const refused = Object.entries(failures).filter(([code]) => /^\d{3}/.test(code));
  return answered + refused.reduce((sum, [, count]) => sum + count, 0);
}

interface Watched {
  readonly beforeBytes: number | null;
  readonly peakBytes: number;
  readonly healthAnswered: number;
  readonly healthP99Ms: number;
}

/** Asks for health and reads memory until it is ended. */
function watchServer(slipway: Contender): { end(): Promise<Watched> } {
  const health = new URL("/v2/health/ready", slipway.url);
  const beforeBytes = slipway.memory()?.pssBytes ?? null;
  let peakBytes = beforeBytes ?? 0;
  const over = new AbortController();
  let answered = 0;
  const latencies: number[] = [];
  const watching = (async () => {
    while (!over.signal.aborted) {
      const before = performance.now();
      const signal = AbortSignal.timeout(5000);
      const isWell = await fetch(health, { signal }).then(
        (response) => response.ok,
        () => false,
      );
      latencies.push(performance.now() - before);
      if (isWell) answered++;
      if (latencies.length % MEMORY_EVERY === 0) peakBytes = Math.max(peakBytes, slipway.memory()?.pssBytes ?? 0);
      await sleep(HEALTH_EVERY_MS);
    }
  })();
  return {
    end: async () => {
      over.abort();
      await watching;
      const sorted = latencies.toSorted((a, b) => a - b);
      const healthP99Ms = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!;
      return { beforeBytes, peakBytes, healthAnswered: answered / latencies.length, healthP99Ms };
    },
  };
}

/** What a lone request takes, at most, when nothing else goes on: the slowest of twenty. */
async function soloMs(url: string, payload: Payload): Promise<number> {
  let slowest = 0;
  for (let index = 0; index < 20; index++) slowest = Math.max(slowest, (await ask(url, payload)).ms);
  return slowest;
}

/** Asks one after another until ten in a row came as quickly as before, and answers when the first of them was sent. */
async function recovered(url: string, payload: Payload, usualMs: number): Promise<number> {
  const start = performance.now();
  let since = start;
  for (let inARow = 0; inARow < RECOVERED_ANSWERS; ) {
    const before = performance.now();
    const { isAnswered, ms } = await ask(url, payload);
    if (isAnswered && ms <= usualMs * 2) inARow++;
    else inARow = 0;
    if (inARow === 1) since = before;
    if (performance.now() - start > RECOVERY_LIMIT_MS) throw new Error(`Not as before ${RECOVERY_LIMIT_MS} ms later.`);
  }
  return since - start;
}

async function ask(url: string, { file, headers }: Payload): Promise<{ isAnswered: boolean; ms: number }> {
  const before = performance.now();
  const isAnswered = await fetch(url, { method: "POST", headers, body: readFileSync(file) }).then(
    async (response) => (await response.arrayBuffer()).byteLength > 0 && response.ok,
    () => false,
  );
  return { isAnswered, ms: performance.now() - before };
}

/**
 * Answers a second that are left: each takes what it takes with few clients, and what so many add to an echo; each refusal
 * what an echo takes.
 */
function leftOf({ capacity, echo, crowdedEcho }: Round, refused: number): number {
  const seconds = 1 / capacity + Math.max(0, 1 / crowdedEcho - 1 / echo);
  return Math.max(0, 1 - refused / crowdedEcho) / seconds;
}

function floodedFrom(rounds: readonly Round[]): NonNullable<OverloadFigures["flooded"]> | null {
  const floods = rounds.flatMap(({ flooded }) => (flooded === null ? [] : [flooded]));
  if (floods.length < rounds.length) return null;
  const capacity = rounds.map((round) => round.capacity);
  const answered = floods.map(({ answeredPerSecond }) => answeredPerSecond);
  const offered = floods.map(({ answeredPerSecond, refusedPerSecond }) => answeredPerSecond + refusedPerSecond);
  const left = rounds.map((round, at) => leftOf(round, floods[at]!.refusedPerSecond));
  return {
    offeredOverCapacity: ratioOf(offered, capacity),
    goodputOverCapacity: ratioOf(answered, capacity),
    goodputOverLeft: ratioOf(answered, left),
  };
}

function floodText(flooded: Flooded | null): string {
  if (flooded === null) return "";
  const [answered, refused] = [flooded.answeredPerSecond, flooded.refusedPerSecond].map(Math.round);
  return `flooded ${answered}/s answered and ${refused}/s refused; `;
}

function figuresFrom(rounds: readonly Round[]): Omit<OverloadFigures, "wire" | "refusals"> {
  const of = (pick: (round: Round) => number) => rounds.map(pick);
  const capacity = of((round) => round.capacity);
  const p99At80 = of((round) => round.p99At80Ms);
  const goodput = of((round) => round.goodput);
  const hasMemory = rounds.every(({ watched }) => watched.beforeBytes !== null);
  const peak = of(({ watched }) => watched.peakBytes);
  return {
    capacityPerSecond: figureOf(capacity),
    echoPerSecond: figureOf(of((round) => round.echo)),
    crowdedEchoPerSecond: figureOf(of((round) => round.crowdedEcho)),
    p99At80Ms: figureOf(p99At80),
    deadlineMs: figureOf(of((round) => round.deadlineMs)),
    offeredOverCapacity: ratioOf(
      of((round) => round.offered),
      capacity,
    ),
    goodputOverCapacity: ratioOf(goodput, capacity),
    goodputOverLeft: ratioOf(
      goodput,
      of((round) => Math.min(leftOf(round, round.refused), round.offered)),
    ),
    flooded: floodedFrom(rounds),
    p99OverP99At80: ratioOf(
      of((round) => round.p99Ms),
      p99At80,
    ),
    peakMemoryOverBefore: hasMemory
      ? ratioOf(
          peak,
          of(({ watched }) => watched.beforeBytes!),
        )
      : null,
    peakMemoryBytes: hasMemory ? figureOf(peak) : null,
    healthAnswered: figureOf(of(({ watched }) => watched.healthAnswered)),
    healthP99Ms: figureOf(of(({ watched }) => watched.healthP99Ms)),
    recoveryMs: figureOf(of((round) => round.recoveryMs)),
    withoutDeadline: {
      goodputOverCapacity: ratioOf(
        of((round) => round.plainGoodput),
        capacity,
      ),
      p99OverP99At80: ratioOf(
        of((round) => round.plainP99Ms),
        p99At80,
      ),
    },
  };
}

export function overloadText(model: ModelName, figures: OverloadFigures): string {
  const { peakMemoryOverBefore: memory, withoutDeadline: plain, flooded } = figures;
  return [
    `${model}, ${figures.wire}, offered ${figureText(figures.offeredOverCapacity)} times its capacity`,
    `  capacity                       ${figureText(figures.capacityPerSecond, "/s")}`,
    ...(figures.crowdedEchoPerSecond === undefined
      ? []
      : [`  an echo, of as many clients    ${figureText(figures.crowdedEchoPerSecond, "/s")}`]),
    `  p99 at 80 % of it              ${figureText(figures.p99At80Ms, " ms")}`,
    `  deadline of every request      ${figureText(figures.deadlineMs, " ms")}`,
    `  goodput over capacity          ${figureText(figures.goodputOverCapacity)}`,
    `  goodput over what is left      ${figureText(figures.goodputOverLeft)}`,
    ...(flooded === null || flooded === undefined
      ? []
      : [
          `  flooded by wrk                 offered ${figureText(flooded.offeredOverCapacity)} times its capacity,`,
          `                                 goodput over what is left ${figureText(flooded.goodputOverLeft)}`,
        ]),
    `  p99 over p99 at 80 %           ${figureText(figures.p99OverP99At80)}`,
    `  without deadlines: goodput     ${figureText(plain.goodputOverCapacity)}, p99 ${figureText(plain.p99OverP99At80)}`,
    `  peak memory over before        ${memory === null ? "not known here" : figureText(memory)}`,
    `  health answered                ${figureText(figures.healthAnswered)}, p99 ${figureText(figures.healthP99Ms, " ms")}`,
    `  recovered after                ${figureText(figures.recoveryMs, " ms")}`,
    `  refused as                     ${JSON.stringify(figures.refusals)}`,
  ].join("\n");
}
