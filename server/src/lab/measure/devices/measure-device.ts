// The profile of the machine this runs on, measured with the engine that serves: rates of products and convolutions, memory
// bandwidth, what starting a node and a run takes. Blocks the process while the engine computes, so it is the command's.
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { assert, type Clock } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { ascending, sortedQuantile } from "@slipway/core/stats";
import { type NamedTensor, type Tensor, zeros } from "@slipway/core/tensor";
import { DEVICE_PROFILE, type DeviceProfile } from "./device-profile.ts";

export interface MeasureDeviceOptions {
  readonly name: string;
  readonly backend: Backend;
  readonly clock: Clock;
  /** Threads a run uses. */
  readonly threads: number;
  /** The processor's name, for people. */
  readonly processor: string;
  readonly memoryBytes: number;
  /** Of this process with no model loaded. */
  readonly engineBytes: number;
  /** "2026-11-25". */
  readonly date: string;
  /** How long each figure is measured for. */
  readonly milliseconds: number;
  readonly signal: AbortSignal;
  readonly report: (text: string) => void;
}

const PRODUCT = 512;
const CHANNELS = 128;
const SIDE = 56;
const OUT = SIDE - 2;
/** Larger than the last-level cache a virtual machine usually has to itself. */
const STREAM_BYTES = 64 * 2 ** 20;
/** Fits the caches of one core nearly everywhere. */
const CACHED_BYTES = 2 ** 19;
/** Nodes that each read and write as much. */
const STREAMS = 9;
const CHAIN = 200;
const FEWEST_RUNS = 5;
const QUANTILE = 0.25;
/** By comparison of estimates with runs, which were within 2.4; see docs/devices.md. */
const UNCERTAINTY = 3;

type Builder = ReturnType<typeof graphBuilder>;

/** @throws SlipwayError MODEL_LOAD_FAILED, RUN_FAILED where the engine does not work here; the signal's reason */
export async function measureDevice(options: MeasureDeviceOptions): Promise<DeviceProfile> {
  const { threads, report, date, processor, backend } = options;
  const where = `${backend.name}, ${threads} ${threads === 1 ? "thread" : "threads"} on ${processor}, measured ${date}, lower quartile`;
  report("products of matrices");
  const product = await secondsOf(options, (graph) => {
    const x = graph.input("x", "float32", [PRODUCT, PRODUCT]);
    graph.output("y", graph.op("MatMul", [x, graph.constant(halves([PRODUCT, PRODUCT]))]), "float32", [
      PRODUCT,
      PRODUCT,
    ]);
  });
  report("convolutions");
  const convolution = await secondsOf(options, (graph) => {
    const x = graph.input("x", "float32", [1, CHANNELS, SIDE, SIDE]);
    const w = graph.constant(halves([CHANNELS, CHANNELS, 3, 3]));
    graph.output("y", graph.op("Conv", [x, w]), "float32", [1, CHANNELS, OUT, OUT]);
  });
  report("memory bandwidth");
  const bandwidth = await bandwidthOf(options, STREAM_BYTES);
  const cacheBandwidth = await bandwidthOf(options, CACHED_BYTES);
  report("starting nodes and runs");
  const [long, short] = [await chainSeconds(options, CHAIN), await chainSeconds(options, 1)];
  const nodeSeconds = Math.max(1e-9, (long - short) / (CHAIN - 1));
  return checked({
    format: "slipway-device@1",
    name: options.name,
    about: `${processor}, ${threads} ${threads === 1 ? "thread" : "threads"}.`,
    place: "server",
    engine: backend.name,
    asOf: date,
    cores: threads,
    memoryBytes: { value: options.memoryBytes, source: "all memory the system tells" },
    matrixFlops: {
      value: (2 * PRODUCT ** 3) / product,
      source: `product of ${PRODUCT} × ${PRODUCT} (${where})`,
    },
    convolutionFlops: {
      value: (2 * CHANNELS ** 2 * 9 * OUT ** 2) / convolution,
      source: `3 × 3 convolution of ${CHANNELS} channels at ${SIDE} × ${SIDE} (${where})`,
    },
    bandwidthBytes: { value: bandwidth, source: `nodes that read and write ${STREAM_BYTES >> 20} MiB each (${where})` },
    cacheBytes: {
      value: 4 * CACHED_BYTES,
      source: `nodes that read and write ${CACHED_BYTES >> 10} KiB were measured; twice that is taken to stay in caches`,
    },
    cacheBandwidthBytes: {
      value: cacheBandwidth,
      source: `nodes that read and write ${CACHED_BYTES >> 10} KiB each (${where})`,
    },
    nodeSeconds: { value: nodeSeconds, source: `a chain of ${CHAIN} nodes less one of one (${where})` },
    runSeconds: { value: Math.max(1e-9, short - nodeSeconds), source: `a run of one node, less the node (${where})` },
    busyWatts: {
      value: null,
      source: "not measured; state it where you know it: the power beyond idling while it computes",
    },
    downloadBytes: { value: null, source: "not stated" },
    engineBytes: {
      value: options.engineBytes,
      source: `resident memory of a process with the engine and no model (${where})`,
    },
    operators: { names: null, isAll: true, others: "refused", source: `${backend.name}, the engine that was measured` },
    uncertaintyFactor: UNCERTAINTY,
  });
}

