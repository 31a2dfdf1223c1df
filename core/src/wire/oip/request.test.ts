import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DTYPES, type DType, type NamedTensor, type Signature } from "#tensor";
import { binaryFromTensor } from "./binary.ts";
import { decodeRawRequest } from "./raw-request.ts";
import { decodeInferRequest, type InferRequest } from "./request.ts";

const encoder = new TextEncoder();

function decode(body: unknown, ...binaries: Uint8Array[]): InferRequest {
  const json = encoder.encode(typeof body === "string" ? body : JSON.stringify(body));
  if (binaries.length === 0) return decodeInferRequest(json);
  return decodeInferRequest(joined([json, ...binaries]), json.length);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function input(fields: object): object {
  return { inputs: [{ name: "x", shape: [2], datatype: "FP32", data: [1, 2], ...fields }] };
}

function refusal(body: unknown, ...binaries: Uint8Array[]): { code: string; message: string } {
  try {
    decode(body, ...binaries);
  } catch (error) {
    expect(error).toMatchObject({ name: "SlipwayError" });
    return error as { code: string; message: string };
  }
  throw new Error("The request was taken.");
}

describe("decodeInferRequest", () => {
  it("reads a whole request", () => {
    const request = decode({
      id: "a ☃ \n 7",
      parameters: { timeout: 5000, priority: 1, isHot: true, note: "n" },
      inputs: [
        { name: "x", shape: [1, 2], datatype: "FP32", parameters: { kept: "no" }, data: [0.5, -2e-3] },
        { name: "ids", shape: [2, 1], datatype: "INT64", data: [[9007199254740993n], [-1]].map(() => 0) },
      ],
      outputs: [{ name: "y" }, { name: "z", parameters: { binary_data: true, classification: 3 } }],
    });
    expect(request.id).toBe("a ☃ \n 7");
    expect([...request.parameters]).toEqual([
      ["timeout", 5000],
      ["priority", 1],
      ["isHot", true],
      ["note", "n"],
    ]);
    expect(request.inputs[0]).toEqual({
      name: "x",
      dtype: "float32",
      shape: [1, 2],
      data: Float32Array.of(0.5, -2e-3),
    });
    expect(request.outputs).toEqual([
      { name: "y", isBinary: false, classification: 0 },
      { name: "z", isBinary: true, classification: 3 },
    ]);
    expect(request.isBinaryDefault).toBe(false);
  });

  it("takes keys in any order, unknown keys, nulls and white space", () => {
    const request = decode(
      '\n{ "outputs" : null , "more": [{"a":[1,{"b":null}]}], "inputs":[ { "data" : [ [ 1 , 2 ] , [ 3 , 4 ] ] , "odd":"\\u0041", "shape":[ 2 , 2 ],\t"datatype":"INT8", "name":"x", "parameters":null}],"id":null,"parameters":null }\r\n',
    );
    expect(request).toEqual({
      id: null,
      parameters: new Map(),
      inputs: [{ name: "x", dtype: "int8", shape: [2, 2], data: Int8Array.of(1, 2, 3, 4) }],
      outputs: null,
      isBinaryDefault: false,
    });
  });

  it.each<[DType, string, unknown]>([
    ["bool", "[true,false,1,0]", Uint8Array.of(1, 0, 1, 0)],
    ["uint8", "[0,255,2.0,1e1]", Uint8Array.of(0, 255, 2, 10)],
    ["int8", "[-128,127,-0,0]", Int8Array.of(-128, 127, 0, 0)],
    ["uint16", "[0,65535,1,2]", Uint16Array.of(0, 65535, 1, 2)],
    ["int16", "[-32768,32767,1,2]", Int16Array.of(-32768, 32767, 1, 2)],
    ["uint32", "[0,4294967295,1,2]", Uint32Array.of(0, 4294967295, 1, 2)],
    ["int32", "[-2147483648,2147483647,1,2]", Int32Array.of(-2147483648, 2147483647, 1, 2)],
    [
      "int64",
      "[-9223372036854775808,9223372036854775807,-9007199254740993,-4294967297]",
      BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -9007199254740993n, -4294967297n),
    ],
    [
      "uint64",
      "[18446744073709551615,9007199254740993,4294967296,0]",
      BigUint64Array.of(2n ** 64n - 1n, 9007199254740993n, 4294967296n, 0n),
    ],
    ["float32", "[0.1,NaN,-Infinity,3.4028235e38]", Float32Array.of(0.1, NaN, -Infinity, 3.4028235e38)],
    ["float64", "[0.1,NaN,Infinity,5e-324]", Float64Array.of(0.1, NaN, Infinity, 5e-324)],
    ["string", '["","a\\"b","\\u20ac\\ud83d\\ude00","€😀"]', ["", 'a"b', "€😀", "€😀"]],
  ])("reads %s, flat and nested", (dtype, text, data) => {
    const datatype = DTYPES[dtype].oip;
    const flat = `{"inputs":[{"name":"x","shape":[4],"datatype":"${datatype}","data":${text}}]}`;
    expect(decode(flat).inputs[0]!.data).toEqual(data);
    const late = `{"inputs":[{"data":${text},"name":"x","datatype":"${datatype}","shape":[2,2]}]}`;
    expect(decode(late).inputs[0]!.data).toEqual(data);
    const values = text.slice(1, -1).split(",");
    const nested = `[[${values.slice(0, 2).join()}],[${values.slice(2).join()}]]`;
    const body = `{"inputs":[{"name":"x","shape":[2,2],"datatype":"${datatype}","data":${nested}}]}`;
    expect(decode(body).inputs[0]!.data).toEqual(data);
  });

  it.each<[number[], string, number[]]>([
    [[], "[7]", [7]],
    [[], "7", [7]],
    [[1, 1, 1], "[[[7]]]", [7]],
    [[0], "[]", []],
    [[0, 3], "[]", []],
    [[2, 0], "[[],[]]", []],
    [[2, 0], "[]", []],
    [[2, 1, 2], "[[[1,2]],[[3,4]]]", [1, 2, 3, 4]],
    [[2, 1, 2], "[1,2,3,4]", [1, 2, 3, 4]],
  ])("reads shape %j from %s", (shape, text, data) => {
    const body = `{"inputs":[{"name":"x","shape":${JSON.stringify(shape)},"datatype":"FP64","data":${text}}]}`;
    expect(decode(body).inputs[0]!.data).toEqual(Float64Array.from(data));
  });

  it("reads what JSON.parse reads, whatever the order of keys, nesting and spacing", () => {
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    const tensor = shape.chain((axes) => {
      const count = axes.reduce((product, length) => product * length, 1);
      return fc
        .record({
          shape: fc.constant(axes),
          values: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: count, maxLength: count }),
          isNested: fc.boolean(),
          datatype: fc.constantFrom("FP32", "FP64"),
          name: fc.string({ unit: "binary", maxLength: 12 }),
          order: fc.shuffledSubarray(["name", "shape", "datatype", "data"], { minLength: 4 }),
        })
        .map((made) => {
          const isSingle = made.values.every((value) => Number.isFinite(Math.fround(value)));
          return isSingle ? made : { ...made, datatype: "FP64" };
        });
    });
    fc.assert(
      fc.property(fc.array(tensor, { maxLength: 3 }), fc.constantFrom(undefined, 1, "\t"), (tensors, indent) => {
        const inputs = tensors.map(({ shape, values, isNested, datatype, name, order }) => {
          const fields: Record<string, unknown> = {
            shape,
            datatype,
            name,
            data: isNested ? nest(values, shape) : values,
          };
          return Object.fromEntries(order.map((key) => [key, fields[key]]));
        });
        const request = decode(JSON.stringify({ inputs }, null, indent));
        expect(request.inputs).toEqual(
          tensors.map(({ shape, values, datatype, name }) => ({
            name,
            shape,
            dtype: datatype === "FP32" ? "float32" : "float64",
            // JSON.stringify drops the sign of zero.
            data: datatype === "FP32" ? Float32Array.from(values, unsigned) : Float64Array.from(values, unsigned),
          })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("throws nothing but coded errors, and nothing where JSON.parse would not either", () => {
    const text = JSON.stringify({
      id: "é",
      parameters: { binary_data_output: false },
      inputs: [
        {
          name: "x",
          shape: [2, 2],
          datatype: "FP32",
          data: [
            [1.5, -2],
            [3e2, 4],
          ],
        },
        { name: "s", shape: [2], datatype: "BYTES", data: ["a", "\\"] },
        { name: "i", shape: [2], datatype: "INT64", data: [12345678901234567890n, 2].map(Number) },
      ],
      outputs: [{ name: "y", parameters: { classification: 2 } }],
    });
    const original = encoder.encode(text);
    const edit = fc.record({
      at: fc.nat(original.length - 1),
      byte: fc.oneof(fc.constantFrom(...original), fc.nat(255)),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), fc.nat(original.length), (edits, cut) => {
        const bytes = original.slice();
        for (const { at, byte } of edits) bytes[at] = byte;
        const body = cut % 3 === 0 ? bytes.subarray(0, cut) : bytes;
        let isTaken = true;
        try {
          decodeInferRequest(body);
        } catch (error) {
          expect(error).toMatchObject({ name: "SlipwayError" });
          isTaken = false;
        }
        if (isTaken) JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
      }),
      { numRuns: 4000 },
    );
  });

  it.each<[string, unknown, string, RegExp]>([
    ["an empty body", "", "REQUEST_MALFORMED", /expected an object, found the end/],
    ["an array", "[]", "REQUEST_MALFORMED", /expected an object, found '\['/],
    ["something after the object", '{"inputs":[]} {}', "REQUEST_MALFORMED", /nothing after .* \(byte 14\)/],
    ["no inputs", {}, "REQUEST_MALFORMED", /no "inputs"/],
    ["inputs that are no array", { inputs: {} }, "REQUEST_MALFORMED", /inputs: expected an array/],
    ["an input that is no object", { inputs: [1] }, "REQUEST_MALFORMED", /inputs\[0\]: expected an object/],
    ["no name", input({ name: undefined }), "REQUEST_MALFORMED", /inputs\[0\]: "name" is missing/],
    ["no shape", input({ shape: undefined }), "REQUEST_MALFORMED", /"shape" is missing/],
    ["no datatype", input({ datatype: undefined }), "REQUEST_MALFORMED", /"datatype" is missing/],
    ["no data", input({ data: undefined }), "REQUEST_MALFORMED", /"data" is missing/],
    ["a name that is a number", input({ name: 1 }), "REQUEST_MALFORMED", /inputs\[0\]\.name: expected a string/],
    ["a long name", input({ name: "n".repeat(2000) }), "REQUEST_MALFORMED", /at most 1024/],
    ["an unknown datatype", input({ datatype: "FP31" }), "REQUEST_MALFORMED", /"FP31" is no datatype/],
    ["a negative axis", input({ shape: [-1, 2] }), "INPUT_SHAPE_MISMATCH", /inputs\[0\]\.shape: .*axis length -1/],
    ["a fraction of an axis", input({ shape: [1.5] }), "REQUEST_MALFORMED", /whole number/],
    ["an axis that is text", input({ shape: ["2"] }), "REQUEST_MALFORMED", /shape: expected a number/],
    ["an overflowing product", input({ shape: [2 ** 31, 2 ** 31] }), "INPUT_SHAPE_MISMATCH", /more than/],
    ["an axis past whole numbers", input({ shape: [1e300] }), "INPUT_SHAPE_MISMATCH", /axis length 1e\+300/],
    ["very many axes", input({ shape: Array(1000).fill(1) }), "INPUT_SHAPE_MISMATCH", /axes/],
    ["a shape with no room for its data", input({ shape: [2 ** 31] }), "INPUT_DATA_MISMATCH", /no room/],
    ["too few values", input({ data: [1] }), "INPUT_DATA_MISMATCH", /1 value where 2/],
    ["too many values", input({ data: [1, 2, 3] }), "INPUT_DATA_MISMATCH", /more than the 2/],
    ["no values", input({ data: [] }), "INPUT_DATA_MISMATCH", /no values where 2/],
    ["a value that is text", input({ data: [1, "2"] }), "INPUT_DATA_MISMATCH", /inputs\[0\]\.data: expected a number/],
    ["a null value", input({ data: [1, null] }), "INPUT_DATA_MISMATCH", /found 'n'/],
    ["data that is no array", input({ data: 1 }), "INPUT_DATA_MISMATCH", /expected an array/],
    ["nesting too deep", input({ data: [[1], [2]] }), "INPUT_DATA_MISMATCH", /contradicts shape \[2\]/],
    ["nesting too shallow", input({ shape: [2, 1], data: [[1], 2] }), "INPUT_DATA_MISMATCH", /contradicts/],
    ["half-nested data", input({ shape: [2, 1, 1], data: [[1], [2]] }), "INPUT_DATA_MISMATCH", /contradicts/],
    ["transposed nesting", input({ shape: [1, 2], data: [[1], [2]] }), "INPUT_DATA_MISMATCH", /1 value where 2/],
    ["a fraction for INT32", input({ datatype: "INT32", data: [1, 1.5] }), "INPUT_DATA_MISMATCH", /1\.5 is no INT32/],
    ["too much for UINT8", input({ datatype: "UINT8", data: [256, 0] }), "INPUT_DATA_MISMATCH", /256 is no UINT8/],
    ["too little for UINT64", input({ datatype: "UINT64", data: [-1, 0] }), "INPUT_DATA_MISMATCH", /-1 is no UINT64/],
    ["2 for BOOL", input({ datatype: "BOOL", data: [2, 0] }), "INPUT_DATA_MISMATCH", /2 is no BOOL/],
    ["a number for BYTES", input({ datatype: "BYTES", data: ["a", 1] }), "INPUT_DATA_MISMATCH", /expected a string/],
    ["FP16 as JSON", input({ datatype: "FP16" }), "INPUT_DATA_MISMATCH", /FP16 has no JSON form/],
    ["BF16 as JSON", input({ datatype: "BF16" }), "INPUT_DATA_MISMATCH", /BF16 has no JSON form/],
    ["an id that is a number", { id: 1, inputs: [] }, "REQUEST_MALFORMED", /id: expected a string/],
    ["a parameter that is an object", { parameters: { a: {} }, inputs: [] }, "REQUEST_MALFORMED", /parameters\.a/],
    ["outputs that are names", { inputs: [], outputs: ["y"] }, "REQUEST_MALFORMED", /outputs\[0\]: expected an object/],
    ["an output twice", { inputs: [], outputs: [{ name: "y" }, { name: "y" }] }, "REQUEST_MALFORMED", /twice/],
    [
      "a negative classification",
      { inputs: [], outputs: [{ name: "y", parameters: { classification: -1 } }] },
      "PARAMETER_INVALID",
      /outputs\[0\]\.parameters\.classification/,
    ],
    [
      "binary_data that is no boolean",
      { inputs: [], outputs: [{ name: "y", parameters: { binary_data: 1 } }] },
      "PARAMETER_INVALID",
      /binary_data is 1/,
    ],
    [
      "shared memory",
      input({ data: undefined, parameters: { shared_memory_region: "r", shared_memory_byte_size: 8 } }),
      "EXTENSION_UNSUPPORTED",
      /shared memory/,
    ],
    [
      "too many inputs",
      { inputs: Array.from({ length: 2000 }, () => ({ name: "x", shape: [0], datatype: "FP32", data: [] })) },
      "REQUEST_MALFORMED",
      /at most 1024 inputs/,
    ],
    ["deep JSON in an unknown key", `{"a":${"[".repeat(10_000)}`, "REQUEST_MALFORMED", /deeper than 64/],
    ["deep data before its shape", `{"inputs":[{"data":${"[".repeat(10_000)}`, "REQUEST_MALFORMED", /deeper than 64/],
  ])("refuses %s", (_, body, code, message) => {
    expect(refusal(body)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each(["9223372036854775808", "-9223372036854775809", "1e19", "9007199254740993.5", "1".repeat(400), "NaN"])(
    "refuses %s as INT64",
    (text) => {
      const body = `{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[${text}]}]}`;
      expect(refusal(body).code).toBe("INPUT_DATA_MISMATCH");
    },
  );

  it.each([
    ["FP32", "1e39"],
    ["FP32", "-3.4028236e38"],
    ["FP32", "1e400"],
    ["FP64", "1e309"],
    ["FP64", "9".repeat(400)],
  ])("refuses a number that %s can't hold: %s", (datatype, text) => {
    const body = `{"inputs":[{"name":"x","shape":[2],"datatype":"${datatype}","data":[0, ${text}]}]}`;
    expect(refusal(body)).toMatchObject({
      code: "INPUT_DATA_MISMATCH",
      message: `inputs[0].data: ${text.slice(0, 40)} is no ${datatype} value (byte ${body.lastIndexOf(text)}).`,
    });
  });

  it.each([
    '{"inputs":[],"inputs":[]}',
    '{"id":"a","inputs":[],"id":"b"}',
    '{"inputs":[{"name":"x","name":"x","shape":[1],"datatype":"FP32","data":[1]}]}',
    '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1],"data":[1]}]}',
    '{"inputs":[{"data":[1],"data":[1],"name":"x","shape":[1],"datatype":"FP32"}]}',
    '{"inputs":[{"name":"x","shape":[1],"shape":[1],"datatype":"FP32","data":[1]}]}',
    '{"inputs":[],"parameters":{"a":1,"a":1}}',
    '{"inputs":[],"outputs":[{"name":"y","name":"y"}]}',
  ])("refuses a key that stands twice: %s", (body) => {
    expect(refusal(body)).toMatchObject({ code: "REQUEST_MALFORMED", message: expect.stringMatching(/stands twice/) });
  });

  it("names the byte", () => {
    const text = '{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2,x]}]}';
    expect(refusal(text).message).toBe(`inputs[0].data: expected a number, found 'x' (byte ${text.indexOf("x]")}).`);
  });

  it("keeps __proto__ an ordinary parameter", () => {
    const request = decode('{"inputs":[],"parameters":{"__proto__":"p"}}');
    expect([...request.parameters]).toEqual([["__proto__", "p"]]);
    expect(({} as { p?: string }).p).toBeUndefined();
  });
});

describe("binary data", () => {
  const twoFloats = binaryFromTensor({ dtype: "float32", shape: [2], data: Float32Array.of(1.5, -2) });
  const binaryInput = (fields: object) => ({ name: "x", shape: [2], datatype: "FP32", ...fields });

  it("round-trips every type that has a datatype", () => {
    const tensors: NamedTensor[] = [
      { name: "a", dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
      { name: "b", dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
      { name: "c", dtype: "bfloat16", shape: [1], data: Uint16Array.of(0x3f80) },
      { name: "d", dtype: "int64", shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
      { name: "e", dtype: "float64", shape: [1, 1], data: Float64Array.of(Math.PI) },
      { name: "f", dtype: "string", shape: [2, 2], data: ["", "a", "€", "\u0000😀"] },
      { name: "g", dtype: "int8", shape: [0], data: new Int8Array(0) },
      { name: "h", dtype: "uint32", shape: [], data: Uint32Array.of(7) },
    ];
    const binaries = tensors.map(binaryFromTensor);
    const inputs = tensors.map(({ name, shape, dtype }, index) => ({
      name,
      shape,
      datatype: DTYPES[dtype].oip,
      parameters: { binary_data_size: binaries[index]!.length },
    }));
    // Spaces in the JSON put the binary data on every alignment.
    for (let spaces = 0; spaces < 8; spaces++) {
      const request = decode(JSON.stringify({ inputs }) + " ".repeat(spaces), ...binaries);
      expect(request.inputs).toEqual(tensors);
    }
  });

  it("mixes with JSON data", () => {
    const inputs = [
      { name: "j", shape: [1], datatype: "INT32", data: [5] },
      binaryInput({ parameters: { binary_data_size: 8 } }),
    ];
    const request = decode({ inputs, parameters: { binary_data_output: true }, outputs: [{ name: "y" }] }, twoFloats);
    expect(request.inputs.map(({ data }) => [...data])).toEqual([[5], [1.5, -2]]);
    expect(request.outputs).toEqual([{ name: "y", isBinary: true, classification: 0 }]);
  });

  it("views aligned bytes instead of copying them", () => {
    const json = JSON.stringify({ inputs: [binaryInput({ parameters: { binary_data_size: 8 } })] });
    const head = encoder.encode(json.padEnd(Math.ceil(json.length / 4) * 4));
    const body = joined([head, twoFloats]);
    const { data } = decodeInferRequest(body, head.length).inputs[0]!;
    expect((data as Float32Array).buffer).toBe(body.buffer);
  });

  it.each<[string, object, Uint8Array, string, RegExp]>([
    [
      "a size that is not the shape's",
      { binary_data_size: 4 },
      twoFloats.slice(0, 4),
      "INPUT_DATA_MISMATCH",
      /unexpected size/,
    ],
    ["more than is there", { binary_data_size: 8 }, twoFloats.slice(0, 7), "INPUT_DATA_MISMATCH", /7 bytes are left/],
    [
      "leftovers",
      { binary_data_size: 8 },
      joined([twoFloats, twoFloats]),
      "REQUEST_MALFORMED",
      /additional input data: 8/,
    ],
    ["a negative size", { binary_data_size: -1 }, twoFloats, "PARAMETER_INVALID", /binary_data_size is -1/],
    ["a size that is text", { binary_data_size: "8" }, twoFloats, "PARAMETER_INVALID", /"8"/],
    ["a fraction", { binary_data_size: 7.5 }, twoFloats, "PARAMETER_INVALID", /7\.5/],
  ])("refuses %s", (_, parameters, bytes, code, message) => {
    const body = { inputs: [binaryInput({ parameters })] };
    expect(refusal(body, bytes)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("refuses data beside a binary size", () => {
    const body = { inputs: [binaryInput({ data: [1, 2], parameters: { binary_data_size: 8 } })] };
    expect(refusal(body, twoFloats).message).toMatch(/exclude each other/);
  });

  it("refuses a binary size without a header length", () => {
    const body = { inputs: [binaryInput({ parameters: { binary_data_size: 8 } })] };
    expect(refusal(body)).toMatchObject({ code: "INPUT_DATA_MISMATCH" });
  });

  it("refuses a header length past the body", () => {
    expect(() => decodeInferRequest(encoder.encode('{"inputs":[]}'), 14)).toThrow(/is 14; the body has 13/);
  });

  it("does not read JSON past the header length", () => {
    expect(() => decodeInferRequest(encoder.encode('{"inputs":[]}'), 12)).toThrow(/found the end of the JSON/);
  });

  it("refuses a byte that is no BOOL", () => {
    const body = { inputs: [{ name: "x", shape: [2], datatype: "BOOL", parameters: { binary_data_size: 2 } }] };
    expect(refusal(body, Uint8Array.of(1, 2)).message).toMatch(/element 1 is 2/);
  });

  it.each<[string, number[], RegExp]>([
    ["a cut length", [1, 0, 0], /can't hold/],
    ["a cut element", [5, 0, 0, 0, 65], /element 0 is longer/],
    ["a huge length", [255, 255, 255, 255, 65], /element 0 is longer/],
    ["bytes left over", [1, 0, 0, 0, 65, 66], /1 bytes are left over/],
    ["text that is no UTF-8", [1, 0, 0, 0, 255], /not valid UTF-8/],
  ])("refuses BYTES with %s", (_, bytes, message) => {
    const body = {
      inputs: [{ name: "x", shape: [1], datatype: "BYTES", parameters: { binary_data_size: bytes.length } }],
    };
    expect(refusal(body, Uint8Array.from(bytes))).toMatchObject({
      code: "INPUT_DATA_MISMATCH",
      message: expect.stringMatching(message),
    });
  });
});

describe("decodeRawRequest", () => {
  const signature = (shape: (number | string | null)[], dtype: DType = "float32"): Signature => ({
    inputs: [{ name: "x", type: { kind: "tensor", dtype, shape } }],
    outputs: [],
  });
  const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

  it.each<[(number | string | null)[], number[]]>([
    [
      ["N", 4],
      [1, 4],
    ],
    [
      ["N", 2],
      [2, 2],
    ],
    [
      ["N", "T"],
      [1, 4],
    ],
    [
      [2, null],
      [2, 2],
    ],
    [[4], [4]],
    [[null], [4]],
    [
      ["N", "T", 2],
      [1, 2, 2],
    ],
  ])("shapes the body for %j as %j", (axes, shape) => {
    const request = decodeRawRequest(floats, signature(axes));
    expect(request.inputs).toEqual([{ name: "x", dtype: "float32", shape, data: Float32Array.of(1, 2, 3, 4) }]);
    expect(request.isBinaryDefault).toBe(true);
  });

  it("takes the body as one string, without a length before it", () => {
    const request = decodeRawRequest(encoder.encode("€1"), signature(["N"], "string"));
    expect(request.inputs).toEqual([{ name: "x", dtype: "string", shape: [1], data: ["€1"] }]);
  });

  it.each<[string, Signature, RegExp]>([
    ["no such size", signature(["N", 3]), /takes 12 bytes; 16 were sent/],
    ["two variable axes besides a batch", signature(["N", "H", "W"]), /variable axes/],
    ["two inputs", { inputs: [...signature([4]).inputs, ...signature([4]).inputs], outputs: [] }, /exactly one input/],
    ["several strings", signature([2], "string"), /several strings/],
  ])("refuses %s", (_, model, message) => {
    expect(() => decodeRawRequest(floats, model)).toThrow(message);
  });
});

/** The value, with -0 as 0. */
function unsigned(value: number): number {
  return value + 0;
}

/** A flat list nested to a shape. */
function nest(values: readonly number[], shape: readonly number[]): unknown {
  if (shape.length === 0) return values[0];
  const width = values.length / Math.max(1, shape[0]!);
  return Array.from({ length: shape[0]! }, (_, row) =>
    nest(values.slice(row * width, (row + 1) * width), shape.slice(1)),
  );
}
