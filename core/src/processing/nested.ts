// Tensors as nested JSON lists and back: how instances come and plain outputs go.
import { LIMITS } from "#base";
import { createData, type Dimension, type DType, elementCount, type Tensor } from "#tensor";
import { elementOf, type JsonValue, jsonFromElement } from "./elements.ts";
import { show } from "./fields.ts";
import { type Refuse, shapeText } from "./values.ts";

/**
 * A tensor from nested lists. A bare value fills a shape whose axes all have length 1, as the columns of a table do.
 * @param dims the shape it has to have: known lengths are checked, others taken as they come; null takes any rank
 * @param name what the value is called in messages, such as `"age"`
 */
export function tensorFromNested(
  value: JsonValue,
  dtype: DType,
  dims: readonly Dimension[] | null,
  name: string,
  refuse: Refuse,
): Tensor {
  const shape = shapeOf(value, dims);
  if (dims !== null && !fits(shape, dims)) {
    return refuse(`${name} has the shape ${shapeText(shape)}; it takes ${shapeText(dims)}`);
  }
  // What the first elements promise is checked before memory is taken for it.
  requireEven(value, shape, 0, name, refuse);
  const count = elementCount(shape);
  const data = dtype === "string" ? Array.from({ length: count }, () => "") : createData(dtype, count);
  fill(value, shape, dtype, data, name, refuse);
  return { dtype, shape, data };
}

function shapeOf(value: JsonValue, dims: readonly Dimension[] | null): number[] {
  if (dims !== null && !Array.isArray(value) && dims.every((length) => length === 1)) return dims.map(() => 1);
  const shape: number[] = [];
  for (let rest = value; isList(rest) && shape.length < LIMITS.jsonDepth; ) {
    shape.push(rest.length);
    if (rest.length === 0) {
      // Nothing says how the axes after an empty one continue, but the shape it has to have.
      for (const length of dims?.slice(shape.length) ?? []) shape.push(typeof length === "number" ? length : 0);
      break;
    }
    rest = rest[0]!;
  }
  return shape;
}

function fits(shape: readonly number[], dims: readonly Dimension[]): boolean {
  return (
    shape.length === dims.length && dims.every((length, axis) => typeof length !== "number" || shape[axis] === length)
  );
}

function requireEven(value: JsonValue, shape: readonly number[], axis: number, where: string, refuse: Refuse): void {
  if (axis === shape.length || !isList(value)) return;
  const inner = shape[axis + 1];
  if (inner === undefined) return;
  value.forEach((item, index) => {
    const at = `${where}[${index}]`;
    if (!isList(item)) refuse(`${at} is ${show(item)}; it takes a list of ${inner}, as the first of its axis`);
    if (item.length !== inner) refuse(`${at} has ${item.length} elements; the first of its axis has ${inner}`);
    requireEven(item, shape, axis + 1, at, refuse);
  });
}

function fill(
  value: JsonValue,
  shape: readonly number[],
  dtype: DType,
  data: Tensor["data"],
  name: string,
  refuse: Refuse,
): void {
  const { takes, fromJson } = elementOf(dtype)!;
  const target = data as { [index: number]: number | bigint | string };
  let next = 0;
  const visit = (item: JsonValue, axis: number, where: () => string): void => {
    if (axis < shape.length && isList(item)) {
      for (let index = 0; index < item.length; index++) visit(item[index]!, axis + 1, () => `${where()}[${index}]`);
      return;
    }
    const element = fromJson(item);
    if (element === undefined) refuse(`${where()} is ${show(item)}; ${dtype} takes ${takes}`);
    target[next++] = element;
  };
  visit(value, 0, () => name);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A tensor as nested lists; a scalar as a bare value. */
export function nestedFromTensor({ dtype, shape, data }: Tensor): JsonValue {
  let next = 0;
  const build = (axis: number): JsonValue => {
    if (axis === shape.length) return jsonFromElement(dtype, data[next++]!);
    return Array.from({ length: shape[axis]! }, () => build(axis + 1));
  };
  return build(0);
}
