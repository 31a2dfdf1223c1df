// Models as pictures: a graph laid out in layers and drawn as SVG, and what other pictures need too.
export { changedNodes } from "./changes.ts";
export { type DrawnModel, drawModels, type Picture, type PictureOptions } from "./draw.ts";
export { allowedInXml, escaped } from "./escaped.ts";
export { type Around } from "./part.ts";
export { type PictureDirection } from "./shapes.ts";
export { type PictureTheme } from "./style.ts";
export { textWidthPx } from "./text-width.ts";
