// What passes ask of a model and promise of it: facts about a whole model, each with its check.
import type { Model } from "#graph";
import { constantOf } from "./stored-tensors.ts";

/** A property of models. */
export interface PropertyFacts {
  /** Completes "The model …". */
  readonly means: string;
  /** The pass that makes a model so; null where none does. */
  readonly madeBy: string | null;
  readonly holds: (model: Model) => boolean;
}

const opsetFrom = (version: number, madeBy: string | null): PropertyFacts => ({
  means: `uses version ${version} of the ONNX operator set or a later one`,
  madeBy,
  holds: (model) => (model.opsets.get("") ?? 1) >= version,
});

/** The properties there are. */
export const MODEL_PROPERTIES = {
  "opset-7-up": opsetFrom(7, null),
  "opset-13-up": opsetFrom(13, "upgrade-opset"),
  "opset-16-up": opsetFrom(16, "upgrade-opset"),
  "opset-21-up": opsetFrom(21, "upgrade-opset"),
  "functions-inlined": {
    means: "has no functions of its own, but those of other operator sets than it uses",
    madeBy: "inline-functions",
    holds: ({ functions, opsets }) =>
      functions.every((made) =>
        Array.from(made.opsets).some(([domain, version]) => (opsets.get(domain) ?? version) !== version),
      ),
  },
  "constants-stored": {
    means: "holds numbers as initializers, in no Constant node whose value is not an output",
    madeBy: "constants-to-initializers",
    holds: ({ graph }) => {
      const outputs = new Set(graph.outputs.map(({ name }) => name));
      return graph.nodes.every((node) => {
        const constant = constantOf(node);
        return constant === null || outputs.has(constant.name);
      });
    },
  },
  "recurrent-unrolled": {
    means: "has no LSTM, GRU or RNN node outside of bodies",
    madeBy: "unroll-recurrent",
    holds: ({ graph }) =>
      graph.nodes.every(({ opType, domain }) => domain !== "" || !/^(?:LSTM|GRU|RNN)$/.test(opType)),
  },
  "shapes-fixed": {
    means: "has inputs whose axes all have a fixed length",
    madeBy: "pin-shapes",
    holds: ({ graph }) =>
      graph.inputs.every(
        ({ type }) => type?.kind !== "tensor" || (type.shape?.every((axis) => typeof axis === "number") ?? false),
      ),
  },
} as const satisfies Readonly<Record<string, PropertyFacts>>;

/** What a pass may ask of a model, or promise of it. */
export type ModelProperty = keyof typeof MODEL_PROPERTIES;

/** Whether a model has a property. */
export function hasProperty(model: Model, property: ModelProperty): boolean {
  return MODEL_PROPERTIES[property].holds(model);
}
