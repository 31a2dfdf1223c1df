// Small bars inside a page's tables: histograms, and a value as a share of a whole. They are drawn here and not by the chart
// engine, since a page may have hundreds. Colours are those of the page they are in.
import { html, type Markup } from "./html.ts";

const WIDTH = 168;
const HEIGHT = 36;

/** @param values not below 0, in order @param label what it shows, for those who don't see it */
export function histogram(values: readonly number[], label: string): Markup {
  const most = Math.max(...values, 1e-300);
  const step = WIDTH / Math.max(values.length, 8);
  const bars = values.map((value, at) => {
    if (value === 0) return null;
    // What is little is seen as something.
    const height = Math.max(1, (value / most) * HEIGHT);
    return html`<rect x="${fixed(at * step)}" y="${fixed(HEIGHT - height)}" width="${fixed(step - 1)}" height="${fixed(height)}" fill="var(--chart-1)"/>`;
  });
  return html`<svg role="img" aria-label="${label}" width="${WIDTH}" height="${HEIGHT + 1}" viewBox="0 0 ${WIDTH} ${HEIGHT + 1}">${bars}<rect x="0" y="${HEIGHT}" width="${WIDTH}" height="1" fill="var(--line)"/></svg>`;
}

/** @param share from 0 to 1; the number itself stands beside it */
export function bar(share: number): Markup {
  const width = Math.max(0, Math.min(1, share)) * 120;
  return html`<svg aria-hidden="true" width="120" height="10" viewBox="0 0 120 10"><rect width="120" height="10" rx="2" fill="var(--grid)"/><rect width="${fixed(width)}" height="10" rx="2" fill="var(--chart-1)"/></svg>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(2)));
}
