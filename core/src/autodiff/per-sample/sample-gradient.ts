// Gradients of each sample's own loss, as training with differential privacy needs them: themselves, or only their norms.
import { SlipwayError } from "#base";
import { extendModel, type Graph, type GraphBuilder, inlineFunctions, type Model, type ValueInfo } from "#graph";
import type { Dimension, DType, TensorType } from "#tensor";
import { Emitter, requireOpset } from "../emitter.ts";
import { ReverseWalk } from "../reverse-walk.ts";
import { dtypesOf, inferTypes, statedTypes, type ValueTypes } from "#passes";
import { checkNames, checkSampleInputs, checkSampleLosses } from "../wanted.ts";
import { SampleParameters, squaredNormsOf } from "./parameter-side.ts";
import { planSamples, reachedFrom, type SamplePlan } from "./plan.ts";
import { sampleAxesOf, type Samples } from "./sample-axes.ts";
import { samplesFirst } from "./sample-call.ts";
import { emitSampleLoop } from "./sample-loop.ts";

export interface SampleGradientOptions {
  /** What to differentiate by: see `GradientOptions`. */
  readonly wrt: readonly string[];
  /** The output with one loss for each sample, [N]: see `withLoss` with `isPerSample`. */
  readonly of: string;
  /** The gradients, or their Euclidean norms. */
  readonly form: "gradients" | "norms";
  /**
   * Inputs with one thing for each sample along their first axis, the loss's target among them; unless said, those whose first axis
   * is open where the number of losses is, or else as long.
   */
  readonly samples?: readonly string[];
  /** Types of the model's values, beside those that it states itself; see `ValueTypes`. */
  readonly types?: ValueTypes;
}

export interface SampleGradientModel {
  /**
   * The model with further outputs: `grad_NAME` [N, …the value's shape] for each name asked for, or `grad_norm_NAME` [N] and
   * `grad_norm` [N], the norm of all together.
   */
  readonly model: Model;
  /** The output for each name asked for. */
  readonly gradients: ReadonlyMap<string, string>;
  /** The output with the norms of all together; null where gradients were asked for. */
  readonly norm: string | null;
  /** Names asked for that no loss depends on; their gradients are zero. */
  readonly detached: readonly string[];
  /** Names whose gradients come from running the samples one by one, since an operator on their way has no shorter way. */
  readonly looped: readonly string[];
}

/**
 * The model that computes the gradient of each sample's own loss: what it would be in a batch of its own.
 *
 * Where a parameter meets samples, its gradient is what the operator's rule gives before it sums over the samples. Norms come
 * from products of activations and gradients where these are smaller than the gradients (see `meetings.ts`).
 * @throws SlipwayError as `gradient`; PARAMETER_INVALID where `of` is not one number for each sample, and for `samples` that are no
 *   inputs; GRADIENT_UNAVAILABLE where a node mixes samples, or where samples have to run one by one and the model takes a fixed
 *   number of them
 */
export function sampleGradient(model: Model, options: SampleGradientOptions): SampleGradientModel {
  const inlined = inlineFunctions(model);
  requireOpset(inlined.opsets.get("") ?? 1);
  const types = new Map([...statedTypes(inlined), ...(options.types ?? [])]);
  checkNames(inlined.graph, types, options.wrt);
  checkSampleLosses(inlined.graph, types, options.of);
  if (options.samples !== undefined) checkSampleInputs(inlined.graph, types, options.samples);
  const emission = new SampleEmission(inlined, types, options);
  const dtypes = dtypesOf(types);
  const extended = extendModel(inlined, dtypes, (g) => emission.emit(g));
  return { ...emission.found, model: { ...extended, graph: emission.withDemandedOutputs(extended.graph) } };
}

