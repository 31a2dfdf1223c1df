import { readdirSync, readFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { parseProcessing } from "@slipway/core/processing";
import type { Signature } from "@slipway/core/tensor";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";
import { systemClock } from "../system-clock.ts";
import { ImagePreparer } from "./preparer.ts";

const patient = { deadline: Number.POSITIVE_INFINITY, signal: new AbortController().signal };
const signature: Signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", null, null, 3] } }],
  outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
};
const { before, input } = parseProcessing({ schemaVersion: 1, before: [{ step: "decode-image", channels: "rgb" }] });
const preparation = { before, input, signature };
const sound = await sharp({ create: { width: 3, height: 2, channels: 3, background: "#123" } })
  .png()
  .toBuffer();

const preparer = new ImagePreparer({ clock: systemClock });
afterAll(() => preparer.close());

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.byteLength, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** A grey PNG of a size it only says it has, with these chunks before its pixels. */
function png(width: number, height: number, pixels: Uint8Array, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    ...extra,
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

const ZEROS = deflateSync(Buffer.alloc(200 * 2 ** 20));
const bomb = (type: string, head: string): Buffer => chunk(type, Buffer.concat([Buffer.from(head, "latin1"), ZEROS]));
const svg = (inside: string): Buffer =>
  Buffer.from(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="4" height="4">${inside}</svg>`);
const frames = sharp(Buffer.alloc(4 * 4 * 3 * 500), { raw: { width: 4, height: 2000, channels: 3, pageHeight: 4 } });

/** What comes in, and what becomes of it: the shape of the row, or null where it must be refused. */
const IMAGES: readonly (readonly [string, () => Buffer | Promise<Buffer>, readonly number[] | null | "either"])[] = [
  ["a PNG that says it is 2^31 wide and high", () => png(2 ** 31 - 1, 2 ** 31 - 1, new Uint8Array(9)), null],
  ["a PNG of no width", () => png(0, 10, new Uint8Array(10)), null],
  ["a PNG of more pixels than its data", () => png(4_000, 4_000, new Uint8Array(100)), null],
  ["a PNG whose data goes on for 200 MiB", () => png(4, 4, Buffer.alloc(200 * 2 ** 20)), "either"],
  ["a PNG whose text unpacks to 200 MiB", () => png(1, 1, Uint8Array.of(0, 7), [bomb("zTXt", "k\0\0")]), "either"],
  ["a PNG whose profile unpacks to 200 MiB", () => png(1, 1, Uint8Array.of(0, 7), [bomb("iCCP", "p\0\0")]), "either"],
  ["a JPEG that says it is 65,500 wide and high", () => hugeJpeg(), null],
  ["a JPEG cut in half", () => halfOf(sharp(sound).resize(300, 200).jpeg().toBuffer()), null],
  ["a WebP cut in half", () => halfOf(sharp(sound).resize(300, 200).webp({ lossless: true }).toBuffer()), null],
  ["an animated WebP: its first picture", () => frames.clone().webp({ loop: 0 }).toBuffer(), [1, 4, 4, 3]],
  ["a GIF", () => sharp(sound).gif().toBuffer(), null],
  ["a TIFF", () => sharp(sound).tiff().toBuffer(), null],
  ["an AVIF", () => sharp(sound).avif().toBuffer(), null],
  ["an SVG that names a file", () => svg('<image href="file:///etc/hostname" width="4" height="4"/>'), null],
  ["an SVG that names an address", () => svg('<image href="http://127.0.0.1:9/x.png" width="4" height="4"/>'), null],
  [
    "an SVG whose entities multiply",
    () =>
      Buffer.concat([Buffer.from('<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'), svg("<text>&b;</text>")]),
    null,
  ],
  ["the path of a file", () => Buffer.from("/etc/hostname"), null],
  ["noise behind a PNG's signature", () => Buffer.concat([sound.subarray(0, 8), Buffer.alloc(5_000, 0xa5)]), null],
  ["a PNG with something behind its end", () => Buffer.concat([sound, Buffer.alloc(1_000, 0x41)]), [1, 2, 3, 3]],
];

it.each(IMAGES)("%s ends in an answer, and the next image is read", async (_what, make, expected) => {
  const outcome = await preparer.prepare(preparation, [await make()], patient).then(
    ([row]) => row!.shape,
    (error: { code: string; message: string }) => {
      expect(error.code, error.message).toBe("RECORD_INVALID");
      expect(error.message).not.toMatch(/node_modules|\.ts:\d|hostname\n/);
      return null;
    },
  );
  if (expected !== "either") expect(outcome).toEqual(expected);
  const [row] = await preparer.prepare(preparation, [sound], patient);
  expect(row!.shape).toEqual([1, 2, 3, 3]);
});

async function halfOf(file: Promise<Buffer>): Promise<Buffer> {
  const whole = await file;
  return whole.subarray(0, whole.byteLength >> 1);
}

async function hugeJpeg(): Promise<Buffer> {
  const file = await sharp(sound).jpeg({ progressive: false }).toBuffer();
  const frame = file.indexOf(Buffer.from("ffc0", "hex"));
  file.writeUInt16BE(65_500, frame + 5);
  file.writeUInt16BE(65_500, frame + 7);
  return file;
}

it.runIf(process.platform === "linux")("one that takes for ever holds up nobody, and ends at its limit", async () => {
  const already = preparersOf(process.pid);
  const preparer = new ImagePreparer({ clock: systemClock, timeoutMs: 5_000 });
  await preparer.prepare(preparation, [sound], patient);
  const [pid] = preparersOf(process.pid).filter((one) => !already.includes(one));
  process.kill(pid!, "SIGSTOP");
  const stuck = preparer.prepare(preparation, [sound], patient).catch((error: { message: string }) => error.message);
  for (let count = 0; count < 3; count++) {
    expect((await preparer.prepare(preparation, [sound], patient))[0]!.shape).toEqual([1, 2, 3, 3]);
  }
  expect(preparersOf(process.pid)).toContain(pid);
  expect(await stuck).toMatch(/took longer than 5000 ms/);
  await expect.poll(() => preparersOf(process.pid)).not.toContain(pid);
  preparer.close();
});

it.runIf(process.platform === "linux")("it runs as contained as a runner does", async () => {
  await preparer.prepare(preparation, [sound], patient);
  const [pid] = preparersOf(process.pid);
  const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  expect(Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"))).toBeGreaterThanOrEqual(500);
  if (!/Max data size +\d/.test(limits)) return; // Without prlimit here; containment.test.ts holds what is said to it.
  expect(limits).toMatch(/Max file size +0 /);
  expect(limits).toMatch(/Max data size +3221225472 /);
  expect(status).toMatch(/NoNewPrivs:\s+1/);
});

/** Preparers this process started. */
function preparersOf(parent: number): number[] {
  const read = (file: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/status`).includes(`PPid:\t${parent}\n`))
    .filter((name) => read(`/proc/${name}/cmdline`).includes("preparer-main"))
    .map(Number);
}
