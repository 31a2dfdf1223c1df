// Pictures of models: what is said, what is folded, what may not be in them, and what is refused.
import { describe, expect, test } from "vitest";
import { float, graphBuilder, type Model } from "#graph";
import type { TensorType } from "#tensor";
import { changedNodes } from "./changes.ts";
import { drawModels } from "./draw.ts";
import { partAround } from "./part.ts";
import { textWidthPx } from "./text-width.ts";

const filled = (count: number, value: number): number[] => Array.from({ length: count }, () => value);

function classifier(): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("image", "float32", ["N", 1, 8, 8]);
  const weights = g.values("float32", filled(36, 0.5), [4, 1, 3, 3], "conv.weight");
  const conv = g.op("Conv", [x, weights], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], group: 1 });
  const flat = g.op("Reshape", [g.op("Relu", [conv], {}, { name: "/features/act" }), g.values("int64", [0, -1])]);
  g.output("scores", g.op("Softmax", [flat], { axis: 1 }), "float32", ["N", 64]);
  return g.model();
}

/** Blocks of a product, a bias and an activation, each as the one before, and a stem and a head. */
function tower(blocks: number): Model {
  const g = graphBuilder({ opset: 17 });
  let x = g.input("x", "float32", ["N", 4]);
  x = g.op("Exp", [x]);
  for (let block = 0; block < blocks; block++) {
    const weights = g.values("float32", filled(16, block), [4, 4]);
    const bias = g.values("float32", [1, 2, 3, block]);
    const hidden = g.op("Relu", [g.op("Add", [g.op("MatMul", [x, weights]), bias])]);
    const norm = g.op("Sub", [hidden, g.op("ReduceMean", [hidden], { axes: [1] })]);
    x = g.op("Add", [norm, x]);
  }
  g.output("y", g.op("Log", [x]), "float32", ["N", 4]);
  return g.model();
}

const draw = (model: Model, options: Partial<Parameters<typeof drawModels>[1]> = {}): string =>
  drawModels([{ model, types: new Map() }], { title: "a model", ...options }).svg;

/** The texts of a picture, as they are read. */
const textsOf = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
const countOf = (svg: string, text: string): number => textsOf(svg).filter((one) => one === text).length;

