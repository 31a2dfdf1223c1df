// .npy and .npz files as columns: what NumPy writes, and archives that are not what they say.
import { deflateRawSync } from "node:zlib";
import { npyFromTensor } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchesFrom, opened, signatureOf, temporaryFolder } from "./dataset.testing.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
});
afterAll(() => files.remove());

/**
 * numpy.savez_compressed of NumPy 2.4.6: f = asfortranarray(arange(12.).reshape(3, 2, 2)), big = [1, -2, 3] as '>i4',
 * half = [[0.5], [-1.5], [65504]] as float16, text = ['a', 'zwö', '🚢'], label = [0, 1, 0] as uint8.
 */
const NUMPY =
  "UEsDBC0AAAAIAAAAIQC97795//////////8FABQAZi5ucHkBABAA4AAAAAAAAABoAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEg8pKk0FChdnJBakArkaxjoKRkCkqaNQq0Am4GJAAQIOEFoBSjNAaQkorQKlP9hDaBEoXwlKc0BpGSit5gAAUEsDBC0AAAAIAAAAIQBUxNUz//////////8HABQAYmlnLm5weQEAEACMAAAAAAAAAE8AAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpdpoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaxjqaOgq1ChQALgYGBsb/////A9LMAFBLAwQtAAAACAAAACEA609dDf//////////CAAUAGhhbGYubnB5AQAQAIYAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2akrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOgqGmjoKtQpkAy4GC4Z9/6sBUEsDBC0AAAAIAAAAIQAFPAy+//////////8IABQAdGV4dC5ucHkBABAApAAAAAAAAABUAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG4Taqyuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAK5EBgSoAuJyIP4GxIu+McLFAVBLAwQtAAAACAAAACEAZItoAv//////////CQAUAGxhYmVsLm5weQEAEACDAAAAAAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaxjqaOgq1ChQALgZGBgBQSwECLQMtAAAACAAAACEAve+/eWgAAADgAAAABQAAAAAAAAAAAAAAgAEAAAAAZi5ucHlQSwECLQMtAAAACAAAACEAVMTVM08AAACMAAAABwAAAAAAAAAAAAAAgAGfAAAAYmlnLm5weVBLAQItAy0AAAAIAAAAIQDrT10NTAAAAIYAAAAIAAAAAAAAAAAAAACAAScBAABoYWxmLm5weVBLAQItAy0AAAAIAAAAIQAFPAy+VAAAAKQAAAAIAAAAAAAAAAAAAACAAa0BAAB0ZXh0Lm5weVBLAQItAy0AAAAIAAAAIQBki2gCRwAAAIMAAAAJAAAAAAAAAAAAAACAATsCAABsYWJlbC5ucHlQSwUGAAAAAAUABQALAQAAvQIAAAAA";

const problem = async (
  description: unknown,
  read = false,
  signature = signatureOf({ x: ["float32", 2] }),
): Promise<string> => {
  try {
    const dataset = await opened(description, files.folder);
    if (read) await batchesFrom(dataset, signature);
    await dataset.close();
    return "none";
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  }
};

test("NumPy's compressed archive: Fortran order, the other byte order, halves and texts", async () => {
  files.write("numpy.npz", Buffer.from(NUMPY, "base64"));
  const dataset = await opened({ files: "numpy.npz" }, files.folder);
  expect(dataset.manifest.columns).toEqual([
    { name: "f", type: "float64[2, 2]" },
    { name: "big", type: "int32" },
    { name: "half", type: "float16[1]" },
    { name: "text", type: "string" },
    { name: "label", type: "uint8" },
  ]);
  const signature = signatureOf({ f: ["float32", 2, 2], big: ["int64"], half: ["float16", 1], text: ["string"] });
  const batches = await batchesFrom(dataset, signature, { batchRows: 2 });
  expect(batches.map(({ rows }) => rows)).toEqual([2, 1]);
  expect(batches[0]!.inputs).toEqual({
    f: { dtype: "float32", shape: [2, 2, 2], data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7) },
    big: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, -2n) },
    half: { dtype: "float16", shape: [2, 1], data: Uint16Array.of(0x3800, 0xbe00) },
    text: { dtype: "string", shape: [2], data: ["a", "zwö"] },
  });
  expect(batches[1]!.inputs["half"]!.data).toEqual(Uint16Array.of(0x7bff));
  expect(batches.map(({ labels }) => Array.from(labels!.values))).toEqual([[0, 1], [0]]);
  const [last] = await batchesFrom(dataset, signature, { firstRow: 2 });
  expect(last!.inputs["f"]!.data).toEqual(Float32Array.of(8, 9, 10, 11));
  await dataset.close();
});

