// Requests of different length: a Transformer encoder, lengths as of sentences, three ways to share runs. Grouped by
// measured cost (what Slipway does), everything that waits padded to the longest, and each request alone. All go
// through serving's queue and a contained runner, without HTTP, which is the same for all three.
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type GraphBuilder, graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { NamedTensor } from "@slipway/core/tensor";
import { Latencies, poissonArrivals, type Random, seededRandom } from "../server/src/load/index.ts";
import { QueueSettings, RuntimeSettings } from "../server/src/config/index.ts";
import { createExecutor, systemClock } from "../server/src/runtime/index.ts";
import { createServing, type InferenceOutcome, type Serving } from "../server/src/serve/index.ts";
import { workDirectory } from "./contenders.ts";
import { canPin, LOAD_CORE, SERVER_CORE } from "./processes.ts";
import { type Figure, figureOf, figureText, ratioOf } from "./summary.ts";

const LAYERS = 4;
const WIDTH = 128;
const HEADS = 4;
const WORDS = 1000;
const LONGEST = 256;
const CLIENTS = 64;
const DEADLINE_MS = 5_000;
/** Open-loop rates, as shares of what a closed loop is answered when each request runs alone. */
const SHARES = [0.8];

const MODES = {
  grouped: { batching: "auto", grouping: "cost" },
  padded: { batching: "auto", grouping: "arrival" },
  alone: { batching: "off", grouping: "cost" },
} as const;
type Mode = keyof typeof MODES;
const MODE_NAMES = Object.keys(MODES) as Mode[];

interface Seen {
  readonly rowsPerSecond: number;
  /** Rows for a second of the runner's processor time, which others on the machine do not take; 0 where not known. */
  readonly rowsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rowsPerRun: number;
  /** Refused, or past their deadline. */
  readonly failed: number;
}

interface LoadFigures {
  readonly load: string;
  readonly modes: Readonly<Record<Mode, Readonly<Record<keyof Seen, Figure>>>>;
  /** Grouped over the others, round by round. */
  readonly rowsOverPadded: Figure;
  readonly rowsOverAlone: Figure;
  readonly rowsPerCpuOverPadded: Figure;
  readonly rowsPerCpuOverAlone: Figure;
  readonly p99OverPadded: Figure;
  readonly p99OverAlone: Figure;
}

export interface LengthsFigures {
  readonly model: string;
  readonly lengths: { readonly p50: number; readonly p90: number; readonly p99: number; readonly longest: number };
  readonly loads: readonly LoadFigures[];
}

export interface LengthsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

/** Measures the three ways, taking turns within every round, under the same requests at the same times. */
export async function benchLengths({ rounds, seconds, log }: LengthsOptions): Promise<LengthsFigures> {
  await using directory = await workDirectory();
  const file = path.join(directory.path, "encoder.onnx");
  const bytes = encoder(1);
  await writeFile(file, bytes);
  const serving = createServing({ clock: systemClock, memoryBudgetBytes: null, hooks: [] });
  try {
    for (const mode of MODE_NAMES) await deploy(serving, mode, file, bytes.byteLength);
    pin(serving);
    for (const mode of MODE_NAMES) await closedLoop(serving, mode, seconds, 99);
    const loads = [
      { name: `closed loop, ${CLIENTS} clients`, share: null },
      ...SHARES.map((share) => ({ name: `open loop, ${share} of what is answered alone`, share })),
    ];
    const seen = loads.map((): Record<Mode, Seen[]> => ({ grouped: [], padded: [], alone: [] }));
    for (let round = 1; round <= rounds; round++) {
      for (const [index, { name, share }] of loads.entries()) {
        // Machines swing: the rate follows what this round answered.
        const rate = share === null ? null : share * seen[0]!.alone.at(-1)!.rowsPerSecond;
        for (let turn = 0; turn < MODE_NAMES.length; turn++) {
          const mode = MODE_NAMES[(round + turn) % MODE_NAMES.length]!;
          seen[index]![mode].push(
            rate === null
              ? await closedLoop(serving, mode, seconds, round)
              : await openLoop(serving, mode, rate, seconds, round),
          );
        }
        log(
          `round ${round}, ${name}: ${MODE_NAMES.map((mode) => `${mode} ${seenText(seen[index]![mode].at(-1)!)}`).join("; ")}`,
        );
      }
    }
    const sample = lengthsOf(seededRandom(1), 100_000).sort((a, b) => a - b);
    return {
      model: `${LAYERS} layers, ${WIDTH} wide, ${HEADS} heads, ${bytes.byteLength} bytes, 1 thread a run`,
      lengths: { p50: sample[50_000]!, p90: sample[90_000]!, p99: sample[99_000]!, longest: LONGEST },
      loads: loads.map(({ name }, index) => figuresFrom(name, seen[index]!)),
    };
  } finally {
    await serving.close(0);
  }
}

