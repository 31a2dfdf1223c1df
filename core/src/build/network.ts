// What a file of one's own says to be trained: a function that is told about the data and answers a network.
import type { Model } from "#graph";
import type { Input } from "./build.ts";
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
 * A network for a task: layers, which are built with the task's input and seed, or a model whose input is `input` and whose output is
 * `logits`.
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
