// Models that read well and behave badly: without end, without measure, reading what is not theirs, or ending the process
// that runs them.
import {
  byteSourceFromBytes,
  createAttribute,
  createFunction,
  createGraph,
  createModel,
  createNode,
  createValueInfo,
  type GraphBuilder,
  graphBuilder,
  type Initializer,
  type Model,
  type Node,
} from "@slipway/core/graph";
import type { Dimension, DType } from "@slipway/core/tensor";

function modelOf(build: (graph: GraphBuilder) => void): Model {
  const graph = graphBuilder({ opset: 17 });
  build(graph);
  return graph.model();
}

/** y = 2x; where x[0, 0] is over a million, only after 2^62 turns of a Loop whose condition stays true. */
export function endlessAtRun(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    const largest = graph.op("ReduceMax", [x], { keepdims: 0 });
    const isEndless = graph.op("Greater", [largest, graph.values("float32", [1e6], [])]);
    const trips = graph.op("Where", [
      isEndless,
      graph.values("int64", [2n ** 62n], []),
      graph.values("int64", [1n], []),
    ]);
    graph.output("y", loopOver(graph, trips, graph.op("Mul", [x, graph.values("float32", [2])])), "float32", ["N", 2]);
  });
}

/** As above, without end for every input, so that warming it up does not end either. */
export function endlessAlways(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    graph.output("y", loopOver(graph, graph.values("int64", [2n ** 62n], []), x), "float32", ["N", 2]);
  });
}

/** Without end although it has no inputs: the engine might fold it while it loads. */
export function endlessConstant(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    const constant = loopOver(graph, graph.values("int64", [2n ** 62n], []), graph.values("float32", [1], [1, 1]));
    graph.output("y", graph.op("Add", [x, constant]), "float32", ["N", 2]);
  });
}

function loopOver(graph: GraphBuilder, trips: string, start: string): string {
  const body = graph.subgraph("body", (inner) => {
    inner.input("turn", "int64", []);
    const going = inner.input("going", "bool", []);
    const carried = inner.input("carried", "float32", null);
    inner.output("going_on", inner.op("Identity", [going]), "bool", []);
    inner.output("carried_on", inner.op("Mul", [carried, inner.values("float32", [1], [])]), "float32", null);
  });
  return graph.op("Loop", [trips, graph.values("bool", [true], []), start], { body });
}

/** A constant of `side`² elements that an engine would compute while loading. */
export function foldingBomb(side: number): Model {
  return modelOf((graph) => {
    const many = graph.op("Neg", [graph.op("ConstantOfShape", [graph.values("int64", [side, side])])]);
    const total = graph.op("ReduceSum", [many], { keepdims: 0 });
    graph.output("y", graph.op("Add", [graph.input("x", "float32", ["N", 2]), total]), "float32", ["N", 2]);
  });
}

/** y = x times the mean of as many ones as x[0, 0] says, made by Expand. */
export function memoryBomb(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    const size = graph.op("Cast", [graph.op("Abs", [graph.op("ReduceMax", [x], { keepdims: 0 })])], { to: 7 });
    const shape = graph.op("Add", [
      graph.op("Unsqueeze", [size, graph.values("int64", [0])]),
      graph.values("int64", [1]),
    ]);
    const many = graph.op("Exp", [graph.op("Expand", [graph.values("float32", [0]), shape])]);
    graph.output("y", graph.op("Mul", [x, graph.op("ReduceMean", [many], { keepdims: 0 })]), "float32", ["N", 2]);
  });
}

/** y = x mod -1 in whole numbers: 0 for every x but -2^31, which the processor traps, ending the process. */
export function trapping(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "int32", ["N", 2]);
    const modulus = graph.op("Sub", [graph.op("Mul", [x, graph.values("int32", [0])]), graph.values("int32", [1])]);
    graph.output("y", graph.op("Mod", [x, modulus]), "int32", ["N", 2]);
  });
}

/** An input of `trapping` that ends its runner. */
export const TRAP = -(2 ** 31);

/** A model whose rows answer differently in company: the mean of all is taken from each. */
export function mixing(): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    const mean = graph.op("ReduceMean", [x], { axes: [0], keepdims: 1 });
    graph.output("y", graph.op("Sub", [x, mean]), "float32", ["N", 2]);
  });
}

