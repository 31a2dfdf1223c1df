// A processing against its model: what is refused before any record is seen, what records become, and what is answered.
import { readFileSync } from "node:fs";
import { SlipwayError } from "#base";
import {
  bfloat16FromNumber,
  type Dimension,
  type DType,
  float16FromNumber,
  type NamedTensor,
  type Port,
  type Signature,
  type Tensor,
} from "#tensor";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileProcessing, type InputRecord, type JsonValue, parseProcessing } from "./index.ts";

const port = (name: string, dtype: DType, shape: readonly Dimension[] | null): Port => ({
  name,
  type: { kind: "tensor", dtype, shape },
});
const signature = (inputs: readonly Port[], outputs: readonly Port[]): Signature => ({ inputs, outputs });
const LOGITS = port("logits", "float32", ["N", 10]);
const DIGITS = signature([port("image", "float32", ["N", 1, 28, 28])], [LOGITS]);

const compile = (declared: object, model: Signature) =>
  compileProcessing(parseProcessing({ schemaVersion: 1, ...declared }), model);
const failure = (code: string, act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).code).toBe(code);
    return (error as SlipwayError).message;
  }
  throw new Error("It was accepted.");
};
const refused = (declared: object, model: Signature) => failure("PROCESSING_INVALID", () => compile(declared, model));
const image = (shape: readonly number[], data?: Uint8Array): InputRecord => ({
  kind: "image",
  pixels: { dtype: "uint8", shape, data: data ?? new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(200) },
});
const instance = (value: JsonValue): InputRecord => ({ kind: "instance", value });

const GREY = { step: "decode-image", channels: "grey" };
const SMALL = { step: "resize", height: 28, width: 28 };
const CHW = { step: "layout", to: "CHW" };

