// Randomness from a seed: the generator, and what is drawn from it.
export { drawBelow, drawInteger, drawNormal, drawUniform, shuffle } from "./draws.ts";
export { createRandom, type Random, randomFromState, type SplittableRandom, splitMix64 } from "./random.ts";
