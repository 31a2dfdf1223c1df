// What stands over a picture: its title, what is left out of it, what its colours mean; and the picture in words, for who does not
// see it.
import type { Graph } from "#graph";
import type { Diagram, DiagramBox } from "./diagram.ts";
import { escaped } from "./escaped.ts";
import { CATEGORIES, type Category } from "./labels.ts";
import { textWidthPx } from "./text-width.ts";

const NOTE_PX = 12;
const NOTE_LINE = 18;
const LEGEND_LINE = 20;

export interface HeaderContent {
  readonly title: string;
  readonly subtitle: string | null;
  readonly diagrams: readonly Diagram[];
  /** What the nodes that stand out are; null where none do. */
  readonly markMeans: string | null;
}

export interface Header {
  readonly parts: readonly string[];
  readonly height: number;
}

/** The header, as wide as is given, from 0, 0 on. */
export function headerOf({ title, subtitle, diagrams, markMeans }: HeaderContent, width: number): Header {
  let y = 14;
  const parts = [`<text class="heading" x="0" y="${y}">${escaped(title)}</text>`];
  y += 2;
  for (const note of [...(subtitle === null ? [] : [subtitle]), ...notesOf(diagrams)]) {
    for (const line of wrapped(note, width)) {
      y += NOTE_LINE;
      parts.push(`<text class="quiet" x="0" y="${y}">${escaped(line)}</text>`);
    }
  }
  let x = Number.POSITIVE_INFINITY;
  for (const { key, words } of legendOf(diagrams, markMeans)) {
    const takes = textWidthPx(words, NOTE_PX) + 32;
    if (x + takes > width) [x, y] = [0, y + LEGEND_LINE];
    parts.push(
      `<rect class="box ${key}" x="${x}" y="${y - 9}" width="10" height="10" rx="2"/>`,
      `<text class="quiet" x="${x + 16}" y="${y}">${escaped(words)}</text>`,
    );
    x = Math.round(x + takes);
  }
  return { parts, height: y + 4 };
}

/** The room a header takes at least. */
export function leastWidth(title: string): number {
  return Math.max(300, textWidthPx(title, 17) * 1.05);
}

function notesOf(diagrams: readonly Diagram[]): readonly string[] {
  const unshown = diagrams.reduce((sum, one) => sum + unshownIn(one), 0);
  if (unshown === 0) return [];
  return [`${unshown} nodes that compute constants or shapes are not drawn, but said where they are read.`];
}

function unshownIn({ boxes, unshown }: Diagram): number {
  return boxes.reduce(
    (sum, { inside }) => sum + inside.reduce((part, one) => part + unshownIn(one.diagram), 0),
    unshown,
  );
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || textWidthPx(longer, NOTE_PX) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

interface LegendEntry {
  readonly key: Category | "marked";
  readonly words: string;
}

/** What the colours mean, of those that are there. */
function legendOf(diagrams: readonly Diagram[], markMeans: string | null): readonly LegendEntry[] {
  const boxes = diagrams.flatMap(allBoxes);
  const found = new Set(boxes.map(({ category }) => category));
  const entries: LegendEntry[] = (Object.keys(CATEGORIES) as Category[])
    .filter((key) => found.has(key) && key !== "control")
    .map((key) => ({ key, words: CATEGORIES[key] }));
  const isMarked = markMeans !== null && boxes.some((box) => box.isMarked);
  return isMarked ? [...entries, { key: "marked", words: markMeans }] : entries;
}

function allBoxes({ boxes }: Diagram): readonly DiagramBox[] {
  return boxes.flatMap((box) => [box, ...box.inside.flatMap(({ diagram }) => allBoxes(diagram))]);
}

const DESCRIBED_OPERATORS = 6;

/** A graph's picture in words. */
export function description({ nodes }: Graph, { boxes }: Diagram, heading: string | null): string {
  const named = (kind: DiagramBox["kind"]): string =>
    boxes
      .filter((box) => box.kind === kind)
      .map((box) => box.title)
      .join(", ") || "nothing";
  const counts = Array.from(
    Map.groupBy(nodes, ({ opType }) => opType),
    ([opType, all]) => ({ opType, count: all.length }),
  );
  const most = counts.sort((one, other) => other.count - one.count).slice(0, DESCRIBED_OPERATORS);
  const operators = most.map(({ opType, count }) => `${count} ${opType}`).join(", ");
  const more = counts.length > most.length ? ` and ${counts.length - most.length} other operators` : "";
  const lead = heading === null ? "" : `${heading}: `;
  return `${lead}a graph of ${nodes.length} nodes from ${named("input")} to ${named("output")}: ${operators}${more}.`;
}
