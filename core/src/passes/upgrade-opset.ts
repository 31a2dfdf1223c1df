// Models written for an earlier operator set, in the words of a later one. What an operator took as attributes it later takes as
// inputs; what some meant by an axis changed. Source: the change log of ONNX's operators (docs/Changelog.md).
import { SlipwayError } from "#base";
import {
  type Attribute,
  attributeFrom,
  createNode,
  describeNode,
  floatOf,
  floatsOf,
  type Graph,
  type Initializer,
  initializerFromTensor,
  intOf,
  intsOf,
  minimumIrVersion,
  type Model,
  type NameScope,
  nameScopeOf,
  type Node,
  outputDType,
  stringOf,
  tensorOfValues,
} from "#graph";
import type { DType } from "#tensor";
import type { Pass } from "./pass.ts";
import type { ModelProperty } from "./properties.ts";

/** The earliest operator set that can be read. */
export const EARLIEST_UPGRADED_OPSET = 7;
/** The latest that can be written. */
export const LATEST_UPGRADED_OPSET = 21;

/** A rewriting: the nodes that stand for a node from a version on. */
interface Change {
  /** The first version in which the operator is as the rewriting makes it. */
  readonly since: number;
  readonly rewrite: (node: Node, site: Site) => readonly Node[];
}

/** Where nodes are rewritten. */
interface Site {
  readonly constant: (dtype: DType, values: readonly number[], shape?: readonly number[]) => string;
  readonly fresh: (name: string) => string;
  readonly dtypeOf: (value: string) => DType;
}

/**
 * The model for a later operator set of ONNX's own; one that is as late already is answered as it is.
 * @throws SlipwayError MODEL_UNSUPPORTED for a version before 7, and for uses of an operator that a later set has no words for
 */
export function upgradeOpset(model: Model, to: number): Model {
  const from = model.opsets.get("") ?? 1;
  if (from >= to) return model;
  if (from < EARLIEST_UPGRADED_OPSET) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `The model uses version ${from} of the ONNX operator set; from ${EARLIEST_UPGRADED_OPSET} on it can be upgraded. Export it for a later version.`,
    );
  }
  const graph = upgraded(model.graph, from, to, nameScopeOf(model.graph), new Map());
  const irVersion = Math.max(model.irVersion, minimumIrVersion(to));
  return { ...model, irVersion, opsets: new Map([...model.opsets, ["", to]]), graph };
}

function upgraded(graph: Graph, from: number, to: number, scope: NameScope, around: ReadonlyMap<string, DType>): Graph {
  const dtypes = new Map(around);
  for (const { name, type } of graph.inputs) if (type?.kind === "tensor") dtypes.set(name, type.dtype);
  for (const { name, dtype } of graph.initializers) dtypes.set(name, dtype);
  const added: Initializer[] = [];
  const site: Site = {
    constant: (dtype, values, shape) => {
      const name = scope.fresh("upgraded");
      added.push(initializerFromTensor(name, tensorOfValues(dtype, values, shape)));
      return name;
    },
    fresh: (name) => scope.fresh(name),
    dtypeOf: (value) => dtypes.get(value) ?? "float32",
  };
  const nodes = graph.nodes.flatMap((original) => {
    const node = { ...original, attributes: original.attributes.map((one) => inBodies(one, from, to, scope, dtypes)) };
    for (const [index, output] of node.outputs.entries()) {
      const dtype = outputDType(node, index, dtypes);
      if (dtype !== undefined && output !== "") dtypes.set(output, dtype);
    }
    return rewritten(node, from, to, site);
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...added] };
}

function inBodies(
  attribute: Attribute,
  from: number,
  to: number,
  scope: NameScope,
  dtypes: ReadonlyMap<string, DType>,
): Attribute {
  if (attribute.kind === "graph") return { ...attribute, value: upgraded(attribute.value, from, to, scope, dtypes) };
  if (attribute.kind !== "graphs") return attribute;
  return { ...attribute, value: attribute.value.map((body) => upgraded(body, from, to, scope, dtypes)) };
}

/** A node as the later set has it: the changes after `from` in their order, each on what the one before made. */
function rewritten(node: Node, from: number, to: number, site: Site): readonly Node[] {
  if (node.domain !== "") return [node];
  let nodes: readonly Node[] = [node];
  for (const { since, rewrite } of Object.hasOwn(CHANGES, node.opType) ? CHANGES[node.opType]! : []) {
    if (since > from && since <= to)
      nodes = nodes.flatMap((one) => (one.opType === node.opType ? rewrite(one, site) : [one]));
  }
  return nodes;
}

/** The node with attributes taken out, and inputs in their place. */
function withInputs(node: Node, removed: readonly string[], inputs: readonly string[]): Node {
  const all = [...node.inputs, ...inputs];
  while (all.at(-1) === "") all.pop();
  return { ...node, inputs: all, attributes: node.attributes.filter(({ name }) => !removed.includes(name)) };
}