test("several .npy files, each a column by its file's name", async () => {
  const wide = Float32Array.from({ length: 5000 * 300 }, (_, at) => at % 1000);
  files.write("images.npy", npyFromTensor({ dtype: "float32", shape: [5000, 3, 100], data: wide }));
  files.write(
    "labels.npy",
    npyFromTensor({
      dtype: "int64",
      shape: [5000, 1],
      data: BigInt64Array.from({ length: 5000 }, (_, at) => BigInt(at % 7)),
    }),
  );
  const dataset = await opened({ files: ["images.npy", "labels.npy"] }, files.folder);
  const batches = await batchesFrom(dataset, signatureOf({ pixels: ["float32", 3, 100] }), { batchRows: 1234 });
  const all = batches.flatMap(({ inputs }) => Array.from(inputs["pixels"]!.data as Float32Array));
  expect(Float32Array.from(all)).toEqual(wide);
  expect(batches.flatMap(({ labels }) => Array.from(labels!.values)).every((label, at) => label === at % 7)).toBe(true);
  await dataset.close();
});

test("numbers that a datatype can't hold are told by row", async () => {
  files.write("x.npy", npyFromTensor({ dtype: "float64", shape: [3, 2], data: Float64Array.of(1, 2, 3, 4, 5, 1e300) }));
  expect(await problem({ files: "x.npy" }, true)).toMatch(
    /^ROWS_INVALID x\.npy, row 3, column "x", at \[1\]: "1e\+300" can't be used; the input "x" takes numbers up to 3\.4e38/,
  );
  const wide = Float64Array.from({ length: 4 * 2 * 30 }, (_, at) => (at === 2 * 60 + 30 + 17 ? Number.NaN : 1));
  files.write("x.npy", npyFromTensor({ dtype: "float64", shape: [4, 2, 30], data: wide }));
  expect(await problem({ files: "x.npy" }, true, signatureOf({ x: ["float32", 2, 30] }))).toMatch(
    /^ROWS_INVALID x\.npy, row 3, column "x", at \[1, 17\]: "NaN" can't be used; the input "x" takes numbers/,
  );
  files.write("x.npy", npyFromTensor({ dtype: "float64", shape: [3, 3], data: new Float64Array(9) }));
  expect(await problem({ files: "x.npy" }, true)).toMatch(/^INPUT_SHAPE_MISMATCH .*takes 2 values a row.*x has 3/);
  files.write("x.npy", npyFromTensor({ dtype: "string", shape: [2, 2], data: ["1", "2", "3", "4"] }));
  expect(await problem({ files: "x.npy" }, true)).toMatch(/^INPUT_DTYPE_MISMATCH .*takes float32, and x has texts/);
});

