import { LIMITS } from "@slipway/core/base";
import { type ByteSource, byteSourceFromBytes, createGraph, createModel, tensorsOfModel } from "@slipway/core/graph";
import { describe, expect, it } from "vitest";
import { attack, readAll, seedModels } from "../../../test/support/hostile-models.ts";
import { bytesFromModel, modelFromBytes, scanModel } from "./index.ts";

const refusal = (code: string) => expect.objectContaining({ name: "SlipwayError", code });

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
/** A field of bytes, by its number. */
const field = (number: number, content: readonly number[]) => [
  ...varint(number * 8 + 2),
  ...varint(content.length),
  ...content,
];
const integer = (number: number, value: number) => [...varint(number * 8), ...varint(value)];
const text = (number: number, value: string) => field(number, Array.from(Buffer.from(value)));
const HEAD = [...integer(1, 8), ...field(8, integer(2, 17))];
const modelOf = (graph: number[]) => Uint8Array.from([...HEAD, ...field(7, graph)]);

describe("wounded models", () => {
  it("are refused or read, and nothing else ever happens", () => {
    const seeds = seedModels();
    for (const seed of seeds) expect(readAll(seed)).toBe("sound");
    const refused = attack(4000, 1);
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(4000);
  });

  it("cut anywhere are refused, or whole without what was cut", () => {
    for (const seed of seedModels()) {
      for (let length = 0; length < seed.length; length++) readAll(seed.slice(0, length));
      expect(() => modelFromBytes(seed.slice(0, seed.length - 1))).toThrow(refusal("MODEL_MALFORMED"));
    }
  });
});

describe("what is no model", () => {
  it("is said to be none", () => {
    const page = Buffer.from("<!doctype html><title>Not found</title>");
    const zip = Buffer.from("PK\u0003\u0004 and so on");
    for (const bytes of [new Uint8Array(0), page, zip, new Uint8Array(64), new Uint8Array(64).fill(0xff)]) {
      expect(() => scanModel(bytes)).toThrow(refusal("MODEL_MALFORMED"));
    }
    expect(() => scanModel(Uint8Array.from(integer(1, 8)))).toThrow(/graph is missing/);
    expect(() => scanModel(Uint8Array.from(field(7, [])))).toThrow(/IR version is missing/);
  });
});

describe("what another reader could see differently", () => {
  it("is refused: single fields twice, wrong layouts, values of two kinds, data in two places", () => {
    expect(() => modelFromBytes(Uint8Array.from([...modelOf([]), ...field(7, [])]))).toThrow(
      /Model.graph is there twice/,
    );
    expect(() => modelFromBytes(modelOf(integer(2, 5)))).toThrow(/Graph.name is laid out as wire type 0/);
    const attribute = (content: number[]) => modelOf(field(1, field(5, content)));
    expect(() => modelFromBytes(attribute([...integer(20, 2), ...integer(3, 1), ...text(4, "s")]))).toThrow(
      /of kind int, but also holds a value of string/,
    );
    expect(() => modelFromBytes(attribute(integer(20, 99)))).toThrow(/unknown type 99/);
    expect(() => modelFromBytes(attribute(integer(20, 4)))).toThrow(refusal("MODEL_MALFORMED"));
    const tensor = (content: number[]) => modelOf(field(5, content));
    const float = [...integer(1, 1), ...integer(2, 1)];
    expect(() => modelFromBytes(tensor([...float, ...field(9, [0, 0, 0, 0]), ...field(4, [0, 0, 0, 0])]))).toThrow(
      /2 places/,
    );
    expect(() => modelFromBytes(tensor([...float, ...field(7, [1])]))).toThrow(/int64_data, not float_data/);
    expect(() => modelFromBytes(tensor([...float, ...field(13, text(1, "location"))]))).toThrow(
      /not marked as external/,
    );
    expect(() => modelFromBytes(modelOf(field(11, field(2, [...field(1, []), ...field(4, [])]))))).toThrow(/two forms/);
    const axis = field(1, [...integer(1, 1), ...field(2, field(1, [...integer(1, 1), ...text(2, "N")]))]);
    expect(() => modelFromBytes(modelOf(field(11, field(2, axis))))).toThrow(/both 1 and 'N'/);
    const opset = (version: number) => field(8, integer(2, version));
    expect(() =>
      modelFromBytes(Uint8Array.from([...integer(1, 8), ...opset(17), ...opset(18), ...field(7, [])])),
    ).toThrow(/two versions/);
  });
});

