// Bytes to the fields of one message, by the schema. Nothing nested is decoded before it is asked for: a message is a
// range, and a repeated field a list of ranges, so reading a file costs what is looked at.
import { LIMITS, SlipwayError } from "#base";
import { ByteRange, type ByteSource } from "#graph";
import { type Field, MESSAGES, type MessageName } from "./schema.ts";
import { Cursor, malformed, WIRE, Window, type WireType } from "./wire.ts";

/** What all of one file's messages share. */
export class Decoding {
  readonly window: Window;
  /** Messages and texts that may still be made. Each costs memory, though it may take but two bytes in the file. */
  #remaining: number;
  readonly #limit: number;

  constructor(source: ByteSource, maxItems: number, windowBytes?: number) {
    this.window = new Window(source, windowBytes);
    this.#remaining = maxItems;
    this.#limit = maxItems;
  }

  /** Counts items that are about to be made. */
  spend(items: number): void {
    this.#remaining -= items;
    if (this.#remaining < 0) {
      throw new SlipwayError(
        "MODEL_TOO_LARGE",
        `The model has more than ${this.#limit} messages (nodes, attributes, types, texts); that is over the limit.`,
      );
    }
  }
}

/** A message not yet decoded. */
export interface Embedded<N extends MessageName> {
  readonly message: N;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

/** The occurrences of a repeated field, not yet decoded. */
export interface Repeated<T extends string = string> {
  readonly type: T;
  readonly number: number;
  readonly depth: number;
  /** Triples: where a run of records starts, where it ends, and 1 if it is one packed record's content, else 0. */
  readonly runs: readonly number[];
}

interface ScalarValues {
  int32: number;
  int64: bigint;
  uint64: bigint;
  float: number;
  double: number;
  string: string;
  bytes: ByteRange;
}
type Value<T> = T extends keyof ScalarValues ? ScalarValues[T] : T extends MessageName ? Embedded<T> : never;
type FieldValue<F> = F extends Field<infer T, infer L> ? (L extends "one" ? Value<T> | undefined : Repeated<T>) : never;

/** The fields of a message: a single one is undefined, a repeated one without runs where it is absent. */
export type Decoded<N extends MessageName> = {
  readonly [K in keyof (typeof MESSAGES)[N]]: FieldValue<(typeof MESSAGES)[N][K]>;
} & {
  /** The message's own bytes. */
  readonly origin: ByteRange;
  /** Fields the schema does not know, with their tags. */
  readonly unknown: readonly ByteRange[];
};

// Shared, because most fields are absent and a file may hold millions of messages.
const NOTHING: readonly never[] = [];

interface NamedField extends Field {
  readonly name: string;
}

// Fields by number, and what a field is when absent (as a prototype), by message.
const FIELDS: Readonly<Record<MessageName, readonly (NamedField | undefined)[]>> = mapMessages((fields) => {
  const byNumber: NamedField[] = [];
  for (const [name, field] of Object.entries(fields)) byNumber[field.number] = { ...field, name };
  return byNumber;
});
const ABSENT: Readonly<Record<MessageName, object>> = mapMessages((fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, { number, type, label }]) => {
      return [name, label === "one" ? undefined : { type, number, depth: 0, runs: [] }];
    }),
  ),
);

function mapMessages<T>(make: (fields: Readonly<Record<string, Field>>) => T): Record<MessageName, T> {
  return Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, make(fields)])) as Record<
    MessageName,
    T
  >;
}

/** The whole source as a message. */
export function rootMessage<N extends MessageName>(message: N, source: ByteSource): Embedded<N> {
  return { message, start: 0, end: source.sizeBytes, depth: 0 };
}

/**
 * The fields of a message.
 *
 * Where parsers are known to differ (a single field given twice, a field with another type's layout), the message is
 * refused: what is examined here must be what ONNX Runtime sees.
 * @throws SlipwayError MODEL_MALFORMED, MODEL_TOO_LARGE
 */