/** Integers that were an attribute become an input; where they were left out they stay so. */
function intsToInput(name: string): Change["rewrite"] {
  return (node, { constant }) => {
    const values = intsOf(node, name, undefined);
    return [values === undefined ? node : withInputs(node, [name], [constant("int64", values)])];
  };
}

const CHANGES: Readonly<Record<string, readonly Change[]>> = {
  Squeeze: [{ since: 13, rewrite: intsToInput("axes") }],
  Unsqueeze: [{ since: 13, rewrite: intsToInput("axes") }],
  ReduceSum: [{ since: 13, rewrite: intsToInput("axes") }],
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((kind) => [
      `Reduce${kind}`,
      [{ since: 18, rewrite: intsToInput("axes") }],
    ]),
  ),
  Split: [
    { since: 13, rewrite: intsToInput("split") },
    {
      since: 18,
      rewrite: (node) => {
        if ((node.inputs[1] ?? "") !== "") return [node];
        return [{ ...node, attributes: [...node.attributes, attributeFrom("num_outputs", node.outputs.length)] }];
      },
    },
  ],
  Slice: [
    {
      since: 10,
      rewrite: (node, { constant }) => {
        const list = (name: string): string => {
          const values = intsOf(node, name, undefined);
          return values === undefined ? "" : constant("int64", values);
        };
        return [withInputs(node, ["starts", "ends", "axes"], [list("starts"), list("ends"), list("axes")])];
      },
    },
  ],
  TopK: [
    {
      since: 10,
      rewrite: (node, { constant }) => [withInputs(node, ["k"], [constant("int64", [intOf(node, "k", 1)])])],
    },
  ],
  Clip: [
    {
      since: 11,
      rewrite: (node, { constant, dtypeOf }) => {
        const bound = (name: string): string => {
          const value = floatOf(node, name, undefined);
          return value === undefined ? "" : constant(dtypeOf(node.inputs[0]!), [value], []);
        };
        return [withInputs(node, ["min", "max"], [bound("min"), bound("max")])];
      },
    },
  ],
  Pad: [
    {
      since: 11,
      rewrite: (node, { constant, dtypeOf }) => {
        const value = constant(dtypeOf(node.inputs[0]!), [floatOf(node, "value", 0)], []);
        const pads = constant("int64", intsOf(node, "pads", []));
        return [
          withInputs(
            node,
            ["pads", "value"],
            stringOf(node, "mode", "constant") === "constant" ? [pads, value] : [pads],
          ),
        ];
      },
    },
  ],
  Dropout: [
    {
      since: 12,
      rewrite: (node, { constant, dtypeOf }) => {
        const ratio = floatOf(node, "ratio", undefined);
        const inputs = ratio === undefined ? [] : [constant(dtypeOf(node.inputs[0]!), [ratio], [])];
        return [withInputs(node, ["ratio"], inputs)];
      },
    },
  ],
  BatchNormalization: [
    {
      since: 9,
      rewrite: (node) => {
        if (intOf(node, "spatial", 1) !== 1) throw unsupported(node, "has statistics for each place (spatial = 0)");
        return [withInputs(node, ["spatial"], [])];
      },
    },
    {
      since: 14,
      rewrite: (node) => {
        if (node.outputs.slice(1).some((name) => name !== ""))
          throw unsupported(node, "hands out statistics of training");
        return [node];
      },
    },
  ],
  Upsample: [
    {
      since: 9,
      rewrite: (node, { constant }) => [
        withInputs(node, ["scales"], [constant("float32", floatsOf(node, "scales", []))]),
      ],
    },
    { since: 10, rewrite: (node) => [{ ...node, opType: "Resize", ...asymmetric(node) }] },
  ],
  Resize: [{ since: 11, rewrite: (node) => [{ ...node, ...asymmetric(node) }] }],
  Scatter: [{ since: 11, rewrite: (node) => [{ ...node, opType: "ScatterElements" }] }],
  RoiAlign: [
    {
      since: 16,
      rewrite: (node) => [
        {
          ...node,
          attributes: [...node.attributes, attributeFrom("coordinate_transformation_mode", "output_half_pixel")],
        },
      ],
    },
  ],
  Softmax: [{ since: 13, rewrite: flattened }],
  LogSoftmax: [{ since: 13, rewrite: flattened }],
  Hardmax: [{ since: 13, rewrite: flattened }],
  GridSample: [
    {
      since: 20,
      rewrite: (node) => {
        const mode = { bilinear: "linear", bicubic: "cubic" }[stringOf(node, "mode", "bilinear")];
        if (mode === undefined) return [node];
        const others = node.attributes.filter(({ name }) => name !== "mode");
        return [{ ...node, attributes: [...others, attributeFrom("mode", mode)] }];
      },
    },
  ],
  DFT: [
    {
      since: 20,
      rewrite: (node, { constant }) => {
        const [x = "", length = ""] = node.inputs;
        const axis = constant("int64", [intOf(node, "axis", 1)], []);
        return [{ ...withInputs(node, ["axis"], []), inputs: [x, length, axis] }];
      },
    },
  ],
  GroupNormalization: [{ since: 21, rewrite: perChannel }],
  Scan: [
    {
      since: 9,
      rewrite: (node) => {
        throw unsupported(node, "runs over a batch, as it did before version 9");
      },
    },
  ],
};

