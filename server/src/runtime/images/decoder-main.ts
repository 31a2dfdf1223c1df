// The image decoder's process: compressed files come in on standard input, pixels go out on standard output, one at a
// time. It is apart because decoders of hostile files crash, and because decoding would hold up the front.
import sharp from "sharp";
import { type Channels, decodeRequest, encodeAnswer, type DecodedImage, MessageReader } from "./messages.ts";

/** Most pixels an image may have, whatever its file's size: what one request may make us allocate is bounded. */
const PIXEL_LIMIT = 50_000_000;
const MESSAGE_LIMIT_BYTES = 2 ** 30;

sharp.cache(false);
sharp.concurrency(1);
// Only the formats that are promised; libvips can read many more, each with a decoder of its own.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadWebp"] });

async function decode(file: Buffer, channels: Channels): Promise<DecodedImage> {
  let image = sharp(file, { limitInputPixels: PIXEL_LIMIT, failOn: "error", pages: 1 }).autoOrient();
  // Transparent parts show what is behind them: black.
  if (channels !== 4) image = image.flatten({ background: "#000" });
  if (channels === 1) image = image.toColourspace("b-w");
  else image = channels === 4 ? image.toColourspace("srgb").ensureAlpha() : image.toColourspace("srgb");
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, channels: info.channels as Channels, pixels: data };
}

let last: Promise<void> = Promise.resolve();
const reader = new MessageReader(MESSAGE_LIMIT_BYTES, (message) => {
  const { file, channels } = decodeRequest(message);
  last = last.then(async () => {
    const answer = await decode(file, channels).catch((error: Error) => error.message);
    for (const part of encodeAnswer(answer)) process.stdout.write(part);
  });
});
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", () => process.exit(0));
