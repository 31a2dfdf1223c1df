// Losses as nodes behind a model: what it answers beside what it should, as one number to be made small.
import { SlipwayError } from "#base";
import { extendModel, type GraphBuilder, type Model, nameScopeOf } from "#graph";
import { type Dimension, type DType, DTYPES } from "#tensor";
import { isDifferentiable, statedTypes, type ValueTypes } from "./value-types.ts";

/** A loss, as the mean over the batch. */
export type Loss =
  /**
   * Of logits by class against labels, int64, in the logits' shape without the axis of the classes. Smoothing gives each class
   * the share ε/C of the target (Szegedy et al., arXiv 1512.00567); rows whose label is `ignoreIndex` count for nothing.
   */
  | {
      readonly kind: "cross-entropy";
      readonly labelSmoothing?: number;
      readonly ignoreIndex?: number;
      readonly classWeights?: readonly number[];
    }
  /** Of logits by class against probabilities by class, such as those of a teacher. */
  | { readonly kind: "soft-cross-entropy" }
  /** Of logits against probabilities, each on its own. */
  | { readonly kind: "binary-cross-entropy" }
  | { readonly kind: "mean-squared-error" }
  | { readonly kind: "mean-absolute-error" }
  /** Squared up to `delta`, linear beyond. Source: Huber 1964, Annals of Mathematical Statistics 35(1). */
  | { readonly kind: "huber"; readonly delta?: number }
  /**
   * Kullback–Leibler divergence of softmax(logits / T) from softmax(target logits / T), times T². Source: Hinton, Vinyals and
   * Dean, arXiv 1503.02531.
   */
  | { readonly kind: "distillation"; readonly temperature?: number }
  /** 1 − the cosine of the angle between each row and its target. */
  | { readonly kind: "cosine" };

export type LossKind = Loss["kind"];
export const LOSS_KINDS = [
  "cross-entropy",
  "soft-cross-entropy",
  "binary-cross-entropy",
  "mean-squared-error",
  "mean-absolute-error",
  "huber",
  "distillation",
  "cosine",
] as const satisfies readonly LossKind[];

export interface LossOptions {
  readonly loss: Loss;
  /** The output that is judged; the first unless said. */
  readonly output?: string;
  /** The axis of the classes, for losses by class and the cosine; 1 unless said. */
  readonly axis?: number;
  /** Types of the model's values beside those it states; see `ValueTypes`. */
  readonly types?: ValueTypes;
}

export interface LossModel {
  readonly model: Model;
  /** The output that holds the loss, a scalar. */
  readonly loss: string;
  /** The input that takes what should be answered. */
  readonly target: string;
}

const DEFAULT_DELTA = 1;
const DEFAULT_TEMPERATURE = 2;
const COSINE_FLOOR = 1e-12;

/**
 * The model with a loss behind it: a further input `target` and a further output `loss`.
 * @throws SlipwayError PARAMETER_INVALID for an output there is not, one that is no floating-point tensor, or parameters of the
 *   loss that are out of their range
 */
export function withLoss(model: Model, options: LossOptions): LossModel {
  const types = new Map([...statedTypes(model), ...(options.types ?? [])]);
  const names = model.graph.outputs.map(({ name }) => name);
  const output = options.output ?? names[0] ?? "";
  const type = types.get(output);
  if (!names.includes(output) || type === undefined) {
    throw invalid(`The model has no output '${output}' to judge; its outputs are ${names.join(", ")}.`);
  }
  if (!isDifferentiable(type))
    throw invalid(`Output '${output}' holds ${type.dtype}; a loss needs floating-point numbers.`);
  checkLoss(options.loss);
  const dtypes = new Map(Array.from(types, ([name, { dtype }]) => [name, dtype]));
  const scope = nameScopeOf(model.graph);
  const [target, loss] = [scope.fresh("target"), scope.fresh("loss")];
  const extended = extendModel(model, dtypes, (g) =>
    new LossSite(g, output, type.dtype, type.shape, options.axis ?? 1).build(options.loss, target, loss),
  );
  return { model: extended, loss, target };
}

function checkLoss(loss: Loss): void {
  if (loss.kind === "cross-entropy") {
    const { labelSmoothing = 0 } = loss;
    if (!(labelSmoothing >= 0 && labelSmoothing < 1))
      throw invalid(`Label smoothing is ${labelSmoothing}; it must be at least 0 and less than 1.`);
  }
  if (loss.kind === "huber" && !((loss.delta ?? DEFAULT_DELTA) > 0))
    throw invalid(`delta is ${loss.delta}; it must be positive.`);
  if (loss.kind === "distillation" && !((loss.temperature ?? DEFAULT_TEMPERATURE) > 0))
    throw invalid(`The temperature is ${loss.temperature}; it must be positive.`);
}

class LossSite {
  readonly #g: GraphBuilder;
  readonly #output: string;
  readonly #dtype: DType;
  readonly #shape: readonly Dimension[] | null;
  readonly #axis: number;

  constructor(g: GraphBuilder, output: string, dtype: DType, shape: readonly Dimension[] | null, axis: number) {
    this.#g = g;
    this.#output = output;
    this.#dtype = dtype;
    this.#shape = shape;
    this.#axis = axis;
  }

  build(loss: Loss, target: string, name: string): void {
    const value = loss.kind === "cross-entropy" ? this.#crossEntropy(loss, target) : this.#against(loss, target);
    this.#g.output(name, value, this.#dtype, []);
  }

