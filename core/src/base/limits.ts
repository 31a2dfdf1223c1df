// The limits that hold everywhere, whatever the configuration. What users may change is in the configuration schema.

export const LIMITS = {
  /** Axes of a tensor; ONNX sets none, NumPy 64. */
  tensorRank: 64,
  /** Elements of one tensor: sizes stay exact integers and well inside what a typed array can hold. */
  tensorElements: 2 ** 32,
  /** Nesting of a JSON request. */
  jsonDepth: 64,
  /** Nesting of subgraphs, of types, and of messages in a model file. */
  modelDepth: 64,
  /** Nodes in a model, over all its subgraphs and functions. */
  modelNodes: 1_000_000,
  /** Length of a name of a model, version or endpoint. */
  nameLength: 128,
} as const;

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${LIMITS.nameLength - 1}}$`);

/** Whether `name` can name a model, version or endpoint; such names are safe in paths and addresses. */
export function isName(name: string): boolean {
  return NAME.test(name);
}
