import { afterEach, expect, test } from "vitest";
import sharp from "sharp";
import type { Clock } from "@slipway/core/base";
import { ImageDecoder } from "./decoder.ts";
import { encodeAnswer, MessageReader } from "./messages.ts";

const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};
const decoders: ImageDecoder[] = [];
const create = (options = {}) => {
  const decoder = new ImageDecoder({ clock, ...options });
  decoders.push(decoder);
  return decoder;
};
afterEach(() => {
  for (const decoder of decoders.splice(0)) decoder.close();
});

const pixels = Buffer.from([
  255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 10, 20, 30, 0, 40, 50, 60, 255, 70, 80, 90, 255,
]);
const png = await sharp(pixels, { raw: { width: 3, height: 2, channels: 4 } })
  .png()
  .toBuffer();

test("pixels come back as they were, in each number of channels", async () => {
  const decoder = create();
  const [rgba, rgb, grey] = await Promise.all([decoder.decode(png, 4), decoder.decode(png, 3), decoder.decode(png, 1)]);
  expect(rgba).toMatchObject({ height: 2, width: 3, channels: 4 });
  expect([...rgba.pixels]).toEqual([...pixels]);
  // Transparent becomes black.
  expect([...rgb.pixels]).toEqual([255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 40, 50, 60, 70, 80, 90]);
  expect(grey).toMatchObject({ height: 2, width: 3, channels: 1 });
  expect(grey.pixels).toHaveLength(6);
});

test("what is no image, or no promised format, is refused by name and the next image is read", async () => {
  const decoder = create();
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>',
  );
  const tiff = await sharp(png).tiff().toBuffer();
  for (const file of [Buffer.alloc(0), Buffer.from("hello"), png.subarray(0, 60), svg, tiff]) {
    await expect(decoder.decode(file, 1)).rejects.toMatchObject({ code: "RECORD_INVALID" });
  }
  expect((await decoder.decode(png, 3)).width).toBe(3);
});

test("an image of more pixels than allowed is refused before it is decoded", async () => {
  const bomb = await sharp({ create: { width: 12_000, height: 12_000, channels: 3, background: "#000" } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  expect(bomb.byteLength).toBeLessThan(2_000_000);
  await expect(create().decode(bomb, 3)).rejects.toThrow(/pixel limit/);
});

test("past the time limit only the file at work fails", async () => {
  const decoder = create({ timeoutMs: 1 });
  // A start takes longer than a millisecond, so the first file runs out of time.
  await expect(decoder.decode(png, 1)).rejects.toThrow("took longer than 1 ms");
});

test("a bounded number waits, and closing ends them all", async () => {
  const decoder = create({ maxWaiting: 2 });
  const outcomes = [1, 2, 3, 4].map(() => decoder.decode(png, 1).catch((error: { code: string }) => error.code));
  expect(await outcomes[3]).toBe("QUEUE_FULL");
  decoder.close();
  expect(await Promise.all(outcomes.slice(0, 3))).toEqual(["SHUTTING_DOWN", "SHUTTING_DOWN", "SHUTTING_DOWN"]);
  await expect(decoder.decode(png, 1)).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
});

test("messages survive any cutting of the stream, and an overlong one is refused", () => {
  const bytes = Buffer.concat([
    ...encodeAnswer("no"),
    ...encodeAnswer({ height: 1, width: 2, channels: 1, pixels: Uint8Array.of(7, 8) }),
  ]);
  for (let size = 1; size <= bytes.byteLength; size++) {
    const seen: string[] = [];
    const reader = new MessageReader(1000, (message) => seen.push(message.toString("hex")));
    for (let at = 0; at < bytes.byteLength; at += size) reader.push(bytes.subarray(at, at + size));
    expect(seen).toHaveLength(2);
    expect(seen[1]).toMatch(/0708$/);
  }
  expect(() => new MessageReader(4, () => {}).push(bytes)).toThrow(/over the limit/);
});