describe("a picture", () => {
  test("says what every node is, with what it stores inside it, and what goes in and out", () => {
    const svg = draw(classifier());
    const texts = textsOf(svg);
    for (const opType of ["Conv", "Relu", "Reshape", "Softmax"]) expect(countOf(svg, opType)).toBe(1);
    expect(texts).toContain("kernel 3×3, stride 2, pad 1");
    expect(texts).toContain("W 4×1×3×3");
    expect(texts).toContain("shape = [0, −1]");
    expect(texts).toContain("axis 1");
    expect(texts).toContain("features/act");
    expect(texts).toContain("N×1×8×8");
    expect(countOf(svg, "image")).toBe(1);
    expect(countOf(svg, "scores")).toBe(1);
    expect(texts.filter((text) => text === "input" || text === "output")).toEqual(["input", "output"]);
    expect(svg).not.toContain(">conv.weight<");
  });
  test("is well-formed, takes nothing from elsewhere and runs nothing", () => {
    const hostile = `"><script>alert(1)</script>&\u0000`;
    const g = graphBuilder();
    const x = g.input(hostile, "float32", ["N"]);
    g.output("y", g.op("Relu", [x], { mode: hostile }, { name: hostile }), "float32", ["N"]);
    const { svg } = drawModels([{ model: g.model(), types: new Map(), heading: hostile }], {
      title: hostile,
      subtitle: hostile,
    });
    const open: string[] = [];
    for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)) {
      expect(["svg", "title", "desc", "style", "g", "rect", "path", "text"]).toContain(name);
      if (close === "/") expect(open.pop()).toBe(name);
      else if (!rest!.endsWith("/")) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(svg.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|href|url\(/);
    expect(svg).not.toContain("\u0000");
  });
  test("takes names that objects have for names", () => {
    const g = graphBuilder();
    const [x, stored] = [g.input("__proto__", "float32", ["N"]), g.values("float32", [1, 2, 3], [3], "toString")];
    const attributes = { constructor: 1, toString: "valueOf" };
    const names = { name: "hasOwnProperty", domain: "constructor" };
    g.output("valueOf", g.op("constructor", [x, stored], attributes, names), "float32", null);
    const texts = textsOf(draw(g.model()));
    for (const text of ["constructor", "hasOwnProperty", "constructor 1", "toString valueOf"])
      expect(texts).toContain(text);
  });
  test("says element types by their names", () => {
    const g = graphBuilder();
    const cast = g.op("Cast", [g.input("x", "float32", ["N"])], { to: 16 });
    g.output("y", g.op("Cast", [cast], { to: 99 }), "float32", null);
    const texts = textsOf(draw(g.model()));
    expect(texts).toContain("to bfloat16");
    expect(texts).toContain("to 99");
  });
  test("says itself in words", () => {
    expect(draw(classifier())).toContain(
      '<desc id="description">a graph of 4 nodes from image to scores: 1 Conv, 1 Relu, 1 Reshape, 1 Softmax.</desc>',
    );
  });
  test("is the same each time, and in every theme but for its colours", () => {
    const withoutStyle = (svg: string): string => svg.replace(/<style>[\s\S]*<\/style>/, "");
    expect(draw(tower(5))).toBe(draw(tower(5)));
    expect(withoutStyle(draw(classifier(), { theme: "dark" }))).toBe(
      withoutStyle(draw(classifier(), { theme: "light" })),
    );
    expect(draw(classifier())).toContain("prefers-color-scheme: dark");
    expect(draw(classifier(), { theme: "dark" })).not.toContain("prefers-color-scheme");
  });
  test("has types on its lines as far as they are told", () => {
    const types = new Map<string, TensorType>([
      ["relu_out", { kind: "tensor", dtype: "float32", shape: ["N", 4, 4, 4] }],
      ["conv_out", { kind: "tensor", dtype: "float16", shape: ["a_very_long_name", null] }],
    ]);
    const g = graphBuilder();
    const x = g.input("x", "float32", null);
    g.output("y", g.op("Relu", [g.op("Relu", [g.op("Conv", [x, x])])]), "float32", null);
    const texts = textsOf(drawModels([{ model: g.model(), types }], { title: "t" }).svg);
    expect(texts).toContain("N×4×4×4");
    expect(texts).toContain("float16 ?×?");
  });
  test.each(["down", "right"] as const)("going %s has room for every word in its box", (direction) => {
    const svg = draw(classifier(), { direction });
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
    for (const [, x, y, text] of svg.matchAll(/<text class="detail" x="([\d.]+)" y="([\d.]+)">([^<]*)</g)) {
      expect(Number(x) + textWidthPx(text!, 11)).toBeLessThan(Number(width));
      expect(Number(y)).toBeLessThan(Number(height));
    }
    if (direction === "right") expect(Number(width)).toBeGreaterThan(Number(height));
    else expect(Number(height)).toBeGreaterThan(Number(width));
  });
});

