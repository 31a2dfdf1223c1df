// Requests a second of Slipway and its peers as one SVG picture that stands alone: a panel per model, a bar per server,
// the range of the rounds as a whisker, readable on light and dark pages.
import type { ModelName } from "../models.ts";
import type { Figure } from "../summary.ts";
import type { PeersFigures } from "./measure.ts";

const WIDTH = 760;
const BAR = { left: 180, right: 110, height: 16, gap: 6 };
const HEAD = 54;
const PANEL_HEAD = 30;

const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1c1f23; font-variant-numeric: tabular-nums }
  .heading { font-size: 15px; font-weight: 600 } .panel { font-weight: 600 } .quiet { fill: #5b6470 } .end { text-anchor: end }
  .page { fill: #fff } .bar { fill: #9aa5b1 } .own { fill: #2f6fdb } .range { stroke: #1c1f23 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8eaed } .quiet { fill: #a0a8b2 } .page { fill: #16181b } .bar { fill: #5d6670 } .own { fill: #6ea1f2 }
    .range { stroke: #e8eaed }
  }
</style>`;

interface Panel {
  readonly model: ModelName;
  readonly figures: PeersFigures;
}

/** The picture; null where nothing was measured. */
export function peersChart(panels: readonly Panel[]): string | null {
  if (panels.length === 0) return null;
  const parts: string[] = [];
  let y = HEAD;
  for (const panel of panels) y = drawPanel(panel, y, parts);
  const height = y + 12;
  const description = panels
    .map(
      ({ model, figures }) =>
        `${model}: ${barsOf(figures)
          .map(({ name, perSecond }) => `${name} ${whole(perSecond.median)}`)
          .join(", ")}`,
    )
    .join(". ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title description">`,
    '<title id="title">Requests a second, Slipway and its peers</title>',
    `<desc id="description">${escape(description)}.</desc>`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(16, 24, "heading", "Requests a second, 32 connections"),
    text(16, 42, "quiet", "JSON unless said; server on one core; median of the rounds, with their range"),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function drawPanel({ model, figures }: Panel, top: number, parts: string[]): number {
  const bars = barsOf(figures);
  const most = Math.max(...bars.map(({ perSecond }) => perSecond.high));
  const x = (value: number) => BAR.left + ((WIDTH - BAR.left - BAR.right) * value) / most;
  parts.push(text(16, top + 20, "panel", model));
  let y = top + PANEL_HEAD;
  for (const { name, perSecond } of bars) {
    const middle = y + BAR.height / 2;
    const isOwn = name.startsWith("slipway");
    parts.push(
      text(BAR.left - 8, middle + 4, "end", name),
      `<rect class="${isOwn ? "own" : "bar"}" x="${BAR.left}" y="${y}" width="${fixed(x(perSecond.median) - BAR.left)}" height="${BAR.height}"/>`,
      `<path class="range" d="M${fixed(x(perSecond.low))} ${middle}H${fixed(x(perSecond.high))}"/>`,
      text(x(perSecond.high) + 8, middle + 4, isOwn ? "panel" : "", whole(perSecond.median)),
    );
    y += BAR.height + BAR.gap;
  }
  return y + 8;
}

function barsOf({ contenders }: PeersFigures): { name: string; perSecond: Figure }[] {
  return contenders
    .map(({ name, wire, perSecond }) => ({ name: wire === "json" ? name : `${name}, binary`, perSecond }))
    .toSorted((a, b) => b.perSecond.median - a.perSecond.median);
}

function whole(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en");
}

function text(x: number, y: number, className: string, content: string): string {
  return `<text class="${className}" x="${fixed(x)}" y="${fixed(y)}">${escape(content)}</text>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
