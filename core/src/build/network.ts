// What a file of one's own says to be trained: a function that is told about the data and answers a network.
import { SlipwayError } from "#base";
import type { Model } from "#graph";
import { build, type Input } from "./build.ts";
import type { Layers } from "./layer.ts";

/** What a network is made for. */
export interface NetworkTask {
  /** What it is given. */
  readonly input: Input;
  /** Classes, or numbers to be told. */
  readonly outputs: number;
  readonly seed: number;
}

/**
 * A network for a task: layers, which are built with the task's input and seed, or a model whose output is `logits`, [N,
 * outputs] or with other axes between.
 */
export type Network = (task: NetworkTask) => Layers | Model;

/**
 * A file that defines a network:
 *
 * ```ts
 * export const network: Network = ({ outputs }) => [linear(64), relu(), linear(outputs)];
 * ```
 */
export interface NetworkModule {
  readonly network: Network;
}

/**
 * The model a network makes for a task.
 * @param network what a file exports, which may be anything
 * @throws SlipwayError NETWORK_INVALID where it is no function, or its model does not answer what the task asks for; as `build`
 */
export function buildNetwork(network: Network, task: NetworkTask): Model {
  const given: unknown = network;
  if (typeof given !== "function")
    throw invalid(
      `A file of a network exports a function 'network'; this one exports ${given === undefined ? "none" : typeof given}. Write: export const network = ({ outputs }) => [linear(outputs)].`,
    );
  const made = network(task);
  const model = isModel(made) ? made : build(made, task);
  const logits = model.graph.outputs.find(({ name }) => name === "logits");
  if (logits?.type?.kind !== "tensor")
    throw invalid(
      `The network's model has no output 'logits'; its outputs are ${model.graph.outputs.map(({ name }) => name).join(", ")}.`,
    );
  const { shape } = logits.type;
  if (shape?.at(-1) !== task.outputs)
    throw invalid(
      `The network answers ${shape === null ? "a shape it does not tell" : `[${shape.join(", ")}]`} and the data asks for ${task.outputs} outputs; end it with linear(outputs).`,
    );
  return model;
}

function isModel(made: Layers | Model): made is Model {
  return typeof made === "object" && "graph" in made;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("NETWORK_INVALID", message);
}
