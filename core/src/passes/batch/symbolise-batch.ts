// A batch of fixed size, opened: the model for any number of rows. It is gone through with the batch as a name, and at every node
// it must be certain that rows stay apart; shapes that were written down for the old size are written anew.
import { SlipwayError } from "#base";
import {
  attributeFrom,
  createNode,
  describeNode,
  type Graph,
  type Initializer,
  initializerFromTensor,
  intOf,
  type Model,
  nameScopeOf,
  type Node,
  subgraphsOf,
  tensorOfValues,
  type ValueInfo,
  valuesReadBy,
} from "#graph";
import type { Pass } from "../pass.ts";
import { type Facts, inferFacts, Length, productOf, ShapeWalk } from "../shapes/index.ts";
import { storedTensors } from "../stored-tensors.ts";
import { Alikeness, axisFromFront } from "./alikeness.ts";
import { batchAxes, type BatchOptions, batchSize, freshAxisName, opened } from "./batch-axes.ts";
import { isElementwise, isShapeInput, rowsRuleOf } from "./rows-apart.ts";

/**
 * The model with the axis of the batch open. What it answers for as many rows as before is the same, and for others what it
 * answers for each row alone. A model whose batch is open already is answered as it is.
 * @throws SlipwayError PASS_REFUSED where inputs have batches of different sizes, and naming the first node of which it is not
 *   certain that it keeps rows apart; PARAMETER_INVALID for an axis there is not
 */
export function symboliseBatch(model: Model, options: BatchOptions = {}): Model {
  const axes = batchAxes(model.graph, options.axes);
  const size = batchSize(model.graph, axes);
  if (size === null) return model;
  const name = freshAxisName(model.graph, options.name ?? "N");
  const inputs = model.graph.inputs.map((info) => opened(info, axes.get(info.name), name));
  return { ...model, graph: new Symbolising({ ...model, graph: { ...model.graph, inputs } }, model, size, name).run() };
}

const ONE = Length.of(1);

class Symbolising {
  readonly #model: Model;
  readonly #before: Facts;
  readonly #size: number;
  readonly #name: string;
  readonly #batch: Length;
  readonly #walk: ShapeWalk;
  readonly #nodes: Node[] = [];
  readonly #added: Initializer[] = [];
  /** Names of added ones by what they hold. */
  readonly #constants = new Map<string, string>();
  readonly #makers = new Map<string, Node>();
  /** Values that hold how many rows there are. */
  readonly #counts = new Set<string>();
  /** How often all rows follow each other on the axis of the batch, where that is more than once: [T·N, D] from [T, N, D]. */
  readonly #rounds = new Map<string, Length>();
  readonly #fresh: (name: string) => string;
  readonly #alikeness: Alikeness;

