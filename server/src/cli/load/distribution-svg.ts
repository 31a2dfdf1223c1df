// The latency distribution as an SVG picture that stands alone: bars over a logarithmic axis, percentiles marked, readable
// on light and dark pages.
import type { LatencyBand, LatencySummary } from "#load";
import { count, duration } from "../text.ts";

const WIDTH = 720;
const HEIGHT = 372;
/** Texts of marks nearer than this would run into each other. */
const TIGHT = 110;
const MARGIN = { top: 68, right: 24, bottom: 48, left: 56 };

/** A picture of the distribution. `title` and `subtitle` say what was measured. */
export function distributionSvg(
  bands: readonly LatencyBand[],
  latency: LatencySummary,
  labels: { readonly title: string; readonly subtitle: string },
): string {
  const low = Math.max(bands[0]?.fromMs ?? 0, 1e-4);
  const high = Math.max(bands.at(-1)?.toMs ?? 0, low * 1.01);
  const total = bands.reduce((sum, band) => sum + band.count, 0);
  const top = bands.reduce((most, band) => Math.max(most, band.count / total), 0);
  const x = (ms: number) =>
    MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * Math.log(Math.max(ms, low) / low)) / Math.log(high / low);
  const y = (share: number) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * share) / top;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escape(labels.title)}</title>`,
    `<desc id="description">Latency distribution of ${count(latency.count)} requests: p50 ${duration(latency.p50Ms)}, p99 ${duration(latency.p99Ms)}, longest ${duration(latency.maxMs)}.</desc>`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(MARGIN.left, 22, "heading", labels.title),
    text(MARGIN.left, 40, "quiet", labels.subtitle),
  ];
  for (const share of ticks(top)) {
    parts.push(line("grid", MARGIN.left, y(share), WIDTH - MARGIN.right, y(share)));
    parts.push(text(MARGIN.left - 8, y(share) + 4, "quiet end", `${Math.round(share * 1000) / 10} %`));
  }
  for (const band of bands) {
    if (band.count === 0) continue;
    const [left, right, height] = [x(band.fromMs), x(band.toMs), y(band.count / total)];
    parts.push(
      `<rect class="bar" x="${fixed(left + 0.5)}" y="${fixed(height)}" width="${fixed(Math.max(1, right - left - 1))}" height="${fixed(HEIGHT - MARGIN.bottom - height)}"><title>${duration(band.fromMs)} to ${duration(band.toMs)}: ${count(band.count)}</title></rect>`,
    );
  }
  for (const ms of decades(low, high))
    parts.push(text(x(ms), HEIGHT - MARGIN.bottom + 18, "quiet middle", duration(ms)));
  parts.push(line("axis", MARGIN.left, y(0), WIDTH - MARGIN.right, y(0)));
  parts.push(text((WIDTH + MARGIN.left - MARGIN.right) / 2, HEIGHT - 10, "quiet middle", "latency (logarithmic)"));
  // Two marks that stand close together have their texts on their outer sides.
  const isTight = x(latency.p99Ms) - x(latency.p50Ms) < TIGHT;
  for (const [name, ms, anchor] of [
    ["p50", latency.p50Ms, isTight ? "end" : "middle"],
    ["p99", latency.p99Ms, isTight ? "start" : "middle"],
  ] as const) {
    parts.push(line("mark", x(ms), MARGIN.top, x(ms), y(0)));
    parts.push(text(x(ms), MARGIN.top - 4, anchor, `${name} ${duration(ms)}`));
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1c1f23; font-variant-numeric: tabular-nums }
  .heading { font-size: 15px; font-weight: 600 } .quiet { fill: #5b6470 } .end { text-anchor: end } .middle { text-anchor: middle }
  .page { fill: #fff } .bar { fill: #2f6fdb } .grid { stroke: #e3e6ea } .axis { stroke: #8a929c } .mark { stroke: #1c1f23; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8eaed } .quiet { fill: #a0a8b2 } .page { fill: #16181b } .bar { fill: #6ea1f2 }
    .grid { stroke: #2b2f34 } .axis { stroke: #6b737d } .mark { stroke: #e8eaed }
  }
</style>`;

/** Up to five round shares below the highest bar. */
function ticks(top: number): number[] {
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5].find((size) => top / size <= 5) ?? 0.5;
  const answer: number[] = [];
  for (let index = 1; index * step <= top; index++) answer.push(index * step);
  return answer;
}

/** 1, 2 and 5 times each power of ten between two latencies, thinned to what fits. */
function decades(low: number, high: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of [1, 2, 5]) {
      const ms = Number(`${digit}e${power}`);
      if (ms >= low && ms <= high) all.push(ms);
    }
  }
  return all.length <= 9 ? all : all.filter((ms) => Math.abs(Math.log10(ms) % 1) < 1e-9);
}

function text(x: number, y: number, className: string, content: string): string {
  return `<text class="${className}" x="${fixed(x)}" y="${fixed(y)}">${escape(content)}</text>`;
}

function line(className: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${className}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