/** An If within an If, `depth` deep, and beside it `width` more. */
export function branching(depth: number, width: number): Model {
  return modelOf((graph) => {
    const x = graph.input("x", "float32", ["N", 2]);
    const isTrue = graph.values("bool", [true], []);
    const branch = (inner: GraphBuilder, level: number): string => {
      if (level === 0) return inner.op("Identity", [x]);
      const deeper = inner.subgraph("deeper", (body) =>
        body.output(`deep${level}`, branch(body, level - 1), "float32", ["N", 2]),
      );
      const shallow = inner.subgraph("shallow", (body) =>
        body.output(`shallow${level}`, body.op("Identity", [x]), "float32", ["N", 2]),
      );
      return inner.op("If", [isTrue], { then_branch: deeper, else_branch: shallow });
    };
    let value = branch(graph, depth);
    for (let index = 0; index < width; index++) {
      const own = value;
      const one = (name: string) =>
        graph.subgraph(name, (body) => body.output(`${name}${index}`, body.op("Identity", [own]), "float32", ["N", 2]));
      value = graph.op("If", [isTrue], { then_branch: one("then"), else_branch: one("else") });
    }
    graph.output("y", value, "float32", ["N", 2]);
  });
}

/** A file whose graphs lie within each other `depth` deep, as bytes: no builder would make it. */
export function nestedBytes(depth: number): Uint8Array {
  let inner = Buffer.alloc(0);
  // Graph.node(1) → Node.attribute(5) → Attribute.g(6), of type GRAPH(5).
  for (let level = 0; level < depth; level++)
    inner = message(1, message(5, Buffer.concat([message(6, inner), Buffer.from([0xa0, 0x01, 5])])));
  return Buffer.concat([Buffer.from([8, 8]), message(7, inner), message(8, Buffer.from([16, 17]))]);
}

function message(field: number, content: Uint8Array): Buffer<ArrayBuffer> {
  const head = [field * 8 + 2];
  let length = content.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Buffer.from([...head, length]), content]);
}

/** Where a model may name a file: each makes `y = x + w` with `w` read from `location`. */
export const EXTERNAL_PLACES: Readonly<Record<string, (location: string) => Model>> = {
  "an initializer": (location) =>
    modelOf((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      graph.output("y", graph.op("Add", [x, graph.initializer(external("w", location))]), "float32", ["N", 2]);
    }),
  "a sparse initializer": (location) => {
    const values = external("w", location);
    const indices = external("", location, "int64");
    return createModel({
      irVersion: 8,
      opsets: new Map([["", 17]]),
      graph: createGraph({
        name: "graph",
        inputs: [createValueInfo("x", { kind: "tensor", dtype: "float32", shape: ["N", 2] })],
        outputs: [createValueInfo("y", { kind: "tensor", dtype: "float32", shape: ["N", 2] })],
        sparseInitializers: [{ kind: "sparse-initializer", values, indices, shape: [2], extra: [] }],
        nodes: [createNode({ opType: "Add", inputs: ["x", "w"], outputs: ["y"] })],
      }),
    });
  },
  "a Constant's value": (location) =>
    modelOf((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      graph.output("y", graph.op("Add", [x, graph.op("Constant", [], { value: external("", location) })]), "float32", [
        "N",
        2,
      ]);
    }),
  "a branch of an If": (location) =>
    modelOf((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      const branch = (name: string) =>
        graph.subgraph(name, (body) => {
          const w = body.initializer(external(`w_${name}`, location));
          body.output(`y_${name}`, body.op("Add", [x, w]), "float32", ["N", 2]);
        });
      const isTrue = graph.values("bool", [true], []);
      graph.output(
        "y",
        graph.op("If", [isTrue], { then_branch: branch("then"), else_branch: branch("else") }),
        "float32",
        ["N", 2],
      );
    }),
  "a function's body": (location) => {
    const constant = createNode({
      opType: "Constant",
      outputs: ["w"],
      attributes: [createAttribute("tensor", "value", external("", location))],
    });
    const add = createNode({ opType: "Add", inputs: ["a", "w"], outputs: ["b"] });
    const reader = createFunction({
      name: "Reader",
      domain: "own",
      inputs: ["a"],
      outputs: ["b"],
      nodes: [constant, add],
      opsets: new Map([["", 17]]),
    });
    const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [reader] });
    const x = graph.input("x", "float32", ["N", 2]);
    graph.output("y", graph.op("Reader", [x], {}, { domain: "own" }), "float32", ["N", 2]);
    return graph.model();
  },
};

