import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { npyFromTensor } from "@slipway/core/tensor";
import type { EndpointMetadata } from "#load";
import { givenInput, inferBody } from "./infer-inputs.ts";

const endpointWith = (...datatypes: readonly string[]): EndpointMetadata => ({
  name: "m",
  inputs: datatypes.map((datatype, index) => ({ name: `x${index}`, datatype, shape: [-1, 2] })),
  outputs: [],
});
const files = new Map<string, Uint8Array>([
  ["body.json", Buffer.from('{"inputs": []}')],
  ["records.json", Buffer.from('{"instances": [1]}')],
  ["list.json", Buffer.from("[[1, 2]]")],
  ["broken.json", Buffer.from("{")],
  ["a.npy", npyFromTensor({ dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 2) })],
  ["broken.npy", Buffer.from("no array at all")],
  ["seven.PNG", Buffer.from("png")],
]);
const read = async (file: string) => Buffer.from(files.get(file)!);
const bodyOf = (given: readonly string[], endpoint: EndpointMetadata) =>
  inferBody(given.map(givenInput), endpoint, read);

async function inputOf(text: string, datatype: string) {
  const body = await bodyOf([`x0=${text}`], endpointWith(datatype));
  if (body.kind !== "tensors") throw new Error(body.kind);
  const { dtype, shape, data } = body.inputs[0]!;
  return { dtype, shape, data: Array.from(data as ArrayLike<unknown>) };
}

describe("a single file is a request by its kind", () => {
  test.each([
    ["body.json", { kind: "request" }],
    ["records.json", { kind: "records", contentType: "application/json" }],
    ["seven.PNG", { kind: "records", contentType: "image/png" }],
    ["a.npy", { kind: "tensors", inputs: [{ name: "x0", shape: [1, 2] }] }],
  ])("%s", async (file, body) => expect(await bodyOf([file], endpointWith("FP32"))).toMatchObject(body));
});

describe("values", () => {
  test.each([
    ["[[1.5, -2]]", "FP32", { dtype: "float32", shape: [1, 2], data: [1.5, -2] }],
    ["3", "INT64", { dtype: "int64", shape: [], data: [3n] }],
    ["[true, 0]", "BOOL", { dtype: "bool", shape: [2], data: [1, 0] }],
    ["[1, -2]", "FP16", { dtype: "float16", shape: [2], data: [0x3c00, 0xc000] }],
    ['["a", ""]', "BYTES", { dtype: "string", shape: [2], data: ["a", ""] }],
    ['["9007199254740993"]', "INT64", { dtype: "int64", shape: [1], data: [9007199254740993n] }],
    ["list.json", "FP64", { dtype: "float64", shape: [1, 2], data: [1, 2] }],
  ])("%s as %s", async (text, datatype, tensor) => expect(await inputOf(text, datatype)).toEqual(tensor));

  test("nested lists become their shape and elements", async () => {
    const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(numbers, async (flat) => {
        const nested = [flat.slice(0, 3), flat.slice(3)];
        expect(await inputOf(JSON.stringify(nested), "INT32")).toEqual({ dtype: "int32", shape: [2, 3], data: flat });
      }),
    );
  });
});

describe("refused, with what is wrong", () => {
  test.each([
    [["x0=[[1, 2], [3]]"], "FP32", "INPUT_DATA_MISMATCH", '"x0"[1] has 1 elements; the first of its axis has 2'],
    [["x0=[1, [2]]"], "FP32", "INPUT_DATA_MISMATCH", '"x0"[1] is [2]; float32 takes a number'],
    [["x0=[[1], 2]"], "FP32", "INPUT_DATA_MISMATCH", '"x0"[1] is 2; it takes a list of 1'],
    [['x0=["a"]'], "FP32", "INPUT_DATA_MISMATCH", '"a"; float32 takes a number'],
    [["x0=[1.5]"], "INT64", "INPUT_DATA_MISMATCH", "int64 takes a whole number"],
    [["x0=[300]"], "UINT8", "INPUT_DATA_MISMATCH", '"x0"[0] is 300; uint8 takes a whole number from 0 to 255'],
    [["x0=[1.5]"], "INT32", "INPUT_DATA_MISMATCH", '"x0"[0] is 1.5'],
    [["x0=[1]"], "BYTES", "INPUT_DATA_MISMATCH", "string takes a text"],
    [["x0=[1"], "FP32", "FILE_UNREADABLE", "not JSON"],
    [["y=[1]"], "FP32", "INPUT_UNKNOWN", "its inputs are x0"],
    [["x0=what.txt"], "FP32", "USAGE", "neither a file of a known kind"],
    [["broken.json"], "FP32", "FILE_UNREADABLE", "broken.json is not JSON"],
    [["list.json"], "FP32", "FILE_UNREADABLE", "list.json holds neither"],
    [["x0=broken.npy"], "FP32", "FILE_UNREADABLE", "broken.npy holds no array"],
  ])("%j", async (given, datatype, code, message) => {
    await expect(bodyOf(given, endpointWith(datatype))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
  test("an input without a name, where there are several", async () => {
    await expect(bodyOf(["a.npy"], endpointWith("FP32", "FP32"))).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("x0, x1"),
    });
  });
});
