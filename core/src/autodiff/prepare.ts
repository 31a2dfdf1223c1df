// What is done to a model before it is differentiated: it is put into the words that rules know, what depends on no input is
// computed once, and the types of all values are asked for.
import { SlipwayError } from "#base";
import { type Graph, inlineFunctions, type Model, tensorFromInitializer, valuesReadBy } from "#graph";
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
import { ruleOf } from "./rules.ts";
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
 * @throws SlipwayError MODEL_INVALID where a parameter among them holds NaN or an infinity, since every gradient would; as
 *   `inGradientWords` and `runPasses`
 */
export async function prepareForGradient(
  model: Model,
  wrt: readonly string[],
  engine: PassEngine,
): Promise<PreparedModel> {
  const worded = inGradientWords(model);
  refuseNonFinite(worded, wrt);
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

function refuseNonFinite(model: Model, names: readonly string[]): void {
  for (const initializer of model.graph.initializers) {
    const { name, dtype, data } = initializer;
    if (!names.includes(name) || data.kind === "external" || (dtype !== "float32" && dtype !== "float64")) continue;
    const values = tensorFromInitializer(initializer).data as Float32Array | Float64Array;
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new SlipwayError(
      "MODEL_INVALID",
      `Parameter '${name}' holds ${values[at]} as its element ${at} of ${values.length}, so every gradient would be that or NaN. Export the model again from weights that are numbers.`,
    );
  }
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
 * exporters store the constants of formulas so (a half, an epsilon); nor is what says how far to resize, or what was computed when a
 * model was prepared.
 * @param model in the words of `inGradientWords`, before anything is computed
 * @throws SlipwayError PARAMETER_INVALID where there are none
 */
export function parametersOf(model: Model): readonly string[] {
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const read = computedWith(model.graph);
  const names = model.graph.initializers
    .filter(({ dtype, name, shape }) => {
      const isNumbers = isDifferentiable({ kind: "tensor", dtype, shape }) && shape.length > 0;
      return isNumbers && read.has(name) && !inputs.has(name);
    })
    .map(({ name }) => name);
  if (names.length > 0) return names;
  throw new SlipwayError("PARAMETER_INVALID", "The model stores no floating-point tensors, so it has no parameters.");
}
