// The only file that loads Vega: a specification becomes an SVG picture. It runs in the drawing process alone, so that no
// server pays for it, neither at its start nor while it answers requests.
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { ChartSpec } from "../charts/chart.ts";
import { allowedInXml, textWidthPx } from "@slipway/core/picture";
import { ink, recolour, type Theme } from "../charts/palette.ts";

/** Vega's own, where a mark says nothing. */
const FONT_SIZE_PX = 11;

interface MeasuredText {
  readonly fontSize?: number;
  readonly limit?: number;
}

interface TextMetrics {
  width: (item: MeasuredText, text: unknown) => number;
}

// Vega exports it and its types do not know: vega-scenegraph, src/util/text.js.
(vega as unknown as { readonly textMetrics: TextMetrics }).textMetrics.width = (item, text) => {
  const width = textWidthPx(textOf(text), item.fontSize ?? FONT_SIZE_PX);
  return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width;
};

function textOf(text: unknown): string {
  return typeof text === "string" || typeof text === "number" ? String(text) : "";
}

/**
 * Draws a chart. light and dark have a ground of their own; a picture for a page lets the page's show.
 * @throws Error where the specification is none, which would be a bug of ours
 */
export async function drawChart(spec: ChartSpec, theme: Theme): Promise<string> {
  const log = createErrorLog();
  const { spec: compiled } = compile(spec as unknown as TopLevelSpec, { logger: log.logger });
  const view = new vega.View(vega.parse(compiled), { renderer: "none", loader: log.loader, logger: log.logger });
  try {
    const svg = withoutRoles(allowedInXml(await view.toSVG()));
    if (log.errors.length > 0) throw new Error(log.errors.join("; "));
    return recolour(theme === "page" ? svg : onGround(svg), theme);
  } finally {
    view.finalize();
  }
}

/** Vega marks groups as graphics; whoever shows the picture says in words what is in it. */
function withoutRoles(svg: string): string {
  return svg.replaceAll(/<[a-z][^>]*>/g, (tag) =>
    tag.replaceAll(/ (role|aria-roledescription|aria-hidden|class|pointer-events)="[^"]*"/g, ""),
  );
}

function onGround(svg: string): string {
  return svg.replace(/^<svg[^>]*>/, (head) => `${head}<rect width="100%" height="100%" fill="${ink("ground")}"/>`);
}

/**
 * Vega tells its log of errors and draws what is left; a chart that lacks something is none. Pictures are drawn from what a
 * specification holds: to fetch anything for one is an error, too.
 */
function createErrorLog() {
  const errors: string[] = [];
  const logger = {
    level: () => logger,
    error: (...what: readonly unknown[]) => {
      errors.push(what.map(String).join(" "));
      return logger;
    },
    warn: () => logger,
    info: () => logger,
    debug: () => logger,
  };
  const refuse = (address: string) => {
    errors.push(`It refers to ${address}.`);
    return Promise.reject(new Error("Charts refer to nothing."));
  };
  const loader: vega.Loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };
  return { errors, logger: logger as vega.LoggerInterface, loader };
}
