import type { SlipwayError } from "@slipway/core/base";
import { byteSourceFromBytes } from "@slipway/core/graph";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cursor, Encoder, Window } from "./wire.ts";

function joined(encoder: Encoder): Uint8Array {
  return Uint8Array.from(
    encoder.parts.flatMap((part) => Array.from("read" in part ? part.read(0, part.sizeBytes) : part)),
  );
}

/** A cursor over bytes, with a window as small as one byte, so that every refill is exercised. */
function cursorOf(bytes: Uint8Array, windowBytes = bytes.byteLength): Cursor {
  return new Cursor(new Window(byteSourceFromBytes(bytes), windowBytes), 0, bytes.byteLength);
}

const malformed = expect.objectContaining({ code: "MODEL_MALFORMED" });

describe("integers", () => {
  it("come back as written, whatever their size and the window", () => {
    const values = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 20 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), (numbers, windowBytes) => {
        const encoder = new Encoder();
        for (const number of numbers) encoder.int64(number);
        const bytes = joined(encoder);
        expect(bytes.byteLength).toBe(encoder.sizeBytes);
        const cursor = cursorOf(bytes, windowBytes);
        expect(numbers.map(() => cursor.int64())).toEqual(numbers);
        expect(cursor.position).toBe(bytes.byteLength);
      }),
    );
  });

  it("have the bytes the specification gives", () => {
    const encoder = new Encoder();
    encoder.int64(1n);
    encoder.int64(150n);
    encoder.int64(-2n);
    expect(Array.from(joined(encoder))).toEqual([
      1, 0x96, 0x01, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ]);
  });

  it("are read by protobuf's rules as 32-bit and unsigned ones", () => {
    const encoder = new Encoder();
    encoder.int64(-5n);
    encoder.int64(2n ** 32n + 7n);
    encoder.int64(-1n);
    const cursor = cursorOf(joined(encoder));
    expect(cursor.int32()).toBe(-5);
    expect(cursor.int32()).toBe(7);
    expect(cursor.uint64()).toBe(2n ** 64n - 1n);
  });

  it("are refused over 64 bits, and where they break off", () => {
    const over = Uint8Array.from([...Array.from({ length: 9 }, () => 0xff), 0x02]);
    const endless = new Uint8Array(11).fill(0x80);
    for (const bytes of [over, endless, Uint8Array.of(0x80), new Uint8Array(0)]) {
      expect(() => cursorOf(bytes).int64()).toThrow(malformed);
    }
  });

  it("are found and skipped alike", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const outcome = (step: (cursor: Cursor) => void): number | string => {
          const cursor = cursorOf(bytes);
          try {
            step(cursor);
            return cursor.position;
          } catch (error) {
            return (error as SlipwayError).code;
          }
        };
        expect(outcome((cursor) => cursor.skip(0))).toBe(outcome((cursor) => cursor.int64()));
      }),
    );
  });
});

describe("tags and lengths", () => {
  it("are refused without a field number, with a group, or with a number over 29 bits", () => {
    for (const bytes of [[0x00], [0x02], [0x0b], [0x0c], [0x0e], [0xf8, 0xff, 0xff, 0xff, 0xff, 0x01]]) {
      expect(() => cursorOf(Uint8Array.from(bytes)).tag()).toThrow(malformed);
    }
  });

  it("are refused where less is there than they say", () => {
    expect(() => cursorOf(Uint8Array.of(5, 1, 2)).length()).toThrow(malformed);
    // 2^53 + 1 bytes: still compared exactly enough to be refused.
    const encoder = new Encoder();
    encoder.int64(2n ** 53n + 1n);
    expect(() => cursorOf(joined(encoder)).length()).toThrow(malformed);
    encoder.int64(-1n);
    expect(() => cursorOf(joined(encoder)).length()).toThrow(malformed);
  });
});

describe("texts and floats", () => {
  it("come back as written, a byte order mark included", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 80 }),
        fc.float({ noNaN: true }),
        fc.double(),
        (text, f, d) => {
          const encoder = new Encoder();
          encoder.bytes(new TextEncoder().encode(`\ufeff${text}`));
          encoder.float(f);
          encoder.double(d);
          const cursor = cursorOf(joined(encoder), 3);
          expect(cursor.string()).toBe(`\ufeff${text}`.toWellFormed());
          expect(cursor.float()).toBe(f);
          expect(cursor.double()).toBe(d);
        },
      ),
    );
  });

  it("that are not UTF-8 are refused", () => {
    expect(() => cursorOf(Uint8Array.of(2, 0xc3, 0x28)).string()).toThrow(malformed);
  });
});

it("large values are passed on, not copied", () => {
  const large = new Uint8Array(10_000).fill(7);
  const inner = new Encoder();
  inner.bytes(large);
  const outer = new Encoder();
  outer.varint(1);
  outer.message(inner);
  outer.varint(2);
  expect(outer.parts).toContain(large);
  expect(outer.sizeBytes).toBe(joined(outer).byteLength);
  expect(outer.parts.length).toBe(3);
});

it("many small values keep their order over many buffers", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 1500 }), { maxLength: 40 }), (pieces) => {
      const encoder = new Encoder();
      for (const piece of pieces) encoder.bytes(piece);
      const cursor = cursorOf(joined(encoder));
      for (const piece of pieces) {
        const length = cursor.length();
        expect(cursor.window.bytes(cursor.position, cursor.position + length)).toEqual(piece);
        cursor.position += length;
      }
      expect(encoder.sizeBytes).toBe(cursor.position);
    }),
    { numRuns: 50 },
  );
});
