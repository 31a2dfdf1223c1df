// Recurrent operators step by step answer what ONNX Runtime's own do.
import { float, type GraphBuilder, graphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { unrollRecurrent } from "@slipway/core/passes";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { statedTypes } from "@slipway/core/autodiff";

const [STEPS, BATCH, INPUTS, HIDDEN] = [4, 3, 2, 5];
const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Kind = keyof typeof GATES;

interface Use {
  readonly says: string;
  readonly kind: Kind;
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly hasBias?: boolean;
  readonly hasState?: boolean;
  readonly attributes?: NonNullable<Parameters<GraphBuilder["op"]>[2]>;
}

function modelOf({ kind, direction = "forward", hasBias = true, hasState = false, attributes = {} }: Use): Model {
  const g = graphBuilder({ opset: 17 });
  const directions = direction === "bidirectional" ? 2 : 1;
  const filled = (shape: number[], seed: number): string => {
    const size = shape.reduce((product, length) => product * length, 1);
    return g.values(
      "float32",
      Array.from({ length: size }, (_, at) => Math.sin(seed + at * 1.3) * 0.6),
      shape,
    );
  };
  const gates = GATES[kind];
  const inputs = [
    g.input("x", "float32", [STEPS, "N", INPUTS]),
    filled([directions, gates * HIDDEN, INPUTS], 1),
    filled([directions, gates * HIDDEN, HIDDEN], 2),
    hasBias ? filled([directions, 2 * gates * HIDDEN], 3) : "",
    "",
    hasState ? filled([directions, BATCH, HIDDEN], 4) : "",
    ...(kind === "LSTM" && hasState ? [filled([directions, BATCH, HIDDEN], 5)] : []),
  ];
  while (inputs.at(-1) === "") inputs.pop();
  const count = kind === "LSTM" ? 3 : 2;
  const made = g.opOutputs(
    kind,
    inputs,
    count,
    { hidden_size: HIDDEN, direction, ...attributes },
    { outputs: ["all", "last", "cell"].slice(0, count) },
  );
  for (const [index, value] of made.entries()) g.output(`y${index}`, g.op("Neg", [value]), "float32");
  return g.model();
}

async function answers(model: Model): Promise<number[][]> {
  const session = await InferenceSession.create(bytesFromModel(model), { logSeverityLevel: 4 });
  const x = Float32Array.from({ length: STEPS * BATCH * INPUTS }, (_, at) => Math.cos(at * 0.9));
  const found = await session.run({ x: new Tensor("float32", x, [STEPS, BATCH, INPUTS]) });
  await session.release();
  return model.graph.outputs.map(({ name }) => [
    ...found[name]!.dims,
    ...Array.from(found[name]!.data as Float32Array),
  ]);
}

const USES: readonly Use[] = [
  ...(["LSTM", "GRU", "RNN"] as const).flatMap((kind): Use[] => [
    ...(["forward", "reverse", "bidirectional"] as const).map((direction) => ({
      says: `${kind}, ${direction}`,
      kind,
      direction,
    })),
    { says: `${kind} without a bias`, kind, hasBias: false },
    { says: `${kind} from a state`, kind, hasState: true, direction: "bidirectional" },
  ]),
  { says: "GRU that resets behind its product", kind: "GRU", attributes: { linear_before_reset: 1 } },
  {
    says: "GRU that resets behind its product, without a bias",
    kind: "GRU",
    hasBias: false,
    attributes: { linear_before_reset: 1 },
  },
  { says: "RNN with another activation", kind: "RNN", attributes: { activations: ["Relu"] } },
];

describe("unrolled", () => {
  it.each(USES.map((use) => [use.says, use] as const))("%s", async (_says, use) => {
    const model = modelOf(use);
    const unrolled = unrollRecurrent(model, statedTypes(model));
    verifyModel(unrolled);
    expect(unrolled.graph.nodes.map(({ opType }) => opType)).not.toContain(use.kind);
    const [before, after] = [await answers(model), await answers(unrolled)];
    expect(after).toEqual(before.map((values) => values.map((value) => expect.closeTo(value, 5) as number)));
  });

  it("a model without any is the same object", () => {
    const g = graphBuilder();
    g.output("y", g.op("Exp", [g.input("x", "float32", [1])]));
    const model = g.model();
    expect(unrollRecurrent(model, statedTypes(model))).toBe(model);
  });

  it.each([
    ["gates that are clipped", { clip: float(3) }, /clips its gates/],
    ["gates that are coupled", { input_forget: 1 }, /couples its gates/],
  ])("%s are refused", (_says, attributes, message) => {
    const model = modelOf({ says: "", kind: "LSTM", attributes });
    expect(() => unrollRecurrent(model, statedTypes(model))).toThrow(
      expect.objectContaining({ code: "MODEL_UNSUPPORTED", message: expect.stringMatching(message) as string }),
    );
  });

  it("a sequence of open length is refused", () => {
    const model = modelOf({ says: "", kind: "GRU" });
    expect(() => unrollRecurrent(model, new Map())).toThrow(
      /length is open, so it is not unrolled\. Give the model a fixed one/,
    );
  });
});
