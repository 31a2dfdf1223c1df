// Networks that files define: layers or models, as a task asks for them.
import { bytesFromModel } from "#onnx";
import { describe, expect, it } from "vitest";
import { build, buildNetwork, linear, mlp, type Network, relu } from "./index.ts";

const task = { input: { kind: "features", features: 4 }, outputs: 3, seed: 1 } as const;

describe("a network for a task", () => {
  it("may be layers, which are built with its input and seed", () => {
    const network: Network = ({ outputs }) => [linear(8), relu(), linear(outputs)];
    const expected = build([linear(8), relu(), linear(3)], task);
    expect(bytesFromModel(buildNetwork(network, task))).toEqual(bytesFromModel(expected));
  });

  it("may be a model", () => {
    const model = mlp({ inputs: 4, hidden: [8], outputs: 3, seed: 2 });
    expect(buildNetwork(() => model, task)).toBe(model);
  });

  it.each<[string, unknown, string]>([
    [
      "is no function",
      [linear(3)],
      "A file of a network exports a function 'network'; this one exports object. Write: export const network = ({ outputs }) => [linear(outputs)].",
    ],
    ["is not there", undefined, "this one exports none."],
    [
      "answers less than the data asks for",
      () => linear(2),
      "The network answers [N, 2] and the data asks for 3 outputs; end it with linear(outputs).",
    ],
    [
      "answers under another name",
      () => build(linear(3), { ...task, output: "y" }),
      "The network's model has no output 'logits'; its outputs are y.",
    ],
    ["has layers that do not fit", () => linear(3, { inputs: 9 }), "it expects 9 inputs and got 4"],
    ["answers nothing", () => undefined, "A layer of the network is undefined; give [] for no layer."],
  ])("is refused where it %s", (_says, network, message) => {
    expect(() => buildNetwork(network as Network, task)).toThrow(
      expect.objectContaining({ code: "NETWORK_INVALID", message: expect.stringContaining(message) as string }),
    );
  });
});
