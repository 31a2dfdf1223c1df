// Recurrent operators step by step: LSTM, GRU and RNN as the products and activations that each of their steps is, for sequences
// whose length is known. Source of the equations: ONNX, operators LSTM, GRU and RNN.
import { SlipwayError } from "#base";
import {
  createNode,
  describeNode,
  extendModel,
  floatOf,
  floatsOf,
  type GraphBuilder,
  type Graph,
  intOf,
  type Model,
  type Node,
  stringOf,
  stringsOf,
} from "#graph";
import { DTYPES, type TensorType } from "#tensor";
import type { Pass } from "./pass.ts";
import { dtypesOf } from "./value-types.ts";

/** More steps make graphs that take longer to load than to run. */
const MOST_STEPS = 512;

/** Gates of each operator, in the order their weights are stacked in. */
const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };
/** Activations each operator has unless it names others. */
const ACTIVATIONS: Readonly<Record<string, readonly string[]>> = {
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
  GRU: ["Sigmoid", "Tanh"],
  RNN: ["Tanh"],
};

/**
 * The model with its recurrent operators unrolled. Each keeps the names of its outputs.
 * @param types of the model's values, of which the lengths of sequences are read
 * @param isMeant which are unrolled; all unless said
 * @throws SlipwayError MODEL_UNSUPPORTED for a sequence whose length is open or over 512, and for uses that are not unrolled:
 *   lengths by row, peepholes, clipping, batch-first layout, activations with parameters
 */
export function unrollRecurrent(
  model: Model,
  types: ReadonlyMap<string, TensorType>,
  isMeant: (node: Node) => boolean = () => true,
): Model {
  const recurrent = model.graph.nodes.filter((node) => isRecurrent(node) && isMeant(node));
  if (recurrent.length === 0) return model;
  const dtypes = dtypesOf(types);
  let { graph } = model;
  for (const node of recurrent) {
    const without = { ...model, graph: { ...graph, nodes: graph.nodes.filter((one) => one !== node), outputs: [] } };
    let made: ReadonlyMap<string, string> = new Map();
    const extended = extendModel(without, dtypes, (g) => {
      made = new Unrolling(g, node, types).emit();
    });
    // The operator's own names: whatever reads them, reads these.
    const handed = Array.from(made, ([output, value]) =>
      createNode({ opType: "Identity", inputs: [value], outputs: [output] }),
    );
    graph = inPlace(graph, extended.graph, graph.nodes.indexOf(node), handed);
  }
  return { ...model, graph };
}

function isRecurrent({ domain, opType }: Node): boolean {
  return domain === "" && Object.hasOwn(GATES, opType);
}

/** The graph with the nodes that were added behind it, and those that hand their values on, where a node of it was. */
function inPlace(graph: Graph, extended: Graph, place: number, handed: readonly Node[]): Graph {
  const added = [...extended.nodes.slice(graph.nodes.length - 1), ...handed];
  const nodes = [...graph.nodes.slice(0, place), ...added, ...graph.nodes.slice(place + 1)];
  return { ...graph, nodes, initializers: extended.initializers };
}

class Unrolling {
  readonly #g: GraphBuilder;
  readonly #node: Node;
  readonly #steps: number;
  readonly #hidden: number;
  readonly #directions: readonly ("forward" | "reverse")[];

