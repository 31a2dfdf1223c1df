// Requests are read back with the server's own decoder, so that both sides are held against each other.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesFromData, createData, type DType, DTYPES, type NamedTensor } from "@slipway/core/tensor";
import { decodeInferRequest, encodeInferResponse } from "@slipway/core/wire";
import { seededRandom } from "./arrivals.ts";
import { decodeAnswer, encodeRequest, HEADER_LENGTH } from "./oip.ts";
import { sampleInputs } from "./payload.ts";

const carried = (Object.keys(DTYPES) as DType[]).filter((dtype) => DTYPES[dtype].oip !== null);

function tensorOf(dtype: DType, index: number, bytes: readonly number[]): NamedTensor {
  const shape = [2, 2];
  if (dtype === "string") return { name: `x${index}`, dtype, shape, data: ["", "a", "größer", "🚢"] };
  const data = createData(dtype, 4);
  const raw = bytesFromData(data);
  raw.set(bytes.slice(0, raw.length).map((byte) => (dtype === "bool" ? byte & 1 : byte)));
  return { name: `x${index}`, dtype, shape, data };
}

const bits = ({ dtype, data }: NamedTensor) =>
  dtype === "string" ? data : Buffer.from(bytesFromData(data as Float32Array)).toString("hex");

test("what is sent is what the server reads, bit by bit, in JSON and in binary", () => {
  const tensors = fc
    .array(fc.tuple(fc.constantFrom(...carried), fc.array(fc.nat(255), { minLength: 32, maxLength: 32 })), {
      minLength: 1,
      maxLength: 4,
    })
    .map((items) => items.map(([dtype, bytes], index) => tensorOf(dtype, index, bytes)));
  fc.assert(
    fc.property(tensors, fc.boolean(), (inputs, isBinary) => {
      const { headers, body } = encodeRequest(inputs, { isBinary, isBinaryAnswer: true });
      const length = headers[HEADER_LENGTH];
      const request = decodeInferRequest(body, length === undefined ? null : Number(length));
      expect(request.isBinaryDefault).toBe(true);
      expect(request.inputs.map((input) => [input.name, input.dtype, input.shape])).toEqual(
        inputs.map((input) => [input.name, input.dtype, input.shape]),
      );
      expect(request.inputs.map(bits)).toEqual(inputs.map(bits));

      const answer = encodeInferResponse({
        request,
        modelName: "m",
        modelVersion: "1",
        inferenceId: "i",
        outputs: inputs,
        labelsOf: () => null,
      });
      const json = Buffer.from(answer.json);
      const back = decodeAnswer(Buffer.concat([json, ...answer.binaries]), json.length);
      expect(back.map(bits)).toEqual(inputs.map(bits));
    }),
    { numRuns: 300 },
  );
});

test("inputs are made up for every type, fit their signature, and are the same for the same seed", () => {
  for (const dtype of carried) {
    const ports = [{ name: "x", datatype: DTYPES[dtype].oip!, shape: [-1, 3, -1] }];
    const make = () => sampleInputs(ports, 4, seededRandom(5));
    const [input] = make();
    expect([input!.dtype, input!.shape, input!.data.length]).toEqual([dtype, [4, 3, 1], 12]);
    expect(make()).toEqual([input]);
    const { headers, body } = encodeRequest([input!], { isBinary: false, isBinaryAnswer: false });
    const length = headers[HEADER_LENGTH];
    expect(decodeInferRequest(body, length === undefined ? null : Number(length)).inputs.map(bits)).toEqual([
      bits(input!),
    ]);
  }
});

test("negative zero keeps its sign", () => {
  const tensor = { name: "x", dtype: "float64", shape: [2], data: Float64Array.of(-0, 0) } as const;
  const { body } = encodeRequest([tensor], { isBinary: false, isBinaryAnswer: false });
  expect(decodeInferRequest(body).inputs[0]!.data).toEqual(Float64Array.of(-0, 0));
});

test("numbers of float32 are sent with as few digits as they need", () => {
  const tensor = {
    name: "x",
    dtype: "float32",
    shape: [5],
    data: Float32Array.of(0.1, -0, 0.123456, 1e-30, 16_777_217),
  } as const;
  const { body } = encodeRequest([tensor], { isBinary: false, isBinaryAnswer: false });
  expect(Buffer.from(body).toString()).toContain('"data":[0.1,-0,0.123456,1e-30,16777216]');
});
