import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createNode,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  insertNodes,
  type Node,
  nameScopeOf,
  removeNodes,
  renameValues,
  replaceNodes,
  replaceUses,
  spliceGraph,
  subgraphsOf,
  verifyModel,
} from "./index.ts";

/**
 * What the outputs of a graph are, as expressions over inputs and constants: two graphs with the same expressions compute
 * the same, whatever their values and nodes are named.
 */
function expressions(graph: Graph, outer: ReadonlyMap<string, string> = new Map()): string[] {
  const values = new Map(outer);
  for (const [index, { name }] of graph.inputs.entries()) values.set(name, outer.size === 0 ? name : `arg${index}`);
  for (const { name, data } of graph.initializers) {
    values.set(name, data.kind === "values" ? `[${Array.from(data.values as ArrayLike<number>).join()}]` : "?");
  }
  for (const node of graph.nodes) {
    const bodies = subgraphsOf(node).map((body) => `{${expressions(body, values).join()}}`);
    const inputs = node.inputs.map((name) => (name === "" ? "-" : (values.get(name) ?? `UNDEFINED ${name}`)));
    for (const [index, name] of node.outputs.entries()) {
      const expression = `${node.opType}${index === 0 ? "" : `#${index}`}(${[...inputs, ...bodies].join()})`;
      values.set(name, node.opType === "Identity" ? inputs[0]! : expression);
    }
  }
  return graph.outputs.map(({ name }) => values.get(name) ?? `UNDEFINED ${name}`);
}

function verified(graph: Graph): Graph {
  verifyModel({ ...graphBuilder().model(), graph });
  return graph;
}

/** x → Abs → a → Neg → y, and an If whose branches read a. */
function branching(): { g: GraphBuilder; graph: Graph; node: (opType: string) => Node } {
  const g = graphBuilder();
  const condition = g.input("condition", "bool", []);
  const x = g.input("x", "float32", [1]);
  const a = g.op("Abs", [x], {}, { outputs: ["a"] });
  g.output("y", g.op("Neg", [a]));
  const inner = (opType: string) =>
    g.subgraph(opType, (body) => body.output(`${opType}_y`, body.op(opType, [a, body.values("float32", [2])])));
  g.output("z", g.op("If", [condition], { then_branch: inner("Add"), else_branch: inner("Mul") }));
  const graph = verified(g.graph());
  return { g, graph, node: (opType) => graph.nodes.find((node) => node.opType === opType)! };
}

