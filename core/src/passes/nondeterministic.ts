// Operators that answer differently each time they are asked.
import type { Node } from "#graph";

const RANDOM = new Set([
  "Bernoulli",
  "Dropout",
  "Multinomial",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
]);

/** Whether a node may answer differently on the same inputs, so that it can neither be computed once nor shared. */
export function isRandom({ opType }: Node): boolean {
  return RANDOM.has(opType);
}
