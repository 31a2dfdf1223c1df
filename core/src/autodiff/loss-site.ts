// The nodes of a loss: what each element or label loses, and how that comes together to one number, or to one for each sample.
import { SlipwayError } from "#base";
import type { GraphBuilder } from "#graph";
import { type Dimension, type DType, DTYPES, type TensorType } from "#tensor";
import type { Loss } from "./losses.ts";
import { once } from "./once.ts";

export const DEFAULT_DELTA = 1;
export const DEFAULT_TEMPERATURE = 2;
const COSINE_FLOOR = 1e-12;

/** Names of what a loss adds to a model; see `LossModel`. */
export interface LossNames {
  readonly target: string;
  readonly loss: string;
  readonly sampleWeights: string | null;
  readonly weight: string | null;
}

/** What is lost, before it comes together. */
interface Lost {
  /** One number for each element or label, samples along the first axis; weights of classes are in it already. */
  readonly values: () => string;
  /** What each label counts for in a mean; null where all count alike, as elements do. */
  readonly counts: (() => string) | null;
  /** The mean of all, in as few nodes as it takes; null where the values' sum is to be divided. */
  readonly mean: (() => string) | null;
  /** A value with as many elements as there are to count. */
  readonly counted: () => string;
}

/** Where a loss is put behind an output. */
export class LossSite {
  readonly #g: GraphBuilder;
  readonly #output: string;
  readonly #dtype: DType;
  readonly #shape: readonly Dimension[] | null;
  readonly #axis: number;

  constructor(g: GraphBuilder, output: string, { dtype, shape }: TensorType, axis: number) {
    this.#g = g;
    this.#output = output;
    this.#dtype = dtype;
    this.#shape = shape;
    this.#axis = axis;
  }

