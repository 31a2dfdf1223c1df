import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  bytesFromData,
  createTensor,
  type DType,
  npyFromTensor,
  npyHeader,
  tensorFromNpy,
  tensorFromNpyData,
} from "#tensor";

const types = fc.constantFrom<DType>(
  "bool",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
  "uint64",
  "float16",
  "float32",
  "float64",
  "complex64",
);
const bits = (tensor: { data: unknown }) => Buffer.from(bytesFromData(tensor.data as Float32Array)).toString("hex");

/** As `numpy.save` writes it, so that the golden bytes can be made anywhere. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(`${header}\n`, "latin1");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]), length, text, data]);
}
const f4 = (...values: number[]) => new Uint8Array(Float32Array.of(...values).buffer);

test("what is written reads back, bit by bit", () => {
  fc.assert(
    fc.property(
      types,
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      fc.infiniteStream(fc.nat(255)),
      (dtype, shape, bytes) => {
        const count = shape.reduce((product, length) => product * length, 1);
        const empty = npyFromTensor(createTensor(dtype, [0], tensorOf(dtype, 0, bytes).data));
        expect(tensorFromNpy(empty).shape).toEqual([0]);
        const tensor = createTensor(dtype, shape, tensorOf(dtype, count, bytes).data);
        const back = tensorFromNpy(npyFromTensor(tensor));
        expect([back.dtype, back.shape]).toEqual([dtype, shape]);
        expect(bits(back)).toBe(bits(tensor));
      },
    ),
  );
});

function tensorOf(dtype: DType, count: number, bytes: Iterable<number>) {
  const source = bytes[Symbol.iterator]();
  const descriptor = Object.entries(DESCRIPTORS).find(([, name]) => name === dtype)![0];
  const length = count * Number(descriptor.slice(2));
  const data = Uint8Array.from({ length }, () => source.next().value as number);
  return tensorFromNpy(npy(`{'descr': '${descriptor}', 'fortran_order': False, 'shape': (${count},), }`, data));
}
const DESCRIPTORS: Record<string, DType> = {
  "|b1": "bool",
  "|i1": "int8",
  "|u1": "uint8",
  "<i2": "int16",
  "<i4": "int32",
  "<i8": "int64",
  "<u8": "uint64",
  "<f2": "float16",
  "<f4": "float32",
  "<f8": "float64",
  "<c8": "complex64",
};

test("texts read back, also those outside the basic plane", () => {
  const texts = ["", "a", "größer", "数字 🚢"];
  expect(tensorFromNpy(npyFromTensor({ dtype: "string", shape: [2, 2], data: texts }))).toEqual({
    dtype: "string",
    shape: [2, 2],
    data: texts,
  });
});

test("a column-major array is put in row-major order", () => {
  const header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
  // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]])
  const tensor = tensorFromNpy(npy(header, f4(1, 4, 2, 5, 3, 6)));
  expect(Array.from(tensor.data as Float32Array)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("versions 2 and 3, a scalar and an empty shape", () => {
  for (const version of [2, 3]) {
    const tensor = tensorFromNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", f4(7), version));
    expect(tensor).toEqual({ dtype: "float32", shape: [], data: Float32Array.of(7) });
  }
});

test("the other byte order is swapped, number by number", () => {
  const swapped = (descr: string, ...bytes: number[]) =>
    npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`, Uint8Array.from(bytes));
  expect(tensorFromNpy(swapped(">i4", 0, 0, 1, 2)).data).toEqual(Int32Array.of(258));
  expect(tensorFromNpy(swapped(">f2", 0x3c, 0)).data).toEqual(Uint16Array.of(0x3c00));
  expect(tensorFromNpy(swapped(">i8", 255, 255, 255, 255, 255, 255, 255, 254)).data).toEqual(BigInt64Array.of(-2n));
  // 1 + 2i: each half is swapped, not the whole.
  expect(tensorFromNpy(swapped(">c8", 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0)).data).toEqual(Float32Array.of(1, 2));
  expect(tensorFromNpy(swapped(">U2", 0, 0, 0, 0x61, 0, 1, 0xf6, 0xa2)).data).toEqual(["a\u{1f6a2}"]);
  expect(tensorFromNpy(swapped("|S3", 0x61, 0x62, 0)).data).toEqual(["ab"]);
  // Bytes have no order, whatever the header says of it.
  expect(tensorFromNpy(swapped(">a4", 0x61, 0x62, 0x63, 0)).data).toEqual(["abc"]);
  expect(() => tensorFromNpy(swapped("|S1", 0xff))).toThrow(/UTF-8/);
  expect(() => tensorFromNpy(swapped("<U1", 0, 0, 0x11, 0))).toThrow(/Unicode/);
});

test("rows are read from their own bytes, once the header is known", () => {
  const array = createTensor("int16", [3, 2], Int16Array.of(1, 2, 3, 4, 5, 6));
  const file = npyFromTensor(array);
  const header = npyHeader(file.subarray(0, 128));
  expect(header).toEqual({
    dtype: "int16",
    shape: [3, 2],
    isFortran: false,
    itemBytes: 2,
    dataStart: 128,
    descr: "<i2",
  });
  const rows = file.subarray(header.dataStart + 4, header.dataStart + 12);
  expect(tensorFromNpyData(header, [2, 2], rows)).toEqual(createTensor("int16", [2, 2], Int16Array.of(3, 4, 5, 6)));
  expect(() => tensorFromNpyData(header, [2, 2], rows.subarray(1))).toThrow(/has 7 bytes of data/);
});

test("column-major text and three axes are put in order", () => {
  const text = npy("{'descr': '|S1', 'fortran_order': True, 'shape': (2, 2), }", Buffer.from("acbd"));
  expect(tensorFromNpy(text).data).toEqual(["a", "b", "c", "d"]);
  // numpy.asfortranarray(numpy.arange(8).reshape(2, 2, 2))
  const cube = npy(
    "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }",
    Uint8Array.of(0, 4, 2, 6, 1, 5, 3, 7),
  );
  expect(tensorFromNpy(cube).data).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
});

test("what NumPy has no type for is not written", () => {
  const refused = expect.objectContaining({ code: "REQUEST_MALFORMED" });
  expect(() => npyFromTensor({ dtype: "bfloat16", shape: [1], data: Uint16Array.of(0) })).toThrow(refused);
  expect(() => npyFromTensor({ dtype: "string", shape: [1], data: ["a\0"] })).toThrow(refused);
});

test.each([
  ["items without bytes", npy("{'descr': '<U0', 'fortran_order': False, 'shape': (4000000000,), }", new Uint8Array(0))],
  ["a negative length", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", f4())],
  [
    "too many elements",
    npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999999999, 9999999999), }", f4()),
  ],
  ["a header cut off", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 200, 0, 1)],
  ["records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", f4(1))],
  ["no array file", Buffer.from("hello world, hello")],
  ["Python objects", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", f4(1))],
  ["data too short", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", f4(1))],
  ["data too long", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", f4(1, 2))],
  ["a header that is code", npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", f4(1))],
  ["an unknown version", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", f4(1), 9)],
])("%s is refused", (_, bytes) => {
  expect(() => tensorFromNpy(bytes)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
});

test("no bytes crash it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 60 }), (data, header) => {
      for (const bytes of [
        data,
        npy(header, data),
        npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (${header}), }`, data),
      ]) {
        try {
          tensorFromNpy(bytes);
        } catch (error) {
          expect(["REQUEST_MALFORMED", "INPUT_SHAPE_MISMATCH", "INPUT_DATA_MISMATCH"]).toContain(
            (error as { code: string }).code,
          );
        }
      }
    }),
    { numRuns: 500 },
  );
});