test("arrays that are no columns of one table", async () => {
  const array = (rows: number) => npyFromTensor({ dtype: "float32", shape: [rows], data: new Float32Array(rows) });
  files.write("p.npy", array(3));
  files.write("q.npy", array(4));
  files.write("deep/p.npy", array(3));
  files.write("one.npy", npyFromTensor({ dtype: "float32", shape: [], data: Float32Array.of(1) }));
  expect(await problem({ files: ["p.npy", "q.npy"] })).toMatch(
    /^ROWS_INVALID The array "q" of q\.npy has the shape \[4\], and "p" has 3 rows/,
  );
  expect(await problem({ files: ["p.npy", "deep/p.npy"] })).toMatch(/Two arrays are called "p"/);
  expect(await problem({ files: ["one.npy"] })).toMatch(/has the shape \[\], and "one" has no rows/);
  files.write("cut.npy", array(3).subarray(0, -4));
  expect(await problem({ files: "cut.npy" })).toMatch(
    /"cut" of cut\.npy has 136 bytes; its shape \[3\] of '<f4' takes 140/,
  );
  files.write("code.npy", Buffer.from(Buffer.from(array(3)).toString("latin1").replace("'<f4'", "'|O8'"), "latin1"));
  expect(await problem({ files: "code.npy" })).toMatch(/^ROWS_INVALID The array "code" of code\.npy can't be read/);
});

/** A ZIP archive of one member, with what it says of it. */
function zip(
  name: string,
  content: Uint8Array,
  said: { method?: number; flags?: number; size?: number; zip64?: boolean; data?: Uint8Array } = {},
): Buffer {
  const method = said.method ?? 8;
  const data = said.data ?? (method === 8 ? deflateRawSync(content) : content);
  const size = said.size ?? content.byteLength;
  const local = Buffer.alloc(30 + name.length);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  local.write(name, 30);
  const extra = Buffer.alloc(said.zip64 === true ? 28 : 0);
  if (said.zip64 === true) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(data.byteLength), 12);
  }
  const entry = Buffer.alloc(46 + name.length);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(said.flags ?? 0, 8);
  entry.writeUInt16LE(method, 10);
  entry.writeUInt32LE(said.zip64 === true ? 0xffffffff : data.byteLength, 20);
  entry.writeUInt32LE(said.zip64 === true ? 0xffffffff : size, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(extra.byteLength, 30);
  entry.writeUInt32LE(said.zip64 === true ? 0xffffffff : 0, 42);
  entry.write(name, 46);
  const directoryAt = local.byteLength + data.byteLength;
  const directoryBytes = entry.byteLength + extra.byteLength;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(said.zip64 === true ? 0xffff : 1, 10);
  end.writeUInt32LE(said.zip64 === true ? 0xffffffff : directoryBytes, 12);
  end.writeUInt32LE(said.zip64 === true ? 0xffffffff : directoryAt, 16);
  const record = Buffer.alloc(said.zip64 === true ? 76 : 0);
  if (said.zip64 === true) {
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(1n, 32);
    record.writeBigUInt64LE(BigInt(directoryBytes), 40);
    record.writeBigUInt64LE(BigInt(directoryAt), 48);
    record.writeUInt32LE(0x07064b50, 56);
    record.writeBigUInt64LE(BigInt(directoryAt + directoryBytes), 64);
  }
  return Buffer.concat([local, data, entry, extra, record, end]);
}

const column = npyFromTensor({ dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });

test("an archive of ZIP64, stored and deflated, is read", async () => {
  for (const said of [{ zip64: true }, { zip64: true, method: 0 }, { method: 0 }, {}]) {
    files.write("form.npz", zip("x.npy", column, said));
    const dataset = await opened({ files: "form.npz" }, files.folder);
    const [batch] = await batchesFrom(dataset, signatureOf({ x: ["float32", 2] }));
    expect(batch!.inputs["x"]!.data).toEqual(Float32Array.of(1, 2, 3, 4));
    await dataset.close();
  }
});

test.each<[string, () => Uint8Array, RegExp]>([
  ["no archive", () => Buffer.from("PK, they said"), /is no \.npz file: it is no ZIP archive/],
  ["an archive cut off at its beginning", () => zip("x.npy", column).subarray(20), /^ROWS_INVALID bad\.npz /],
  ["an encrypted member", () => zip("x.npy", column, { flags: 1 }), /an encrypted member "x\.npy"/],
  [
    "another packing",
    () => zip("x.npy", column, { method: 12, data: column }),
    /packed by method 12; stored and deflate are read/,
  ],
  [
    "a member that says it unpacks to more than it can",
    () => zip("x.npy", column, { size: 2 ** 31 }),
    /can't unpack to the 2147483648 bytes it says/,
  ],
  ["a member larger than it says", () => zip("x.npy", column, { size: 130 }), /has 130 bytes; its shape/],
  [
    "a member that ends early",
    () => zip("x.npy", column, { data: deflateRawSync(column.subarray(0, 140)) }),
    /ends before its last row|can't be unpacked/,
  ],
  ["packed bytes that are none", () => zip("x.npy", column, { data: Buffer.alloc(60, 0xff) }), /can't be unpacked/],
  ["a member that is no array", () => zip("x.txt", Buffer.from("hello")), /^ROWS_INVALID /],
])("%s is refused", async (_, bytes, message) => {
  files.write("bad.npz", bytes());
  expect(await problem({ files: "bad.npz" }, true)).toMatch(message);
});

test("no archive crashes it: bytes changed at random are read, or refused with a code", async () => {
  const whole = Buffer.from(NUMPY, "base64");
  const changes = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(whole.byteLength), async (some, cut) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of some) bytes[at] = byte;
      files.write("fuzz.npz", some.length === 4 ? bytes.subarray(0, cut) : bytes);
      expect(await problem({ files: "fuzz.npz", inputs: { x: "half" } }, true)).toMatch(
        /^(none|ROWS_INVALID|INPUT_\w+|DATASET_INVALID) ?/,
      );
    }),
    { numRuns: 200 },
  );
});
