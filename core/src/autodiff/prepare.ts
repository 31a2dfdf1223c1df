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
  const dependent = dependentsOf(worded.graph, wrt);
  const passes = [
    foldConstantsPass(wrt),
    sliceSplitSequencesPass,
    unrollRecurrentPass((node) => node.outputs.some((name) => dependent.has(name))),
    // Where a node has no rule of its own, what it is composed of may have.
    decomposeCompositesPass((node) => ruleOf(node) === null),
  ];
  const { model: prepared } = await runPasses(worded, passes, engine);
  return { model: prepared, types: await engine.typesOf(prepared) };
}

/** The values that depend on these, which are among them. */
function dependentsOf({ nodes }: Graph, names: readonly string[]): ReadonlySet<string> {
  const found = new Set(names);
  for (const node of nodes) {
    if ([...valuesReadBy(node)].some((name) => found.has(name))) for (const output of node.outputs) found.add(output);
  }
  found.delete("");
  return found;
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
    ({ dtype, shape, data }) => data.kind === "external" && isDifferentiable({ kind: "tensor", dtype, shape }),
  );
  if (elsewhere.length === 0) return;
  const { model: looking, found: wanted } = lookingInto(elsewhere, names, model);
  const found = await engine.evaluate(looking, wanted);
  const at = found.findIndex(({ data }) => Number(data[0]) !== 0);
  if (at < 0) return;
  const { name } = elsewhere[at]!;
  throw nonFinite(name, names.has(name) ? "NaN or an infinity" : "NaN");
}

function nonFinite(name: string, what: string): SlipwayError {
  return new SlipwayError(
    "MODEL_INVALID",
    `Stored tensor '${name}' holds ${what}, so every gradient would be that or NaN. Export the model again from weights that are numbers.`,
  );
}

/**
 * A model that looks into tensors in other files: for each it answers one number, which is 0 where all elements are numbers.
 * @param strict names of those in which infinities count too
 */
function lookingInto(
  stored: readonly Initializer[],
  strict: ReadonlySet<string>,
  { opsets }: Model,
): { readonly model: Model; readonly found: readonly string[] } {
  const g = graphBuilder({ opset: opsets.get("") ?? 1 });
  const to = { to: DTYPES.float32.onnx };
  const zero = g.values("float32", [0], []);
  const found = stored.map((one) => {
    const numbers = g.op("Cast", [g.initializer(one)], to);
    // 0 times NaN or an infinity is NaN, and so is a sum with it.
    const odd = strict.has(one.name) ? g.op("Mul", [numbers, zero]) : g.op("Cast", [g.op("IsNaN", [numbers])], to);
    const sum = g.op("ReduceSum", [odd], { keepdims: 0 });
    g.output(sum, sum, "float32", []);
    return sum;
  });
  return { model: g.model(), found };
}

/** Inputs that nothing learns by: those that say how far to resize, and running statistics, which training renews by itself. */
const ASIDE: ReadonlyMap<string, readonly number[]> = new Map([
  ["Resize", [1, 2]],
  ["Upsample", [1]],
  ["BatchNormalization", [3, 4]],
]);

/** Values that something is computed with, other than what is aside alone. */
function computedWith({ nodes }: Graph): ReadonlySet<string> {
  const isAside = new Set<string>();
  const isComputedWith = new Set<string>();
  for (const node of nodes.toReversed()) {
    const makesAside = node.outputs.every((name) => name === "" || (isAside.has(name) && !isComputedWith.has(name)));
    const aside = new Set(ASIDE.get(node.opType)?.map((index) => node.inputs[index]));
    for (const name of valuesReadBy(node)) (makesAside || aside.has(name) ? isAside : isComputedWith).add(name);
  }
  return isComputedWith;
}

/**
 * The names of stored tensors a model is trained by: those of a floating-point type that nodes read. Scalars are none, since
 * exporters store the constants of formulas so (a half, an epsilon); nor are masks of 0 and −∞, running statistics of a
 * BatchNormalization, what says how far to resize, or what was computed when a model was prepared.
 * @param model in the words of `inGradientWords`, before anything is computed
 * @throws SlipwayError PARAMETER_INVALID where there are none
 */
export function parametersOf(model: Model): readonly string[] {
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const read = computedWith(model.graph);
  const numbers = model.graph.initializers.filter(
    ({ dtype, name, shape }) => isDifferentiable({ kind: "tensor", dtype, shape }) && !inputs.has(name),
  );
  const names = numbers
    .filter((stored) => {
      const { name, shape } = stored;
      return shape.length > 0 && read.has(name) && !isAddedMask(stored);
    })
    .map(({ name }) => name);
  if (names.length > 0) return names;
  const others = numbers.slice(0, 8).map(({ name }) => `'${name}'`);
  throw new SlipwayError(
    "PARAMETER_INVALID",
    others.length === 0
      ? "The model stores no floating-point tensors, so it has no parameters. Differentiate by its inputs or other values."
      : `The model stores no parameters: of its tensors ${others.join(", ")}, single numbers count as constants, and so does what nothing is computed with. Name what to differentiate by.`,
  );
}