async function deploy(serving: Serving, mode: Mode, file: string, sizeBytes: number): Promise<void> {
  const { batching, grouping } = MODES[mode];
  const padAxis = batching === "auto" ? 1 : null;
  await serving.deploy({
    deploymentId: mode,
    endpoint: mode,
    version: "1",
    queue: QueueSettings.parse({ maxRequests: 100_000 }),
    attachment: null,
    estimatedBytes: 0,
    load: async (signal) => {
      const executor = await createExecutor({
        model: { model: { name: "encoder.onnx", path: file, offset: 0, sizeBytes }, externalData: [] },
        settings: RuntimeSettings.parse({ intraOpThreads: 1, batching, padAxis }),
        grouping,
        clock: systemClock,
        randomBytes,
        signal,
      });
      if (batching === "auto" && executor.batching.padAxis === null) throw new Error(`${executor.batching.reason}`);
      return executor;
    },
  });
}

/** Runners on the first core, this process with its queues and clients on the second. */
function pin(serving: Serving): void {
  if (!canPin) return;
  const move = (pid: number, core: number) =>
    execFileSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" });
  for (const { executor } of serving.status()) for (const { pid } of executor!.runners) move(pid!, SERVER_CORE);
  move(process.pid, LOAD_CORE);
}

/** Processor time a mode's runner has used; 0 where the system does not tell (anything but Linux). */
async function cpuSecondsOf(serving: Serving, mode: Mode): Promise<number> {
  const { executor } = serving.status().find(({ endpoint }) => endpoint === mode)!;
  const text = await readFile(`/proc/${executor!.runners[0]!.pid}/stat`, "utf8").catch(() => null);
  if (text === null) return 0;
  // After the name in brackets, user and system time are the 12th and 13th, in hundredths of a second.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

// Load

/**
 * Lengths of sentences follow a log-normal law (C. B. Williams, Biometrika 31, 1940, for words). The median of 24
 * tokens and the spread, one in ten above 67, one in a hundred above 154, are chosen for short user texts.
 */
function lengthsOf(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(LONGEST, Math.max(1, Math.round(24 * Math.exp(0.8 * normal))));
  });
}

/** Requests in turn, the same for the same seed. */
function requestsFrom(seed: number): () => NamedTensor[] {
  const random = seededRandom(seed);
  return () => {
    const length = lengthsOf(random, 1)[0]!;
    const shape = [1, length];
    const ids = BigInt64Array.from({ length }, () => BigInt(Math.floor(random() * WORDS)));
    return [
      { name: "input_ids", dtype: "int64", shape, data: ids },
      { name: "attention_mask", dtype: "int64", shape, data: new BigInt64Array(length).fill(1n) },
    ];
  };
}

function send(
  serving: Serving,
  mode: Mode,
  inputs: NamedTensor[],
  dueAt: number,
  done: (outcome: InferenceOutcome) => void,
): void {
  const context = {
    inferenceId: randomUUID(),
    tenant: "default",
    principal: null,
    purpose: null,
    priority: 0,
    arrivedAt: dueAt,
    deadline: dueAt + DEADLINE_MS,
    traceparent: null,
  };
  serving.route(mode, null).submit({ inputs, outputs: null }, context, done);
}

/** Counts outcomes of requests sent from `from` on. */
class Tally {
  readonly #latencies = new Latencies();
  readonly #from: number;
  #lastAt = 0;
  #failed = 0;
  #rowsPerRun = 0;

  constructor(from: number) {
    this.#from = from;
  }

  count(dueAt: number, outcome: InferenceOutcome): void {
    this.#lastAt = systemClock.now();
    if (!outcome.ok) this.#failed++;
    else {
      this.#latencies.observe(this.#lastAt - dueAt);
      this.#rowsPerRun += outcome.times.run.batchRows;
    }
  }

