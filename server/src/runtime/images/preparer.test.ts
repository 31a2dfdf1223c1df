import { compileProcessing, parseProcessing } from "@slipway/core/processing";
import type { Signature } from "@slipway/core/tensor";
import sharp from "sharp";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../system-clock.ts";
import { encodeAnswer, encodeRequest, MessageReader, type Preparation } from "./messages.ts";
import { ImagePreparer } from "./preparer.ts";

const patient = { deadline: Number.POSITIVE_INFINITY, signal: new AbortController().signal };
const preparers: ImagePreparer[] = [];
const create = (options = {}) => {
  const preparer = new ImagePreparer({ clock: systemClock, ...options });
  preparers.push(preparer);
  return preparer;
};
afterEach(() => {
  for (const preparer of preparers.splice(0)) preparer.close();
});

const signature: Signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", null, null, "C"] } }],
  outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
};
const preparation = (channels: string): Preparation => {
  const { before, input } = parseProcessing({ schemaVersion: 1, before: [{ step: "decode-image", channels }] });
  return { before, input, signature };
};
const pixels = Buffer.from([
  255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 10, 20, 30, 0, 40, 50, 60, 255, 70, 80, 90, 255,
]);
const png = await sharp(pixels, { raw: { width: 3, height: 2, channels: 4 } })
  .png()
  .toBuffer();

test("what the other process prepares is what core makes of the same pixels, rows in the files' order", async () => {
  const preparer = create();
  const other = await sharp(png).flop().png().toBuffer();
  const flopped = await sharp(other).raw().toBuffer();
  for (const channels of ["grey", "rgb", "rgba"]) {
    const [inputs] = await preparer.prepare(preparation(channels), [png, other], patient);
    const image = (data: Buffer) => ({
      kind: "image" as const,
      pixels: { dtype: "uint8" as const, shape: [2, 3, 4], data },
    });
    const { before, input } = preparation(channels);
    const here = compileProcessing(
      { schemaVersion: 1, before, input, after: [], instances: "values", times: [] },
      signature,
    ).prepare([image(pixels), image(flopped)]);
    expect(inputs).toEqual(here[0]);
  }
});

test("what is no image, or no promised format, is refused by name and the next image is read", async () => {
  const preparer = create();
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>',
  );
  const tiff = await sharp(png).tiff().toBuffer();
  for (const file of [Buffer.alloc(0), Buffer.from("hello"), png.subarray(0, 60), svg, tiff]) {
    await expect(preparer.prepare(preparation("rgb"), [png, file], patient)).rejects.toMatchObject({
      code: "RECORD_INVALID",
      message: expect.stringMatching(/^Record 1: /),
    });
  }
  expect((await preparer.prepare(preparation("rgb"), [png], patient))[0]!.shape).toEqual([1, 2, 3, 3]);
});

test("an image of more pixels than allowed is refused before it is decoded", async () => {
  const bomb = await sharp({ create: { width: 9_000, height: 9_000, channels: 3, background: "#000" } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  expect(bomb.byteLength).toBeLessThan(2_000_000);
  await expect(create().prepare(preparation("rgb"), [bomb], patient)).rejects.toThrow(/pixel limit/);
});

test("past the time limit the request at work fails", async () => {
  // A start takes longer than a millisecond, so the first file runs out of time.
  await expect(create({ timeoutMs: 1 }).prepare(preparation("grey"), [png], patient)).rejects.toThrow(
    "took longer than 1 ms",
  );
});

test("a bounded number waits, and closing ends them all", async () => {
  const preparer = create({ maxWaiting: 2 });
  const outcomes = [1, 2, 3, 4].map(() =>
    preparer.prepare(preparation("grey"), [png], patient).catch((error: { code: string }) => error.code),
  );
  expect(await outcomes[3]).toBe("QUEUE_FULL");
  preparer.close();
  expect(await Promise.all(outcomes.slice(0, 3))).toEqual(["SHUTTING_DOWN", "SHUTTING_DOWN", "SHUTTING_DOWN"]);
  await expect(preparer.prepare(preparation("grey"), [png], patient)).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
});

test("nobody waits past the deadline or after leaving, and what they left does not keep others out", async () => {
  const preparer = create({ maxWaiting: 3 });
  const code = (error: { code: string }) => error.code;
  // The first start of the process takes longer than all of this.
  const first = preparer.prepare(preparation("grey"), [png], patient);
  const soon = { ...patient, deadline: systemClock.now() + 5 };
  const late = preparer.prepare(preparation("grey"), [png], soon).catch(code);
  const leaving = new AbortController();
  const left = preparer.prepare(preparation("grey"), [png], { ...patient, signal: leaving.signal }).catch(code);
  const gone = preparer.prepare(preparation("grey"), [png], { ...patient, signal: AbortSignal.abort() }).catch(code);
  leaving.abort();
  expect(await Promise.all([late, left, gone])).toEqual([
    "DEADLINE_EXCEEDED",
    "REQUEST_CANCELLED",
    "REQUEST_CANCELLED",
  ]);
  const others = [1, 2, 3].map(() => preparer.prepare(preparation("grey"), [png], patient));
  for (const inputs of await Promise.all([first, ...others])) expect(inputs[0]!.shape).toEqual([1, 2, 3, 1]);
});

test("one that is given up at work is answered at once, and the next is still right", async () => {
  const preparer = create();
  const leaving = new AbortController();
  const left = preparer.prepare(preparation("grey"), [png], { ...patient, signal: leaving.signal });
  const next = preparer.prepare(preparation("rgb"), [png], patient);
  leaving.abort();
  await expect(left).rejects.toMatchObject({ code: "REQUEST_CANCELLED" });
  expect((await next)[0]!.shape).toEqual([1, 2, 3, 3]);
});

test("the bytes that wait are bounded", async () => {
  const preparer = create({ maxWaitingBytes: 2 * png.byteLength });
  const outcomes = [1, 2, 3, 4].map(() =>
    preparer.prepare(preparation("grey"), [png], patient).then(
      () => "ok",
      (error: { code: string }) => error.code,
    ),
  );
  expect(await Promise.all(outcomes)).toEqual(["ok", "ok", "ok", "QUEUE_FULL"]);
});

test("the images of a request may have so many pixels together", async () => {
  const large = await sharp({ create: { width: 7_000, height: 7_000, channels: 3, background: "#000" } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  await expect(create().prepare(preparation("grey"), [large, large, large, large, large], patient)).rejects.toThrow(
    /^Record 4: .*200000000 in a request/,
  );
}, 30_000);

test("messages survive any cutting of the stream, and an overlong one is refused", () => {
  const inputs = [{ name: "x", dtype: "uint8" as const, shape: [1, 2], data: Uint8Array.of(7, 8) }];
  const bytes = Buffer.concat([...encodeRequest(preparation("rgb"), [png]), ...encodeAnswer({ ok: true, inputs })]);
  for (const size of [1, 2, 3, 7, 8, 9, 50, bytes.byteLength]) {
    const seen: string[] = [];
    const reader = new MessageReader(100_000, (_, body) => seen.push(body.toString("hex")));
    for (let at = 0; at < bytes.byteLength; at += size) reader.push(bytes.subarray(at, at + size));
    expect(seen).toEqual([png.toString("hex"), "0708"]);
  }
  expect(() => new MessageReader(4, () => {}).push(bytes)).toThrow(/over the limit/);
});