  build(loss: Loss, names: LossNames, isPerSample: boolean): void {
    const { target, sampleWeights, weight } = names;
    const g = this.#g;
    const isByLabel = loss.kind === "cross-entropy";
    const lost = isByLabel ? this.#crossEntropy(loss, target) : this.#against(loss, target);
    const samples = sampleWeights === null ? null : g.input(sampleWeights, this.#dtype, [this.#samples()]);
    if (isPerSample) {
      const own = isByLabel ? this.#perSampleLabels(lost) : this.#perSample(lost.values());
      const losses = samples === null ? own : g.op("Mul", [own, samples]);
      g.output(names.loss, losses, this.#dtype, [this.#samples()]);
      return;
    }
    const { mean, divisor } = this.#meanOf(lost, isByLabel, samples);
    g.output(names.loss, mean, this.#dtype, []);
    if (weight !== null) g.output(weight, divisor(), this.#dtype, []);
  }

  /** The mean over the batch, and what it divides by. */
  #meanOf(lost: Lost, isByLabel: boolean, samples: string | null): { mean: string; divisor: () => string } {
    const g = this.#g;
    const divided = (sum: string, divisor: string): { mean: string; divisor: () => string } => ({
      mean: g.op("Div", [sum, samples === null ? divisor : this.#oneForZero(divisor)]),
      divisor: () => divisor,
    });
    if (samples === null) {
      const divisor = (): string => (lost.counts === null ? this.#size(lost.counted()) : this.#total(lost.counts()));
      return lost.mean === null ? divided(this.#total(lost.values()), divisor()) : { mean: lost.mean(), divisor };
    }
    if (!isByLabel)
      return divided(this.#total(g.op("Mul", [this.#perSample(lost.values()), samples])), this.#total(samples));
    const wide = this.#alongLabels(samples);
    const ones = (): string => g.op("Expand", [wide, g.op("Shape", [lost.counted()])]);
    const counts = lost.counts === null ? ones() : g.op("Mul", [lost.counts(), wide]);
    return divided(this.#total(g.op("Mul", [lost.values(), wide])), this.#total(counts));
  }

  /** So that a batch of which nothing counts loses 0. */
  #oneForZero(x: string): string {
    return this.#g.op("Where", [this.#g.op("Equal", [x, this.#number(0)]), this.#number(1), x]);
  }

  /** Losses against a target in the shape of the output. */
  #against(loss: Exclude<Loss, { kind: "cross-entropy" }>, target: string): Lost {
    this.#g.input(target, this.#dtype, this.#shape);
    const values = once(() => this.#elementLosses(loss, target));
    return { values, counts: null, mean: () => this.#mean(values()), counted: values };
  }

  #elementLosses(loss: Exclude<Loss, { kind: "cross-entropy" }>, target: string): string {
    const isAlongAxis = loss.kind === "soft-cross-entropy" || loss.kind === "distillation" || loss.kind === "cosine";
    if (isAlongAxis && this.#shape !== null) this.#axisOf(this.#shape.length);
    const g = this.#g;
    const y = this.#output;
    const difference = (): string => g.op("Sub", [y, target]);
    switch (loss.kind) {
      case "mean-squared-error": {
        const off = difference();
        return g.op("Mul", [off, off]);
      }
      case "mean-absolute-error":
        return g.op("Abs", [difference()]);
      case "huber": {
        const delta = this.#number(loss.delta ?? DEFAULT_DELTA);
        const size = g.op("Abs", [difference()]);
        // With c = min(|d|, δ): c·(|d| − c/2) is d²/2 within δ and δ·(|d| − δ/2) beyond.
        const near = g.op("Min", [size, delta]);
        return g.op("Mul", [near, g.op("Sub", [size, g.op("Mul", [near, this.#number(0.5)])])]);
      }
      case "binary-cross-entropy":
        // softplus(y) − y·t, without computing a sigmoid that may round to 0 or 1.
        return g.op("Sub", [g.op("Softplus", [y]), g.op("Mul", [y, target])]);
      case "soft-cross-entropy":
        return g.op("Neg", [this.#sumAlong(g.op("Mul", [target, g.op("LogSoftmax", [y], { axis: this.#axis })]))]);
      case "distillation": {
        const temperature = loss.temperature ?? DEFAULT_TEMPERATURE;
        const log = (logits: string): string =>
          g.op("LogSoftmax", [g.op("Div", [logits, this.#number(temperature)])], { axis: this.#axis });
        const [own, wanted] = [log(y), log(target)];
        const divergence = g.op("Mul", [g.op("Exp", [wanted]), g.op("Sub", [wanted, own])]);
        return g.op("Mul", [this.#sumAlong(divergence), this.#number(temperature ** 2)]);
      }
      case "cosine": {
        const dot = this.#sumAlong(g.op("Mul", [y, target]));
        const size = (x: string): string =>
          g.op("Sqrt", [g.op("Max", [this.#sumAlong(g.op("Mul", [x, x])), this.#number(COSINE_FLOOR)])]);
        const cosine = g.op("Div", [dot, g.op("Mul", [size(y), size(target)])]);
        return g.op("Sub", [this.#number(1), cosine]);
      }
    }
  }

  #crossEntropy(loss: Extract<Loss, { kind: "cross-entropy" }>, target: string): Lost {
    const g = this.#g;
    const { rank, axis } = this.#classAxis();
    g.input(
      target,
      "int64",
      this.#shape!.filter((_, at) => at !== axis),
    );
    // The operator has its classes on axis 1.
    const order = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    const isSecond = axis === 1 || rank === 1;
    const logits = isSecond
      ? this.#output
      : g.op("Transpose", [this.#output], { perm: [order[0]!, axis, ...order.slice(1)] });
    const ignore = loss.ignoreIndex === undefined ? {} : { ignore_index: loss.ignoreIndex };
    const weights = loss.classWeights === undefined ? null : this.#classWeights(loss.classWeights, axis);
    const own = (reduction: "mean" | "none"): string =>
      g.op("SoftmaxCrossEntropyLoss", [logits, target, ...(weights === null ? [] : [weights])], {
        reduction,
        ...ignore,
      });
    const { ignoreIndex } = loss;
    const isCounted =
      ignoreIndex === undefined
        ? null
        : once(() => g.op("Not", [g.op("Equal", [target, g.values("int64", [ignoreIndex], [])])]));
    const countsAlike = weights === null && isCounted === null;
    const counts = countsAlike ? null : once(() => this.#labelCounts(target, weights, isCounted));
    const smoothing = loss.labelSmoothing ?? 0;
    const counted = (): string => target;
    if (smoothing === 0) return { values: once(() => own("none")), counts, mean: () => own("mean"), counted };
    // The share of all classes alike, with the same weights and labels.
    const log = g.op("LogSoftmax", [logits], { axis: 1 });
    const weighted =
      weights === null ? log : g.op("Mul", [log, this.#reshape(weights, [1, -1, ...order.slice(1).map(() => 1)])]);
    const overClasses = g.op("Neg", [this.#sum(weighted, 1)]);
    const even = isCounted === null ? overClasses : g.op("Where", [isCounted(), overClasses, this.#number(0)]);
    const classes = this.#length(logits, 1);
    const values = g.op("Add", [
      g.op("Mul", [own("none"), this.#number(1 - smoothing)]),
      g.op("Mul", [g.op("Div", [even, classes]), this.#number(smoothing)]),
    ]);
    return { values: () => values, counts, mean: null, counted };
  }

  #classAxis(): { readonly rank: number; readonly axis: number } {
    const rank = this.#shape?.length ?? null;
    if (rank === null)
      throw invalid(`Of '${this.#output}' not even the number of axes is known, so its classes can't be found.`);
    return { rank, axis: this.#axisOf(rank) };
  }

  /** The axis of the classes, counted from the front. */
  #axisOf(rank: number): number {
    const axis = this.#axis < 0 ? this.#axis + rank : this.#axis;
    if (Number.isInteger(axis) && axis >= 0 && axis < rank) return axis;
    const axes = rank === 1 ? "1 axis" : `${rank} axes`;
    throw invalid(
      `Output '${this.#output}' has ${axes}, counted from 0, and none numbered ${this.#axis} for the classes. Name another axis, or another output.`,
    );
  }

  #classWeights(weights: readonly number[], axis: number): string {
    const classes = this.#shape![axis];
    if (typeof classes === "number" && classes !== weights.length)
      throw invalid(`There are ${weights.length} weights of classes, and '${this.#output}' has ${classes} classes.`);
    return this.#g.values(this.#dtype, weights);
  }

  /** What each label counts for: its class's weight, 0 where it is ignored. */
  #labelCounts(target: string, weights: string | null, isCounted: (() => string) | null): string {
    const g = this.#g;
    if (isCounted === null) return g.op("Gather", [weights!, target]);
    if (weights === null) return g.op("Cast", [isCounted()], { to: DTYPES[this.#dtype].onnx });
    // A label that is ignored may be no class, so it is looked up as class 0.
    const looked = g.op("Where", [isCounted(), target, g.values("int64", [0], [])]);
    return g.op("Where", [isCounted(), g.op("Gather", [weights, looked]), this.#number(0)]);
  }

  /** Each sample's mean over its elements, [N]. */
  #perSample(values: string): string {
    const g = this.#g;
    const flat = g.op("Flatten", [values], { axis: 1 });
    return g.op("Div", [this.#sum(flat, 1), this.#length(flat, 1)]);
  }

  /** Each sample's sum over its labels, over the number of those that count, [N]; 0 where none does. */
  #perSampleLabels(lost: Lost): string {
    const g = this.#g;
    if (lost.counts === null) return this.#perSample(lost.values());
    const flat = (x: string): string => g.op("Flatten", [x], { axis: 1 });
    const isCounted = g.op("Greater", [flat(lost.counts()), this.#number(0)]);
    const count = this.#sum(g.op("Cast", [isCounted], { to: DTYPES[this.#dtype].onnx }), 1);
    return g.op("Div", [this.#sum(flat(lost.values()), 1), g.op("Max", [count, this.#number(1)])]);
  }

  /** One number per sample, [N], so that it broadcasts to one per label. */
  #alongLabels(samples: string): string {
    const behind = this.#shape!.length - 2;
    return behind <= 0 ? samples : this.#reshape(samples, [-1, ...Array.from({ length: behind }, () => 1)]);
  }

  #samples(): Dimension {
    return this.#shape?.[0] ?? null;
  }

  /** The length of an axis, as a number of the output's type. */
  #length(value: string, axis: number): string {
    const g = this.#g;
    const length = g.op("Gather", [g.op("Shape", [value]), g.values("int64", [axis], [])]);
    return g.op("Cast", [length], { to: DTYPES[this.#dtype].onnx });
  }

  /** How many elements a value has, as a number of the output's type. */
  #size(value: string): string {
    return this.#g.op("Cast", [this.#g.op("Size", [value])], { to: DTYPES[this.#dtype].onnx });
  }

  #number(value: number): string {
    return this.#g.values(this.#dtype, [value], []);
  }

  #reshape(x: string, shape: readonly number[]): string {
    return this.#g.op("Reshape", [x, this.#g.values("int64", shape)]);
  }

  #sum(x: string, axis: number): string {
    return this.#g.op("ReduceSum", [x, this.#g.values("int64", [axis])], { keepdims: 0 });
  }

  #sumAlong(x: string): string {
    return this.#sum(x, this.#axis);
  }

  #mean(x: string): string {
    return this.#g.op("ReduceMean", [x], { keepdims: 0 });
  }

  #total(x: string): string {
    return this.#g.op("ReduceSum", [x], { keepdims: 0 });
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}
