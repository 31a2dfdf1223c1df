// The only file that loads Vega: a specification becomes an SVG picture. It runs in the drawing process alone, so that no
// server pays for it, neither at its start nor while it answers requests.
import { type Loader, parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { ChartSpec } from "../charts/chart.ts";
import { ink, recolour, type Theme } from "../charts/palette.ts";

/** Pictures are drawn from what a specification holds; nothing is fetched for them, and nothing in them leads elsewhere. */
const NOTHING: Loader = {
  load: () => Promise.reject(new Error("Charts load nothing.")),
  sanitize: () => Promise.reject(new Error("Charts refer to nothing.")),
  http: () => Promise.reject(new Error("Charts load nothing.")),
  file: () => Promise.reject(new Error("Charts load nothing.")),
};

const QUIET = { level: () => QUIET, error: fail, warn: () => QUIET, info: () => QUIET, debug: () => QUIET };

/**
 * Draws a chart. light and dark have a ground of their own; a picture for a page lets the page's show.
 * @throws Error where the specification is none, which would be a bug of ours
 */
export async function drawChart(spec: ChartSpec, theme: Theme): Promise<string> {
  const { spec: compiled } = compile(spec as unknown as TopLevelSpec, { logger: QUIET });
  const view = new View(parse(compiled), { renderer: "none", loader: NOTHING, logger: QUIET });
  try {
    const svg = withoutRoles(await view.toSVG());
    return recolour(theme === "page" ? svg : onGround(svg), theme);
  } finally {
    view.finalize();
  }
}

/** Vega marks groups as graphics; whoever shows the picture says in words what is in it. */
function withoutRoles(svg: string): string {
  return svg.replaceAll(/ (role|aria-roledescription|aria-hidden|class|pointer-events)="[^"<>]*"/g, "");
}

function onGround(svg: string): string {
  return svg.replace(/^<svg[^>]*>/, (head) => `${head}<rect width="100%" height="100%" fill="${ink("ground")}"/>`);
}

function fail(...what: unknown[]): never {
  throw new Error(`The chart can't be drawn: ${what.map(String).join(" ")}`);
}
