// What the engine of this machine runs faster than a step of training as it is written.
import type { Backend } from "@slipway/core/backend";
import type { Model } from "@slipway/core/graph";
import { blockConvolutions, tileRows } from "@slipway/core/passes";
import { channelBlockOf } from "./channel-block.ts";

/**
 * How to put what trains a network into the form that is fastest here: convolutions in the engine's own layout, and what is
 * done row by row in turns. It answers the same, up to rounding, on this machine alone.
 * @param network tells whether there are convolutions, for which the layout is tried out
 */
export async function fastFormOf(network: Model, backend: Backend): Promise<(model: Model) => Model> {
  const isConvolving = network.graph.nodes.some(({ opType }) => opType === "Conv");
  const block = isConvolving ? await channelBlockOf(backend) : null;
  return (model) => tileRows(block === null ? model : blockConvolutions(model, block));
}