describe("replaceUses", () => {
  it("reaches nodes and captures in bodies", () => {
    const { graph } = branching();
    const edited = verified(replaceUses(graph, new Map([["a", "x"]])));
    expect(expressions(edited)).toEqual(["Neg(x)", "If(condition,{Add(x,[2])},{Mul(x,[2])})"]);
    expect(expressions(graph)).toEqual(["Neg(Abs(x))", "If(condition,{Add(Abs(x),[2])},{Mul(Abs(x),[2])})"]);
    expect(expressions(verified(removeNodes(edited, [edited.nodes[0]!])))).toEqual(expressions(edited));
  });

  it("keeps the names of outputs: the node that makes the replacement writes to them", () => {
    const { graph } = branching();
    const edited = verified(replaceUses(graph, new Map([["y", "a"]])));
    expect(edited.outputs.map(({ name }) => name)).toEqual(["y", "z"]);
    expect(edited.nodes.map(({ opType }) => opType)).toEqual(["Abs", "Neg", "If"]);
    expect(edited.nodes[0]!.outputs).toEqual(["y"]);
    expect(expressions(edited)).toEqual(["Abs(x)", "If(condition,{Add(Abs(x),[2])},{Mul(Abs(x),[2])})"]);
  });

  it("goes through an Identity where an input, a constant or another output replaces an output", () => {
    const { graph } = branching();
    const byInput = verified(replaceUses(graph, new Map([["y", "x"]])));
    expect(expressions(byInput)[0]).toBe("x");
    expect(byInput.inputs.map(({ name }) => name)).toEqual(["condition", "x"]);
    const byOutput = verified(replaceUses(graph, new Map([["z", "y"]])));
    expect(expressions(byOutput)).toEqual(["Neg(Abs(x))", "Neg(Abs(x))"]);
    const both = verified(
      replaceUses(
        graph,
        new Map([
          ["y", "a"],
          ["z", "a"],
        ]),
      ),
    );
    expect(expressions(both)).toEqual(["Abs(x)", "Abs(x)"]);
    expect(both.outputs.map(({ name }) => name)).toEqual(["y", "z"]);
  });

  it("follows replacements of replacements, and refuses a circle", () => {
    const { graph } = branching();
    expect(
      expressions(
        replaceUses(
          graph,
          new Map([
            ["y", "a"],
            ["a", "x"],
          ]),
        ),
      )[0],
    ).toBe("x");
    expect(() =>
      replaceUses(
        graph,
        new Map([
          ["y", "a"],
          ["a", "y"],
        ]),
      ),
    ).toThrow(/itself/);
  });

  it("leaves alone a body's own value of the name", () => {
    const body: Graph = {
      ...graphBuilder().graph(),
      inputs: [{ ...branching().graph.inputs[1]!, name: "a" }],
      outputs: [{ ...branching().graph.outputs[0]!, name: "b" }],
      nodes: [createNode({ opType: "Exp", inputs: ["a"], outputs: ["b"] })],
    };
    const g = graphBuilder();
    const a = g.op("Abs", [g.input("x", "float32", [1])], {}, { outputs: ["a"] });
    g.output("y", g.op("Scan", [a], { body, num_scan_inputs: 1 }), "float32", [1]);
    const edited = replaceUses(g.graph(), new Map([["a", "x"]]));
    expect(edited.nodes[1]).toMatchObject({ inputs: ["x"], attributes: [{ value: body }, {}] });
    expect(subgraphsOf(edited.nodes[1]!)[0]).toBe(body);
  });

  it("keeps every object it does not change", () => {
    const { graph } = branching();
    const edited = replaceUses(graph, new Map([["y", "x"]]));
    expect(edited.nodes[0]).toBe(graph.nodes[0]);
    expect(edited.nodes[2]).toBe(graph.nodes[2]);
    expect(replaceUses(graph, new Map([["nobody", "x"]]))).toBe(graph);
    expect(replaceUses(graph, new Map())).toBe(graph);
  });
});

describe("inserting, removing and replacing nodes", () => {
  it("happens at the place said", () => {
    const { graph, node } = branching();
    const extra = createNode({ opType: "Exp", inputs: ["x"], outputs: ["e"] });
    const operators = (edited: Graph) => edited.nodes.map(({ opType }) => opType);
    expect(operators(insertNodes(graph, [extra], "start"))).toEqual(["Exp", "Abs", "Neg", "If"]);
    expect(operators(insertNodes(graph, [extra], "end"))).toEqual(["Abs", "Neg", "If", "Exp"]);
    expect(operators(insertNodes(graph, [extra], { before: node("Neg") }))).toEqual(["Abs", "Exp", "Neg", "If"]);
    expect(operators(insertNodes(graph, [extra], { after: node("Neg") }))).toEqual(["Abs", "Neg", "Exp", "If"]);
    expect(operators(replaceNodes(graph, new Map([[node("Neg"), []]])))).toEqual(["Abs", "If"]);
  });

  it("is refused where it would break the graph", () => {
    const { graph, node } = branching();
    const second = createNode({ opType: "Exp", inputs: ["x"], outputs: ["a"] });
    expect(() => insertNodes(graph, [second], "end")).toThrow(/'a' a second time/);
    expect(() => removeNodes(graph, [node("Abs")])).toThrow(/still reads 'a'/);
    expect(() => removeNodes(graph, [node("Neg")])).toThrow(/Output 'y'/);
    expect(() => removeNodes(graph, [second])).toThrow(/not of graph/);
    // A body's capture is a use as well.
    const readers = graph.nodes.filter(({ opType }) => opType === "Neg");
    expect(() => removeNodes({ ...graph, outputs: graph.outputs.slice(1) }, [...readers, node("Abs")])).toThrow(
      /If.*'a'/,
    );
  });
});

