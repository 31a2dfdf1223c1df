// The image preparer's process: compressed files come in on standard input, model inputs go out on standard output, one
// request at a time. It is apart because decoders of hostile files crash, and because decoding and resizing would hold
// up the front.
import { SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { type CompiledProcessing, compileProcessing, NO_PROCESSING } from "@slipway/core/processing";
import type { Tensor } from "@slipway/core/tensor";
import sharp from "sharp";
import { decodeRequest, encodeAnswer, MessageReader, type Preparation, type Prepared } from "./messages.ts";

/** Most pixels an image may have, and all images of a request, whatever their files' sizes: both bound what we allocate. */
const PIXEL_LIMIT = 50_000_000;
const REQUEST_PIXEL_LIMIT = 200_000_000;
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
    processing = compileProcessing({ ...NO_PROCESSING, before, input }, signature);
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(key, processing);
  }
  return processing;
}

/**
 * A file's pixels, turned upright as its EXIF data says, 8 bits a channel.
 * @param pixelsLeft how many the request's images before this one left of what they may have together
 */
async function decode(file: Buffer, index: number, pixelsLeft: number): Promise<Tensor> {
  if (pixelsLeft === 0) throw undecodable(index, "the images before it have too many pixels already");
  try {
    // In sharp, a limit of 0 would be none.
    const image = sharp(file, { limitInputPixels: Math.min(PIXEL_LIMIT, pixelsLeft), failOn: "error", pages: 1 })
      .autoOrient()
      .toColourspace("srgb");
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { dtype: "uint8", shape: [info.height, info.width, info.channels], data };
  } catch (error) {
    throw undecodable(index, (error as Error).message.split("\n")[0]!);
  }
}

function undecodable(index: number, reason: string): SlipwayError {
  return new SlipwayError(
    "RECORD_INVALID",
    `Record ${index}: the image can't be decoded (${reason}); PNG, JPEG and WebP are read, up to ${PIXEL_LIMIT} pixels each and ${REQUEST_PIXEL_LIMIT} in a request.`,
    { details: { record: index } },
  );
}

async function prepare(preparation: Preparation, files: readonly Buffer[]): Promise<Prepared> {
  try {
    const records = [];
    let pixelsLeft = REQUEST_PIXEL_LIMIT;
    for (const [index, file] of files.entries()) {
      const pixels = await decode(file, index, pixelsLeft);
      pixelsLeft -= pixels.shape[0]! * pixels.shape[1]!;
      records.push({ kind: "image" as const, pixels });
    }
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
