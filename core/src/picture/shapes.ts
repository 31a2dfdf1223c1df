// A diagram with its places, as SVG: every box as large as its words, then the layout, then the marks. Frames hold pictures of
// their own, measured first.
import type { Diagram, DiagramBox } from "./diagram.ts";
import { escaped } from "./escaped.ts";

import { type Layout, type LayoutBox, layOut, type Point, type Segment } from "./layout.ts";
import { textWidthPx } from "./text-width.ts";
import { cut } from "./words.ts";

/** Which way lines lead. */
export type PictureDirection = "down" | "right";

/** A diagram, measured and laid out. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly direction: PictureDirection;
  readonly diagram: Diagram;
  readonly layout: Layout;
  readonly sizes: readonly BoxSize[];
}

interface BoxSize {
  /** Of the box as it is drawn. */
  readonly width: number;
  readonly height: number;
  /** Of the room it takes, with what is said of its values. */
  readonly room: LayoutBox;
  readonly inside: readonly { readonly drawing: Drawing; readonly x: number; readonly y: number }[];
}

const TITLE_PX = 13;
const DETAIL_PX = 11;
const VALUE_PX = 10.5;
const LINE_PX = 15;
const PADDING = 10;
const TOP = 18;
const LEAST_WIDTH = 64;
/** From a box to the end of what is said of its values. */
const LEAD = 17;
const PORT_ACROSS = 18;
const INSIDE = 14;
const TIP = 6;
/** Lines over more layers end in a tag with the value's name, and begin again in one. */
const FARTHEST = 30;
const TAG_LETTERS = 22;
const TAG_HEIGHT = 16;

/** Measures a diagram and gives everything its place. */
export function measured(diagram: Diagram, direction: PictureDirection): Drawing {
  const sizes = diagram.boxes.map((box) => sizeOf(box, direction));
  const nets = diagram.nets.map((net) => {
    const [width, height] = [textWidthPx(tagText(net.name), VALUE_PX) + 12, TAG_HEIGHT];
    const tag: LayoutBox =
      direction === "down" ? { across: width, along: height, ports: [] } : { across: height, along: width, ports: [] };
    return { from: net.from, port: net.port, to: net.to, tag };
  });
  const rooms = sizes.map(({ room }) => room);
  const layout = layOut(rooms, nets, { farthest: FARTHEST });
  const [width, height] = direction === "down" ? [layout.across, layout.along] : [layout.along, layout.across];
  return { width: Math.ceil(width), height: Math.ceil(height), direction, diagram, layout, sizes };
}

function tagText(name: string): string {
  return cut(name, TAG_LETTERS, "front");
}

function sizeOf(box: DiagramBox, direction: PictureDirection): BoxSize {
  const isEnd = box.kind === "input" || box.kind === "output";
  const head =
    textWidthPx(box.title, TITLE_PX) * 1.05 + (box.aside === "" ? 0 : textWidthPx(box.aside, DETAIL_PX) + 10);
  const texts = Math.max(head, ...box.lines.map((line) => textWidthPx(line, DETAIL_PX)));
  let width = Math.max(LEAST_WIDTH, texts + 2 * PADDING + (isEnd ? 8 : 2));
  let height = TOP + 8 + box.lines.length * LINE_PX;
  if (box.kind === "pin") [width, height] = [textWidthPx(box.title, DETAIL_PX) + 2 * PADDING, 20];
  const inside: BoxSize["inside"][number][] = [];
  if (box.inside.length > 0) {
    let x = INSIDE;
    const y = height + (box.inside.some(({ title }) => title !== "") ? 22 : 6);
    let tallest = 0;
    for (const one of box.inside) {
      const drawing = measured(one.diagram, direction);
      inside.push({ drawing, x, y });
      x += Math.max(drawing.width, textWidthPx(one.title, DETAIL_PX)) + 2 * INSIDE;
      tallest = Math.max(tallest, drawing.height);
    }
    width = Math.max(width, x - INSIDE);
    height = y + tallest + INSIDE;
  }
  [width, height] = [Math.ceil(width), Math.ceil(height)];
  const labels = box.ports.map(({ words }) => (words === "" ? 0 : textWidthPx(words, VALUE_PX) + 6));
  const most = Math.max(0, ...labels);
  const ports = labels.map((label) => (direction === "right" ? PORT_ACROSS : Math.max(label + 8, 16)));
  // A single line leaves in the middle, with its words on its right.
  const needed =
    ports.length > 1 ? ports.reduce((sum, port) => sum + port, 0) : direction === "down" ? 2 * most : PORT_ACROSS;
  const lead = ports.length === 0 ? 0 : direction === "right" ? most + 8 : most > 0 ? LEAD : 6;
  const [across, along] = direction === "right" ? [height, width] : [width, height];
  return { width, height, room: { across: Math.max(across, needed), along: along + lead, ports }, inside };
}

/** The drawing as SVG elements, from 0, 0 on. */
export function svgOf(drawing: Drawing): readonly string[] {
  return [...linesOf(drawing), ...drawing.diagram.boxes.flatMap((_, at) => boxOf(drawing, at))];
}

