// Making attributes, and reading them off a node in the form an operator's code wants.
import { SlipwayError } from "#base";
import { createTensor, type Tensor, type ValueType } from "#tensor";
import { initializerFromTensor } from "./initializer.ts";
import type { Attribute, AttributeKind, AttributeOf, AttributeValues, Graph, Initializer, Node } from "./model.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** An attribute of a given kind. */
export function createAttribute<K extends AttributeKind>(
  kind: K,
  name: string,
  value: AttributeValues[K],
): AttributeOf<K> {
  return { kind, name, value, docString: "", extra: [] };
}

/** A number, or numbers, that must become a float attribute even where they are whole. */
export interface FloatValue {
  readonly kind: "float-value";
  readonly value: number | readonly number[];
}

/** Marks numbers as floats: `{ alpha: float(1) }`, where a bare 1 would become an integer. */
export function float(value: number | readonly number[]): FloatValue {
  return { kind: "float-value", value };
}

/**
 * What an attribute can be given as. Whole numbers become integers, others floats; arrays likewise, an empty one
 * integers. `float` says otherwise.
 */
export type AttributeInput =
  | number
  | bigint
  | string
  | boolean
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | FloatValue
  | Tensor
  | Graph
  | Initializer
  | { readonly kind: "type-value"; readonly type: ValueType };

/** An attribute from a JavaScript value, by the rules of AttributeInput. */
export function attributeFrom(name: string, input: AttributeInput): Attribute {
  if (typeof input === "bigint") return createAttribute("int", name, input);
  if (typeof input === "boolean") return createAttribute("int", name, input ? 1n : 0n);
  if (typeof input === "string") return createAttribute("string", name, encoder.encode(input));
  if (typeof input === "number") {
    if (Number.isSafeInteger(input)) return createAttribute("int", name, BigInt(input));
    return createAttribute("float", name, input);
  }
  if (isArray(input)) return attributeFromArray(name, input);
  if (!("kind" in input)) return createAttribute("tensor", name, initializerFromTensor("", checked(input)));
  switch (input.kind) {
    case "graph":
      return createAttribute("graph", name, input);
    case "initializer":
      return createAttribute("tensor", name, input);
    case "type-value":
      return createAttribute("type", name, input.type);
    case "float-value": {
      const { value } = input;
      if (typeof value === "number") return createAttribute("float", name, value);
      return createAttribute("floats", name, Float32Array.from(value));
    }
  }
}

function attributeFromArray(name: string, input: readonly number[] | readonly bigint[] | readonly string[]): Attribute {
  if (input.some((item) => typeof item === "string")) {
    return createAttribute(
      "strings",
      name,
      input.map((text) => encoder.encode(String(text))),
    );
  }
  const numbers = input as readonly (number | bigint)[];
  if (numbers.every((item) => typeof item === "bigint" || Number.isSafeInteger(item))) {
    return createAttribute("ints", name, BigInt64Array.from(numbers, BigInt));
  }
  return createAttribute("floats", name, Float32Array.from(numbers, Number));
}

// Array.isArray does not narrow readonly arrays.
function isArray(input: unknown): input is readonly number[] | readonly bigint[] | readonly string[] {
  return Array.isArray(input);
}

function checked(tensor: Tensor): Tensor {
  return createTensor(tensor.dtype, tensor.shape, tensor.data);
}

/** The attribute of this name, or undefined. */
export function attributeOf(node: Node, name: string): Attribute | undefined {
  return node.attributes.find((attribute) => attribute.name === name);
}

/**
 * The value of an attribute that must have this kind; undefined where the node does not have it.
 * @throws SlipwayError MODEL_INVALID when it has another kind
 */
export function attributeValue<K extends AttributeKind>(
  node: Node,
  name: string,
  kind: K,
): AttributeValues[K] | undefined {
  const attribute = attributeOf(node, name);
  if (attribute === undefined) return undefined;
  if (attribute.kind !== kind) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `Attribute '${name}' of ${describeNode(node)} is of kind ${attribute.kind}; ${kind} is needed.`,
    );
  }
  return attribute.value as AttributeValues[K];
}

/** An integer attribute as the nearest number (exact within ±2^53), or the fallback. */
export function intOf<T extends number | undefined>(node: Node, name: string, fallback: T): number | T {
  const value = attributeValue(node, name, "int");
  return value === undefined ? fallback : Number(value);
}

/** A float attribute, or the fallback. */
export function floatOf<T extends number | undefined>(node: Node, name: string, fallback: T): number | T {
  return attributeValue(node, name, "float") ?? fallback;
}

/** A string attribute, read as UTF-8, or the fallback. */
export function stringOf<T extends string | undefined>(node: Node, name: string, fallback: T): string | T {
  const value = attributeValue(node, name, "string");
  return value === undefined ? fallback : decoder.decode(value);
}

/** A list of integers as the nearest numbers, or the fallback. */
export function intsOf<T extends readonly number[] | undefined>(
  node: Node,
  name: string,
  fallback: T,
): readonly number[] | T {
  const value = attributeValue(node, name, "ints");
  return value === undefined ? fallback : Array.from(value, Number);
}

/** A list of floats, or the fallback. */
export function floatsOf<T extends readonly number[] | undefined>(
  node: Node,
  name: string,
  fallback: T,
): readonly number[] | T {
  const value = attributeValue(node, name, "floats");
  return value === undefined ? fallback : Array.from(value);
}

/** A list of strings, read as UTF-8, or the fallback. */
export function stringsOf<T extends readonly string[] | undefined>(
  node: Node,
  name: string,
  fallback: T,
): readonly string[] | T {
  const value = attributeValue(node, name, "strings");
  return value === undefined ? fallback : value.map((bytes) => decoder.decode(bytes));
}

/** A node as messages name it: `MatMul 'encoder/attention'`, or by its first output where it has no name. */
export function describeNode(node: Node): string {
  const operator = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
  if (node.name !== "") return `${operator} node '${node.name}'`;
  const output = node.outputs.find((name) => name !== "");
  return output === undefined ? `an unnamed ${operator} node` : `the ${operator} node that makes '${output}'`;
}
