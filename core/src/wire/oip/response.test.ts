import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DTYPES, type NamedTensor, type Signature } from "#tensor";
import { dataFromBinary } from "./binary.ts";
import { decodeInferRequest, type InferRequest, type RequestedOutput } from "./request.ts";
import { checkRequestedForms, type EncodedResponse, encodeInferResponse } from "./response.ts";

const encoder = new TextEncoder();

interface Asked {
  readonly id?: string;
  readonly outputs?: readonly RequestedOutput[];
  readonly isBinaryDefault?: boolean;
  readonly labels?: readonly string[];
}

function encode(outputs: readonly NamedTensor[], asked: Asked = {}): EncodedResponse {
  return encodeInferResponse({
    request: { id: asked.id ?? null, outputs: asked.outputs ?? null, isBinaryDefault: asked.isBinaryDefault ?? false },
    modelName: "m",
    modelVersion: "3",
    inferenceId: "abc",
    outputs,
    labelsOf: () => asked.labels ?? null,
  });
}

function tensor(fields: Partial<NamedTensor>): NamedTensor {
  return { name: "y", dtype: "float32", shape: [2], data: Float32Array.of(1, 2), ...fields };
}

/** The text of the first output's data. */
function dataOf(output: NamedTensor): string {
  return /"data":(.*)\}\]\}$/s.exec(encode([output]).json)![1]!;
}