describe("types and shapes no one knows", () => {
  it("are refused as unsupported or invalid", () => {
    const tensor = (content: number[]) => modelOf(field(5, content));
    expect(() => modelFromBytes(tensor(integer(2, 27)))).toThrow(refusal("MODEL_UNSUPPORTED"));
    expect(() => modelFromBytes(tensor(integer(2, 0)))).toThrow(refusal("MODEL_UNSUPPORTED"));
    const negative = [0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01];
    expect(() => modelFromBytes(tensor([...negative, ...integer(2, 1)]))).toThrow(/axis of length -1/);
    const input = (type: number[]) => modelOf(field(11, field(2, type)));
    expect(() => modelFromBytes(input(field(7, text(2, "blob"))))).toThrow(refusal("MODEL_UNSUPPORTED"));
    expect(() => modelFromBytes(input(field(1, integer(1, 99))))).toThrow(refusal("MODEL_UNSUPPORTED"));
    expect(modelFromBytes(input(field(1, integer(1, 0)))).graph.inputs[0]!.type).toBeNull();
  });
});

describe("small files that would take much", () => {
  it("are refused when nested deep", () => {
    let graph: number[] = [];
    for (let depth = 0; depth < LIMITS.modelDepth; depth++)
      graph = field(1, field(5, [...integer(20, 5), ...field(6, graph)]));
    expect(() => modelFromBytes(modelOf(graph))).toThrow(/nested more than/);
    let type = field(1, integer(1, 1));
    for (let depth = 0; depth < LIMITS.modelDepth; depth++) type = field(4, field(1, type));
    expect(() => modelFromBytes(modelOf(field(11, field(2, type))))).toThrow(/nested more than/);
  });

  it("are refused over a number of messages and texts", () => {
    const nodes = modelOf(Array.from({ length: 2000 }, () => field(1, [])).flat());
    expect(modelFromBytes(nodes).graph.nodes.length).toBe(2000);
    expect(() => modelFromBytes(nodes, { maxItems: 1000 })).toThrow(refusal("MODEL_TOO_LARGE"));
    const names = modelOf(field(1, Array.from({ length: 2000 }, () => text(1, "")).flat()));
    expect(() => modelFromBytes(names, { maxItems: 1000 })).toThrow(refusal("MODEL_TOO_LARGE"));
  });

  it("never make room for a claim: a tensor of a trillion elements takes its bytes in the file", () => {
    const dims = [...integer(1, 2 ** 20), ...integer(1, 2 ** 20)];
    const bytes = modelOf(field(5, [...dims, ...integer(2, 1), ...text(8, "w"), ...field(9, [0, 0, 0, 0])]));
    const [placed] = Array.from(tensorsOfModel(modelFromBytes(bytes)));
    expect(placed!.tensor.shape).toEqual([2 ** 20, 2 ** 20]);
    expect(() => scanModel(bytes)).toThrow(refusal("MODEL_INVALID"));
    const filled = modelOf(
      field(5, [...integer(1, 1000), ...integer(2, 1), ...text(8, "w"), ...field(9, [0, 0, 0, 0])]),
    );
    expect(() => scanModel(filled)).toThrow(/takes 4000 bytes, but holds 4/);
  });
});

it("a source that is not in memory is read in small pieces, and its weights not at all", () => {
  const big = new Float32Array(500_000);
  const w = { kind: "values", values: big } as const;
  const graph = createGraph({
    initializers: [
      {
        kind: "initializer",
        name: "w",
        dtype: "float32",
        shape: [500_000],
        data: w,
        docString: "",
        metadata: new Map(),
        extra: [],
      },
    ],
  });
  const bytes = bytesFromModel(createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph }));
  let readBytes = 0;
  const inner = byteSourceFromBytes(bytes);
  const source: ByteSource = {
    sizeBytes: inner.sizeBytes,
    read: (start, end) => {
      readBytes += end - start;
      return inner.read(start, end);
    },
  };
  expect(scanModel(source)).toMatchObject({ parameterCount: 500_000, tensorBytes: 2_000_000, sizeBytes: bytes.length });
  expect(readBytes).toBeLessThan(1_000_000);
});