describe("renameValues", () => {
  it("reaches whatever names a value", () => {
    const { graph } = branching();
    const described: Graph = {
      ...graph,
      valueInfo: [{ ...graph.inputs[1]!, name: "a" }],
      quantization: [
        { kind: "quantization-annotation", tensorName: "a", parameters: new Map([["SCALE_TENSOR", "x"]]), extra: [] },
      ],
    };
    const renamed = verified(
      renameValues(
        described,
        new Map([
          ["a", "b"],
          ["x", "input"],
          ["y", "output"],
        ]),
      ),
    );
    expect(expressions(renamed)).toEqual(expressions(graph).map((text) => text.replaceAll("x", "input")));
    expect(renamed.inputs[1]!.name).toBe("input");
    expect(renamed.outputs[0]!.name).toBe("output");
    expect(renamed.valueInfo[0]!.name).toBe("b");
    expect(renamed.quantization[0]).toMatchObject({
      tensorName: "b",
      parameters: new Map([["SCALE_TENSOR", "input"]]),
    });
  });

  it("can swap names", () => {
    const { graph } = branching();
    const swapped = verified(
      renameValues(
        graph,
        new Map([
          ["y", "z"],
          ["z", "y"],
        ]),
      ),
    );
    expect(expressions(swapped)).toEqual(expressions(graph));
  });

  it("refuses names that would collide, in bodies too", () => {
    const { graph } = branching();
    expect(() => renameValues(graph, new Map([["a", "x"]]))).toThrow(/collide/);
    expect(() => renameValues(graph, new Map([["a", "Add_y"]]))).toThrow(/collide/);
    expect(() =>
      renameValues(
        graph,
        new Map([
          ["a", "q"],
          ["x", "q"],
        ]),
      ),
    ).toThrow(/both/);
    expect(() =>
      renameValues(
        graph,
        new Map([
          ["Add_y", "q"],
          ["a", "Add_y"],
        ]),
      ),
    ).toThrow(/inside a body/);
    expect(() => renameValues(graph, new Map([["a", ""]]))).toThrow(/empty/);
  });
});