function linesOf({ diagram, layout, direction, sizes }: Drawing): readonly string[] {
  const parts: string[] = [];
  for (const [index, net] of diagram.nets.entries()) {
    const placed = layout.nets[index]!;
    const { words, full } = diagram.boxes[net.from]!.ports[net.port]!;
    const { room, width, height } = sizes[net.from]!;
    const { start } = placed;
    const box = direction === "down" ? height : width;
    const lead: Segment = { from: { ...start, along: start.along - room.along + box }, to: start };
    const tips = placed.tagTip === null ? placed.tips : [...placed.tips, placed.tagTip];
    const path = [lead, ...placed.segments].map((segment) => pathOf(segment, direction)).join("");
    parts.push(
      `<g><title>${escaped(full === "" ? net.name : `${net.name}: ${full}`)}</title>`,
      `<path class="line" d="${path}"/>`,
      `<path class="tip" d="${tips.map((tip) => tipOf(tip, direction)).join("")}"/></g>`,
    );
    for (const tag of placed.tags) parts.push(tagOf(tag, net.name, direction));
    if (words !== "") {
      const [x, y] = at(lead.from, direction);
      parts.push(
        direction === "down"
          ? `<text class="value" x="${fixed(x + 5)}" y="${fixed(y + 12)}">${escaped(words)}</text>`
          : `<text class="value" x="${fixed(x + 4)}" y="${fixed(y - 4)}">${escaped(words)}</text>`,
      );
    }
  }
  return parts;
}

function tagOf(corner: Point, name: string, direction: PictureDirection): string {
  const [x, y] = at(corner, direction);
  const width = textWidthPx(tagText(name), VALUE_PX) + 12;
  return [
    `<g><title>${escaped(name)}</title><rect class="box pin" x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${TAG_HEIGHT}" rx="3"/>`,
    `<text class="detail middle" x="${fixed(x + width / 2)}" y="${fixed(y + 12)}">${escaped(tagText(name))}</text></g>`,
  ].join("");
}

function boxOf({ diagram, layout, sizes, direction }: Drawing, index: number): readonly string[] {
  const box = diagram.boxes[index]!;
  const { width, height, room, inside } = sizes[index]!;
  const corner = layout.boxes[index]!;
  const spare = (room.across - (direction === "down" ? width : height)) / 2;
  const [x, y] = at({ across: corner.across + spare, along: corner.along }, direction).map(Math.round) as [
    number,
    number,
  ];
  const parts = [`<g><title>${escaped(box.full)}</title>`];
  if (box.kind === "pin") {
    parts.push(
      `<rect class="box pin" x="${x}" y="${y}" width="${width}" height="${height}" rx="${height / 2}"/>`,
      `<text class="detail middle" x="${x + width / 2}" y="${y + 14}">${escaped(box.title)}</text></g>`,
    );
    return parts;
  }
  const isEnd = box.kind === "input" || box.kind === "output";
  const mark = box.isMarked ? " marked" : "";
  const kind = isEnd ? "end" : `${box.category ?? "arithmetic"}${box.kind === "frame" ? " frame" : ""}`;
  parts.push(
    `<rect class="box ${kind}${mark}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${isEnd ? Math.min(14, height / 2) : 5}"/>`,
  );
  const left = x + PADDING + (isEnd ? 4 : 1);
  const ink = isEnd ? " end-ink" : "";
  parts.push(`<text class="title${ink}" x="${left}" y="${y + TOP}">${escaped(box.title)}</text>`);
  if (box.aside !== "") {
    const right = x + width - PADDING - (isEnd ? 4 : 1);
    parts.push(`<text class="detail far${ink}" x="${right}" y="${y + TOP}">${escaped(box.aside)}</text>`);
  }
  for (const [line, text] of box.lines.entries())
    parts.push(`<text class="detail${ink}" x="${left}" y="${y + TOP + (line + 1) * LINE_PX}">${escaped(text)}</text>`);
  for (const [number, one] of inside.entries()) {
    const { title } = box.inside[number]!;
    if (title !== "") parts.push(`<text class="detail" x="${x + one.x}" y="${y + one.y - 8}">${escaped(title)}</text>`);
    parts.push(`<g class="inside" transform="translate(${x + one.x} ${y + one.y})">`, ...svgOf(one.drawing), "</g>");
  }
  parts.push("</g>");
  return parts;
}

function pathOf({ from, to }: Segment, direction: PictureDirection): string {
  const [x1, y1] = at(from, direction);
  const [x2, y2] = at(to, direction);
  if (Math.abs(from.across - to.across) < 0.5) return `M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}`;
  const middle = (from.along + to.along) / 2;
  const [cx1, cy1] = at({ across: from.across, along: middle }, direction);
  const [cx2, cy2] = at({ across: to.across, along: middle }, direction);
  return `M${fixed(x1)} ${fixed(y1)}C${fixed(cx1)} ${fixed(cy1)} ${fixed(cx2)} ${fixed(cy2)} ${fixed(x2)} ${fixed(y2)}`;
}

function tipOf(tip: Point, direction: PictureDirection): string {
  const [x, y] = at(tip, direction);
  const [one, other] = [-TIP / 2, TIP / 2].map((offset) =>
    at({ across: tip.across + offset, along: tip.along - TIP }, direction),
  ) as [readonly [number, number], readonly [number, number]];
  return `M${fixed(x)} ${fixed(y)}L${fixed(one[0])} ${fixed(one[1])}L${fixed(other[0])} ${fixed(other[1])}Z`;
}

function at({ across, along }: Point, direction: PictureDirection): readonly [number, number] {
  return direction === "down" ? [across, along] : [along, across];
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
