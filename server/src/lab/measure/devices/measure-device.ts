// The profile of the machine this runs on, measured with the engine that serves: rates of products and convolutions, memory
// bandwidth, what starting a node and a run takes. Blocks the process while the engine computes, so it is the command's.
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { assert, type Clock } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { median } from "@slipway/core/stats";
import { type NamedTensor, zeros } from "@slipway/core/tensor";
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
/** Larger than the last-level cache a virtual machine usually has to itself: 64 MiB read, as much written. */
const STREAM = 2 ** 24;
const CHAIN = 200;
const FEWEST_RUNS = 5;
/** By comparison of estimates with measured runs of six models; see docs/devices.md. */
const UNCERTAINTY = 4;

type Builder = ReturnType<typeof graphBuilder>;

/** @throws SlipwayError MODEL_LOAD_FAILED, RUN_FAILED where the engine does not work here; the signal's reason */
export async function measureDevice(options: MeasureDeviceOptions): Promise<DeviceProfile> {
  const { threads, report, date, processor, backend } = options;
  const where = `${backend.name}, ${threads} ${threads === 1 ? "thread" : "threads"} on ${processor}, measured ${date}`;
  report("products of matrices");
  const product = await secondsOf(options, (graph) => {
    const [a, b] = ["a", "b"].map((name) => graph.input(name, "float32", [PRODUCT, PRODUCT]));
    graph.output("y", graph.op("MatMul", [a!, b!]), "float32", [PRODUCT, PRODUCT]);
  });
  report("convolutions");
  const convolution = await secondsOf(options, (graph) => {
    const x = graph.input("x", "float32", [1, CHANNELS, SIDE, SIDE]);
    const w = graph.constant(zeros("float32", [CHANNELS, CHANNELS, 3, 3]));
    graph.output("y", graph.op("Conv", [x, w]), "float32", [1, CHANNELS, OUT, OUT]);
  });
  report("memory bandwidth");
  const stream = await secondsOf(options, (graph) => {
    const x = graph.input("x", "float32", [STREAM]);
    graph.output("y", graph.op("Neg", [x]), "float32", [STREAM]);
  });
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
      source: `median product of ${PRODUCT} × ${PRODUCT} (${where})`,
    },
    convolutionFlops: {
      value: (2 * CHANNELS ** 2 * 9 * OUT ** 2) / convolution,
      source: `median 3 × 3 convolution of ${CHANNELS} channels at ${SIDE} × ${SIDE} (${where})`,
    },
    bandwidthBytes: { value: (8 * STREAM) / stream, source: `negating ${STREAM} float32, read and written (${where})` },
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

/** Nodes that can't be joined or folded: each reads the one before. */
async function chainSeconds(options: MeasureDeviceOptions, nodes: number): Promise<number> {
  return await secondsOf(options, (graph) => {
    let value = graph.input("x", "float32", [1]);
    for (let node = 0; node < nodes; node++) value = graph.op(node % 2 === 0 ? "Erf" : "Softsign", [value]);
    graph.output("y", value, "float32", [1]);
  });
}

/** The median time of a run. */
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
    return Math.max(1e-9, median(times) / 1000);
  } finally {
    await session.unload();
  }
}

/** Numbers that are no zeros, which some processors multiply at another speed. */
function inputsOf({ signature }: Session): readonly NamedTensor[] {
  return signature.inputs.map(({ name, type }) => {
    assert(type.kind === "tensor" && type.shape !== null, "An input without a shape.");
    const tensor = zeros("float32", type.shape as readonly number[]);
    (tensor.data as Float32Array).fill(0.5);
    return { name, ...tensor };
  });
}

/** What is written is what is read. */
function checked(profile: DeviceProfile): DeviceProfile {
  return DEVICE_PROFILE.parse(profile);
}