describe("encodeInferResponse", () => {
  it("answers id, model_name, model_version, parameters and outputs, in Triton's order", () => {
    const { json, binaries } = encode([tensor({})], { id: 'a"b\n☃' });
    expect(json).toBe(
      String.raw`{"id":"a\"b\n☃","model_name":"m","model_version":"3","parameters":{"inference_id":"abc"},"outputs":[{"name":"y","shape":[2],"datatype":"FP32","data":[1,2]}]}`,
    );
    expect(binaries).toEqual([]);
  });

  it("leaves the id out where the request had none", () => {
    expect(Object.keys(JSON.parse(encode([]).json))).toEqual(["model_name", "model_version", "parameters", "outputs"]);
  });

  it.each<[string, NamedTensor]>([
    ["[true,false]", tensor({ dtype: "bool", data: Uint8Array.of(1, 0) })],
    ["[0,255]", tensor({ dtype: "uint8", data: Uint8Array.of(0, 255) })],
    ["[-128,127]", tensor({ dtype: "int8", data: Int8Array.of(-128, 127) })],
    ["[4294967295,0]", tensor({ dtype: "uint32", data: Uint32Array.of(4294967295, 0) })],
    ["[9223372036854775807,-1]", tensor({ dtype: "int64", data: BigInt64Array.of(2n ** 63n - 1n, -1n) })],
    ["[18446744073709551615,0]", tensor({ dtype: "uint64", data: BigUint64Array.of(2n ** 64n - 1n, 0n) })],
    ["[0.10000000149011612,-0.0]", tensor({ data: Float32Array.of(0.1, -0) })],
    ["[0.1,1e+300]", tensor({ dtype: "float64", data: Float64Array.of(0.1, 1e300) })],
    ["[NaN,Infinity,-Infinity]", tensor({ shape: [3], data: Float32Array.of(NaN, Infinity, -Infinity) })],
    ['["a\\"\\\\","\\u0000é😀"]', tensor({ dtype: "string", data: ['a"\\', "\u0000é😀"] })],
    ["[]", tensor({ shape: [0], data: new Float32Array(0) })],
    ["[7]", tensor({ shape: [], data: Float32Array.of(7) })],
  ])("prints %s", (text, output) => {
    expect(dataOf(output)).toBe(text);
  });

  it("prints numbers that our own decoder reads back to the bit", () => {
    const floats = fc.array(fc.float(), { minLength: 1, maxLength: 20 });
    const doubles = fc.array(fc.double(), { minLength: 1, maxLength: 20 });
    const readBack = (output: NamedTensor) => {
      const { name, shape, datatype } = { ...output, datatype: DTYPES[output.dtype].oip };
      const body = `{"inputs":[{"name":"${name}","shape":[${shape.join()}],"datatype":"${datatype}","data":${dataOf(output)}}]}`;
      return decodeInferRequest(encoder.encode(body)).inputs[0]!.data;
    };
    fc.assert(
      fc.property(floats, doubles, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (narrow, wide, whole) => {
        for (const output of [
          tensor({ shape: [narrow.length], data: Float32Array.from(narrow) }),
          tensor({ shape: [wide.length], dtype: "float64", data: Float64Array.from(wide) }),
          tensor({ shape: [1], dtype: "int64", data: BigInt64Array.of(whole) }),
        ]) {
          expect(readBack(output)).toEqual(output.data);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("prints strings that JSON.parse reads back", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }), (data) => {
        expect(JSON.parse(dataOf(tensor({ dtype: "string", shape: [data.length], data })))).toEqual(data);
      }),
    );
  });

  it("puts binary outputs after the JSON, in order", () => {
    const outputs: RequestedOutput[] = [
      { name: "a", isBinary: true, classification: 0 },
      { name: "b", isBinary: false, classification: 0 },
      { name: "c", isBinary: true, classification: 0 },
    ];
    const half = tensor({ name: "a", dtype: "float16", data: Uint16Array.of(0x3c00, 0) });
    const texts = tensor({ name: "c", dtype: "string", data: ["é", ""] });
    const { json, binaries } = encode([half, tensor({ name: "b" }), texts], { outputs });
    expect(JSON.parse(json).outputs).toEqual([
      { name: "a", shape: [2], datatype: "FP16", parameters: { binary_data_size: 4 } },
      { name: "b", shape: [2], datatype: "FP32", data: [1, 2] },
      { name: "c", shape: [2], datatype: "BYTES", parameters: { binary_data_size: 10 } },
    ]);
    expect(binaries.map((bytes) => [...bytes])).toEqual([
      [0, 0x3c, 0, 0],
      [2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0],
    ]);
    expect(dataFromBinary("string", [2], binaries[1]!, "c")).toEqual(["é", ""]);
  });

  it("makes every output binary where that is the default", () => {
    expect(encode([tensor({}), tensor({})], { isBinaryDefault: true }).binaries).toHaveLength(2);
  });

  it("refuses an output the protocol has no datatype for", () => {
    const output = tensor({ dtype: "complex64", shape: [1] });
    expect(() => encode([output])).toThrow(expect.objectContaining({ code: "MODEL_UNSUPPORTED" }));
  });
});

describe("the classification extension", () => {
  const classes = (count: number, output: Partial<NamedTensor>, labels?: readonly string[]) => {
    const outputs = [{ name: "y", isBinary: false, classification: count }];
    return JSON.parse(encode([tensor(output)], labels === undefined ? { outputs } : { outputs, labels }).json)
      .outputs[0];
  };

  it("answers the best of each row as score:index:label", () => {
    const output = { shape: [2, 3], data: Float32Array.of(0.25, 0.5, 0.125, 3, 1, 2) };
    expect(classes(2, output, ["cat", "dog"])).toEqual({
      name: "y",
      shape: [2, 2],
      datatype: "BYTES",
      data: ["0.5:1:dog", "0.25:0:cat", "3:0:cat", "2:2"],
    });
  });

  it.each<[string, number, Partial<NamedTensor>, number[], string[]]>([
    ["a single axis", 1, { data: Float32Array.of(1, 2) }, [1], ["2:1"]],
    ["more classes than there are", 9, { data: Float32Array.of(1, 2) }, [2], ["2:1", "1:0"]],
    ["ties", 3, { shape: [3], data: Float32Array.of(1, 1, 1) }, [3], ["1:0", "1:1", "1:2"]],
    ["NaN last", 3, { shape: [3], data: Float32Array.of(NaN, -Infinity, 0) }, [3], ["0:2", "-Infinity:1", "NaN:0"]],
    ["int64", 1, { dtype: "int64", data: BigInt64Array.of(-5n, -7n) }, [1], ["-5:0"]],
    ["float16", 1, { dtype: "float16", data: Uint16Array.of(0x3c00, 0x4000) }, [1], ["2:1"]],
    ["no rows", 2, { shape: [0, 5], data: new Float32Array(0) }, [0, 0], []],
    ["axes after the rows as one", 1, { shape: [1, 2, 2], data: Float32Array.of(1, 2, 9, 3) }, [1, 1], ["9:2"]],
  ])("takes %s", (_, count, output, shape, data) => {
    expect(classes(count, output)).toMatchObject({ shape, data });
  });

  it("refuses strings", () => {
    expect(() => classes(1, { dtype: "string", data: ["a", "b"] })).toThrow(/classification needs numbers/);
  });
});

describe("checkRequestedForms", () => {
  const signature: Signature = {
    inputs: [],
    outputs: [
      { name: "half", type: { kind: "tensor", dtype: "float16", shape: [2] } },
      { name: "whole", type: { kind: "tensor", dtype: "float32", shape: [2] } },
    ],
  };
  const asked = (outputs: InferRequest["outputs"], isBinaryDefault = false) => ({ outputs, isBinaryDefault });

  it.each<[string, Pick<InferRequest, "outputs" | "isBinaryDefault">, boolean]>([
    ["FP16 among all outputs as JSON", asked(null), false],
    ["all outputs as binary", asked(null, true), true],
    ["FP16 by name as JSON", asked([{ name: "half", isBinary: false, classification: 0 }], true), false],
    ["FP16 by name as binary", asked([{ name: "half", isBinary: true, classification: 0 }]), true],
    ["FP16 as classes", asked([{ name: "half", isBinary: false, classification: 1 }]), true],
    ["only outputs that have a JSON form", asked([{ name: "whole", isBinary: false, classification: 0 }]), true],
  ])("judges %s", (_, request, isTaken) => {
    const check = () => checkRequestedForms(request, signature);
    if (isTaken) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: "PARAMETER_INVALID" }));
  });
});
