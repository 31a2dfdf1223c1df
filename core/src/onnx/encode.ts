// The fields of one message to bytes, by the schema, in the order of their numbers as the reference encoder writes them.
import { assert } from "#base";
import type { ByteSource, Extra } from "#graph";
import { type Field, MESSAGES, type MessageName } from "./schema.ts";
import { Encoder, WIRE } from "./wire.ts";

/** An encoded message: new bytes, or those it was read from. */
export type Encoded = Encoder | ByteSource;

interface ScalarInputs {
  int32: number;
  int64: bigint;
  uint64: bigint;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array | ByteSource;
}
type Input<T> = T extends keyof ScalarInputs ? ScalarInputs[T] : Encoded;
type FieldInput<F> = F extends Field<infer T, infer L> ? (L extends "one" ? Input<T> : Iterable<Input<T>>) : never;

/** The fields to write; what is undefined is left out, a single field that is given is written even where it is 0. */
export type Fields<N extends MessageName> = {
  readonly [K in keyof (typeof MESSAGES)[N]]?: FieldInput<(typeof MESSAGES)[N][K]> | undefined;
};

/** Encodes a message; `extra` are fields the schema does not know, with their tags. */
export function encodeMessage<N extends MessageName>(message: N, values: Fields<N>, extra: Extra = []): Encoder {
  const encoder = new Encoder();
  for (const [name, field] of Object.entries(MESSAGES[message]) as [string, Field][]) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    if (field.label === "one") encodeField(encoder, field, value);
    else if (field.label === "many") for (const item of value as Iterable<unknown>) encodeField(encoder, field, item);
    else encodePacked(encoder, field, value as Iterable<unknown>);
  }
  for (const bytes of extra) encoder.raw(bytes);
  return encoder;
}

function encodePacked(encoder: Encoder, field: Field, values: Iterable<unknown>): void {
  const content = new Encoder();
  for (const value of values) encodeScalar(content, field.type, value);
  if (content.sizeBytes === 0) return;
  encoder.tag(field.number, WIRE.bytes);
  encoder.message(content);
}

const WIRES: Readonly<Record<string, 0 | 1 | 5>> = {
  int32: WIRE.varint,
  int64: WIRE.varint,
  uint64: WIRE.varint,
  float: WIRE.fixed32,
  double: WIRE.fixed64,
};

function encodeField(encoder: Encoder, field: Field, value: unknown): void {
  encoder.tag(field.number, WIRES[field.type] ?? WIRE.bytes);
  encodeScalar(encoder, field.type, value);
}

const utf8 = new TextEncoder();

function encodeScalar(encoder: Encoder, type: string, value: unknown): void {
  if (typeof value === "bigint") encoder.int64(value);
  else if (typeof value === "string") encoder.bytes(utf8.encode(value));
  else if (value instanceof Encoder) encoder.message(value);
  else if (typeof value === "object") encoder.bytes(value as Uint8Array | ByteSource);
  else {
    assert(typeof value === "number", `A field of type ${type} can't be written.`);
    if (type === "float") encoder.float(value);
    else if (type === "double") encoder.double(value);
    else encoder.int64(BigInt(value)); // negative 32-bit numbers take ten bytes, as protobuf has it
  }
}
