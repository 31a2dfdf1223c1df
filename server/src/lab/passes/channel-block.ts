// How many channels a block holds in the layout of the engine's own convolutions, which depends on the processor.
import { type Backend, DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { blockConvolutions } from "@slipway/core/passes";
import type { NamedTensor } from "@slipway/core/tensor";

/** 16 on processors with AVX-512, 8 on others. Blocks of all of them are filled by as many channels as the largest has. */
const BLOCKS = [16, 8] as const;
const CHANNELS = BLOCKS[0];
const SIDE = 5;
/** Of the largest number: rounding is a thousandth of it, and weights in another order are another convolution. */
const MOST_DIFFERENCE = 1e-3;

/**
 * Finds by trying which number `blockConvolutions` should be given for what runs on this machine: with that one, a convolution
 * answers what it does without.
 * @returns null where the engine has no such layout
 */
export async function channelBlockOf(backend: Backend): Promise<number | null> {
  // ONNX Runtime has these convolutions for this architecture alone, and what it does elsewhere with one is not for us to try.
  if (process.arch !== "x64") return null;
  const model = convolution();
  try {
    const wanted = await answerOf(backend, model);
    const largest = Math.max(...wanted.map(Math.abs));
    for (const block of BLOCKS) {
      const found = await answerOf(backend, blockConvolutions(model, block));
      if (wanted.every((value, at) => Math.abs(value - found[at]!) <= MOST_DIFFERENCE * largest)) return block;
    }
  } catch (error) {
    // An engine that refuses it has no such layout.
    if (!(error instanceof SlipwayError)) throw error;
  }
  return null;
}

function convolution(): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [1, CHANNELS, SIDE, SIDE]);
  const weights = g.input("weights", "float32", [CHANNELS, CHANNELS, 3, 3]);
  g.output("y", g.op("Conv", [x, weights], { pads: [1, 1, 1, 1] }), "float32", [1, CHANNELS, SIDE, SIDE]);
  return g.model();
}

async function answerOf(backend: Backend, model: Model): Promise<readonly number[]> {
  const session = await backend.load(
    { model: bytesFromModel(model), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  try {
    const inputs = [unlike("x", [1, CHANNELS, SIDE, SIDE]), unlike("weights", [CHANNELS, CHANNELS, 3, 3])];
    const [answer] = await session.run(inputs, ["y"]);
    return Array.from(answer!.data as Float32Array);
  } finally {
    await session.unload();
  }
}

/** Numbers of which no two are the same. */
function unlike(name: string, shape: readonly number[]): NamedTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { name, dtype: "float32", shape, data: Float32Array.from({ length: size }, (_, at) => Math.sin(at * 1.7)) };
}
