// What is done to a model before it is differentiated: it is put into the words that rules know, what depends on no input is
// computed once, and the types of all values are asked for.
import { SlipwayError } from "#base";
import { type Graph, graphBuilder, type Initializer, inlineFunctions, type Model, valuesReadBy } from "#graph";
import {
  constantsToInitializers,
  decomposeCompositesPass,
  foldConstantsPass,
  type PassEngine,
  runPasses,
  sliceSplitSequencesPass,
  unrollRecurrentPass,
  untieCopies,
  upgradeOpset,
  type ValueTypes,
} from "#passes";
import { ADDING_OPSET } from "./emitter.ts";
import { DTYPES } from "#tensor";
import { ruleOf } from "./rules.ts";
import { firstElement, isAddedMask } from "./stored-numbers.ts";
import { isDifferentiable } from "./value-types.ts";

export interface PreparedModel {
  readonly model: Model;
  readonly types: ValueTypes;
}

/**
 * A model in the words gradients are written in: of an operator set whose scatters can add, its functions put in place, what
 * Constant nodes hold stored, and tensors on their own that were stored once for being alike.
 * @throws SlipwayError as `upgradeOpset` and `inlineFunctions`
 */
export function inGradientWords(model: Model): Model {
  return untieCopies(constantsToInitializers(upgradeOpset(inlineFunctions(model), ADDING_OPSET)));
}

/**
 * A model as `gradient` takes it best.
 * @param wrt what it will be differentiated by; what depends on these stays as it is
 * @throws SlipwayError MODEL_INVALID where a parameter among them holds NaN or an infinity, or another stored tensor NaN, since every
 *   gradient would; as `inGradientWords` and `runPasses`
 */
export async function prepareForGradient(
  model: Model,
  wrt: readonly string[],
  engine: PassEngine,
): Promise<PreparedModel> {
  const worded = inGradientWords(model);
  await refuseNonFinite(worded, wrt, engine);
  const passes = [
    foldConstantsPass(wrt),
    sliceSplitSequencesPass,
    unrollRecurrentPass,
    // Where a node has no rule of its own, what it is composed of may have.
    decomposeCompositesPass((node) => ruleOf(node) === null),
  ];
  const { model: prepared } = await runPasses(worded, passes, engine);
  return { model: prepared, types: await engine.typesOf(prepared) };
}

/** @throws SlipwayError MODEL_INVALID for a parameter that holds NaN or an infinity, and for any other stored tensor that holds NaN */
async function refuseNonFinite(model: Model, wrt: readonly string[], engine: PassEngine): Promise<void> {
  const { initializers } = model.graph;
  const names = new Set(wrt);
  for (const stored of initializers) {
    // A number on its own may be what a formula puts in the place of others.
    if (!names.has(stored.name) && stored.shape.length === 0) continue;
    const found = firstElement(stored, names.has(stored.name) ? (value) => !Number.isFinite(value) : Number.isNaN);
    if (found !== null) throw nonFinite(stored.name, `${found.value} as its element ${found.at} of ${found.of}`);
  }
  const elsewhere = initializers.filter(
    ({ name, dtype, shape, data }) =>
      names.has(name) && data.kind === "external" && isDifferentiable({ kind: "tensor", dtype, shape }),
  );
  if (elsewhere.length === 0) return;
  const { model: summing, sums: wanted } = sumsOfZeroTimes(elsewhere, model);
  const sums = await engine.evaluate(summing, wanted);
  const at = sums.findIndex(({ data }) => !Number.isFinite(Number(data[0])));
  if (at >= 0) throw nonFinite(elsewhere[at]!.name, "NaN or an infinity");
}

function nonFinite(name: string, what: string): SlipwayError {
  return new SlipwayError(
    "MODEL_INVALID",
    `Stored tensor '${name}' holds ${what}, so every gradient would be that or NaN. Export the model again from weights that are numbers.`,
  );
}

/** Sums of tensors in other files, each times zero: that is 0, or NaN where an element is NaN or an infinity. */
function sumsOfZeroTimes(
  stored: readonly Initializer[],
  { opsets }: Model,
): { readonly model: Model; readonly sums: readonly string[] } {
  const g = graphBuilder({ opset: opsets.get("") ?? 1 });
  const zero = g.values("float32", [0], []);
  const sums = stored.map((one) => {
    const numbers = g.op("Cast", [g.initializer(one)], { to: DTYPES.float32.onnx });
    const sum = g.op("ReduceSum", [g.op("Mul", [numbers, zero])], { keepdims: 0 });
    g.output(sum, sum, "float32", []);
    return sum;
  });
  return { model: g.model(), sums };
}

/** Inputs that say how far to resize, not with what to compute. */
const SCALES: ReadonlyMap<string, readonly number[]> = new Map([
  ["Resize", [1, 2]],
  ["Upsample", [1]],
]);

/** Values that something is computed with, other than scales alone. */
function computedWith({ nodes }: Graph): ReadonlySet<string> {
  const isScale = new Set<string>();
  const isComputedWith = new Set<string>();
  for (const node of nodes.toReversed()) {
    const makesScales = node.outputs.every((name) => name === "" || (isScale.has(name) && !isComputedWith.has(name)));
    const scales = new Set(SCALES.get(node.opType)?.map((index) => node.inputs[index]));
    for (const name of valuesReadBy(node)) (makesScales || scales.has(name) ? isScale : isComputedWith).add(name);
  }
  return isComputedWith;
}

/**
 * The names of stored tensors a model is trained by: those of a floating-point type that nodes read. Scalars are none, since
 * exporters store the constants of formulas so (a half, an epsilon); nor is a mask of 0 and −∞, what says how far to resize, or what
 * was computed when a model was prepared.
 * @param model in the words of `inGradientWords`, before anything is computed
 * @throws SlipwayError PARAMETER_INVALID where there are none
 */
export function parametersOf(model: Model): readonly string[] {
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const read = computedWith(model.graph);
  const names = model.graph.initializers
    .filter((stored) => {
      const { dtype, name, shape } = stored;
      const isNumbers = isDifferentiable({ kind: "tensor", dtype, shape }) && shape.length > 0;
      return isNumbers && read.has(name) && !inputs.has(name) && !isAddedMask(stored);
    })
    .map(({ name }) => name);
  if (names.length > 0) return names;
  throw new SlipwayError("PARAMETER_INVALID", "The model stores no floating-point tensors, so it has no parameters.");
}
