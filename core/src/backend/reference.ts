// The reference back end: a small interpreter of ONNX graphs in plain TypeScript. It is slow and clear, runs anywhere,
// and is what simulations and the conformance suite hold other engines against.
import { assert, SlipwayError } from "#base";
import {
  type ByteSource,
  byteSourceFromBytes,
  type ExternalReference,
  type Model,
  type Node,
  signatureFromModel,
  tensorFromInitializer,
} from "#graph";
import type { NamedTensor, Port, Signature, Tensor, TensorType } from "#tensor";
import type { Backend, ModelBytes, Session, SessionSettings } from "./backend.ts";
import type { Operator } from "./reference-operator.ts";
import { OPERATORS } from "./reference-operators.ts";

/** @param read turns the bytes of an ONNX file into a graph */
export function createReferenceBackend(read: (bytes: Uint8Array) => Model): Backend {
  return {
    name: "reference",
    load: async (bytes, settings) => new ReferenceSession(read(bytes.model), bytes, settings),
    residentBytes: () => null,
  };
}

interface Step {
  readonly node: Node;
  readonly operator: Operator;
}

class ReferenceSession implements Session {
  readonly signature: Signature;
  readonly #constants: ReadonlyMap<string, Tensor>;
  readonly #steps: readonly Step[];
  #isLoaded = true;

  constructor(model: Model, bytes: ModelBytes, settings: SessionSettings) {
    refuseSettings(settings);
    this.signature = signatureFromModel(model);
    this.#constants = new Map(
      model.graph.initializers.map((initializer) => [
        initializer.name,
        tensorFromInitializer(initializer, (reference) => externalBytes(bytes, reference)),
      ]),
    );
    this.#steps = model.graph.nodes.map((node) => ({ node, operator: operatorOf(node) }));
  }

  async run(inputs: readonly NamedTensor[], outputs: readonly string[]): Promise<NamedTensor[]> {
    assert(this.#isLoaded, "A session was run after it was unloaded.");
    const values = new Map<string, Tensor>(this.#constants);
    for (const input of inputs) {
      const port = this.signature.inputs.find(({ name }) => name === input.name);
      if (port === undefined)
        throw new SlipwayError("RUN_FAILED", `The model has no input ${JSON.stringify(input.name)}.`);
      checkInput(port, input);
      values.set(input.name, input);
    }
    for (const { name } of this.signature.inputs) {
      if (!values.has(name)) throw new SlipwayError("RUN_FAILED", `Input ${JSON.stringify(name)} is missing.`);
    }
    for (const { node, operator } of this.#steps) {
      const answers = operator(
        node,
        node.inputs.map((name) => (name === "" ? undefined : values.get(name))),
      );
      for (const [index, name] of node.outputs.entries()) {
        const tensor = answers[index];
        if (name !== "" && tensor !== undefined) values.set(name, tensor);
      }
    }
    return outputs.map((name) => outputOf(values, name));
  }

  async unload(): Promise<void> {
    this.#isLoaded = false;
  }
}

function outputOf(values: ReadonlyMap<string, Tensor>, name: string): NamedTensor {
  const tensor = values.get(name);
  if (tensor === undefined) throw new SlipwayError("RUN_FAILED", `The model has no output ${JSON.stringify(name)}.`);
  const { dtype, shape, data } = tensor;
  // Identity may hand an input straight through; what is answered must not change when the caller's array does.
  return { name, dtype, shape, data: data.slice() };
}

function operatorOf(node: Node): Operator {
  const operator = node.domain === "" && Object.hasOwn(OPERATORS, node.opType) ? OPERATORS[node.opType] : undefined;
  if (operator === undefined) {
    const name = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
    throw new SlipwayError("MODEL_UNSUPPORTED", `The reference back end has no operator ${name}.`);
  }
  return operator;
}

function refuseSettings({ configEntries, executionProviders }: SessionSettings): void {
  const [entry] = Object.keys(configEntries);
  if (entry !== undefined) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      `The reference back end has no configuration entry ${JSON.stringify(entry)}.`,
    );
  }
  const provider = executionProviders.find((name) => name !== "cpu");
  if (provider !== undefined) {
    throw new SlipwayError(
      "CONFIG_INVALID",
      `The reference back end runs on "cpu", not on ${JSON.stringify(provider)}.`,
    );
  }
}

function externalBytes({ externalData }: ModelBytes, { location, offset, length }: ExternalReference): ByteSource {
  const file = externalData.get(location);
  if (file === undefined) {
    throw new SlipwayError(
      "MODEL_UNSAFE",
      `The model refers to the file ${JSON.stringify(location)}, which is not part of it.`,
    );
  }
  return byteSourceFromBytes(file.subarray(offset, length === null ? undefined : offset + length));
}

function checkInput({ name, type }: Port, input: NamedTensor): void {
  const { dtype, shape } = type as TensorType;
  if (input.dtype !== dtype) {
    throw new SlipwayError("RUN_FAILED", `Input ${JSON.stringify(name)} is ${input.dtype}; the model takes ${dtype}.`);
  }
  if (shape === null) return;
  const fits =
    shape.length === input.shape.length &&
    shape.every((length, axis) => typeof length !== "number" || length === input.shape[axis]);
  if (!fits) {
    throw new SlipwayError(
      "RUN_FAILED",
      `Input ${JSON.stringify(name)} has the shape [${input.shape.join(", ")}], which does not fit the model's.`,
    );
  }
}