/** Bytes a second of nodes that each read and write `bytes`: a long chain less a short one, since both take inputs in. */
async function bandwidthOf(options: MeasureDeviceOptions, bytes: number): Promise<number> {
  const [long, short] = [await streamSeconds(options, bytes, STREAMS), await streamSeconds(options, bytes, 1)];
  return ((STREAMS - 1) * 2 * bytes) / Math.max(1e-9, long - short);
}

/** Nodes over a tensor, of which a single number leaves. */
async function streamSeconds(options: MeasureDeviceOptions, bytes: number, nodes: number): Promise<number> {
  return await secondsOf(options, (graph) => {
    let value = graph.input("x", "float32", [1, bytes / 4]);
    for (let node = 0; node < nodes; node++) value = graph.op(node % 2 === 0 ? "Neg" : "Abs", [value]);
    graph.output("y", graph.op("ReduceMax", [value], { keepdims: 0 }), "float32", []);
  });
}

/** Nodes that can't be joined or folded: each reads the one before. */
async function chainSeconds(options: MeasureDeviceOptions, nodes: number): Promise<number> {
  return await secondsOf(options, (graph) => {
    let value = graph.input("x", "float32", [1]);
    for (let node = 0; node < nodes; node++) value = graph.op(node % 2 === 0 ? "Erf" : "Softsign", [value]);
    graph.output("y", value, "float32", [1]);
  });
}

/** The time a quarter of the runs stay below: others on the machine make runs longer, nothing makes them shorter. */
async function secondsOf(options: MeasureDeviceOptions, build: (graph: Builder) => void): Promise<number> {
  const { backend, clock, threads, milliseconds, signal } = options;
  const graph = graphBuilder({ opset: 17 });
  build(graph);
  const settings = { ...DEFAULT_SESSION_SETTINGS, intraOpThreads: threads };
  const session = await backend.load({ model: bytesFromModel(graph.model()), externalData: new Map() }, settings);
  try {
    const inputs = inputsOf(session);
    const times: number[] = [];
    await session.run(inputs, ["y"]);
    const start = clock.now();
    while (times.length < FEWEST_RUNS || clock.now() - start < milliseconds) {
      signal.throwIfAborted();
      const before = clock.now();
      await session.run(inputs, ["y"]);
      times.push(clock.now() - before);
    }
    return Math.max(1e-9, sortedQuantile(ascending(times), QUANTILE) / 1000);
  } finally {
    await session.unload();
  }
}

function inputsOf({ signature }: Session): readonly NamedTensor[] {
  return signature.inputs.map(({ name, type }) => {
    assert(type.kind === "tensor" && type.shape !== null, "An input without a shape.");
    return { name, ...halves(type.shape as readonly number[]) };
  });
}

/** Numbers that are no zeros, which some processors multiply at another speed. */
function halves(shape: readonly number[]): Tensor {
  const tensor = zeros("float32", shape);
  (tensor.data as Float32Array).fill(0.5);
  return tensor;
}

/** What is written is what is read. */
function checked(profile: DeviceProfile): DeviceProfile {
  return DEVICE_PROFILE.parse(profile);
}