describe("what repeats", () => {
  test("is drawn once, with how often it stands there", () => {
    const svg = draw(tower(6));
    expect(countOf(svg, "6 × the same 6 nodes")).toBe(1);
    for (const opType of ["Exp", "MatMul", "Relu", "Log"]) expect(countOf(svg, opType)).toBe(1);
  });
  test("is drawn in full when asked for", () => {
    const svg = draw(tower(6), { isWhole: true });
    expect(countOf(svg, "MatMul")).toBe(6);
    expect(textsOf(svg).some((text) => text.includes("the same"))).toBe(false);
  });
  test("is drawn in full where little is saved", () => expect(countOf(draw(tower(2)), "MatMul")).toBe(2));
  test("is not taken for the same where another output is read", () => {
    const g = graphBuilder({ opset: 17 });
    let x = g.input("x", "float32", [2, 4]);
    for (let block = 0; block < 6; block++) {
      const parts = g.opOutputs("Split", [x], 2, { axis: 0 });
      for (const opType of ["Relu", "Neg", "Abs", "Exp"])
        x = g.op(opType, [opType === "Relu" ? parts[(block >> 1) % 2]! : x]);
      x = g.op("Concat", [x, parts[0]!], { axis: 0 });
    }
    g.output("y", x, "float32", [2, 4]);
    // Of six in a row, the first two, the next two and the last two are alike: too few to be worth a frame.
    expect(countOf(draw(g.model()), "Split")).toBe(6);
  });
  test("is not taken for the same where an attribute differs", () => {
    const g = graphBuilder({ opset: 17 });
    let x = g.input("x", "float32", ["N", 4]);
    for (let block = 0; block < 6; block++) {
      for (const opType of ["Relu", "Neg", "Abs", "Exp", "Tanh"]) x = g.op(opType, [x]);
      x = g.op("LeakyRelu", [x], { alpha: float(block / 10) });
    }
    g.output("y", x, "float32", ["N", 4]);
    expect(countOf(draw(g.model()), "LeakyRelu")).toBe(6);
  });
});

describe("what computes constants and shapes", () => {
  const model = (): Model => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N", 4]);
    const weights = g.op("Transpose", [g.values("float32", filled(12, 1), [3, 4])], { perm: [1, 0] });
    const rows = g.op("Gather", [g.op("Shape", [x]), g.values("int64", [0])]);
    const shape = g.op("Concat", [rows, g.values("int64", [3, 1])], { axis: 0 });
    g.output("y", g.op("Reshape", [g.op("MatMul", [x, weights]), shape]), "float32", null);
    return g.model();
  };
  test("is said where it is read", () => {
    const texts = textsOf(draw(model()));
    expect(texts).toContain("B = Transpose of 3×4");
    expect(texts).toContain("shape = from shapes");
    expect(texts).not.toContain("Gather");
    expect(texts.join(" ")).toContain("4 nodes that compute constants or shapes are not drawn");
  });
  test("is drawn when asked for", () => {
    const svg = draw(model(), { isWhole: true });
    for (const opType of ["Transpose", "Shape", "Gather", "Concat"]) expect(countOf(svg, opType)).toBe(1);
  });
});

test("bodies stand inside of their node, and what they read from around it leads there", () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N"]);
  const isLarge = g.op("Greater", [g.op("ReduceMax", [x], { keepdims: 0 }), g.values("float32", [1], [])]);
  const body = (name: string, opType: string) => g.subgraph(name, (b) => b.output(`${name}_y`, b.op(opType, [x])));
  g.output(
    "y",
    g.op("If", [isLarge], { then_branch: body("large", "Sqrt"), else_branch: body("small", "Sin") }),
    "float32",
    ["N"],
  );
  const texts = textsOf(draw(g.model()));
  for (const text of ["then branch", "else branch", "Sqrt", "Sin"]) expect(texts).toContain(text);
  // As an input of the model, and of each branch.
  expect(texts.filter((text) => text === "x")).toHaveLength(3);
});

test("two models stand side by side, with what differs framed", () => {
  const [before, after] = [tower(1), tower(2)];
  const isMarked = changedNodes(before, after);
  const { svg } = drawModels(
    [
      { model: before, heading: "before", types: new Map(), isMarked },
      { model: after, heading: "after", types: new Map(), isMarked },
    ],
    { title: "both", markMeans: "differs" },
  );
  const texts = textsOf(svg);
  expect(texts).toEqual(expect.arrayContaining(["before", "after", "differs"]));
  // The second has a block more, and its last node reads that; the first's last node reads its only block.
  expect(svg.match(/class="box [a-z]+ marked"/g)).toHaveLength(6 + 1 + 1);
});