  /** Rows a second over the time it took to answer them all. */
  seen(cpuSeconds: number): Seen {
    const { count, p50Ms, p99Ms } = this.#latencies.summary()!;
    return {
      rowsPerSecond: (count * 1000) / (this.#lastAt - this.#from),
      rowsPerCpuSecond: cpuSeconds > 0 ? count / cpuSeconds : 0,
      p50Ms,
      p99Ms,
      rowsPerRun: this.#rowsPerRun / count,
      failed: this.#failed,
    };
  }
}

/** Clients that each send their next request when the last was answered. */
async function closedLoop(serving: Serving, mode: Mode, seconds: number, seed: number): Promise<Seen> {
  const startedAt = systemClock.now();
  const until = startedAt + seconds * 1000;
  const tally = new Tally(startedAt);
  const cpuBefore = await cpuSecondsOf(serving, mode);
  const next = requestsFrom(seed);
  const client = () =>
    new Promise<void>((resolve) => {
      const sendNext = (): void => {
        const sentAt = systemClock.now();
        if (sentAt >= until) {
          resolve();
          return;
        }
        send(serving, mode, next(), sentAt, (outcome) => {
          tally.count(sentAt, outcome);
          sendNext();
        });
      };
      sendNext();
    });
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return tally.seen((await cpuSecondsOf(serving, mode)) - cpuBefore);
}

/** Independent arrivals at a rate, whatever the server does; latencies count from when a request was due. */
async function openLoop(serving: Serving, mode: Mode, rate: number, seconds: number, seed: number): Promise<Seen> {
  const startedAt = systemClock.now();
  const until = startedAt + seconds * 1000;
  const tally = new Tally(startedAt);
  const cpuBefore = await cpuSecondsOf(serving, mode);
  const next = requestsFrom(seed);
  const arrivals = poissonArrivals(rate, seededRandom(seed + 1000));
  const answers: Promise<void>[] = [];
  for (let dueAt = startedAt + arrivals(); dueAt < until; dueAt = startedAt + arrivals()) {
    const waitMs = dueAt - systemClock.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const inputs = next();
    const due = dueAt;
    answers.push(
      new Promise((resolve) => {
        send(serving, mode, inputs, due, (outcome) => {
          tally.count(due, outcome);
          resolve();
        });
      }),
    );
  }
  await Promise.all(answers);
  return tally.seen((await cpuSecondsOf(serving, mode)) - cpuBefore);
}

// Figures

function figuresFrom(load: string, seen: Record<Mode, Seen[]>): LoadFigures {
  const values = (mode: Mode, of: keyof Seen) => seen[mode].map((each) => each[of]);
  const modes = Object.fromEntries(
    MODE_NAMES.map((mode) => [
      mode,
      Object.fromEntries(
        (["rowsPerSecond", "rowsPerCpuSecond", "p50Ms", "p99Ms", "rowsPerRun", "failed"] as const).map((of) => [
          of,
          figureOf(values(mode, of)),
        ]),
      ),
    ]),
  ) as LoadFigures["modes"];
  return {
    load,
    modes,
    rowsOverPadded: ratioOf(values("grouped", "rowsPerSecond"), values("padded", "rowsPerSecond")),
    rowsOverAlone: ratioOf(values("grouped", "rowsPerSecond"), values("alone", "rowsPerSecond")),
    rowsPerCpuOverPadded: ratioOf(values("grouped", "rowsPerCpuSecond"), values("padded", "rowsPerCpuSecond")),
    rowsPerCpuOverAlone: ratioOf(values("grouped", "rowsPerCpuSecond"), values("alone", "rowsPerCpuSecond")),
    p99OverPadded: ratioOf(values("grouped", "p99Ms"), values("padded", "p99Ms")),
    p99OverAlone: ratioOf(values("grouped", "p99Ms"), values("alone", "p99Ms")),
  };
}

function seenText({ rowsPerSecond, p99Ms }: Seen): string {
  return `${Math.round(rowsPerSecond)}/s p99 ${Math.round(p99Ms)} ms`;
}

/** The figures as people read them. */
export function lengthsText({ model, lengths, loads }: LengthsFigures): string {
  const head = `${model}; lengths p50 ${lengths.p50}, p90 ${lengths.p90}, p99 ${lengths.p99}, at most ${lengths.longest}`;
  const blocks = loads.map((of) =>
    [
      of.load,
      ...MODE_NAMES.map((mode) => {
        const { rowsPerSecond, rowsPerCpuSecond, p50Ms, p99Ms, rowsPerRun, failed } = of.modes[mode];
        return `  ${mode.padEnd(8)} ${figureText(rowsPerSecond, " rows/s")}; ${Math.round(rowsPerCpuSecond.median)} rows a CPU second; p50 ${figureText(p50Ms, " ms")}; p99 ${figureText(p99Ms, " ms")}; ${rowsPerRun.median.toFixed(1)} rows a run; ${failed.median} failed`;
      }),
      `  grouped over padded  rows/s ${figureText(of.rowsOverPadded)}, rows a CPU second ${figureText(of.rowsPerCpuOverPadded)}, p99 ${figureText(of.p99OverPadded)}`,
      `  grouped over alone   rows/s ${figureText(of.rowsOverAlone)}, rows a CPU second ${figureText(of.rowsPerCpuOverAlone)}, p99 ${figureText(of.p99OverAlone)}`,
    ].join("\n"),
  );
  return [head, ...blocks].join("\n");
}

// The model

/** `input_ids, attention_mask: int64[batch, length]` → `logits: float32[batch, 2]`, weights from a seed. */
function encoder(seed: number): Uint8Array {
  const random = seededRandom(seed);
  const graph = graphBuilder({ opset: 20 });
  const ids = graph.input("input_ids", "int64", ["batch", "length"]);
  const mask = graph.input("attention_mask", "int64", ["batch", "length"]);
  const weight = (...shape: number[]): string => {
    const scale = 1 / Math.sqrt(shape[0]!);
    const count = shape.reduce((product, length) => product * length, 1);
    return graph.constant({
      dtype: "float32",
      shape,
      data: Float32Array.from({ length: count }, () => (2 * random() - 1) * scale),
    });
  };
  const keep = graph.op("Cast", [mask], { to: 1 });
  const masked = graph.op("Mul", [
    graph.op("Sub", [graph.values("float32", [1], []), keep]),
    graph.values("float32", [-10_000], []),
  ]);
  const bias = graph.op("Unsqueeze", [masked, graph.values("int64", [1, 2])]);
  const length = graph.op("Gather", [graph.op("Shape", [ids]), graph.values("int64", [1], [])]);
  const places = graph.op("Range", [graph.values("int64", [0], []), length, graph.values("int64", [1], [])]);
  let hidden = graph.op("Add", [
    graph.op("Gather", [weight(WORDS, WIDTH), ids]),
    graph.op("Gather", [weight(LONGEST, WIDTH), places]),
  ]);
  for (let layer = 0; layer < LAYERS; layer++) {
    hidden = normalized(graph, graph.op("Add", [hidden, attention(graph, hidden, bias, weight)]));
    const wide = graph.op("Gelu", [graph.op("MatMul", [hidden, weight(WIDTH, 4 * WIDTH)])]);
    hidden = normalized(graph, graph.op("Add", [hidden, graph.op("MatMul", [wide, weight(4 * WIDTH, WIDTH)])]));
  }
  const kept = graph.op("Mul", [hidden, graph.op("Unsqueeze", [keep, graph.values("int64", [2])])]);
  const axis = graph.values("int64", [1]);
  const pooled = graph.op("Div", [
    graph.op("ReduceSum", [kept, axis], { keepdims: 0 }),
    graph.op("ReduceSum", [keep, axis], { keepdims: 1 }),
  ]);
  graph.output("logits", graph.op("MatMul", [pooled, weight(WIDTH, 2)]), "float32", ["batch", 2]);
  return bytesFromModel(graph.model());
}

function attention(graph: GraphBuilder, hidden: string, bias: string, weight: (...shape: number[]) => string): string {
  const [head, heads] = [WIDTH / HEADS, graph.values("int64", [0, 0, HEADS, WIDTH / HEADS])];
  const part = (perm: number[]): string => {
    const projected = graph.op("MatMul", [hidden, weight(WIDTH, WIDTH)]);
    return graph.op("Transpose", [graph.op("Reshape", [projected, heads])], { perm });
  };
  const [query, key, value] = [part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])];
  const scores = graph.op("Mul", [
    graph.op("MatMul", [query, key]),
    graph.values("float32", [1 / Math.sqrt(head)], []),
  ]);
  const shares = graph.op("Softmax", [graph.op("Add", [scores, bias])], { axis: -1 });
  const mixed = graph.op("Transpose", [graph.op("MatMul", [shares, value])], { perm: [0, 2, 1, 3] });
  return graph.op("MatMul", [graph.op("Reshape", [mixed, graph.values("int64", [0, 0, WIDTH])]), weight(WIDTH, WIDTH)]);
}

function normalized(graph: GraphBuilder, value: string): string {
  const ones = graph.values(
    "float32",
    Array.from({ length: WIDTH }, () => 1),
  );
  return graph.op("LayerNormalization", [value, ones], { axis: -1 });
}
