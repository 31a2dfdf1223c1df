// Gradients by sample by running the samples one by one: a Scan whose body is the graph with its gradients, of a batch of one.
import { SlipwayError } from "#base";
import {
  createGraph,
  createNode,
  createValueInfo,
  definedNames,
  describeNode,
  extendModel,
  type GraphBuilder,
  initializerFromTensor,
  type Model,
  type Node,
  renameEverywhere,
  tensorOfValues,
} from "#graph";
import { dtypesOf } from "#passes";
import type { TensorType } from "#tensor";
import { capitalised } from "../operator-gradient.ts";
import { ReverseWalk } from "../reverse-walk.ts";

export interface SampleLoop {
  /** The model without what is added to it for gradients. */
  readonly model: Model;
  readonly types: ReadonlyMap<string, TensorType>;
  readonly losses: string;
  /** The inputs that hold one thing per sample. */
  readonly samples: readonly string[];
  /** What to differentiate by, with the node for which it is done this way. */
  readonly looped: ReadonlyMap<string, Node>;
  readonly form: "gradients" | "norms";
}

/**
 * Emits it; answers the gradients, [samples, …], or their squared norms, [samples], by name.
 * @throws SlipwayError GRADIENT_UNAVAILABLE where the model takes so many samples and no other number
 */
export function emitSampleLoop(g: GraphBuilder, loop: SampleLoop): ReadonlyMap<string, string> {
  const { model, types, losses, samples, looped, form } = loop;
  refuseFixedBatch(loop);
  const names = [...looped.keys()];
  const walk = new ReverseWalk(model, types, { wrt: names, of: losses });
  const dtypes = dtypesOf(types);
  const results = new Map<string, string>();
  const extended = extendModel(model, dtypes, (inner) => {
    const { gradients } = walk.emit(inner);
    for (const [name, output] of gradients) {
      results.set(name, form === "norms" ? inner.op("ReduceSumSquare", [output], { keepdims: 0 }) : output);
    }
  });
  const whole = walk.withDemandedOutputs(extended.graph);
  // Weights, and inputs that all samples share, are those of the graph around.
  const shared = new Set([
    ...model.graph.initializers.map(({ name }) => name),
    ...model.graph.sparseInitializers.map(({ values }) => values.name),
    ...model.graph.inputs.map(({ name }) => name).filter((name) => !samples.includes(name)),
  ]);
  const own = [...definedNames(whole)].filter((name) => !shared.has(name));
  const renamed = new Map(own.map((name) => [name, g.freshName(`sample/${name}`)]));
  const inner = renameEverywhere(whole, renamed);
  const first = g.freshName("sample/first_axis");
  const slices = samples.map((name) => ({ name, slice: g.freshName(`sample/one_of_${name}`), type: types.get(name)! }));
  const body = createGraph({
    ...inner,
    name: "sample",
    inputs: slices.map(({ slice, type }) =>
      createValueInfo(slice, { ...type, shape: type.shape === null ? null : type.shape.slice(1) }),
    ),
    outputs: names.map((name) => {
      const { dtype, shape } = types.get(name)!;
      const value = renamed.get(results.get(name)!)!;
      return createValueInfo(value, { kind: "tensor", dtype, shape: form === "norms" ? [] : shape });
    }),
    initializers: [
      ...inner.initializers.filter(({ name }) => !shared.has(name)),
      initializerFromTensor(first, tensorOfValues("int64", [0])),
    ],
    sparseInitializers: inner.sparseInitializers.filter(({ values }) => !shared.has(values.name)),
    valueInfo: [],
    nodes: [
      ...slices.map(({ name, slice }) =>
        createNode({ opType: "Unsqueeze", inputs: [slice, first], outputs: [renamed.get(name)!] }),
      ),
      ...inner.nodes,
    ],
  });
  const made = g.opOutputs("Scan", samples, names.length, { body, num_scan_inputs: samples.length });
  return new Map(names.map((name, index) => [name, made[index]!]));
}

function refuseFixedBatch({ samples, types, looped }: SampleLoop): void {
  for (const name of samples) {
    const length = types.get(name)?.shape?.[0];
    if (typeof length !== "number" || length === 1) continue;
    const [[parameter, node]] = looped as unknown as [[string, Node]];
    throw new SlipwayError(
      "GRADIENT_UNAVAILABLE",
      `${capitalised(describeNode(node))} has no gradient of '${parameter}' by sample but by running samples one by one, and the model takes ${length} at '${name}' and no other number. Open it by the pass symbolise-batch, or export it with an open number of samples.`,
    );
  }
}
