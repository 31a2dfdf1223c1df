// Numbers from a seed, for tests that print it.

/** Numbers from 0 up to 1, always the same for a seed; Marsaglia's xorshift32. */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