  /** Losses against a target in the shape of the output. */
  #against(loss: Exclude<Loss, { kind: "cross-entropy" }>, target: string): string {
    const g = this.#g;
    const y = this.#output;
    g.input(target, this.#dtype, this.#shape);
    const difference = (): string => g.op("Sub", [y, target]);
    switch (loss.kind) {
      case "mean-squared-error": {
        const off = difference();
        return this.#mean(g.op("Mul", [off, off]));
      }
      case "mean-absolute-error":
        return this.#mean(g.op("Abs", [difference()]));
      case "huber": {
        const delta = this.#number(loss.delta ?? DEFAULT_DELTA);
        const size = g.op("Abs", [difference()]);
        // With c = min(|d|, δ): c·(|d| − c/2) is d²/2 within δ and δ·(|d| − δ/2) beyond.
        const near = g.op("Min", [size, delta]);
        return this.#mean(g.op("Mul", [near, g.op("Sub", [size, g.op("Mul", [near, this.#number(0.5)])])]));
      }
      case "binary-cross-entropy":
        // softplus(y) − y·t, without computing a sigmoid that may round to 0 or 1.
        return this.#mean(g.op("Sub", [g.op("Softplus", [y]), g.op("Mul", [y, target])]));
      case "soft-cross-entropy":
        return g.op("Neg", [this.#meanOfRows(g.op("Mul", [target, g.op("LogSoftmax", [y], { axis: this.#axis })]))]);
      case "distillation": {
        const temperature = loss.temperature ?? DEFAULT_TEMPERATURE;
        const log = (logits: string): string =>
          g.op("LogSoftmax", [g.op("Div", [logits, this.#number(temperature)])], { axis: this.#axis });
        const [own, wanted] = [log(y), log(target)];
        const divergence = g.op("Mul", [g.op("Exp", [wanted]), g.op("Sub", [wanted, own])]);
        return g.op("Mul", [this.#meanOfRows(divergence), this.#number(temperature ** 2)]);
      }
      case "cosine": {
        const dot = this.#sumAlong(g.op("Mul", [y, target]));
        const size = (x: string): string =>
          g.op("Sqrt", [g.op("Max", [this.#sumAlong(g.op("Mul", [x, x])), this.#number(COSINE_FLOOR)])]);
        const cosine = g.op("Div", [dot, g.op("Mul", [size(y), size(target)])]);
        return this.#mean(g.op("Sub", [this.#number(1), cosine]));
      }
    }
  }

  #crossEntropy(loss: Extract<Loss, { kind: "cross-entropy" }>, target: string): string {
    const g = this.#g;
    const rank = this.#shape?.length ?? null;
    if (rank === null)
      throw invalid(`Of '${this.#output}' not even the number of axes is known, so its classes can't be found.`);
    const axis = this.#axis < 0 ? this.#axis + rank : this.#axis;
    if (axis < 0 || axis >= rank)
      throw invalid(`'${this.#output}' has ${rank} axes and none numbered ${this.#axis} for the classes.`);
    const labelShape = this.#shape!.filter((_, at) => at !== axis);
    g.input(target, "int64", labelShape);
    // The operator has its classes on axis 1.
    const order = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    const isSecond = axis === 1 || rank === 1;
    const logits = isSecond
      ? this.#output
      : g.op("Transpose", [this.#output], { perm: [order[0]!, axis, ...order.slice(1)] });
    const ignore = loss.ignoreIndex === undefined ? {} : { ignore_index: loss.ignoreIndex };
    const weights = loss.classWeights === undefined ? [] : [g.values(this.#dtype, loss.classWeights)];
    const smoothing = loss.labelSmoothing ?? 0;
    const plain = g.op("SoftmaxCrossEntropyLoss", [logits, target, ...weights], { reduction: "mean", ...ignore });
    if (smoothing === 0) return plain;
    // The share of all classes alike, with the same weights and rows: a mean over what the labels' own loss is a mean of.
    const log = g.op("LogSoftmax", [logits], { axis: 1 });
    const weighted =
      weights.length === 0
        ? log
        : g.op("Mul", [log, this.#reshape(weights[0]!, [1, -1, ...order.slice(1).map(() => 1)])]);
    const perRow = g.op("Neg", [this.#sum(weighted, 1)]);
    const isCounted =
      ignore.ignore_index === undefined
        ? null
        : g.op("Not", [g.op("Equal", [target, g.values("int64", [ignore.ignore_index], [])])]);
    const counted = isCounted === null ? perRow : g.op("Where", [isCounted, perRow, this.#number(0)]);
    const classes = g.op("Cast", [g.op("Gather", [g.op("Shape", [logits]), g.values("int64", [1], [])])], {
      to: DTYPES[this.#dtype].onnx,
    });
    const total = g.op("ReduceSum", [counted], { keepdims: 0 });
    const even = g.op("Div", [
      g.op("Div", [total, this.#totalWeight(target, weights[0] ?? null, isCounted, counted)]),
      classes,
    ]);
    return g.op("Add", [
      g.op("Mul", [plain, this.#number(1 - smoothing)]),
      g.op("Mul", [even, this.#number(smoothing)]),
    ]);
  }

  /** What the mean over labels divides by: the sum of their weights. */
  #totalWeight(target: string, weights: string | null, isCounted: string | null, like: string): string {
    const g = this.#g;
    const zero = g.values("int64", [0], []);
    const looked = isCounted === null ? target : g.op("Where", [isCounted, target, zero]);
    const ones = g.op("Expand", [this.#number(1), g.op("Shape", [like])]);
    const own = weights === null ? ones : g.op("Gather", [weights, looked]);
    const kept = isCounted === null ? own : g.op("Where", [isCounted, own, this.#number(0)]);
    return g.op("ReduceSum", [kept], { keepdims: 0 });
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

  /** The mean over all rows of the sum along the axis of the classes. */
  #meanOfRows(x: string): string {
    return this.#mean(this.#sumAlong(x));
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}
