// The image preparer's process: compressed files come in on standard input, model inputs go out on standard output, one
// request at a time. It is apart because decoders of hostile files crash, and because decoding and resizing would hold
// up the front.
import { SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { type CompiledProcessing, compileProcessing } from "@slipway/core/processing";
import type { Tensor } from "@slipway/core/tensor";
import sharp from "sharp";
import { decodeRequest, encodeAnswer, MessageReader, type Preparation, type Prepared } from "./messages.ts";

/** Most pixels an image may have, whatever its file's size: what one request may make us allocate is bounded. */
const PIXEL_LIMIT = 50_000_000;
const MESSAGE_LIMIT_BYTES = 2 ** 31;
/** Compiled preparations kept; a server has few endpoints with images. */
const KEPT = 64;

sharp.cache(false);
sharp.concurrency(1);
// Only the formats that are promised; libvips can read many more, each with a decoder of its own.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadWebp"] });

const compiled = new Map<string, CompiledProcessing>();

function compile(preparation: Preparation): CompiledProcessing {
  const key = JSON.stringify(preparation);
  let processing = compiled.get(key);
  if (processing === undefined) {
    const { before, input, signature } = preparation;
    processing = compileProcessing({ schemaVersion: 1, before, input, after: [] }, signature);
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(key, processing);
  }
  return processing;
}

/** A file's pixels, turned upright as its EXIF data says, 8 bits a channel. */
async function decode(file: Buffer, index: number): Promise<Tensor> {
  try {
    const image = sharp(file, { limitInputPixels: PIXEL_LIMIT, failOn: "error", pages: 1 })
      .autoOrient()
      .toColourspace("srgb");
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { dtype: "uint8", shape: [info.height, info.width, info.channels], data };
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    throw new SlipwayError(
      "RECORD_INVALID",
      `Record ${index}: the image can't be decoded (${reason}); PNG, JPEG and WebP are read.`,
      {
        details: { record: index },
      },
    );
  }
}

async function prepare(preparation: Preparation, files: readonly Buffer[]): Promise<Prepared> {
  try {
    const records = [];
    for (const [index, file] of files.entries())
      records.push({ kind: "image" as const, pixels: await decode(file, index) });
    return { ok: true, inputs: compile(preparation).prepare(records) };
  } catch (error) {
    return { ok: false, error: slipwayErrorFrom(error) };
  }
}

let last: Promise<void> = Promise.resolve();
const reader = new MessageReader(MESSAGE_LIMIT_BYTES, (head, body) => {
  const { preparation, files } = decodeRequest(head, body);
  last = last.then(async () => {
    for (const part of encodeAnswer(await prepare(preparation, files))) process.stdout.write(part);
  });
});
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", () => process.exit(0));
