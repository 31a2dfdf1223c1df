// The colours of pictures: hues of Okabe and Ito (jfly.uni-koeln.de/color), told apart also without red or green vision, as the
// charts have them; text has a contrast of at least 4.5:1 on what it stands on, in light and in dark.
import type { Category } from "./labels.ts";

/** light and dark stand alone; auto follows what the reader prefers. */
export type PictureTheme = "light" | "dark" | "auto";

interface Inks {
  readonly page: string;
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly frame: string;
  readonly end: string;
  readonly endInk: string;
  readonly mark: string;
  /** Ground and border of each category. */
  readonly categories: Readonly<Record<Category, readonly [string, string]>>;
}

const LIGHT: Inks = {
  page: "#ffffff",
  ink: "#16181d",
  quiet: "#565c68",
  line: "#8d94a1",
  frame: "#f6f7f9",
  end: "#2c323c",
  endInk: "#ffffff",
  mark: "#c75300",
  categories: {
    product: ["#e4f1fb", "#0072b2"],
    normalization: ["#e2f4ec", "#00875f"],
    activation: ["#fdf1dc", "#a87300"],
    reduction: ["#f7e8f1", "#a4497f"],
    arithmetic: ["#f1f2f5", "#6b7280"],
    arrangement: ["#ffffff", "#a3a9b4"],
    control: ["#f6f7f9", "#858b97"],
  },
};
const DARK: Inks = {
  page: "#0f1114",
  ink: "#eceef1",
  quiet: "#aab0bb",
  line: "#6c7380",
  frame: "#15181c",
  end: "#d5d9e0",
  endInk: "#0f1114",
  mark: "#f0883e",
  categories: {
    product: ["#0f2a3d", "#56b4e9"],
    normalization: ["#0e2c22", "#2fbf8f"],
    activation: ["#332708", "#d9a63a"],
    reduction: ["#331e2a", "#d98bb8"],
    arithmetic: ["#1f2329", "#8a919d"],
    arrangement: ["#121519", "#565d69"],
    control: ["#15181c", "#6c7380"],
  },
};

/** @returns a style element that the classes of `svgOf` and `drawModels` stand on */
export function styleOf(theme: PictureTheme): string {
  const common = [
    `text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums }`,
    ".heading { font-size: 17px; font-weight: 600 } .panel { font-size: 14px; font-weight: 600 } .quiet { font-size: 12px }",
    ".title { font-size: 13px; font-weight: 600 } .detail { font-size: 11px } .value { font-size: 10.5px }",
    ".line { fill: none; stroke-width: 1.25 } .box { stroke-width: 1 } .frame { stroke-dasharray: 4 3 } .marked { stroke-width: 2.5 }",
    ".middle { text-anchor: middle } .far { text-anchor: end }",
  ];
  const colours =
    theme === "auto"
      ? [...rules(LIGHT), "@media (prefers-color-scheme: dark) {", ...rules(DARK), "}"]
      : rules(theme === "dark" ? DARK : LIGHT);
  return `<style>\n${[...common, ...colours].join("\n")}\n</style>`;
}

function rules({ page, ink, quiet, line, frame, end, endInk, mark, categories }: Inks): readonly string[] {
  return [
    `.page { fill: ${page} } .heading, .panel, .title { fill: ${ink} } .quiet, .detail, .value { fill: ${quiet} }`,
    `.value { stroke: ${page}; stroke-width: 3px; paint-order: stroke; stroke-linejoin: round } .inside .value { stroke: ${frame} }`,
    `.line { stroke: ${line} } .tip { fill: ${line} }`,
    ...Object.entries(categories).map(([name, [ground, border]]) => `.${name} { fill: ${ground}; stroke: ${border} }`),
    `.frame { fill: ${frame} } .end { fill: ${end}; stroke: ${end} } .end-ink { fill: ${endInk} } .pin { fill: ${page}; stroke: ${line} }`,
    `.marked { stroke: ${mark} } rect.marked:not(.product, .normalization, .activation, .reduction, .arithmetic, .arrangement, .control) { fill: ${page} }`,
  ];
}
