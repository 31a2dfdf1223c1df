// Reports: everything that is known of a version, as data, as one HTML page, as a model card, and its charts as pictures.
export { Drawer, type DrawerOptions } from "./draw/drawer.ts";
export { type Measurable } from "./gather.ts";
export {
  type PictureFormat,
  type PictureOrder,
  type ReportContent,
  Reporter,
  type ReporterOptions,
} from "./reporter.ts";
export { type InspectionPage, renderInspection } from "./page/inspection-page.ts";
export type { CurvePoint, LearningCurve } from "./charts/learning.ts";
export { THEMES, type Theme } from "./charts/palette.ts";