class SampleEmission {
  readonly #model: Model;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #wrt: readonly string[];
  readonly #losses: string;
  readonly #form: "gradients" | "norms";
  readonly #samples: readonly string[];
  readonly #axes: ReadonlyMap<string, Samples>;
  readonly #plan: SamplePlan;
  #walk: ReverseWalk | null = null;
  readonly #gradients = new Map<string, string>();
  #norm: string | null = null;
  readonly #detached: string[] = [];

  constructor(model: Model, types: ReadonlyMap<string, TensorType>, options: SampleGradientOptions) {
    const { graph } = model;
    this.#model = model;
    this.#wrt = [...new Set(options.wrt)];
    this.#losses = options.of;
    this.#form = options.form;
    this.#samples = [...new Set(options.samples ?? sampleInputs(graph, types, types.get(options.of)!.shape![0]!))];
    const named = namedSamples(model, types, this.#samples);
    this.#types = named.types;
    const reached = reachedFrom(graph, types, this.#wrt);
    this.#axes = sampleAxesOf(graph, named.types, named.count, this.#samples, reached);
    this.#plan = planSamples(graph, named.types, this.#axes, { wrt: this.#wrt, reached, losses: options.of });
    const lost = this.#axes.get(options.of) ?? { kind: "none" };
    const isPerSample = lost.kind === "unknown" || (lost.kind === "axis" && lost.outer === 1 && lost.inner === 1);
    if (isPerSample) return;
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `'${options.of}' does not hold one loss for each sample of ${this.#samples.map((name) => `'${name}'`).join(", ") || "any input"}.`,
    );
  }

  get found(): Omit<SampleGradientModel, "model"> {
    return {
      gradients: this.#gradients,
      norm: this.#norm,
      detached: this.#detached,
      looped: [...this.#plan.looped.keys()],
    };
  }

  withDemandedOutputs(graph: Graph): Graph {
    return this.#walk?.withDemandedOutputs(graph) ?? graph;
  }

  emit(g: GraphBuilder): void {
    const e = Emitter.over(g, this.#model.opsets.get("")!, this.#types);
    const count = e.lengthOf(this.#losses, 0);
    const values = new Map([...this.#direct(g, e, count), ...this.#looped(g)]);
    const lossType = this.#types.get(this.#losses)!;
    const squares: string[] = [];
    for (const name of this.#wrt) {
      const { dtype, shape } = this.#types.get(name)!;
      const own = e.of(dtype);
      const value = values.get(name) ?? null;
      if (value === null) this.#detached.push(name);
      if (this.#form === "gradients") {
        const isSamples = this.#axes.get(name)?.kind === "axis";
        const axes = shape === null ? null : isSamples ? shape : [...lossType.shape!, ...shape];
        const zeros = (): string =>
          isSamples ? own.zerosLike(name) : own.filled(e.concat([count, e.shapeOf(name)], 0), 0);
        this.#output(g, name, `grad_${name}`, value ?? zeros(), dtype, isSamples ? null : axes);
        continue;
      }
      const squared = value ?? own.filled(count, 0);
      this.#output(g, name, `${NORM}_${name}`, rooted(own, squared), dtype, lossType.shape);
      squares.push(dtype === lossType.dtype ? squared : own.cast(squared, lossType.dtype));
    }
    if (this.#form === "norms") {
      const all = e.of(lossType.dtype);
      this.#norm = g.freeName(NORM);
      g.output(
        this.#norm,
        rooted(all, squares.length === 1 ? squares[0]! : all.op("Sum", squares)),
        lossType.dtype,
        lossType.shape,
      );
    }
  }

  /** Gradients by sample, or their squared norms, told where parameters meet samples. */
  #direct(g: GraphBuilder, e: Emitter, count: string): ReadonlyMap<string, string> {
    const { direct } = this.#plan;
    if (direct.length === 0) return new Map();
    const side = new SampleParameters(this.#types, { axes: this.#axes, count });
    this.#walk = new ReverseWalk(this.#model, this.#types, { wrt: direct, of: this.#losses }, side);
    const gradientBy = this.#walk.walk(g, e);
    const found = new Map<string, string>();
    for (const name of direct) {
      const own = e.of(this.#types.get(name)!.dtype);
      const isNorms = this.#form === "norms";
      if (side.has(name)) {
        const value = isNorms ? side.squaredNormsBy(name, own) : side.gradientBy(name, own);
        if (value !== null) found.set(name, value);
        continue;
      }
      const gradient = gradientBy(name);
      if (gradient === null) continue;
      const rows = this.#rowsOf(own, name, gradient, count);
      found.set(name, isNorms ? squaredNormsOf(own, rows, count) : rows);
    }
    return found;
  }

  /** The gradient by a value that holds samples, with these first. */
  #rowsOf(e: Emitter, name: string, gradient: string, count: string): string {
    const at = this.#axes.get(name);
    const shape = this.#types.get(name)?.shape ?? null;
    if (at?.kind === "axis" && shape !== null) return samplesFirst(e, gradient, shape, at, count);
    throw new SlipwayError(
      "GRADIENT_UNAVAILABLE",
      `Where the samples lie in '${name}' is not known; name a parameter or an input.`,
    );
  }

  #looped(g: GraphBuilder): ReadonlyMap<string, string> {
    const { looped } = this.#plan;
    if (looped.size === 0) return new Map();
    return emitSampleLoop(g, {
      model: this.#model,
      types: this.#types,
      losses: this.#losses,
      samples: this.#samples,
      looped,
      form: this.#form,
    });
  }

  #output(
    g: GraphBuilder,
    name: string,
    output: string,
    value: string,
    dtype: DType,
    shape: readonly Dimension[] | null,
  ): void {
    const free = g.freeName(output);
    g.output(free, value, dtype, shape);
    this.#gradients.set(name, free);
  }
}

/** A name that no axis has. */
const COUNT = "number of samples";

/**
 * The types of a model's values with one name for the number of samples, wherever it is a length, as far as rules of our own tell;
 * where the model takes a fixed number, no name.
 */
function namedSamples(
  model: Model,
  types: ReadonlyMap<string, TensorType>,
  samples: readonly string[],
): { readonly types: ReadonlyMap<string, TensorType>; readonly count: string | null } {
  const isFixed = samples.some((name) => typeof types.get(name)?.shape?.[0] === "number");
  const inputs = model.graph.inputs.map((info): ValueInfo => {
    const type = types.get(info.name);
    if (isFixed || !samples.includes(info.name) || type === undefined || type.shape === null) return info;
    return { ...info, type: { ...type, shape: [COUNT, ...type.shape.slice(1)] } };
  });
  const told = inferTypes({ ...model, graph: { ...model.graph, inputs, outputs: [], valueInfo: [] } });
  const sharpened = new Map(types);
  for (const [name, { dtype, shape }] of told) {
    const known = types.get(name);
    if (shape === null) continue;
    const lengths = shape.map((length, axis) => {
      const other = known?.shape?.[axis] ?? null;
      return typeof length === "number" ? length : typeof other === "number" ? other : (length ?? other);
    });
    const stated = known?.shape ?? null;
    if (stated === null || stated.length === shape.length)
      sharpened.set(name, { kind: "tensor", dtype: known?.dtype ?? dtype, shape: lengths });
  }
  return { types: sharpened, count: isFixed ? null : COUNT };
}

const NORM = "grad_norm";

/** The root of squares, which rounding may have left a little under 0. */
function rooted(e: Emitter, squares: string): string {
  return e.sqrt(e.op("Max", [squares, 0]));
}

function sampleInputs(graph: Graph, types: ValueTypes, count: Dimension): readonly string[] {
  const stored = new Set(graph.initializers.map(({ name }) => name));
  const isOpen = typeof count !== "number";
  return graph.inputs
    .map(({ name }) => name)
    .filter((name) => {
      const first = types.get(name)?.shape?.[0];
      if (first === undefined || stored.has(name)) return false;
      return isOpen ? typeof first !== "number" : first === count;
    });
}