describe("spliceGraph", () => {
  it("puts one graph into another under its own names", () => {
    const { graph } = branching();
    const inputs = new Map([
      ["condition", "condition"],
      ["x", "y"],
    ]);
    const first = graph.nodes.find(({ opType }) => opType === "If")!;
    const spliced = spliceGraph(graph, graph, { inputs, prefix: "copy/", place: { before: first } });
    const both = verified({
      ...spliced.graph,
      outputs: [...graph.outputs, ...graph.outputs.map((info) => ({ ...info, name: spliced.outputs.get(info.name)! }))],
    });
    expect(expressions(both)).toEqual([
      ...expressions(graph),
      ...expressions(graph).map((text) => text.replaceAll("x", "Neg(Abs(x))")),
    ]);
  });

  it("brings defaults, unless a value is given", () => {
    const g = graphBuilder();
    g.input("scale", "float32", [1]);
    g.values("float32", [3], [1], "scale");
    g.output("y", g.op("Neg", ["scale"]));
    const other = g.graph();
    const host = branching().graph;
    const withDefault = spliceGraph(host, other, { inputs: new Map(), prefix: "p_", place: "end" });
    expect(withDefault.graph.initializers.map(({ name }) => name)).toEqual(["p_scale"]);
    expect(withDefault.outputs).toEqual(new Map([["y", "p_y"]]));
    const given = spliceGraph(host, other, { inputs: new Map([["scale", "a"]]), prefix: "p_", place: "end" });
    expect(given.graph.initializers).toEqual([]);
    verified(given.graph);
    expect(() => spliceGraph(host, host, { inputs: new Map([["x", "x"]]), prefix: "", place: "end" })).toThrow(
      /condition/,
    );
    expect(() => spliceGraph(host, other, { inputs: new Map([["q", "x"]]), prefix: "", place: "end" })).toThrow(/'q'/);
  });

  it("survives names that look like its own", () => {
    const g = graphBuilder();
    const x = g.input("x", "float32", [1]);
    const px = g.op("Abs", [x], {}, { outputs: ["p_x"] });
    const body = g.subgraph("body", (inner) => inner.output("p_y", inner.op("Add", [px, x])));
    g.output("y", g.op("If", [g.values("bool", [true], [])], { then_branch: body, else_branch: body }), "float32", [1]);
    const other = g.graph();
    const host = graphBuilder();
    host.output("p_y", host.op("Exp", [host.input("p_x", "float32", [1])]));
    const inputs = new Map([["x", "p_x"]]);
    const { graph, outputs } = spliceGraph(host.graph(), other, { inputs, prefix: "p_", place: "end" });
    const joined = verified({ ...graph, outputs: [{ ...graph.outputs[0]!, name: outputs.get("y")! }] });
    expect(expressions(joined)).toEqual(expressions(other).map((text) => text.replaceAll("x", "p_x")));
  });
});

describe("any graph", () => {
  /** A random graph of unary and binary nodes; every value may be read again, some are outputs. */
  const graphs = fc
    .array(
      fc.record({
        opType: fc.constantFrom("Add", "Neg", "Identity"),
        a: fc.nat(),
        b: fc.nat(),
        isOutput: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 25,
      },
    )
    .map((steps) => {
      const g = graphBuilder();
      const values = [g.input("x", "float32", [1]), g.values("float32", [1])];
      for (const [index, { opType, a, b, isOutput }] of steps.entries()) {
        const read = (pick: number) => values[pick % values.length]!;
        const value = g.op(opType, opType === "Add" ? [read(a), read(b)] : [read(a)]);
        if (isOutput || index === steps.length - 1) g.output(`out${index}`, value);
        else values.push(value);
      }
      return g.graph();
    });

  it("computes the same with all its Identity nodes bypassed", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const identities = graph.nodes.filter(({ opType }) => opType === "Identity");
        const bypassed = replaceUses(
          graph,
          new Map(identities.map(({ inputs, outputs }) => [outputs[0]!, inputs[0]!])),
        );
        expect(expressions(verified(bypassed))).toEqual(expressions(graph));
        expect(bypassed.outputs.map(({ name }) => name)).toEqual(graph.outputs.map(({ name }) => name));
      }),
    );
  });

  it("computes the same under other names", () => {
    fc.assert(
      fc.property(graphs, fc.nat(), (graph, salt) => {
        const made = graph.nodes.flatMap(({ outputs }) => outputs);
        const scope = nameScopeOf(graph);
        const names = new Map(
          made.filter((_, index) => (index * 7 + salt) % 3 > 0).map((name) => [name, scope.fresh(name)]),
        );
        expect(expressions(verified(renameValues(graph, names)))).toEqual(expressions(graph));
      }),
    );
  });

  it("computes the same after being spliced in between", () => {
    fc.assert(
      fc.property(graphs, graphs, (host, other) => {
        const spliced = spliceGraph(host, other, { inputs: new Map([["x", "x"]]), prefix: "", place: "start" });
        const outputs = other.outputs.map((info) => ({ ...info, name: spliced.outputs.get(info.name)! }));
        const joined = verified({ ...spliced.graph, outputs: [...host.outputs, ...outputs] });
        expect(expressions(joined)).toEqual([...expressions(host), ...expressions(other)]);
      }),
    );
  });
});
