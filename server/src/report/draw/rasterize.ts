// A chart's SVG as a PNG, in the drawing process. Apart from the server's image preparer, which is the other file that loads
// sharp: that one decodes what strangers sent and refuses SVG; this one takes nothing but pictures Slipway drew.
import sharp from "sharp";

/** Pixels of the PNG for each of the picture's; text stays sharp on dense screens and in print. */
const SCALE = 2;
/** At this density sharp draws a picture at its own size. */
const OWN_DENSITY = 72;

sharp.cache(false);
sharp.concurrency(1);

export async function rasterize(svg: string): Promise<Buffer> {
  return await sharp(Buffer.from(svg, "utf8"), { density: OWN_DENSITY * SCALE })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
