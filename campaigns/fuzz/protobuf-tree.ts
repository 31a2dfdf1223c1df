// Protobuf messages as trees, without a schema, to mutate what a file says rather than how it is written: fields left out,
// doubled, moved and given other values, with every length around them made right again.
import { joined } from "./mutate.ts";
import type { Random } from "./random.ts";

interface Field {
  tag: number;
  /** A varint, the bytes of a fixed field or text, or a message. */
  value: bigint | Uint8Array | Field[];
}

const DEEPEST = 12;
const EDGES = [0n, 1n, 2n, 7n, 16n, 127n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** A message like `bytes`, with one to three of its fields changed; the bytes themselves where they are no message. */
export function restructured(bytes: Uint8Array, random: Random): Uint8Array {
  const root = fieldsOf(bytes, 0);
  if (root === null || root.length === 0) return bytes;
  for (let changes = 1 + random.below(3); changes > 0; changes--) change(root, random);
  return bytesOf(root);
}

function change(root: Field[], random: Random): void {
  let list = root;
  for (;;) {
    const inside = list.flatMap(({ value }) => (Array.isArray(value) && value.length > 0 ? [value] : []));
    if (inside.length === 0 || random.oneIn(4)) break;
    list = random.pick(inside);
  }
  if (list.length === 0) return;
  const index = random.below(list.length);
  const field = list[index]!;
  switch (random.below(7)) {
    case 0:
      list.splice(index, 1);
      return;
    case 1:
      list.splice(random.below(list.length + 1), 0, structuredClone(field));
      return;
    case 2:
      list.splice(random.below(list.length), 0, ...list.splice(index, 1));
      return;
    case 3:
      field.tag = ((1 + random.below(26)) << 3) | (field.tag & 7);
      return;
    case 4:
      // A field of another place, or the whole within itself.
      if (Array.isArray(field.value)) field.value.push(structuredClone(random.oneIn(8) ? list[0]! : random.pick(root)));
      return;
    default:
      field.value = changedValue(field.value, random);
  }
}

function changedValue(value: Field["value"], random: Random): Field["value"] {
  if (typeof value === "bigint")
    return random.oneIn(2) ? random.pick(EDGES) : BigInt.asUintN(64, value + (random.oneIn(2) ? 1n : -1n));
  if (Array.isArray(value)) return random.oneIn(3) ? [] : value;
  const copy = Uint8Array.from(value);
  if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
  return random.oneIn(4) ? copy.slice(0, random.below(copy.length + 1)) : copy;
}

function fieldsOf(bytes: Uint8Array, depth: number): Field[] | null {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at);
    if (tag === null || tag.value >> 3n === 0n || tag.value > 0xffffn) return null;
    at = tag.end;
    const read = valueOf(bytes, at, Number(tag.value & 7n), depth);
    if (read === null) return null;
    fields.push({ tag: Number(tag.value), value: read.value });
    at = read.end;
  }
  return fields;
}

function valueOf(
  bytes: Uint8Array,
  at: number,
  wireType: number,
  depth: number,
): { value: Field["value"]; end: number } | null {
  if (wireType === 0) return varint(bytes, at);
  if (wireType === 1 || wireType === 5) {
    const end = at + (wireType === 1 ? 8 : 4);
    return end > bytes.length ? null : { value: bytes.subarray(at, end), end };
  }
  if (wireType !== 2) return null;
  const length = varint(bytes, at);
  if (length === null || length.value > BigInt(bytes.length - length.end)) return null;
  const end = length.end + Number(length.value);
  const content = bytes.subarray(length.end, end);
  const fields = depth < DEEPEST && content.length > 1 ? fieldsOf(content, depth + 1) : null;
  return { value: fields ?? content, end };
}

function varint(bytes: Uint8Array, start: number): { value: bigint; end: number } | null {
  let value = 0n;
  for (let at = start, shift = 0n; at < bytes.length && shift < 70n; at++, shift += 7n) {
    value |= BigInt(bytes[at]! & 0x7f) << shift;
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  return null;
}

function bytesOf(fields: readonly Field[]): Uint8Array {
  return joined(
    ...fields.flatMap(({ tag, value }) => {
      const head = varintBytes(BigInt(tag));
      if (typeof value === "bigint") return [head, varintBytes(value)];
      const content = Array.isArray(value) ? bytesOf(value) : value;
      return (tag & 7) === 2 ? [head, varintBytes(BigInt(content.length)), content] : [head, content];
    }),
  );
}

function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
