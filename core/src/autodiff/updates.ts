// What parameters and optimiser become in a step, once their gradients are known.
import { SlipwayError } from "#base";
import { AttributeReader, float, type GraphBuilder, type Node } from "#graph";
import type { DType } from "#tensor";
import type { Emitter } from "./emitter.ts";
import type { CarriedValue, Learner, LearningOptions } from "./learner.ts";
import { checkOptimizer, type Optimizer, stepped } from "./optimizers.ts";

export interface UpdateOptions {
  readonly optimizer: Optimizer;
  /** Gradients together are scaled down to this norm where theirs is more. Source: Pascanu et al., arXiv 1211.5063. */
  readonly maxNorm?: number;
  /** Keeps a moving average of each parameter: a ← d·a + (1 − d)·w. */
  readonly averageDecay?: number;
}

/** Inputs that say how far a step goes. */
export interface StepInputs {
  /** The input for the learning rate, float32 []. */
  readonly learningRate: string;
  /** The input for the number of the step, from 1, float64 []; null for optimisers that do not count. */
  readonly step: string | null;
}

/** @throws SlipwayError PARAMETER_INVALID naming what is out of its range */
export function checkUpdates({
  optimizer,
  maxNorm,
  averageDecay,
  groups = [],
}: UpdateOptions & Pick<LearningOptions, "groups">): void {
  checkOptimizer(optimizer);
  for (const { names, learningRate = 1, weightDecay = 0 } of groups) {
    if (!isSize(learningRate)) throw outOfGroup(names, "learning rate", learningRate);
    if (!isSize(weightDecay)) throw outOfGroup(names, "weight decay", weightDecay);
  }
  if (maxNorm !== undefined && !(maxNorm > 0))
    throw new SlipwayError("PARAMETER_INVALID", `maxNorm is ${maxNorm}; it must be positive.`);
  if (averageDecay !== undefined && !(averageDecay >= 0 && averageDecay < 1))
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `averageDecay is ${averageDecay}; it must be at least 0 and less than 1.`,
    );
}

function isSize(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}

function outOfGroup(names: RegExp, what: string, value: number): SlipwayError {
  return new SlipwayError(
    "PARAMETER_INVALID",
    `The ${what} of the group ${String(names)} is ${value}; it must be at least 0.`,
  );
}

/** What a step emits besides nodes. */
export interface Updates extends StepInputs {
  readonly carried: readonly CarriedValue[];
  /** Nodes whose products are made elsewhere now, together with what they were added to; nothing reads them any more. */
  readonly replaced: ReadonlySet<Node>;
}

/**
 * Emits a step: inputs for what is carried and how far it goes, outputs for what is carried on.
 * @param parameters of the learner are inputs of the graph already
 * @param gradients one for each of the learner's parameters
 * @param products the Gemm nodes that make gradients, by gradient, where nothing else reads these
 */
export function emitUpdates(
  g: GraphBuilder,
  base: Emitter,
  { learning, groupOf }: Learner,
  gradients: readonly string[],
  { optimizer, maxNorm, averageDecay }: UpdateOptions,
  products: ReadonlyMap<string, Node> = new Map(),
): Updates {
  const counts = optimizer.kind === "adam" || optimizer.kind === "adamw";
  const learningRate = g.input(g.freeName("learning_rate"), "float32", []);
  const step = counts ? g.input(g.freeName("step"), "float64", []) : null;
  const corrections = new Map<number, string>();
  // What is told in single precision, in the precision of a parameter.
  const casts = new Map<string, string>();
  const inPrecisionOf = (e: Emitter, value: string): string => {
    if (e.dtype === base.dtype) return value;
    const key = `${e.dtype} ${value}`;
    const found = casts.get(key) ?? e.cast(value);
    casts.set(key, found);
    return found;
  };
  const correction = (beta: number): string => {
    // In double precision: 1 − 0.999 keeps four digits in single.
    const double = base.of("float64");
    const found = corrections.get(beta) ?? base.cast(double.sub(1, double.op("Pow", [beta, step!])));
    corrections.set(beta, found);
    return found;
  };
  const carried: CarriedValue[] = [];
  const limited = clipped(
    base,
    gradients.map((value, index) => ({ value, dtype: learning[index]!.dtype })),
    maxNorm,
  );
  const replaced = new Set<Node>();
  for (const [index, { name, dtype, shape }] of learning.entries()) {
    const e = base.of(dtype);
    const group = groupOf(name);
    const carry = (input: string, start: CarriedValue["start"], value: (before: string) => string): string => {
      const made = value(input);
      const output = g.freeName(`${input}_next`);
      g.output(output, made, dtype, shape);
      carried.push({ of: name, input, output, dtype, shape, start });
      return made;
    };
    const more = (stem: string): string => g.input(g.freeName(`${name}_${stem}`), dtype, shape);
    const next = carry(name, "stored", (parameter) =>
      stepped(optimizer, {
        e,
        parameter,
        gradient: limited[index]!,
        learningRate: e.mul(inPrecisionOf(e, learningRate), group?.learningRate ?? 1),
        correction: (beta) => inPrecisionOf(e, correction(beta)),
        accumulate: (before, factor) => {
          const product = products.get(limited[index]!);
          if (product === undefined) return e.add(e.mul(factor, before), limited[index]!);
          replaced.add(product);
          return accumulated(g, product, before, factor);
        },
        weightDecay: group?.weightDecay ?? optimizer.weightDecay ?? 0,
        remember: (stem, nextOf) => carry(more(stem), "zeros", nextOf),
      }),
    );
    if (averageDecay !== undefined)
      carry(more("average"), "stored", (before) => e.add(e.mul(averageDecay, before), e.mul(1 - averageDecay, next)));
  }
  return { learningRate, step, carried, replaced };
}

/** before · factor + a product of matrices, in the one node that makes the product: two passes over memory less. */
function accumulated(g: GraphBuilder, product: Node, before: string, factor: number): string {
  const read = new AttributeReader(product);
  return g.op("Gemm", [...product.inputs, before], {
    alpha: float(read.float("alpha", 1)),
    beta: float(factor),
    transA: read.int("transA", 0),
    transB: read.int("transB", 0),
  });
}

/** Gradients whose common norm is at most so much; the norm is told in single precision. */
function clipped(
  base: Emitter,
  gradients: readonly { readonly value: string; readonly dtype: DType }[],
  maxNorm: number | undefined,
): readonly string[] {
  if (maxNorm === undefined) return gradients.map(({ value }) => value);
  const squares = gradients.map(({ value, dtype }) => {
    const single = dtype === base.dtype ? value : base.cast(value);
    return base.op("ReduceSumSquare", [single], { keepdims: 0 });
  });
  const norm = base.sqrt(base.op("Sum", squares));
  const factor = base.op("Min", [base.div(maxNorm, base.add(norm, 1e-6)), 1]);
  return gradients.map(({ value, dtype }) =>
    base.mul(value, dtype === base.dtype ? factor : base.of(dtype).cast(factor)),
  );
}