  constructor(g: GraphBuilder, node: Node, types: ReadonlyMap<string, TensorType>) {
    this.#g = g;
    this.#node = node;
    const length = types.get(node.inputs[0]!)?.shape?.[0];
    if (typeof length !== "number")
      throw this.#unsupported(
        "has a sequence whose length is open",
        " Give the model a fixed one, such as by the pass pin-shapes.",
      );
    if (length > MOST_STEPS) throw this.#unsupported(`has ${length} steps; at most ${MOST_STEPS} are unrolled`);
    this.#steps = length;
    this.#hidden = this.#hiddenSize(types);
    const direction = stringOf(node, "direction", "forward");
    this.#directions =
      direction === "bidirectional" ? ["forward", "reverse"] : [direction === "reverse" ? "reverse" : "forward"];
    this.#refuseOthers();
  }

  /** Emits the steps; answers the value that each output of the operator is, by its name. */
  emit(): ReadonlyMap<string, string> {
    const g = this.#g;
    const runs = this.#directions.map((direction, index) => this.#direction(direction, index));
    const stacked = (parts: readonly string[], axis: number): string => {
      const apart = parts.map((part) => g.op("Unsqueeze", [part, g.values("int64", [axis])]));
      return apart.length === 1 ? apart[0]! : g.op("Concat", apart, { axis });
    };
    const [all, lastHidden, lastCell] = this.#node.outputs;
    const made = new Map<string, string>();
    const hand = (name: string | undefined, value: () => string): void => {
      if (name !== undefined && name !== "") made.set(name, value());
    };
    const inTime = (sequence: readonly string[]): string =>
      g.op(
        "Concat",
        sequence.map((one) => g.op("Unsqueeze", [one, g.values("int64", [0])])),
        { axis: 0 },
      );
    hand(all, () =>
      stacked(
        runs.map(({ sequence }) => inTime(sequence)),
        1,
      ),
    );
    hand(lastHidden, () =>
      stacked(
        runs.map(({ hidden }) => hidden),
        0,
      ),
    );
    hand(lastCell, () =>
      stacked(
        runs.map(({ cell }) => cell!),
        0,
      ),
    );
    return made;
  }

  /** One direction's steps: what each gives, in the order of the sequence, and the last states. */
  #direction(
    direction: "forward" | "reverse",
    index: number,
  ): { readonly sequence: readonly string[]; readonly hidden: string; readonly cell: string | null } {
    const g = this.#g;
    const { opType, inputs } = this.#node;
    const [x, weights, recurrence, bias, , initialHidden, initialCell] = inputs;
    const ofDirection = (value: string): string => g.op("Gather", [value, g.values("int64", [index], [])], { axis: 0 });
    const transposed = (value: string): string => g.op("Transpose", [ofDirection(value)], { perm: [1, 0] });
    // The inputs' part of all gates and steps is one product.
    const products = g.op("MatMul", [x!, transposed(weights!)]);
    const gates = GATES[opType]!;
    const biases =
      bias === undefined || bias === ""
        ? null
        : g.opOutputs(
            "Split",
            [ofDirection(bias), g.values("int64", [gates * this.#hidden, gates * this.#hidden])],
            2,
            { axis: 0 },
          );
    const seen = biases === null ? products : g.op("Add", [products, biases[0]!]);
    const recurrent = transposed(recurrence!);
    const names = this.#activations(index);
    const step: Step = {
      recurrent,
      bias: biases?.[1] ?? null,
      activations: names,
    };
    let hidden = initialHidden === undefined || initialHidden === "" ? this.#zeros(x!) : ofDirection(initialHidden);
    let cell =
      opType !== "LSTM"
        ? null
        : initialCell === undefined || initialCell === ""
          ? this.#zeros(x!)
          : ofDirection(initialCell);
    const sequence: string[] = Array.from({ length: this.#steps });
    for (let at = 0; at < this.#steps; at++) {
      const time = direction === "forward" ? at : this.#steps - 1 - at;
      const input = g.op("Gather", [seen, g.values("int64", [time], [])], { axis: 0 });
      if (cell !== null) ({ hidden, cell } = this.#lstm(input, hidden, cell, step));
      else hidden = opType === "GRU" ? this.#gru(input, hidden, step) : this.#rnn(input, hidden, step);
      sequence[time] = hidden;
    }
    return { sequence, hidden, cell };
  }

  /** Gates input, output, forget, cell: c ← f·c + i·g(c̃); h ← o·h(c). */
  #lstm(
    input: string,
    hidden: string,
    cell: string,
    { recurrent, bias, activations }: Step,
  ): { hidden: string; cell: string } {
    const g = this.#g;
    const [f, inner, outer] = activations;
    const summed = this.#sum(input, g.op("MatMul", [hidden, recurrent]), bias);
    const [i, o, forget, candidate] = this.#split(summed, 4);
    const kept = g.op("Mul", [g.op(f!, [forget!]), cell]);
    const next = g.op("Add", [kept, g.op("Mul", [g.op(f!, [i!]), g.op(inner!, [candidate!])])]);
    return { hidden: g.op("Mul", [g.op(f!, [o!]), g.op(outer!, [next])]), cell: next };
  }

  /** Gates update, reset, hidden: h ← (1 − z)·h̃ + z·h. */
  #gru(input: string, hidden: string, { recurrent, bias, activations }: Step): string {
    const g = this.#g;
    const [f, inner] = activations;
    const [ofUpdate, ofReset, ofHidden] = this.#split(input, 3);
    const weights = this.#split(recurrent, 3);
    const biases = bias === null ? null : this.#split(bias, 3, 0);
    const through = (value: string, gate: number): string => g.op("MatMul", [value, weights[gate]!]);
    const z = g.op(f!, [this.#sum(ofUpdate!, through(hidden, 0), biases?.[0] ?? null)]);
    const r = g.op(f!, [this.#sum(ofReset!, through(hidden, 1), biases?.[1] ?? null)]);
    const resetsLater = intOf(this.#node, "linear_before_reset", 0) !== 0;
    const reset = resetsLater
      ? g.op("Mul", [r, biases === null ? through(hidden, 2) : g.op("Add", [through(hidden, 2), biases[2]!])])
      : through(g.op("Mul", [r, hidden]), 2);
    const candidate = g.op(inner!, [this.#sum(ofHidden!, reset, resetsLater ? null : (biases?.[2] ?? null))]);
    // h̃ + z·(h − h̃)
    return g.op("Add", [candidate, g.op("Mul", [z, g.op("Sub", [hidden, candidate])])]);
  }

  #rnn(input: string, hidden: string, { recurrent, bias, activations }: Step): string {
    const summed = this.#sum(input, this.#g.op("MatMul", [hidden, recurrent]), bias);
    return this.#g.op(activations[0]!, [summed]);
  }

  #sum(a: string, b: string, c: string | null): string {
    const sum = this.#g.op("Add", [a, b]);
    return c === null ? sum : this.#g.op("Add", [sum, c]);
  }

  #split(value: string, parts: number, axis = 1): readonly string[] {
    const sizes = this.#g.values(
      "int64",
      Array.from({ length: parts }, () => this.#hidden),
    );
    return this.#g.opOutputs("Split", [value, sizes], parts, { axis });
  }

  /** A state of zeros, [batch, hidden]. */
  #zeros(x: string): string {
    const g = this.#g;
    const batch = g.op("Gather", [g.op("Shape", [x]), g.values("int64", [1])], { axis: 0 });
    const shape = g.op("Concat", [batch, g.values("int64", [this.#hidden])], { axis: 0 });
    const zero = g.op("Cast", [g.values("float32", [0], [])], { to: DTYPES[this.#g.dtypeOf(x) ?? "float32"].onnx });
    return g.op("Expand", [zero, shape]);
  }

  #activations(direction: number): readonly string[] {
    const usual = ACTIVATIONS[this.#node.opType]!;
    const named = stringsOf(this.#node, "activations", undefined);
    return named === undefined ? usual : named.slice(direction * usual.length, (direction + 1) * usual.length);
  }

  #hiddenSize(types: ReadonlyMap<string, TensorType>): number {
    const stated = intOf(this.#node, "hidden_size", undefined) ?? types.get(this.#node.inputs[2]!)?.shape?.[2];
    if (typeof stated === "number") return stated;
    throw this.#unsupported("does not say how large its state is");
  }

  #refuseOthers(): void {
    const node = this.#node;
    const has = (index: number): boolean => (node.inputs[index] ?? "") !== "";
    if (has(4)) throw this.#unsupported("has sequences of different lengths (sequence_lens)");
    if (node.opType === "LSTM" && has(7)) throw this.#unsupported("has peepholes");
    if (floatOf(node, "clip", 0) !== 0) throw this.#unsupported("clips its gates");
    if (intOf(node, "layout", 0) !== 0) throw this.#unsupported("has the batch first (layout = 1)");
    if (intOf(node, "input_forget", 0) !== 0) throw this.#unsupported("couples its gates (input_forget)");
    const alphas = floatsOf(node, "activation_alpha", undefined) ?? floatsOf(node, "activation_beta", undefined);
    if (alphas !== undefined && alphas.length > 0) throw this.#unsupported("gives its activations parameters");
  }

  #unsupported(what: string, remedy = ""): SlipwayError {
    const name = describeNode(this.#node);
    return new SlipwayError(
      "MODEL_UNSUPPORTED",
      `${name.charAt(0).toUpperCase()}${name.slice(1)} ${what}, so it is not unrolled.${remedy}`,
    );
  }
}

/** What all steps of a direction share. */
interface Step {
  /** [hidden, gates · hidden] */
  readonly recurrent: string;
  readonly bias: string | null;
  readonly activations: readonly string[];
}

/** @param isMeant which are unrolled; all unless said */
export function unrollRecurrentPass(isMeant?: (node: Node) => boolean): Pass {
  return {
    name: "unroll-recurrent",
    requires: ["opset-13-up"],
    does: "Writes LSTM, GRU and RNN step by step, for sequences of a fixed length.",
    ensures: isMeant === undefined ? ["recurrent-unrolled"] : [],
    run: async (model, engine) => {
      const isThere = model.graph.nodes.some((node) => isRecurrent(node) && (isMeant?.(node) ?? true));
      return isThere ? unrollRecurrent(model, await engine.typesOf(model), isMeant) : model;
    },
  };
}
