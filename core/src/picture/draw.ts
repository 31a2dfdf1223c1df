// Models as one SVG picture: each a diagram that is laid out and drawn, side by side where there are several.
import { assert } from "#base";
import type { Model, Node } from "#graph";
import { inferTypes } from "#passes";
import type { TensorType } from "#tensor";
import { diagramOf } from "./diagram.ts";
import { escaped } from "./escaped.ts";
import { description, headerOf, leastWidth } from "./header.ts";
import { type Around, partAround } from "./part.ts";
import { measured, type PictureDirection, svgOf } from "./shapes.ts";
import { type PictureTheme, styleOf } from "./style.ts";
import { textWidthPx } from "./text-width.ts";

export interface DrawnModel {
  readonly model: Model;
  /** What stands over its picture; nothing where there is but one. */
  readonly heading?: string;
  /** Types of its values, said on the lines; as `inferTypes` tells them unless said. */
  readonly types?: ReadonlyMap<string, TensorType>;
  /** The part that is drawn; all unless said. */
  readonly around?: Around;
  /** Nodes that stand out, such as those a pass has added; see `changedNodes`. */
  readonly isMarked?: (node: Node) => boolean;
}

export interface PictureOptions {
  readonly title: string;
  readonly subtitle?: string;
  /** Which way the values go; down unless said. */
  readonly direction?: PictureDirection;
  /** auto unless said. */
  readonly theme?: PictureTheme;
  /** Draws every node: all copies of a block that repeats, instead of the first, and what computes shapes and constants. */
  readonly isWhole?: boolean;
  /** What the nodes that stand out are. */
  readonly markMeans?: string;
  /** Boxes that may be drawn of a model; 2000 unless said. */
  readonly mostBoxes?: number;
}

export interface Picture {
  readonly svg: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

const MOST_BOXES = 2000;
const MARGIN = 20;
const BETWEEN = 56;
const HEADING = 30;
const HEADING_PX = 14;

/**
 * Draws models side by side. The same ones always give the same text, with no scripts and nothing from elsewhere.
 * @throws SlipwayError MODEL_TOO_LARGE naming a graph of more nodes than anybody would find their way in; as `partAround`
 */
export function drawModels(models: readonly DrawnModel[], options: PictureOptions): Picture {
  assert(models.length > 0, "There is no model to draw.");
  const { title, direction = "down", isWhole = false, mostBoxes = MOST_BOXES } = options;
  const panels = models.map(({ model, heading = null, types = inferTypes(model), around, isMarked = () => false }) => {
    const { inputs, outputs } = model.graph;
    const ends = new Set([...inputs, ...outputs].map(({ name }) => name));
    const graph = around === undefined ? model.graph : partAround(model.graph, around);
    const diagram = diagramOf(graph, { types, ends, isWhole, isMarked, mostBoxes });
    const drawing = measured(diagram, direction);
    const width = Math.ceil(Math.max(drawing.width, heading === null ? 0 : textWidthPx(heading, HEADING_PX) * 1.05));
    return { graph, heading, diagram, drawing, width };
  });
  const inner = panels.reduce((sum, panel) => sum + panel.width, 0) + BETWEEN * (panels.length - 1);
  const room = Math.ceil(Math.max(inner, leastWidth(title)));
  const diagrams = panels.map(({ diagram }) => diagram);
  const header = headerOf(
    { title, subtitle: options.subtitle ?? null, diagrams, markMeans: options.markMeans ?? null },
    room,
  );
  const hasHeadings = panels.some(({ heading }) => heading !== null);
  const top = MARGIN + header.height + (hasHeadings ? HEADING + 8 : 14);
  const [width, height] = [room + 2 * MARGIN, top + Math.max(...panels.map(({ drawing }) => drawing.height)) + MARGIN];
  const words = panels.map(({ graph, diagram, heading }) => description(graph, diagram, heading)).join(" ");
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(words)}</desc>`,
    styleOf(options.theme ?? "auto"),
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})">`,
    ...header.parts,
    "</g>",
  ];
  let x = Math.round(MARGIN + (room - inner) / 2);
  for (const panel of panels) {
    const { heading, drawing } = panel;
    if (heading !== null) parts.push(`<text class="panel" x="${x}" y="${top - 14}">${escaped(heading)}</text>`);
    const middle = x + Math.round((panel.width - drawing.width) / 2);
    parts.push(`<g transform="translate(${middle} ${top})">`, ...svgOf(drawing), "</g>");
    x += panel.width + BETWEEN;
  }
  return { svg: `${parts.join("\n")}\n</svg>\n`, width, height };
}
