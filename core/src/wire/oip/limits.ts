// How many of each thing one request may carry, whatever the size of its body.

export const WIRE_LIMITS = {
  /** Inputs of a request. */
  inputs: 1024,
  /** Outputs a request may name. */
  outputs: 1024,
  /** Parameters of a request, an input or an output. */
  parameters: 256,
  /** Length of a name, in UTF-16 units. */
  nameLength: 1024,
  /** Length of the id a client gives its request. */
  idLength: 1024,
} as const;