function external(name: string, location: string, dtype: DType = "float32"): Initializer {
  const length = dtype === "int64" ? 16 : 8;
  const reference = { location, offset: 0, length, checksum: null, others: new Map<string, string>() };
  return {
    kind: "initializer",
    name,
    dtype,
    shape: [2],
    data: { kind: "external", reference },
    docString: "",
    metadata: new Map(),
    extra: [],
  };
}

const FLOATS = { kind: "tensor", dtype: "float32", shape: ["N", 2] } as const;

function graphOf(
  nodes: readonly Node[],
  more: { inputs?: readonly string[]; outputs?: readonly string[]; shape?: readonly Dimension[] } = {},
): Model {
  const { inputs = ["x"], outputs = ["y"], shape = FLOATS.shape } = more;
  const info = (name: string) => createValueInfo(name, { ...FLOATS, shape });
  return createModel({
    irVersion: 8,
    opsets: new Map([["", 17]]),
    graph: createGraph({ name: "graph", inputs: inputs.map(info), outputs: outputs.map(info), nodes: [...nodes] }),
  });
}

const node = (opType: string, inputs: readonly string[], outputs: readonly string[]): Node =>
  createNode({ opType, inputs: [...inputs], outputs: [...outputs] });

/** Nothing but very many nodes, one after the other. */
export function chain(nodes: number): Model {
  const value = (at: number) => (at === 0 ? "x" : at === nodes ? "y" : `value_${at}`);
  return graphOf(Array.from({ length: nodes }, (_, at) => node("Neg", [value(at)], [value(at + 1)])));
}

/** Its input and output have more elements than anything can hold. */
export function vast(): Model {
  return graphOf([node("Neg", ["x"], ["y"])], { shape: [2 ** 53 - 1, 2 ** 53 - 1] });
}

/** Models that can be read and whose graph can't be one. */
export const BROKEN_GRAPHS: Readonly<Record<string, () => Model>> = {
  "a cycle": () => graphOf([node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), node("Neg", ["b"], ["y"])]),
  "a node that reads itself": () => graphOf([node("Add", ["x", "y"], ["y"])]),
  "a value made twice": () => graphOf([node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])]),
  "two inputs of one name": () => graphOf([node("Neg", ["x"], ["y"])], { inputs: ["x", "x"] }),
  "two outputs of one name": () => graphOf([node("Neg", ["x"], ["y"])], { outputs: ["y", "y"] }),
  "an output nobody makes": () => graphOf([node("Neg", ["x"], ["z"])]),
  "an input nobody makes": () => graphOf([node("Neg", ["w"], ["y"])]),
  "an operator there is not": () => graphOf([node("Frobnicate", ["x"], ["y"])]),
  "an initializer far larger than its bytes": () =>
    modelOf((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      const data = { kind: "bytes" as const, bytes: byteSourceFromBytes(new Uint8Array(8)) };
      const huge: Initializer = {
        kind: "initializer",
        name: "w",
        dtype: "float32",
        shape: [2 ** 31, 2 ** 31],
        data,
        docString: "",
        metadata: new Map(),
        extra: [],
      };
      graph.output("y", graph.op("Add", [x, graph.initializer(huge)]), "float32", ["N", 2]);
    }),
  "a function that calls itself": () => {
    const call = createNode({ opType: "Self", domain: "own", inputs: ["a"], outputs: ["b"] });
    const self = createFunction({
      name: "Self",
      domain: "own",
      inputs: ["a"],
      outputs: ["b"],
      nodes: [call],
      opsets: new Map([["own", 1]]),
    });
    const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [self] });
    const x = graph.input("x", "float32", ["N", 2]);
    graph.output("y", graph.op("Self", [x], {}, { domain: "own" }), "float32", ["N", 2]);
    return graph.model();
  },
};
