// `node tools/node24.js bench/convolutions.ts`: what convolutions of a step of training take, by shape: `Conv` as it is written and in the engine's own layout, and the gradient of
// the kernel in either emission. One thread; milliseconds of processor time, the least of many runs that take turns.
import { gradient } from "@slipway/core/autodiff";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { blockConvolutions, inferTypes } from "@slipway/core/passes";
import { elementCount, type NamedTensor } from "@slipway/core/tensor";
import { channelBlockOf } from "../server/src/lab/passes/index.ts";
import { seededRandom } from "../server/src/load/index.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";

const ROWS = 64;
const RUNS = 40;

interface Shape {
  readonly channels: number;
  readonly kernels: number;
  readonly side: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly isDepthwise?: boolean;
}

const SHAPES: readonly Shape[] = [
  { channels: 16, kernels: 16, side: 28 },
  { channels: 16, kernels: 32, side: 14 },
  { channels: 32, kernels: 32, side: 14 },
  { channels: 32, kernels: 48, side: 7 },
  { channels: 64, kernels: 64, side: 16 },
  { channels: 128, kernels: 128, side: 8 },
  { channels: 64, kernels: 64, side: 5 },
  { channels: 256, kernels: 256, side: 4 },
  { channels: 16, kernels: 16, side: 28, kernel: 5 },
  { channels: 64, kernels: 64, side: 16, kernel: 7 },
  { channels: 64, kernels: 64, side: 16, kernel: 1 },
  { channels: 64, kernels: 128, side: 16, stride: 2 },
  { channels: 64, kernels: 64, side: 16, isDepthwise: true },
];

function convolution({ channels, kernels, side, kernel = 3, stride = 1, isDepthwise = false }: Shape): Model {
  const g = graphBuilder({ opset: 20 });
  const x = g.input("x", "float32", [ROWS, channels, side, side]);
  const weights = g.input("weights", "float32", [kernels, isDepthwise ? 1 : channels, kernel, kernel]);
  const pad = (kernel - 1) / 2;
  const attributes = { pads: [pad, pad, pad, pad], strides: [stride, stride], group: isDepthwise ? channels : 1 };
  g.output("y", g.op("Conv", [x, weights], attributes), "float32", null);
  return g.model();
}

/** The gradient by the kernel alone. */
function kernelGradient(model: Model, emission: "fast" | "portable"): Model {
  const made = gradient(model, { wrt: ["weights"], types: inferTypes(model), emission });
  const name = made.gradients.get("weights");
  const outputs = made.model.graph.outputs.filter((output) => output.name === name);
  return { ...made.model, graph: { ...made.model.graph, outputs } };
}

interface Contender {
  readonly session: Session;
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly string[];
  least: number;
}

async function load(backend: Backend, model: Model): Promise<Contender> {
  const session = await backend.load(
    { model: bytesFromModel(model), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  const random = seededRandom(1);
  const inputs = session.signature.inputs.map(({ name, type }): NamedTensor => {
    if (type.kind !== "tensor" || type.shape === null) throw new Error(`${name} has no shape.`);
    const shape = type.shape.map((axis) => (typeof axis === "number" ? axis : ROWS));
    return {
      name,
      dtype: "float32",
      shape,
      data: Float32Array.from({ length: elementCount(shape) }, () => random() - 0.5),
    };
  });
  return { session, inputs, outputs: session.signature.outputs.map(({ name }) => name), least: Infinity };
}

/** The least each takes; they take turns. */
async function compare(models: readonly Model[]): Promise<readonly number[]> {
  const contenders = await Promise.all(models.map(async (model) => await load(backend, model)));
  for (let run = -2; run < RUNS; run++) {
    for (const one of contenders) {
      const before = process.cpuUsage();
      await one.session.run(one.inputs, one.outputs);
      const { user, system } = process.cpuUsage(before);
      if (run >= 0) one.least = Math.min(one.least, (user + system) / 1000);
    }
  }
  for (const { session } of contenders) await session.unload();
  return contenders.map(({ least }) => least);
}

const backend = createOnnxRuntimeBackend();
const block = await channelBlockOf(backend);
console.log(`blocks of ${block ?? "no"} channels`);
for (const shape of SHAPES) {
  const { channels, kernels, side, kernel = 3, stride = 1, isDepthwise = false } = shape;
  const model = convolution(shape);
  // Conv by weights that are given stays as it is where it would not gain.
  const blocked = block === null ? model : blockConvolutions(model, block);
  const [plain, inBlocks] = await compare([model, blocked]);
  const [portable, fast] = await compare([kernelGradient(model, "portable"), kernelGradient(model, "fast")]);
  const says = `${channels}→${kernels}, ${side}², ${kernel} × ${kernel}, steps of ${stride}${isDepthwise ? ", channel by channel" : ""}`;
  const ms = (value: number | undefined): string => value!.toFixed(2);
  console.log(
    `${says}: Conv ${ms(plain)}, in blocks ${blocked === model ? "–" : ms(inBlocks)}; dW portable ${ms(portable)}, fast ${ms(fast)}`,
  );
}
