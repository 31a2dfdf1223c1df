// Attacks on the model reader: sound models with bytes flipped, cut, repeated and put elsewhere, from a seed.
import assert from "node:assert/strict";
import { SlipwayError } from "@slipway/core/base";
import {
  float,
  graphBuilder,
  initializerElementCount,
  type Model,
  tensorFromInitializer,
  tensorsOfModel,
} from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes, scanModel } from "@slipway/core/onnx";

/** Small models that together hold every sort of thing a file can. */
export function seedModels(): Uint8Array[] {
  const plain = graphBuilder({ opset: 17 });
  const x = plain.input("x", "float32", ["N", 2]);
  const product = plain.op("MatMul", [x, plain.values("float32", [1, 2, 3, 4], [2, 2])]);
  plain.output("y", plain.op("Gemm", [product, plain.values("float32", [1, 2], [2])], { alpha: float(1), transB: 1 }));

  const flow = graphBuilder({ opset: 17, opsets: { "ai.onnx.ml": 3 } });
  const condition = flow.input("condition", "bool", []);
  const texts = flow.inputOf("texts", {
    kind: "sequence",
    element: { kind: "tensor", dtype: "string", shape: [null] },
  });
  const branch = (name: string) =>
    flow.subgraph(name, (body) => {
      const inner = body.subgraph(`${name}_inner`, (leaf) =>
        leaf.output(`${name}_leaf`, leaf.op("SequenceLength", [texts])),
      );
      body.output(`${name}_out`, body.op("If", [condition], { then_branch: inner, else_branch: inner }), "int64", []);
    });
  flow.output("length", flow.op("If", [condition], { then_branch: branch("then"), else_branch: branch("else") }));
  flow.op(
    "LabelEncoder",
    [flow.values("string", ["a", "b"])],
    { keys_strings: ["a"], values_floats: [0.5] },
    { domain: "ai.onnx.ml" },
  );

  return [plain.model(), flow.model()].map(bytesFromModel);
}

/** A small generator (mulberry32), so that a failure can be repeated from its seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}

/** The bytes with one to four wounds. */
function wounded(bytes: Uint8Array, pick: (below: number) => number): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let wounds = 1 + pick(4); wounds > 0; wounds--) {
    const at = pick(result.length);
    const kind = pick(7);
    if (kind === 0) result = result.slice(0, at);
    else if (kind === 1) result[at] = pick(256);
    else if (kind === 2) result[at] = (result[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 3) result[at] = [0, 0x7f, 0x80, 0xff][pick(4)]!;
    else {
      const end = Math.min(result.length, at + 1 + pick(24));
      const part = result.slice(at, end);
      // Take a part out, double it, or put it elsewhere.
      const place = kind === 6 ? pick(result.length) : end;
      result =
        kind === 4
          ? Uint8Array.of(...result.subarray(0, at), ...result.subarray(end))
          : Uint8Array.of(...result.subarray(0, place), ...part, ...result.subarray(place));
    }
    if (result.length === 0) return result;
  }
  return result;
}

/** Reads everything there is in a model, weights too; all that may be thrown is a SlipwayError. */
export function readAll(bytes: Uint8Array): "sound" | "refused" {
  try {
    scanModel(bytes);
    const model: Model = modelFromBytes(bytes);
    for (const { tensor } of tensorsOfModel(model)) {
      if (tensor.data.kind === "external") continue;
      // Weights of one kilobyte can't stand for more than a few thousand elements.
      assert(initializerElementCount(tensor) <= 8 * bytes.length);
      tensorFromInitializer(tensor);
    }
    assert.deepEqual(bytesFromModel(model), bytes);
    return "sound";
  } catch (error) {
    if (error instanceof SlipwayError && error.kind !== "failed") return "refused";
    throw error;
  }
}

/** Attacks `count` times; a failure names the seed that makes it again. Answers how many were refused. */
export function attack(count: number, firstSeed: number): number {
  const seeds = seedModels();
  let refused = 0;
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const pick = randomNumbers(seed);
    const bytes =
      pick(10) === 0 ? Uint8Array.from({ length: pick(200) }, () => pick(256)) : wounded(seeds[pick(2)]!, pick);
    try {
      if (readAll(bytes) === "refused") refused++;
    } catch (error) {
      throw new Error(`Seed ${seed}, bytes ${Buffer.from(bytes).toString("base64")}`, { cause: error });
    }
  }
  return refused;
}
