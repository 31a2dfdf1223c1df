// Which nodes of one model another does not have: what a picture of both marks.
import type { Attribute, Model, Node } from "#graph";

/**
 * Tells nodes of a model that stand in another just as they are (operator, attributes, what they read and make) from others.
 * @returns whether a node of either model has no like in the other
 */
export function changedNodes(one: Model, other: Model): (node: Node) => boolean {
  const keys = new Set(one.graph.nodes.map(keyOf));
  const otherKeys = new Set(other.graph.nodes.map(keyOf));
  return (node) => {
    const key = keyOf(node);
    return !(keys.has(key) && otherKeys.has(key));
  };
}

function keyOf({ domain, opType, overload, inputs, outputs, attributes }: Node): string {
  return JSON.stringify([domain, opType, overload, inputs, outputs, attributes.map(attributeKey)]);
}

/** What an attribute says, as far as pictures tell: tensors and graphs are told apart by their form. */
export function attributeKey(attribute: Attribute): string {
  const { kind, name } = attribute;
  switch (kind) {
    case "int":
    case "float":
    case "reference":
      return `${name}=${attribute.value}`;
    case "ints":
    case "floats":
    case "string":
      return `${name}=${attribute.value.join(",")}`;
    case "tensor":
      return `${name}=${attribute.value.dtype}[${attribute.value.shape.join(",")}]`;
    case "strings":
    case "tensors":
    case "graph":
    case "graphs":
    case "type":
    case "types":
    case "sparse-tensor":
    case "sparse-tensors":
      return `${name}:${kind}`;
  }
}