describe("images", () => {
  test("the digits example fits its model", () => {
    const file = new URL("../../../examples/digits/processing.json", import.meta.url);
    const compiled = compileProcessing(parseProcessing(JSON.parse(readFileSync(file, "utf8"))), DIGITS);
    expect(compiled).toMatchObject({ takes: "image", batchSize: null, outputs: ["logits"] });
    const [tensor] = compiled.prepare([image([280, 280, 4]), image([28, 28, 1])].map((record) => withStroke(record)));
    expect(tensor).toMatchObject({ name: "image", dtype: "float32", shape: [2, 1, 28, 28] });
    const data = tensor!.data as Float32Array;
    expect(Math.min(...data)).toBe(0);
    expect(Math.max(...data)).toBeCloseTo(1, 5);
  });

  /** A dark line on the light image. */
  function withStroke(record: InputRecord): InputRecord {
    if (record.kind !== "image") return record;
    const [height = 0, width = 0, channels = 0] = record.pixels.shape;
    const data = new Uint8Array(height * width * channels).fill(255);
    for (let row = Math.floor(height / 4); row < height / 2; row++) {
      const at = (row * width + Math.floor(width / 2)) * channels;
      data.fill(0, at, at + Math.min(3, channels));
    }
    return image(record.pixels.shape, data);
  }

  test("are checked against the input before any is seen", () => {
    expect(refused({ before: [GREY, SMALL] }, DIGITS)).toBe(
      'Processing: what the steps make of a record, [28, 28, 1], differs on axis 0 of a record: 28 and 1; the input "image" takes [N, 1, 28, 28], the batch first.',
    );
    expect(refused({ before: [{ ...GREY, channels: "rgb" }, SMALL, CHW] }, DIGITS)).toContain(
      "axis 0 of a record: 3 and 1",
    );
    expect(refused({ before: [GREY, { ...SMALL, height: 32 }, CHW] }, DIGITS)).toContain(
      "axis 1 of a record: 32 and 28",
    );
    expect(refused({ before: [GREY, SMALL, CHW], input: "picture" }, DIGITS)).toContain(
      'the model has no input "picture"; it has image',
    );
    const flat = signature([port("x", "float32", ["N", 784])], [LOGITS]);
    expect(refused({ before: [GREY, SMALL] }, flat)).toContain("has another number of axes");
    expect(compile({ before: [GREY, SMALL, { step: "reshape", shape: [784] }] }, flat).batchSize).toBeNull();
    const words = signature([port("x", "string", ["N", 28, 28, 1])], [LOGITS]);
    expect(refused({ before: [GREY, SMALL] }, words)).toContain("is string, not numbers");
    const two = signature([port("x", "float32", ["N", 28, 28, 1]), port("y", "float32", ["N"])], [LOGITS]);
    expect(refused({ before: [GREY, SMALL], input: "x" }, two)).toContain('"y" would stay empty');
    expect(refused({ before: [GREY, SMALL] }, two)).toContain('"input" has to name');
  });

  test("steps are checked against each other, by their place", () => {
    expect(refused({ before: [SMALL] }, DIGITS)).toContain("before[0] (resize) needs an image's pixels");
    expect(refused({ before: [GREY, { step: "scale", by: 2 }, SMALL] }, DIGITS)).toContain("before[2] (resize) needs");
    expect(refused({ before: [GREY, GREY] }, DIGITS)).toContain("before[1] (decode-image) has to be the first step");
    expect(refused({ before: [GREY, SMALL, CHW, CHW] }, DIGITS)).toContain("before[3] (layout) needs an image");
    expect(refused({ before: [GREY, SMALL, CHW, { step: "scale", by: 2 }] }, DIGITS)).toContain('come before "layout"');
    const normalise = { step: "normalise", mean: [0, 0, 0], std: [1] };
    expect(refused({ before: [GREY, SMALL, normalise] }, DIGITS)).toContain('has 3 values of "mean" for 1 channels');
    expect(refused({ before: [GREY, SMALL, { step: "reshape", shape: [783] }] }, DIGITS)).toContain(
      "gives the shape [783] to 784 values of the shape [28, 28, 1]",
    );
    expect(refused({ before: [GREY, SMALL, { step: "crop", height: 29, width: 1 }] }, DIGITS)).toContain(
      "29 by 1 pixels",
    );
    const fit = { step: "fit-content", box: 20, height: 28, width: 28 };
    expect(refused({ before: [{ ...GREY, channels: "rgb" }, fit] }, DIGITS)).toContain('decode it to "grey"');
    expect(refused({ before: [GREY, { ...fit, box: 29 }] }, DIGITS)).toContain("has a box of 29");
  });

  test("become rows, in the input's datatype", () => {
    const nhwc = (dtype: DType) => signature([port("x", dtype, ["N", 1, 2, 1])], [LOGITS]);
    const make = (dtype: DType, by: number) =>
      compile({ before: [GREY, { step: "scale", by }] }, nhwc(dtype)).prepare([
        image([1, 2, 1], Uint8Array.of(5, 7)),
        image([1, 2, 1], Uint8Array.of(200, 255)),
      ])[0]!;
    expect(make("float32", 1)).toEqual({
      name: "x",
      dtype: "float32",
      shape: [2, 1, 2, 1],
      data: Float32Array.of(5, 7, 200, 255),
    });
    // Half goes to even, and what does not fit saturates.
    expect(make("uint8", 0.5).data).toEqual(Uint8Array.of(2, 4, 100, 128));
    expect(make("uint8", 2).data).toEqual(Uint8Array.of(10, 14, 255, 255));
    expect(make("int8", -1).data).toEqual(Int8Array.of(-5, -7, -128, -128));
    expect(make("int64", 1).data).toEqual(BigInt64Array.of(5n, 7n, 200n, 255n));
    expect(make("float16", 1).data).toEqual(Uint16Array.from([5, 7, 200, 255].map(float16FromNumber)));
    expect(make("bfloat16", 1).data).toEqual(Uint16Array.from([5, 7, 200, 255].map(bfloat16FromNumber)));
  });

  test("may come as lists of their pixels", () => {
    const compiled = compile({ before: [GREY] }, signature([port("x", "float32", ["N", null, null, 1])], [LOGITS]));
    expect(compiled.prepare([instance([[1, 2, 3]])])[0]).toMatchObject({
      shape: [1, 1, 3, 1],
      data: Float32Array.of(1, 2, 3),
    });
    const refuses = (value: JsonValue) => failure("RECORD_INVALID", () => compiled.prepare([instance(value)]));
    expect(refuses([[1, 256]])).toBe("Record 0: the image[0][1] is 256; uint8 takes a whole number from 0 to 255.");
    expect(refuses([[1], [2, 3]])).toBe("Record 0: the image[1] has 2 elements; the first of its axis has 1.");
    expect(refuses({ b64: "" })).toContain("it is no image");
    expect(refuses([1, 2])).toContain("uint8[2]");
    expect(refuses([])).toContain("an image is uint8[height, width, 1 to 4 channels]");
  });

  test("that do not suit are refused by their number", () => {
    const compiled = compile({ before: [GREY, CHW] }, signature([port("x", "float32", ["N", 1, null, 4])], [LOGITS]));
    const good = image([2, 4, 3]);
    const refuses = (...records: InputRecord[]) => failure("RECORD_INVALID", () => compiled.prepare(records));
    expect(refuses(good, image([2, 5, 3]))).toBe("Record 1: the image becomes [1, 2, 5]; the model takes [1, ?, 4].");
    expect(refuses(good, image([3, 4, 3]))).toBe(
      'Record 1: its "x" has the shape [1, 3, 4], and that of record 0 [1, 2, 4]; records sent together need the same shape.',
    );
    expect(refuses(good, good, image([0, 4, 3]))).toBe("Record 2: the image has no pixels: it is 0 by 4.");
    expect(refuses(image([2, 4, 5]))).toContain("an image is uint8[height, width, 1 to 4 channels]");
    expect(refuses()).toBe("There are no records; send at least one.");
    const fixed = compile({ before: [GREY] }, signature([port("x", "float32", [2, 2, 4, 1])], [LOGITS]));
    expect(fixed.batchSize).toBe(2);
    expect(failure("RECORD_INVALID", () => fixed.prepare([good]))).toContain(
      "has 1 records; this model takes exactly 2",
    );
    const single = compile(
      { before: [GREY] },
      signature([port("x", "float32", [2, 4, 1])], [port("y", "float32", [3])]),
    );
    expect(single.batchSize).toBe(1);
    expect(single.prepare([good])[0]!.shape).toEqual([2, 4, 1]);
  });

  test("keep the decoder's own bytes unchanged, whatever kind of Uint8Array they are", () => {
    const nchw = signature([port("x", "uint8", ["N", 3, 1, 2])], [LOGITS]);
    const bytes = Buffer.from([1, 2, 3, 4, 5, 6]);
    const [tensor] = compile({ before: [{ ...GREY, channels: "rgb" }, CHW] }, nchw).prepare([image([1, 2, 3], bytes)]);
    expect([...(tensor!.data as Uint8Array)]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("instances", () => {
  const table = signature(
    [port("city", "string", [null, 1]), port("amount", "float32", ["N", 1]), port("flags", "bool", ["N", 2])],
    [port("label", "int64", ["N"]), port("probabilities", "float32", ["N", 2])],
  );

  test("fill inputs by their names; a bare value fills axes of length 1", () => {
    const compiled = compile({}, table);
    expect(compiled.takes).toBe("instance");
    const tensors = compiled.prepare([
      instance({ city: "Zürich", amount: 2.5, flags: [true, 0] }),
      instance({ city: ["Lisbon"], amount: [-1], flags: [false, 1] }),
    ]);
    expect(tensors).toEqual([
      { name: "city", dtype: "string", shape: [2, 1], data: ["Zürich", "Lisbon"] },
      { name: "amount", dtype: "float32", shape: [2, 1], data: Float32Array.of(2.5, -1) },
      { name: "flags", dtype: "bool", shape: [2, 2], data: Uint8Array.of(1, 0, 0, 1) },
    ]);
  });

  test("of one input are its value", () => {
    const ids = compile({}, signature([port("ids", "int64", ["N", "S"])], [LOGITS]));
    expect(ids.prepare([instance([1, 2]), instance({ ids: [3, "9223372036854775807"] })])[0]).toEqual({
      name: "ids",
      dtype: "int64",
      shape: [2, 2],
      data: BigInt64Array.of(1n, 2n, 3n, 2n ** 63n - 1n),
    });
    const scalar = compile({}, signature([port("x", "float64", ["N"])], [LOGITS]));
    expect(scalar.prepare([instance(1.5), instance("NaN"), instance("-Infinity")])[0]!.data).toEqual(
      Float64Array.of(1.5, Number.NaN, Number.NEGATIVE_INFINITY),
    );
    const unknown = compile({}, signature([port("x", "uint8", null)], [LOGITS]));
    expect(unknown.prepare([instance([[1], [2]])])[0]!.shape).toEqual([1, 2, 1]);
  });

  test("that do not suit are refused by their number and path", () => {
    const compiled = compile({}, table);
    const good = { city: "a", amount: 1, flags: [true, true] };
    const refuses = (value: JsonValue) =>
      failure("RECORD_INVALID", () => compiled.prepare([instance(good), instance(value)]));
    expect(refuses({ ...good, amount: "much" })).toBe(
      'Record 1: "amount" is "much"; float32 takes a number within its range, "NaN", "Infinity" or "-Infinity".',
    );
    expect(refuses({ ...good, amount: 1e39 })).toContain('"amount" is 1e+39; float32 takes a number within its range');
    expect(refuses({ ...good, amount: Number("1e400") })).toContain('"amount" is Infinity; float32 takes');
    expect(refuses({ ...good, flags: [true, 2] })).toBe('Record 1: "flags"[1] is 2; bool takes true, false, 0 or 1.');
    expect(refuses({ ...good, flags: [true] })).toBe('Record 1: "flags" has the shape [1]; it takes [2].');
    expect(refuses({ ...good, city: [["a"]] })).toBe('Record 1: "city" has the shape [1, 1]; it takes [1].');
    expect(refuses({ ...good, city: null })).toContain('"city" is null; string takes a text');
    expect(refuses({ city: "a", amount: 1 })).toBe('Record 1: the input "flags" is missing.');
    expect(refuses({ ...good, colour: 1 })).toBe(
      'Record 1: the model has no input "colour"; it has city, amount, flags.',
    );
    expect(refuses([1])).toContain('it is [1]; it takes an object with "city", "amount", "flags"');
    expect(failure("RECORD_INVALID", () => compiled.prepare([image([1, 1, 1])]))).toContain("it is an image");
  });

  test.each<[DType, JsonValue]>([
    ["int64", 1.5],
    ["int64", 2 ** 53],
    ["int64", "9223372036854775808"],
    ["int64", ""],
    ["int64", "0x10"],
    ["int64", true],
    ["uint64", -1],
    ["int8", 128],
    ["int32", "1"],
    ["uint16", -1],
    ["float32", true],
    ["float32", "1"],
    ["float32", null],
    ["string", 1],
    ["bool", "true"],
    ["int64", [1]],
  ])("%s does not take %j", (dtype, value) => {
    const compiled = compile({}, signature([port("x", dtype, ["N"])], [LOGITS]));
    failure("RECORD_INVALID", () => compiled.prepare([instance(value)]));
  });

  test("go through the steps that suit numbers", () => {
    const model = signature([port("x", "float32", ["N", 2, 2])], [LOGITS]);
    const compiled = compile(
      {
        before: [
          { step: "normalise", mean: [1, 2], std: [2, 4] },
          { step: "scale", by: 10 },
        ],
      },
      model,
    );
    expect(
      compiled.prepare([
        instance([
          [1, 2],
          [3, 6],
        ]),
      ])[0]!.data,
    ).toEqual(Float32Array.of(0, 0, 10, 10));
    const flat = compile({ before: [{ step: "reshape", shape: [2, 2] }] }, model);
    expect(flat.prepare([instance([1, 2, 3, 4])])[0]!.shape).toEqual([1, 2, 2]);
    expect(failure("RECORD_INVALID", () => flat.prepare([instance([1, 2, 3])]))).toBe(
      'Record 0: "reshape" gives the shape [2, 2] to 3 values of [3].',
    );
    expect(refused({ before: [{ step: "reshape", shape: [4] }] }, model)).toContain("the steps make [4] of a record");
    expect(
      refused({ before: [{ step: "scale", by: 2 }] }, signature([port("x", "string", ["N"])], [LOGITS])),
    ).toContain("steps work on numbers");
  });

  test("keep outputs whatever they are called", () => {
    const model = signature([port("x", "float32", [null])], [port("__proto__", "float32", [null, 1])]);
    const [answer] = compile({}, model).answer(
      [{ name: "__proto__", dtype: "float32", shape: [1, 1], data: Float32Array.of(0.5) }],
      1,
    );
    expect(JSON.stringify(answer)).toBe('{"kind":"outputs","outputs":{"__proto__":[0.5]}}');
  });

  test("hold whole inputs where the model has no batch axis", () => {
    const model = signature(
      [port("samples", "float32", [null, null]), port("state", "float32", [2, null, 1]), port("rate", "int64", [])],
      [port("speech", "float32", [null, 1])],
    );
    const compiled = compile({}, model);
    expect(compiled.batchSize).toBe(1);
    const tensors = compiled.prepare([instance({ samples: [[0, 1]], state: [[[5]], [[6]]], rate: 16000 })]);
    expect(tensors.map(({ shape }) => shape)).toEqual([[1, 2], [2, 1, 1], []]);
    expect(
      compiled.answer([{ name: "speech", dtype: "float32", shape: [1, 1], data: Float32Array.of(0.5) }], 1),
    ).toEqual([{ kind: "outputs", outputs: { speech: [[0.5]] } }]);
  });

  test("may leave out what has a default", () => {
    const model = signature([port("x", "float32", ["N"]), { ...port("p", "float32", []), isOptional: true }], [LOGITS]);
    expect(
      compile({}, model)
        .prepare([instance(1)])
        .map(({ name }) => name),
    ).toEqual(["x"]);
  });

  describe("that are rows of a table", () => {
    const model = signature(
      [port("age", "float32", ["N"]), port("job", "string", ["N"]), port("smokes", "float32", ["N", 1])],
      [LOGITS],
    );
    const compiled = compile({ instances: "rows" }, model);

    test("may lack values, which the model answers for", () => {
      const tensors = compiled.prepare([
        instance({ age: 41, job: "clerk", smokes: true }),
        instance({ job: null }),
        instance({ age: "NaN", job: 12, smokes: 0 }),
      ]);
      const nan = Number.NaN;
      expect(tensors).toEqual([
        { name: "age", dtype: "float32", shape: [3], data: Float32Array.of(41, nan, nan) },
        { name: "job", dtype: "string", shape: [3], data: ["clerk", "", "12"] },
        { name: "smokes", dtype: "float32", shape: [3, 1], data: Float32Array.of(1, nan, 0) },
      ]);
    });

    test("name columns the table has, and hold what a column can", () => {
      const refusal = (value: JsonValue) => failure("RECORD_INVALID", () => compiled.prepare([instance(value)]));
      expect(refusal({ agee: 41 })).toBe('Record 0: the model has no input "agee"; it has age, job, smokes.');
      expect(refusal({ age: "old" })).toContain('"age" is "old"; float32 takes a number');
      expect(refusal({ job: ["clerk"] })).toContain('"job" has the shape [1]; it takes []');
    });

    test("take times as people write them", () => {
      const at = signature([port("at", "float64", ["N"]), port("age", "float32", ["N"])], [LOGITS]);
      const rows = compile({ instances: "rows", times: ["at"] }, at);
      const values = ["2026-11-26", "2026-11-26T08:30:00+01:00", 1764115200, null, ""].map((time) =>
        instance({ at: time }),
      );
      const nan = Number.NaN;
      expect(rows.prepare(values)[0]).toEqual({
        name: "at",
        dtype: "float64",
        shape: [5],
        data: Float64Array.of(1795651200, 1795678200, 1764115200, nan, nan),
      });
      expect(failure("RECORD_INVALID", () => rows.prepare([instance({ at: "tomorrow" })]))).toBe(
        'Record 0: "at" is "tomorrow"; it takes a time such as "2026-11-26" or "2026-11-26T08:30:00Z", or seconds since 1970.',
      );
      expect(refused({ times: ["att"] }, at)).toContain('"times" names "att"; the model\'s inputs are at, age');
      expect(refused({ times: ["age"] }, at)).toContain('"times" names "age", which is float32');
    });

    test("are refused where an input is no column", () => {
      const rows = { instances: "rows" };
      expect(refused(rows, DIGITS)).toContain(
        'the input "image" takes [1, 28, 28] of each row; a column has one value',
      );
      expect(refused(rows, signature([port("n", "int64", ["N"])], [LOGITS]))).toContain(
        'the input "n" is int64, which has nothing that stands for a missing value',
      );
    });
  });

  test("promise no memory they do not fill", () => {
    const compiled = compile({}, signature([port("x", "float32", ["N", null, null])], [LOGITS]));
    const first = Array.from({ length: 60_000 }, () => 1);
    const rest = Array.from({ length: 60_000 }, () => []);
    expect(failure("RECORD_INVALID", () => compiled.prepare([instance([first, ...rest])]))).toContain(
      '"x"[1] has 0 elements; the first of its axis has 60000',
    );
  });

  test("of any form are prepared or refused, never worse", () => {
    const models = [
      table,
      signature([port("x", "int64", null)], [LOGITS]),
      signature([port("x", "float32", ["N", null, 2])], [LOGITS]),
    ];
    const compiled = models.map((model) => compile({}, model));
    fc.assert(
      fc.property(fc.constantFrom(...compiled), fc.array(fc.jsonValue()), (processing, values) => {
        try {
          processing.prepare(values.map((value) => instance(value as JsonValue)));
        } catch (error) {
          expect((error as SlipwayError).code).toBe("RECORD_INVALID");
        }
      }),
    );
  });
});

describe("answers", () => {
  const model = signature([port("x", "float32", ["N"])], [port("scores", "float32", ["N", 3])]);
  const scores = (data: Float32Array): NamedTensor => ({
    name: "scores",
    dtype: "float32",
    shape: [data.length / 3, 3],
    data,
  });

  test("labels come best first, equal ones in order, NaN last", () => {
    const compiled = compile({ after: [{ step: "labels", labels: ["a", "b", "c"], top: 2 }] }, model);
    const answers = compiled.answer([scores(Float32Array.of(1, 3, 2, 5, Number.NaN, 5))], 2);
    expect(answers).toEqual([
      {
        kind: "labels",
        labels: [
          { label: "b", score: 3 },
          { label: "c", score: 2 },
        ],
      },
      {
        kind: "labels",
        labels: [
          { label: "a", score: 5 },
          { label: "c", score: 5 },
        ],
      },
    ]);
  });

  test("the few best of many labels are the first of all of them", () => {
    const score = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(fc.array(score, { minLength: 9, maxLength: 60 }), fc.nat(59), (values, most) => {
        const top = 1 + (most % values.length);
        const names = values.map((_value, index) => `label ${index}`);
        const model = signature([port("x", "float32", ["N"])], [port("y", "float32", ["N", values.length])]);
        const output: NamedTensor = {
          name: "y",
          dtype: "float32",
          shape: [1, values.length],
          data: Float32Array.from(values),
        };
        const answer = (step: object) => {
          const [first] = compile({ after: [{ step: "labels", labels: names, ...step }] }, model).answer([output], 1);
          return first?.kind === "labels" ? first.labels : [];
        };
        expect(answer({ top })).toEqual(answer({}).slice(0, top));
      }),
    );
  });

  test("softmax makes probabilities", () => {
    const compiled = compile({ after: [{ step: "softmax" }, { step: "labels", labels: ["a", "b", "c"] }] }, model);
    fc.assert(
      fc.property(fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, noDefaultInfinity: true }), (data) => {
        const [answer] = compiled.answer([scores(data)], 1);
        if (answer?.kind !== "labels") throw new Error("There are no labels.");
        const values = answer.labels.map(({ score }) => score);
        expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
        expect(values).toEqual([...values].sort((a, b) => b - a));
        const largest = "abc"[data.indexOf(Math.max(...data))];
        expect(answer.labels.find(({ label }) => label === largest)!.score).toBe(values[0]);
      }),
    );
  });

  test("without labels are all outputs, row by row", () => {
    const many = signature(
      [port("x", "float32", ["N"])],
      [
        port("label", "int64", ["N"]),
        port("flags", "bool", ["N", 1]),
        port("words", "string", ["N"]),
        port("half", "float16", ["N"]),
      ],
    );
    const tensor = (name: string, dtype: DType, shape: number[], data: Tensor["data"]): NamedTensor => ({
      name,
      dtype,
      shape,
      data,
    });
    const answers = compile({}, many).answer(
      [
        tensor("label", "int64", [2], BigInt64Array.of(3n, -(2n ** 60n))),
        tensor("flags", "bool", [2, 1], Uint8Array.of(0, 1)),
        tensor("words", "string", [2], ["a", "b"]),
        tensor("half", "float16", [2], Uint16Array.from([1.5, Number.POSITIVE_INFINITY].map(float16FromNumber))),
      ],
      2,
    );
    expect(answers).toEqual([
      { kind: "outputs", outputs: { label: 3, flags: [false], words: "a", half: 1.5 } },
      { kind: "outputs", outputs: { label: "-1152921504606846976", flags: [true], words: "b", half: "Infinity" } },
    ]);
  });

  test("are checked against the outputs before any is seen", () => {
    const labels = { step: "labels", labels: ["a", "b"] };
    expect(refused({ after: [labels] }, model)).toBe(
      "Processing after[0] (labels) has 2 labels; the output's last axis has 3.",
    );
    const three = { step: "labels", labels: ["a", "b", "c"] };
    expect(refused({ after: [{ ...three, top: 4 }] }, model)).toContain('has a "top" of 4 for 3 labels');
    expect(refused({ after: [three, { step: "softmax" }] }, model)).toContain(
      'after[1] (softmax) comes after "labels"',
    );
    expect(refused({ after: [{ step: "softmax", axis: 0 }] }, model)).toContain("along which the records lie");
    expect(refused({ after: [{ step: "softmax", axis: -2 }] }, model)).toContain("along which the records lie");
    expect(refused({ after: [{ step: "softmax", axis: 2 }] }, model)).toContain(
      "has the axis 2; the output has 2 axes",
    );
    expect(refused({ after: [{ step: "softmax", output: "logits" }] }, model)).toContain(
      'names the output "logits"; the model has scores',
    );
    const two = signature(model.inputs, [...model.outputs, port("words", "string", ["N"])]);
    expect(refused({ after: [{ step: "softmax" }] }, two)).toContain(
      'has to name its "output"; the model has scores, words',
    );
    expect(refused({ after: [{ step: "softmax", output: "words" }] }, two)).toContain(
      'needs numbers; the output "words" is string',
    );
  });

  test("that the model breaks its word on are refused", () => {
    const open = signature(model.inputs, [port("scores", "float32", null)]);
    const compiled = compile({ after: [{ step: "labels", labels: ["a", "b"] }] }, open);
    const broken = (outputs: NamedTensor[], count: number) =>
      failure("PROCESSING_INVALID", () => compiled.answer(outputs, count));
    expect(broken([], 1)).toContain('the output "scores" did not come');
    expect(broken([scores(Float32Array.of(1, 2, 3))], 1)).toContain("has 3 scores for 2 labels");
    expect(broken([scores(Float32Array.of(1, 2, 3))], 2)).toContain("has no row for each of 2 records");
  });
});