export function decodeMessage<N extends MessageName>(decoding: Decoding, embedded: Embedded<N>): Decoded<N> {
  const { message, start, end, depth } = embedded;
  if (depth > LIMITS.modelDepth) {
    throw malformed(`Messages are nested more than ${LIMITS.modelDepth} deep`, start);
  }
  decoding.spend(1);
  const fields = FIELDS[message];
  const cursor = new Cursor(decoding.window, start, end);
  const decoded = Object.create(ABSENT[message]) as Record<string, unknown>;
  let unknown: { start: number; end: number }[] | undefined;
  while (cursor.position < end) {
    const at = cursor.position;
    const { number, wire } = cursor.tag();
    const field = fields[number];
    if (field === undefined) {
      cursor.skip(wire);
      const last = (unknown ??= []).at(-1);
      if (last?.end === at) last.end = cursor.position;
      else unknown.push({ start: at, end: cursor.position });
    } else if (field.label === "one") {
      if (Object.hasOwn(decoded, field.name)) throw malformed(`${message}.${field.name} is there twice`, at);
      decoded[field.name] = singleValue(decoding, cursor, message, field, wire, depth);
    } else {
      let repeated = decoded[field.name] as { runs: number[] } | undefined;
      if (repeated === undefined || !Object.hasOwn(decoded, field.name)) {
        repeated = { type: field.type, number, depth, runs: [] } as { runs: number[] };
        decoded[field.name] = repeated;
      }
      addRun(repeated.runs, cursor, message, field, wire, at);
    }
  }
  const { source } = decoding.window;
  decoded["origin"] = new ByteRange(source, start, end);
  decoded["unknown"] = unknown?.map((range) => new ByteRange(source, range.start, range.end)) ?? NOTHING;
  return decoded as Decoded<N>;
}

function wireOf(type: string): WireType {
  if (type === "int32" || type === "int64" || type === "uint64") return WIRE.varint;
  if (type === "float") return WIRE.fixed32;
  return type === "double" ? WIRE.fixed64 : WIRE.bytes;
}

function singleValue(
  decoding: Decoding,
  cursor: Cursor,
  message: MessageName,
  field: NamedField,
  wire: WireType,
  depth: number,
): unknown {
  if (wire !== wireOf(field.type)) throw wrongWire(message, field, wire, cursor.position);
  switch (field.type) {
    case "int32":
      return cursor.int32();
    case "int64":
      return cursor.int64();
    case "uint64":
      return cursor.uint64();
    case "float":
      return cursor.float();
    case "double":
      return cursor.double();
    case "string":
      return cursor.string();
  }
  const length = cursor.length();
  const start = cursor.position;
  cursor.position += length;
  if (field.type === "bytes") return new ByteRange(decoding.window.source, start, cursor.position);
  return { message: field.type, start, end: cursor.position, depth: depth + 1 };
}

function addRun(
  runs: number[],
  cursor: Cursor,
  message: MessageName,
  field: NamedField,
  wire: WireType,
  at: number,
): void {
  const single = wireOf(field.type);
  if (wire === single) {
    cursor.skip(wire);
    const last = runs.length - 3;
    if (runs[last + 2] === 0 && runs[last + 1] === at) runs[last + 1] = cursor.position;
    else runs.push(at, cursor.position, 0);
  } else if (wire === WIRE.bytes) {
    const length = cursor.length();
    runs.push(cursor.position, cursor.position + length, 1);
    cursor.position += length;
  } else throw wrongWire(message, field, wire, at);
}

function wrongWire(message: string, field: NamedField, wire: WireType, at: number): SlipwayError {
  return malformed(`${message}.${field.name} is laid out as wire type ${wire}, which ${field.type} is not`, at);
}

/** Visits the values of a repeated field: `visit` reads one value from the cursor. */
function eachRecord(decoding: Decoding, repeated: Repeated, visit: (cursor: Cursor) => void): void {
  const { runs } = repeated;
  for (let index = 0; index < runs.length; index += 3) {
    const cursor = new Cursor(decoding.window, runs[index]!, runs[index + 1]!);
    const isPacked = runs[index + 2] === 1;
    while (cursor.position < cursor.end) {
      if (!isPacked) cursor.tag();
      visit(cursor);
    }
  }
}