describe("large graphs", () => {
  test("with many kinds of repeats are folded without delay", () => {
    const g = graphBuilder({ opset: 17 });
    let x = g.input("x", "float32", ["N"]);
    for (let step = 0; step < 3000; step++) x = g.op(["Exp", "Sin", "Cos"][(step >> (step % 7)) % 3]!, [x]);
    g.output("y", x, "float32", ["N"]);
    expect(() => draw(g.model(), { mostBoxes: 200 })).toThrow(/over 200 would have to be drawn/);
    expect(() => draw(g.model(), { mostBoxes: 100 })).toThrow(/over 100 would have to be drawn/);
  });
  test("are refused over a limit, with what to do", () => {
    expect(() => draw(tower(40), { isWhole: true, mostBoxes: 100 })).toThrow(
      /has 242 nodes, of which over 100 would have to be drawn.*Draw a part of it/,
    );
  });
  test("are drawn in part, around a node or value", () => {
    const { graph } = tower(40);
    const node = graph.nodes[120]!;
    const around = (steps: number) => partAround(graph, { name: node.outputs[0]!, steps });
    expect(around(0).nodes).toContain(node);
    expect(around(0).nodes.length).toBeLessThan(around(2).nodes.length);
    expect(around(2).nodes.length).toBeLessThan(30);
    expect(around(1000).nodes).toHaveLength(graph.nodes.length);
    expect(() => partAround(graph, { name: "nothing", steps: 2 })).toThrow(
      /No node or value of the graph is named 'nothing'/,
    );
  });
  test("say where a part begins and ends, which are no inputs and outputs", () => {
    const g = graphBuilder({ opset: 17 });
    const names = ["a", "b", "c", "d", "e"];
    let value = g.input("x", "float32", ["N"]);
    for (const name of names) value = g.op("Exp", [value], {}, { name: `node ${name}`, outputs: [name] });
    g.output("e", value, "float32", ["N"]);
    const { svg } = drawModels([{ model: g.model(), around: { name: "node c", steps: 1 } }], { title: "part" });
    const texts = textsOf(svg);
    expect(countOf(svg, "Exp")).toBe(3);
    expect(texts).toEqual(expect.arrayContaining(["a", "d"]));
    expect(texts).not.toContain("input");
    expect(texts).not.toContain("x");
  });
  test("are drawn in part without what computes shapes, which is no step", () => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N", 4]);
    const far = g.op("Exp", [g.op("Exp", [x])]);
    const rows = g.op("Gather", [g.op("Shape", [far]), g.values("int64", [0])]);
    const flat = g.op("Reshape", [g.op("Relu", [g.op("Neg", [far])]), rows], {}, { name: "here" });
    g.output("y", flat, "float32", null);
    const { svg } = drawModels([{ model: g.model(), around: { name: "here", steps: 1 } }], { title: "part" });
    expect(textsOf(svg)).toEqual(expect.arrayContaining(["Reshape", "shape = from shapes", "Relu", "neg_out"]));
    expect(countOf(svg, "Exp")).toBe(0);
    expect(countOf(svg, "Gather")).toBe(0);
  });
  test("have tags where lines would be long", () => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N"]);
    let y = g.op("Exp", [x], {}, { outputs: ["kept"] });
    for (let step = 0; step < 40; step++)
      y = g.op(["Sin", "Cos", "Abs", "Neg", "Tanh", "Relu", "Sqrt"][(step * step) % 7]!, [y]);
    g.output("y", g.op("Add", [y, "kept"]), "float32", ["N"]);
    // Where the line ends, and where it begins again.
    expect(countOf(draw(g.model(), { isWhole: true }), "kept")).toBe(2);
  });
});
