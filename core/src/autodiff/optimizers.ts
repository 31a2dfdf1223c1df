// Optimisers as nodes: from a parameter, its gradient and what the optimiser remembers to what they are after one step.
import { SlipwayError } from "#base";
import type { Emitter } from "./emitter.ts";

export type Optimizer =
  /** Steps against the gradient, with momentum by Sutskever et al. 2013 as PyTorch has it: v ← μ·v + g; w ← w − η·v. */
  | { readonly kind: "sgd"; readonly momentum?: number; readonly nesterov?: boolean; readonly weightDecay?: number }
  /** Kingma and Ba, arXiv 1412.6980. Weight decay is added to the gradient. */
  | AdamLike<"adam">
  /** Adam whose weight decay acts on the weights themselves. Source: Loshchilov and Hutter, arXiv 1711.05101. */
  | AdamLike<"adamw">
  /** Hinton's lecture 6e: steps divided by the root of a moving mean of squares. */
  | { readonly kind: "rmsprop"; readonly alpha?: number; readonly epsilon?: number; readonly weightDecay?: number };

interface AdamLike<Kind extends string> {
  readonly kind: Kind;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

export type OptimizerKind = Optimizer["kind"];
export const OPTIMIZER_KINDS = ["sgd", "adam", "adamw", "rmsprop"] as const satisfies readonly OptimizerKind[];

/** What is at hand for one parameter's step. */
export interface StepSite {
  readonly e: Emitter;
  readonly parameter: string;
  readonly gradient: string;
  /** η, a scalar. */
  readonly learningRate: string;
  /** 1 − βᵗ for Adam's corrections of what began at zero; emitted once for all parameters. */
  readonly correction: (beta: number) => string;
  readonly weightDecay: number;
  /** before · factor + gradient, for optimisers that use the gradient in nothing else. */
  readonly accumulate: (before: string, factor: number) => string;
  /** What is remembered under a name, which began as zeros, and what it is from now on. */
  readonly remember: (name: string, next: (before: string) => string) => string;
}

/** The parameter after a step. */
export function stepped(optimizer: Optimizer, site: StepSite): string {
  switch (optimizer.kind) {
    case "sgd":
      return steppedBySgd(optimizer, site);
    case "adam":
    case "adamw":
      return steppedByAdam(optimizer, site);
    case "rmsprop":
      return steppedByRmsprop(optimizer, site);
  }
}

function steppedBySgd({ momentum = 0, nesterov = false }: Extract<Optimizer, { kind: "sgd" }>, site: StepSite): string {
  const { e, parameter, learningRate, weightDecay } = site;
  const direction = (): string => {
    if (momentum !== 0 && !nesterov && weightDecay === 0)
      return site.remember("velocity", (before) => site.accumulate(before, momentum));
    const g = decayed(site);
    if (momentum === 0) return g;
    const velocity = site.remember("velocity", (before) => e.add(e.mul(momentum, before), g));
    return nesterov ? e.add(g, e.mul(momentum, velocity)) : velocity;
  };
  return e.sub(parameter, e.mul(learningRate, direction()));
}

function steppedByAdam(optimizer: Extract<Optimizer, { kind: "adam" | "adamw" }>, site: StepSite): string {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, kind } = optimizer;
  const { e, parameter, learningRate, correction, weightDecay } = site;
  const g = kind === "adam" ? decayed(site) : site.gradient;
  // Each node is a pass over memory as long as the parameter, so what is remembered leaves out the factors 1 − β, and all
  // factors of the step come together in two numbers: lr·m/c₁ / (√(v/c₂) + ε) = a·M / (√V + ε/p).
  const sum = site.remember("decayed_sum", (before) => e.add(e.mul(beta1, before), g));
  const squares = site.remember("decayed_squares", (before) => e.add(e.mul(beta2, before), e.square(g)));
  const p = e.sqrt(e.div(1 - beta2, correction(beta2)));
  const a = e.div(e.mul(learningRate, 1 - beta1), e.mul(correction(beta1), p));
  const step = e.mul(a, e.div(sum, e.add(e.sqrt(squares), e.div(epsilon, p))));
  const shrunk =
    kind === "adamw" && weightDecay !== 0 ? e.mul(parameter, e.sub(1, e.mul(weightDecay, learningRate))) : parameter;
  return e.sub(shrunk, step);
}

function steppedByRmsprop(
  { alpha = 0.99, epsilon = 1e-8 }: Extract<Optimizer, { kind: "rmsprop" }>,
  site: StepSite,
): string {
  const { e, parameter, learningRate } = site;
  const g = decayed(site);
  const square = site.remember("square", (before) => e.add(e.mul(alpha, before), e.mul(1 - alpha, e.square(g))));
  return e.sub(parameter, e.mul(learningRate, e.div(g, e.add(e.sqrt(square), epsilon))));
}

/** The gradient with that of the weights' half squared norm. */
function decayed({ e, gradient, parameter, weightDecay }: StepSite): string {
  return weightDecay === 0 ? gradient : e.add(gradient, e.mul(weightDecay, parameter));
}

/** @throws SlipwayError PARAMETER_INVALID naming what is out of its range */
export function checkOptimizer(optimizer: Optimizer): void {
  const share = (name: string, value: number | undefined): void => {
    if (value !== undefined && !(value >= 0 && value < 1)) throw outOfRange(name, value, "at least 0 and less than 1");
  };
  const atLeastZero = (name: string, value: number | undefined): void => {
    if (value !== undefined && !(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw outOfRange(name, value, "at least 0");
  };
  if (!OPTIMIZER_KINDS.includes(optimizer.kind))
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `There is no optimiser '${optimizer.kind}'; there are ${OPTIMIZER_KINDS.join(", ")}.`,
    );
  atLeastZero("weight decay", optimizer.weightDecay);
  if (optimizer.kind === "sgd") {
    share("momentum", optimizer.momentum);
    if (optimizer.nesterov === true && (optimizer.momentum ?? 0) === 0)
      throw new SlipwayError("PARAMETER_INVALID", "Nesterov's step needs a momentum over 0.");
    return;
  }
  atLeastZero("epsilon", optimizer.epsilon);
  if (optimizer.kind === "rmsprop") return share("alpha", optimizer.alpha);
  share("beta1", optimizer.beta1);
  share("beta2", optimizer.beta2);
}

function outOfRange(name: string, value: number, range: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", `The optimiser's ${name} is ${value}; it must be ${range}.`);
}
