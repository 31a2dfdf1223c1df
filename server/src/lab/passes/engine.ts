// What passes ask of an engine, answered by the one that will run the model. Programs import this file as `slipway/engine`.
import { createOnnxRuntimeBackend, sampleInputs } from "#runtime";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { createNode, createValueInfo, type Model, nameScopeOf, subgraphsOf } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { inferTypes, type PassEngine, type ValueTypes } from "@slipway/core/passes";
import type { Dimension, NamedTensor, Signature, Tensor, TensorType } from "@slipway/core/tensor";

export interface EngineOptions {
  /** ONNX Runtime in this process unless said. */
  readonly backend?: Backend;
  /** Files of the model's external data by their names; none unless said. */
  readonly externalData?: ReadonlyMap<string, Uint8Array>;
  /**
   * Inputs that fit a signature, to see in a run what is not inferred; two made-up rows unless said, null where the model is not to
   * be run.
   */
  readonly inputs?: ((signature: Signature) => readonly NamedTensor[]) | null;
}

function twoRows(signature: Signature): readonly NamedTensor[] {
  return sampleInputs(signature, { rows: 2, freeLength: 8, scale: 1, seed: 1 });
}

/** Operators whose outputs are no tensors. */
const NO_TENSORS = /^(?:Sequence(?!Length)|SplitToSequence|Optional(?!HasElement)|ConcatFromSequence$)/;

/**
 * An engine for `runPasses` and `prepareForGradient`. It loads and runs the model where it is called, with nothing around it: a
 * stranger's model belongs in a process of its own, such as the command's.
 * @throws SlipwayError MODEL_* where the engine can't load the model
 */
export function createPassEngine({
  backend = createOnnxRuntimeBackend(),
  externalData = new Map(),
  inputs = twoRows,
}: EngineOptions = {}): PassEngine {
  const load = (model: Model): Promise<Session> =>
    backend.load(
      { model: bytesFromModel(model), externalData },
      { ...DEFAULT_SESSION_SETTINGS, graphOptimizationLevel: "disabled" },
    );

  const evaluate = async (model: Model, names: readonly string[]): Promise<readonly Tensor[]> => {
    const session = await load(model);
    try {
      return await session.run([], names);
    } finally {
      await session.unload();
    }
  };

  const typesOf = async (model: Model): Promise<ValueTypes> => {
    const { graph } = model;
    const values = graph.nodes
      .filter((node) => !NO_TENSORS.test(node.opType) && subgraphsOf(node).length === 0)
      .flatMap((node) => node.outputs)
      .filter((name) => name !== "");
    // The engine takes no graph without outputs.
    if (values.length === 0) return inferTypes(model);
    const session = await load({
      ...model,
      graph: { ...graph, outputs: values.map((name) => createValueInfo(name, null)) },
    });
    // Rules of our own keep the names of open axes, which the engine forgets.
    const types = new Map(inferTypes(model));
    const open: string[] = [];
    for (const { name, type } of session.signature.outputs) {
      if (type.kind !== "tensor") continue;
      const shape = moreOf(types.get(name)?.shape ?? null, type.shape);
      types.set(name, { kind: "tensor", dtype: type.dtype, shape });
      if (shape === null) open.push(name);
    }
    await session.unload();
    if (open.length > 0 && inputs !== null) await seeRanks(model, open, types, inputs);
    return types;
  };

  /** The engine tells a scalar from a value of unknown rank only when it runs. */
  const seeRanks = async (
    model: Model,
    names: readonly string[],
    types: Map<string, TensorType>,
    madeUp: (signature: Signature) => readonly NamedTensor[],
  ): Promise<void> => {
    const scope = nameScopeOf(model.graph);
    const probes = names.map((value) => ({ value, output: scope.fresh("shape_of_value") }));
    const nodes = probes.map(({ value, output }) =>
      createNode({ opType: "Shape", inputs: [value], outputs: [output] }),
    );
    const outputs = probes.map(({ output }) => createValueInfo(output, null));
    const session = await load({
      ...model,
      graph: { ...model.graph, nodes: [...model.graph.nodes, ...nodes], outputs },
    });
    try {
      const seen = await session.run(
        madeUp(session.signature),
        probes.map(({ output }) => output),
      );
      for (const [index, { value }] of probes.entries()) {
        const rank = seen[index]!.data.length;
        const shape = Array.from({ length: rank }, (): Dimension => null);
        types.set(value, { ...types.get(value)!, shape });
      }
    } catch (error) {
      // It does not run on what was made up: what is not known stays so, and rules that need it say so.
      if (!(error instanceof SlipwayError)) throw error;
      for (const { value } of probes) types.set(value, { ...types.get(value)!, shape: null });
    } finally {
      await session.unload();
    }
  };
  return { evaluate, typesOf };
}

/** What rules tell of a shape and what the engine infers, together: a length that either knows. */
function moreOf(told: readonly Dimension[] | null, inferred: readonly Dimension[] | null): readonly Dimension[] | null {
  if (told === null || inferred === null || told.length !== inferred.length) return inferred ?? told;
  return inferred.map((length, axis) => {
    const own = told[axis] ?? null;
    // Where both are sure they agree, but for pools that round up: there the engine infers a window too many and makes none.
    if (typeof own === "number") return own;
    return typeof length === "number" ? length : (own ?? length);
  });
}