/** The messages of a repeated field, not yet decoded themselves. */
export function messagesOf<N extends MessageName>(decoding: Decoding, repeated: Repeated<N>): readonly Embedded<N>[] {
  if (repeated.runs.length === 0) return NOTHING;
  const messages: Embedded<N>[] = [];
  eachRecord(decoding, repeated, (cursor) => {
    const length = cursor.length();
    const start = cursor.position;
    cursor.position += length;
    decoding.spend(1);
    messages.push({ message: repeated.type, start, end: start + length, depth: repeated.depth + 1 });
  });
  return messages;
}

export function stringsOf(decoding: Decoding, repeated: Repeated<"string">): readonly string[] {
  if (repeated.runs.length === 0) return NOTHING;
  const texts: string[] = [];
  eachRecord(decoding, repeated, (cursor) => {
    decoding.spend(1);
    texts.push(cursor.string());
  });
  return texts;
}

/** Byte strings, copied: they are small, and a view would keep all the bytes around it in memory. */
export function bytesOf(decoding: Decoding, repeated: Repeated<"bytes">): Uint8Array[] {
  const all: Uint8Array[] = [];
  eachRecord(decoding, repeated, (cursor) => {
    decoding.spend(1);
    const length = cursor.length();
    const start = cursor.position;
    cursor.position += length;
    all.push(new Uint8Array(decoding.window.bytes(start, cursor.position)));
  });
  return all;
}

/** How many values a repeated field has. A packed varint ends where a byte's high bit is clear. */
export function countOf(decoding: Decoding, repeated: Repeated): number {
  const wire = wireOf(repeated.type);
  const fixed = wire === WIRE.fixed32 ? 4 : wire === WIRE.fixed64 ? 8 : 0;
  let count = 0;
  for (let index = 0; index < repeated.runs.length; index += 3) {
    const start = repeated.runs[index]!;
    const end = repeated.runs[index + 1]!;
    if (repeated.runs[index + 2] === 0) {
      const cursor = new Cursor(decoding.window, start, end);
      for (; cursor.position < end; count++) cursor.skip(cursor.tag().wire);
    } else if (fixed > 0) {
      if ((end - start) % fixed !== 0) throw malformed("A packed field breaks off", end);
      count += (end - start) / fixed;
    } else {
      for (let at = start; at < end; at++) if (decoding.window.byteAt(at) < 0x80) count++;
    }
  }
  return count;
}

/** Bytes a repeated field takes in the file. */
export function sizeBytesOf(repeated: Repeated): number {
  let total = 0;
  for (let index = 0; index < repeated.runs.length; index += 3) {
    total += repeated.runs[index + 1]! - repeated.runs[index]!;
  }
  return total;
}

/** The only run of a packed fixed-width field, whose bytes are the values themselves; undefined where there are more. */
export function packedBytesOf(decoding: Decoding, repeated: Repeated<"float" | "double">): ByteRange | undefined {
  const { runs } = repeated;
  if (runs.length !== 3 || runs[2] !== 1) return undefined;
  return new ByteRange(decoding.window.source, runs[0]!, runs[1]!);
}

/** Reads the numbers of a repeated field into an array made for their count. */
export function fillNumbers<A extends { [index: number]: number; readonly length: number }>(
  decoding: Decoding,
  repeated: Repeated<"float" | "double" | "int32">,
  create: (count: number) => A,
): A {
  const array = create(countOf(decoding, repeated));
  let index = 0;
  eachRecord(decoding, repeated, (cursor) => {
    array[index++] =
      repeated.type === "float" ? cursor.float() : repeated.type === "double" ? cursor.double() : cursor.int32();
  });
  return array;
}

/** Reads the 64-bit integers of a repeated field. */
export function fillIntegers<A extends { [index: number]: bigint; readonly length: number }>(
  decoding: Decoding,
  repeated: Repeated<"int64" | "uint64">,
  create: (count: number) => A,
): A {
  const array = create(countOf(decoding, repeated));
  let index = 0;
  eachRecord(decoding, repeated, (cursor) => {
    array[index++] = repeated.type === "int64" ? cursor.int64() : cursor.uint64();
  });
  return array;
}