/** What resizing meant before it was said: input coordinate = output coordinate / scale, rounded down. */
function asymmetric(node: Node): Pick<Node, "inputs" | "attributes"> {
  const [x = "", scales = ""] = node.inputs;
  const said = [attributeFrom("coordinate_transformation_mode", "asymmetric"), attributeFrom("nearest_mode", "floor")];
  return { inputs: [x, "", scales], attributes: [...node.attributes, ...said] };
}

/** Softmax over all axes from one on, taken as one: those are made one, and the shape is put back. */
function flattened(node: Node, { fresh }: Site): readonly Node[] {
  const axis = intOf(node, "axis", 1);
  if (axis === -1) return [node];
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const [shape, flat, result] = [fresh(`${y}_shape`), fresh(`${y}_flat`), fresh(`${y}_result`)];
  const attributes = [...node.attributes.filter(({ name }) => name !== "axis"), attributeFrom("axis", -1)];
  return [
    createNode({ opType: "Shape", inputs: [x], outputs: [shape] }),
    createNode({ opType: "Flatten", inputs: [x], outputs: [flat], attributes: [attributeFrom("axis", axis)] }),
    { ...node, inputs: [flat], outputs: [result], attributes },
    createNode({ opType: "Reshape", inputs: [result, shape], outputs: [y] }),
  ];
}

/** Scales and biases of groups, one for each of their channels: each is repeated as often as there are channels in a group. */
function perChannel(node: Node, { constant, fresh }: Site): readonly Node[] {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const groups = intOf(node, "num_groups", 1);
  const [y = ""] = node.outputs;
  const [channels, each, shape] = [fresh(`${y}_channels`), fresh(`${y}_each`), fresh(`${y}_repeats`)];
  const made: Node[] = [
    createNode({
      opType: "Shape",
      inputs: [x],
      outputs: [channels],
      attributes: [attributeFrom("start", 1), attributeFrom("end", 2)],
    }),
    createNode({ opType: "Div", inputs: [channels, constant("int64", [groups])], outputs: [each] }),
    createNode({
      opType: "Concat",
      inputs: [constant("int64", [groups]), each],
      outputs: [shape],
      attributes: [attributeFrom("axis", 0)],
    }),
  ];
  const repeated = [scale, bias].map((value) => {
    const [column, rows, flat] = [fresh(`${value}_column`), fresh(`${value}_rows`), fresh(`${value}_by_channel`)];
    made.push(
      createNode({ opType: "Unsqueeze", inputs: [value, constant("int64", [1])], outputs: [column] }),
      createNode({ opType: "Expand", inputs: [column, shape], outputs: [rows] }),
      createNode({ opType: "Reshape", inputs: [rows, constant("int64", [-1])], outputs: [flat] }),
    );
    return flat;
  });
  return [...made, { ...node, inputs: [x, ...repeated] }];
}

function unsupported(node: Node, what: string): SlipwayError {
  const name = describeNode(node);
  return new SlipwayError(
    "MODEL_UNSUPPORTED",
    `${name.charAt(0).toUpperCase()}${name.slice(1)} ${what}, which later operator sets can't say. Export the model for a later version.`,
  );
}

/**
 * @param to the operator set to upgrade to
 * @throws SlipwayError PARAMETER_INVALID for one that is too early or too late to be written
 */
export function upgradeOpsetPass(to: number): Pass {
  if (!Number.isInteger(to) || to < EARLIEST_UPGRADED_OPSET || to > LATEST_UPGRADED_OPSET)
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The operator set to upgrade to is ${to}; it must be at least ${EARLIEST_UPGRADED_OPSET} and at most ${LATEST_UPGRADED_OPSET}.`,
    );
  const promised: readonly (readonly [number, ModelProperty])[] = [
    [13, "opset-13-up"],
    [16, "opset-16-up"],
    [21, "opset-21-up"],
  ];
  return {
    name: "upgrade-opset",
    requires: ["opset-7-up", "functions-inlined"],
    does: `Writes the model for version ${to} of the ONNX operator set.`,
    ensures: promised.filter(([version]) => version <= to).map(([, property]) => property),
    run: (model) => upgradeOpset(model, to),
    idleReason: (model) => {
      const version = model.opsets.get("") ?? 1;
      return `is of operator set ${version} already${version > to ? `, which can't be lowered to ${to}` : ""}`;
    },
  };
}
