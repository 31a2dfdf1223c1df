// A lineage graph as an SVG picture: boxes in layers from left to right, in the charts' palette.
import { ink, type InkName, recolour, type Theme } from "../charts/palette.ts";
import { FONT } from "../charts/spec.ts";
import { escaped } from "@slipway/core/picture";
import { layOut, type Placed } from "./layout.ts";
import type { Lineage, LineageNodeKind } from "./lineage.ts";

const BOX_WIDTH = 176;
const BOX_HEIGHT = 44;
const LAYER_STEP = BOX_WIDTH + 48;
const ROW_STEP = BOX_HEIGHT + 16;
const MARGIN = 8;
const MOST_LETTERS = 24;

const COLOURS: Readonly<Record<LineageNodeKind, InkName>> = {
  source: "chart-5",
  model: "chart-1",
  transform: "chart-4",
  version: "chart-1",
  dataset: "chart-6",
  evidence: "chart-3",
  deployment: "chart-2",
};

export function drawLineage(lineage: Lineage, theme: Theme): string {
  const placed = layOut(lineage);
  const tallest = Math.max(1, ...placed.map(({ layer }) => placed.filter((one) => one.layer === layer).length));
  const width = 2 * MARGIN + (Math.max(0, ...placed.map(({ layer }) => layer)) + 1) * LAYER_STEP - 48;
  const height = 2 * MARGIN + tallest * ROW_STEP - 16;
  const at = new Map(placed.map((one) => [one.node.id, cornerOf(one, placed, tallest)]));
  const lines = lineage.edges.map(({ from, to }) => {
    const start = at.get(from)!;
    const end = at.get(to)!;
    const [x1, y1, x2, y2] = [start.x + BOX_WIDTH, start.y + BOX_HEIGHT / 2, end.x, end.y + BOX_HEIGHT / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    return `<path d="M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}" fill="none" stroke="${ink("line")}" stroke-width="1.25"/>`;
  });
  const boxes = placed.map(({ node }) => {
    const { x, y } = at.get(node.id)!;
    const colour = ink(COLOURS[node.kind]);
    const border = node.isSubject ? `stroke="${colour}" stroke-width="2"` : `stroke="${ink("line")}" stroke-width="1"`;
    return [
      `<g><title>${escaped(`${node.kind}: ${node.label}, ${node.detail}`)}</title>`,
      `<rect x="${x}" y="${y}" width="${BOX_WIDTH}" height="${BOX_HEIGHT}" rx="4" fill="${ink("ground")}" ${border}/>`,
      `<rect x="${x}" y="${y}" width="4" height="${BOX_HEIGHT}" rx="2" fill="${colour}"/>`,
      `<text x="${x + 14}" y="${y + 19}" font-size="12" font-weight="${node.isSubject ? 600 : 500}" fill="${ink("ink")}">${escaped(cut(node.label))}</text>`,
      `<text x="${x + 14}" y="${y + 34}" font-size="11" fill="${ink("ink-2")}">${escaped(cut(node.detail))}</text></g>`,
    ].join("");
  });
  const ground = theme === "page" ? "" : `<rect width="${width}" height="${height}" fill="${ink("ground")}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(FONT)}">${ground}${lines.join("")}${boxes.join("")}</svg>`;
  return recolour(svg, theme);
}

function cornerOf({ layer, row }: Placed, all: readonly Placed[], tallest: number): { x: number; y: number } {
  const count = all.filter((one) => one.layer === layer).length;
  const top = ((tallest - count) * ROW_STEP) / 2;
  return { x: MARGIN + layer * LAYER_STEP, y: MARGIN + top + row * ROW_STEP };
}

function cut(text: string): string {
  const letters = Array.from(text);
  return letters.length <= MOST_LETTERS ? text : `${letters.slice(0, MOST_LETTERS - 1).join("")}…`;
}