  /** @param model with the inputs' batch open @param before as it was */
  constructor(model: Model, before: Model, size: number, name: string) {
    this.#model = model;
    this.#before = inferFacts(before);
    this.#size = size;
    this.#name = name;
    this.#batch = Length.named(name);
    let unknowns = 0;
    // What the model states of values in between is for the old size.
    const bare: Graph = { ...model.graph, valueInfo: [], outputs: [] };
    this.#walk = new ShapeWalk(bare, model.opsets.get("") ?? 1, () => Length.unknown(unknowns++), new Map());
    const scope = nameScopeOf(model.graph);
    this.#fresh = (wanted) => scope.fresh(wanted);
    this.#alikeness = new Alikeness(
      storedTensors(model.graph),
      (value) => this.#makers.get(value),
      (value) => this.#shapeOf(value),
    );
  }

  run(): Graph {
    const { graph } = this.#model;
    for (const node of graph.nodes) this.#take(node);
    const outputs = graph.outputs.map((info) => this.#output(info));
    // Their types are for the old size.
    const valueInfo = graph.valueInfo.filter(({ name }) => this.#walk.fact(name) !== undefined && !this.#depends(name));
    return { ...graph, nodes: this.#nodes, outputs, valueInfo, initializers: [...graph.initializers, ...this.#added] };
  }

  /** The axis of the batch in a value; null where it has none. @throws SlipwayError where it has several */
  #axisOf(name: string): number | null {
    const shape = this.#walk.fact(name)?.shape ?? [];
    const axes = shape.flatMap((length, axis) => (length.dependsOn(this.#name) ? [axis] : []));
    return axes.length === 1 ? axes[0]! : axes.length === 0 ? null : -1;
  }

  #shapeOf(name: string): readonly Length[] | null {
    return this.#walk.fact(name)?.shape ?? null;
  }

  /** Whether anything of a value depends on the batch. */
  #depends(name: string): boolean {
    return this.#axisOf(name) !== null || this.#counts.has(name);
  }

  #take(node: Node): void {
    // Of what it casts alike, an operator reads the type alone.
    const read = node.opType === "CastLike" ? node.inputs.slice(0, 1) : Array.from(valuesReadBy(node));
    if (!read.some((name) => this.#depends(name))) {
      this.#emit(node);
      return;
    }
    if (subgraphsOf(node).length > 0) throw this.#refused(node, "holds graphs of its own, which are not followed");
    const rule = rowsRuleOf(node);
    const isCounting = this.#refuseCounts(node);
    if (rule === undefined)
      throw this.#refused(node, "is an operator of which it is not known that it keeps rows apart");
    const aligned = this.#aligned(node);
    const axes = aligned.inputs.map((name) => (name === "" ? null : this.#axisOf(name)));
    const reason = rule({ call: this.#walk.call(aligned), axes });
    if (reason !== null) throw this.#refused(node, reason);
    const written = this.#rewritten(aligned);
    this.#emit(written);
    this.#check(node, written, isCounting);
  }

  /** Refuses numbers of rows where rows are computed; answers whether the node computes with such numbers alone. */
  #refuseCounts(node: Node): boolean {
    const counts = node.inputs.filter((name, index) => this.#counts.has(name) && !isShapeInput(node, index));
    if (counts.length === 0) return false;
    if (node.inputs.some((name) => name !== "" && this.#axisOf(name) !== null))
      throw this.#refused(node, `computes with '${counts[0]}', which depends on how many rows there are`);
    return true;
  }

  /** What the node made: one axis of the batch and no more, or numbers that depend on how many rows there are. */
  #check(node: Node, written: Node, isCounting: boolean): void {
    const isTelling = node.opType === "Shape" || node.opType === "Size";
    const hadRows = node.inputs.some((name, index) => !isShapeInput(node, index) && this.#axisOf(name) !== null);
    for (const name of written.outputs) {
      if (name === "") continue;
      const shape = this.#shapeOf(name);
      if (shape === null) throw this.#refused(node, `makes '${name}', whose shape is not known`);
      const axis = this.#axisOf(name);
      if (axis === -1) throw this.#refused(node, "makes something that has the axis of the batch twice");
      if (isTelling || isCounting || (axis === null && !hadRows)) {
        if (axis !== null) throw this.#refused(node, "makes as many numbers as there are rows");
        const isTold =
          this.#walk.fact(name)?.elements?.every((one) => one !== null && !one.dependsOn(this.#name)) === true;
        if (!isTold) this.#counts.add(name);
        continue;
      }
      if (axis === null) throw this.#refused(node, "computes over all rows, or makes so many of them as the batch had");
      const rows = shape[axis]!.dividedBy(this.#batch);
      if (rows === null || rows.dependsOn(this.#name))
        throw this.#refused(node, `makes ${shape[axis]!.text} rows of ${this.#name}`);
      this.#compareWithBefore(node, name, shape);
      const rounds = hadRows ? this.#roundsOf(node, written, axis, shape) : ONE;
      if (!rounds.is(1)) this.#rounds.set(name, rounds);
    }
  }

  /** How often all rows follow each other on the axis of the batch of what a node makes. */
  #roundsOf(node: Node, { inputs }: Node, axis: number, shape: readonly Length[]): Length {
    if (node.opType === "Reshape" || node.opType === "Flatten") {
      // As many elements are before the first row's as were, so that rows lie in the order they did.
      const rounds = this.#inFrontOf(inputs[0]!).dividedBy(productOf(shape.slice(0, axis)));
      if (rounds !== null && shape[axis]!.dividedBy(rounds.times(this.#batch)) !== null) return rounds;
      throw this.#refused(node, "puts the batch behind another axis, so that rows are taken apart");
    }
    const rounds = inputs
      .filter((name, index) => name !== "" && !isShapeInput(node, index) && this.#axisOf(name) !== null)
      .map((name) => this.#rounds.get(name) ?? ONE);
    if (rounds.some((one) => !one.equals(rounds[0]!)))
      throw this.#refused(node, "reads values whose rows follow each other otherwise");
    return rounds[0] ?? ONE;
  }

  /** How often all rows follow each other before the next element of a row. */
  #inFrontOf(name: string): Length {
    const shape = this.#walk.fact(name)!.shape!;
    return productOf(shape.slice(0, this.#axisOf(name)!)).times(this.#rounds.get(name) ?? ONE);
  }

  /** For as many rows as before, everything has the shape it had. */
  #compareWithBefore(node: Node, name: string, shape: readonly Length[]): void {
    const before = this.#before.get(name)?.shape;
    const lengths = new Map([[this.#name, this.#size]]);
    const isOther = before?.some((length, axis) => {
      const now = shape[axis]?.at(lengths) ?? null;
      return length.number !== null && now !== null && now !== length.number;
    });
    if (isOther === true) throw this.#refused(node, `would make '${name}' of another shape than before`);
  }

  // What was written for the old size

  /** The node with shapes it was told anew, where they hold the size of the batch. */
  #rewritten(node: Node): Node {
    switch (node.opType) {
      case "Reshape":
        return this.#reshape(node);
      case "Expand":
        return this.#expand(node);
      default:
        return node;
    }
  }

  /** Takes the length of the batch from what is left, where the target holds the old one. */
  #reshape(node: Node): Node {
    const [x = ""] = node.inputs;
    const axis = this.#axisOf(x);
    const shape = this.#shapeOf(x);
    const lengths = this.#before.get(node.outputs[0]!)?.shape?.map(({ number }) => number);
    const targets = this.#walk.call(node).wholeNumbers(1);
    if (axis === null || axis < 0 || shape === null || lengths === undefined || targets === null) return node;
    if (!lengths.every((length) => length !== null) || lengths.some((length) => length < 1)) return node;
    const inFront = this.#inFrontOf(x).number;
    if (inFront === null) return node;
    const places = lengths.flatMap((length, at) => {
      const rounds = inFront / lengths.slice(0, at).reduce((product, one) => product * one, 1);
      const inside = length / (rounds * this.#size);
      return Number.isInteger(rounds) && Number.isInteger(inside)
        ? [{ at, inside, isAlone: length === this.#size }]
        : [];
    });
    // Of several places one is meant: an axis of the batch alone, else the one it was on where axes are taken apart, else one that
    // holds as much of a row as it did. All keep the rows in order; a wrong guess is refused further on.
    const inside = shape[axis]!.dividedBy((this.#rounds.get(x) ?? ONE).times(this.#batch))?.number;
    const place = (
      places.find(({ isAlone }) => isAlone) ??
      places.find(({ at }) => at === axis && lengths.length >= shape.length) ??
      places.find((one) => one.inside === inside) ??
      places[0]
    )?.at;
    if (place === undefined || targets[place] === -1) return node;
    const made = lengths.map((length, at) => (at === place ? -1 : length));
    const others = node.attributes.filter(({ name }) => name !== "allowzero");
    return { ...node, inputs: [x, this.#constant(made)], attributes: others };
  }

  /** Leaves the batch as it is: a length of 1 stretches nothing. */
  #expand(node: Node): Node {
    const [x = ""] = node.inputs;
    const axis = this.#axisOf(x);
    const rank = this.#walk.fact(x)?.shape?.length ?? 0;
    const lengths = this.#walk.call(node).wholeNumbers(1);
    if (axis === null || axis < 0 || lengths === null) return node;
    const place = axis - rank + lengths.length;
    if (place < 0 || lengths[place] === 1) return node;
    return { ...node, inputs: [x, this.#constant(lengths.map((length, at) => (at === place ? 1 : length)))] };
  }

  /** The node reading, where rows meet something that is the same for all of them, one row of it, or as many as there are. */
  #aligned(node: Node): Node {
    const isJoined = node.opType === "Concat";
    const isRecurrent = ["LSTM", "GRU", "RNN"].includes(node.opType);
    if (!isJoined && !isRecurrent && !isElementwise(node)) return node;
    const shapes = node.inputs.map((name) => this.#shapeOf(name));
    const first = node.inputs.findIndex((name) => name !== "" && this.#axisOf(name) !== null);
    const axis = first < 0 ? null : this.#axisOf(node.inputs[first]!);
    const firstShape = shapes[first] ?? null;
    if (axis === null || axis < 0 || firstShape === null) return node;
    if (isJoined && axisFromFront(node, firstShape.length) === axis) return node;
    const inputs = node.inputs.map((name, index) => {
      const shape = shapes[index] ?? null;
      if (name === "" || shape === null || this.#axisOf(name) !== null) return name;
      if (isRecurrent) {
        if (index < 5 || index > 6) return name;
        const place = intOf(node, "layout", 0) === 0 ? 1 : 0;
        if (shape[place] === undefined) return name;
        return this.#repeated(this.#oneRow(node, name, place, shape), place, node.inputs[first]!, axis);
      }
      const place = axis - firstShape.length + shape.length;
      if (place < 0 || shape[place] === undefined) return name;
      const one = this.#oneRow(node, name, place, shape);
      return isJoined ? this.#repeated(one, place, node.inputs[first]!, axis) : one;
    });
    return { ...node, inputs };
  }

  /** One row of what is the same for all rows of the old batch. */
  #oneRow(node: Node, name: string, axis: number, shape: readonly Length[]): string {
    if (shape[axis]?.number !== this.#size || this.#size === 1) return name;
    if (!this.#alikeness.isAlike(name, axis))
      throw this.#refused(node, `reads '${name}', which holds something else for each row`);
    const row = this.#fresh(`${name}_row`);
    this.#emit(
      createNode({
        opType: "Slice",
        inputs: [name, this.#constant([0]), this.#constant([1]), this.#constant([axis])],
        outputs: [row],
      }),
    );
    return row;
  }

  /** A value of one row, as often as there are rows in another. */
  #repeated(name: string, axis: number, other: string, otherAxis: number): string {
    const shape = this.#walk.fact(name)!.shape!;
    const [lengths, rows, target, repeated] = ["lengths", "rows", "target", "repeated"].map((what) =>
      this.#fresh(`${name}_${what}`),
    ) as [string, string, string, string];
    const ones = (count: number): readonly string[] => (count === 0 ? [] : [this.#constant(Array(count).fill(1))]);
    const parts = [...ones(axis), rows, ...ones(shape.length - axis - 1)];
    this.#emit(createNode({ opType: "Shape", inputs: [other], outputs: [lengths] }));
    const gathered = { opType: "Gather", inputs: [lengths, this.#constant([otherAxis])], outputs: [rows] };
    this.#emit(createNode({ ...gathered, attributes: [attributeFrom("axis", 0)] }));
    this.#emit(
      createNode({ opType: "Concat", inputs: parts, outputs: [target], attributes: [attributeFrom("axis", 0)] }),
    );
    this.#emit(createNode({ opType: "Expand", inputs: [name, target], outputs: [repeated] }));
    return repeated;
  }

  #constant(values: readonly number[]): string {
    const known = this.#constants.get(values.join());
    if (known !== undefined) return known;
    const stored = initializerFromTensor(this.#fresh("batch_shape"), tensorOfValues("int64", values));
    this.#added.push(stored);
    this.#walk.store(stored);
    this.#constants.set(values.join(), stored.name);
    return stored.name;
  }

  #emit(node: Node): void {
    this.#nodes.push(node);
    this.#walk.visit(node);
    for (const name of node.outputs) if (name !== "") this.#makers.set(name, node);
  }

  #output(info: ValueInfo): ValueInfo {
    const { name, type } = info;
    if (this.#counts.has(name))
      throw new SlipwayError("PASS_REFUSED", `Output '${name}' tells how many rows there are, not something of a row.`);
    const axis = this.#axisOf(name);
    if (axis === null || type?.kind !== "tensor") return info;
    const shape = this.#walk.fact(name)!.shape!;
    if (!shape[axis]!.equals(this.#batch))
      throw new SlipwayError(
        "PASS_REFUSED",
        `Output '${name}' would have ${shape[axis]!.text} on its axis ${axis}: what belongs to a row is not kept on an axis of its own.`,
      );
    const kept = type.shape ?? shape.map(({ dimension }) => dimension);
    return { ...info, type: { ...type, shape: kept.map((length, at) => (at === axis ? this.#name : length)) } };
  }

  #refused(node: Node, why: string): SlipwayError {
    const subject = describeNode(node);
    return new SlipwayError(
      "PASS_REFUSED",
      `${subject.charAt(0).toUpperCase()}${subject.slice(1)} ${why}. The batch can't be shown to be open to any number of rows; export the model with an open batch.`,
    );
  }
}

/** @param options see `symboliseBatch` */
export function symboliseBatchPass(options: BatchOptions = {}): Pass {
  return {
    name: "symbolise-batch",
    requires: ["functions-inlined"],
    does: "Opens a batch of fixed size to any number of rows, where it is certain that rows stay apart.",
    ensures: [],
    run: (model) => symboliseBatch(model, options),
  };
}
