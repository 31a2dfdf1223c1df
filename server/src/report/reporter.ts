// Reports of versions in each of their forms: as data, as a page, as a model card, and the pictures one by one.
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { Version } from "#registry";
import { renderCard } from "./card/card.ts";
import type { AbsentChart, Chart } from "./charts/chart.ts";
import { chartsOf, chartsOfBoth } from "./charts/charts.ts";
import { type LearningCurve, learningSpec } from "./charts/learning.ts";
import type { Theme } from "./charts/palette.ts";
import { type Comparison, compareReports } from "./comparison.ts";
import type { Drawer } from "./draw/drawer.ts";
import { gatherReport, type GatherPorts } from "./gather.ts";
import { drawLineage } from "./lineage/picture.ts";
import { renderPage } from "./page/page.ts";
import type { Report } from "./report.ts";

export interface ReporterOptions extends Omit<GatherPorts, "now"> {
  readonly clock: Pick<Clock, "wall">;
  readonly drawer: Drawer;
}

export interface ReportContent {
  readonly report: Report;
  /** Of both versions first, then of evidence that nothing newer supersedes. */
  readonly charts: readonly Chart[];
  readonly absentCharts: readonly AbsentChart[];
  /** Held against another version; null without one. */
  readonly comparison: Comparison | null;
}

export interface PictureOrder {
  /** A chart's id, or "lineage". */
  readonly id: string;
  readonly format: PictureFormat;
  /** A PNG takes light or dark. */
  readonly theme: Theme;
}

export type PictureFormat = "svg" | "png";

const LINEAGE = "lineage";

export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** @throws SlipwayError EVIDENCE_INVALID where what is stored is not what was measured */
  async content(version: Version, against: Version | null): Promise<ReportContent> {
    const report = await this.#gather(version);
    const standing = report.evidence.filter(({ standing: how }) => how !== "superseded");
    const own = chartsOf(standing, { classes: report.classes });
    const comparison = against === null ? null : compareReports(await this.#gather(against), report);
    const both = comparison === null ? { charts: [], absent: [] } : chartsOfBoth(comparison);
    return {
      report,
      charts: [...both.charts, ...own.charts],
      absentCharts: [...both.absent, ...own.absent],
      comparison,
    };
  }

  /** One HTML file. @throws SlipwayError EVIDENCE_INVALID, CHART_FAILED, QUEUE_FULL, SHUTTING_DOWN */
  async page(version: Version, against: Version | null): Promise<string> {
    const content = await this.content(version, against);
    const svgs = await Promise.all(content.charts.map(({ spec }) => this.#options.drawer.svg(spec, "page")));
    return renderPage({
      ...content,
      charts: content.charts.map((chart, index) => ({ chart, svg: svgs[index]! })),
      lineage: drawLineage(content.report.lineage, "page"),
    });
  }

  /**
   * Markdown behind the metadata that model hubs read.
   * @param pictures where the charts' SVG files lie, relative to the card; null shows none
   * @throws SlipwayError EVIDENCE_INVALID
   */
  async card(version: Version, against: Version | null, pictures: string | null): Promise<string> {
    return renderCard({ ...(await this.content(version, against)), pictures });
  }

  /** @throws SlipwayError CHART_NOT_FOUND, and as `page` */
  async picture(version: Version, against: Version | null, { id, format, theme }: PictureOrder): Promise<Buffer> {
    const { drawer } = this.#options;
    const { report, charts } = await this.content(version, against);
    const solid = theme === "page" ? "light" : theme;
    if (id === LINEAGE) {
      if (format === "png") return await drawer.pngOf(drawLineage(report.lineage, solid));
      return Buffer.from(drawLineage(report.lineage, theme));
    }
    const chart = charts.find((one) => one.id === id);
    if (chart === undefined) {
      const ids = [LINEAGE, ...charts.map((one) => one.id)].join(", ");
      throw new SlipwayError("CHART_NOT_FOUND", `There is no chart ${JSON.stringify(id)}; there is ${ids}.`);
    }
    if (format === "png") return await drawer.png(chart.spec, solid);
    return Buffer.from(await drawer.svg(chart.spec, theme));
  }

  /** How a network learnt, as a picture. @throws SlipwayError CHART_FAILED, QUEUE_FULL, SHUTTING_DOWN */
  async curve(curve: LearningCurve, format: PictureFormat, theme: Theme): Promise<Buffer> {
    const { drawer } = this.#options;
    const spec = learningSpec(curve);
    if (format === "png") return await drawer.png(spec, theme === "page" ? "light" : theme);
    return Buffer.from(await drawer.svg(spec, theme));
  }

  #gather(version: Version): Promise<Report> {
    const { clock, ...ports } = this.#options;
    return gatherReport({ ...ports, now: clock.wall() }, version);
  }
}
