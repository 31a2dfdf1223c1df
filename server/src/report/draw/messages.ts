// What goes to the drawing process and comes back: a line of JSON each way, one picture at a time.
import type { ChartSpec } from "../charts/chart.ts";
import type { Theme } from "../charts/palette.ts";

export type DrawOrder = ChartOrder | PixelOrder;

/** A chart to be drawn. */
export interface ChartOrder {
  readonly spec: ChartSpec;
  readonly theme: Theme;
  readonly format: "svg" | "png";
}

/** A picture we drew ourselves, to become a PNG. */
export interface PixelOrder {
  readonly svg: string;
}

/** An SVG's text, a PNG's bytes in base64, or why there is no picture. */
export type DrawAnswer = { readonly picture: string } | { readonly error: string };
