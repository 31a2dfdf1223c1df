// From a model's answers to what is said of them: figures with intervals, by slice, with what pictures need.
export { assess, resamplingText } from "./assess.ts";
export { calibrationOf, figuresOf } from "./figures.ts";
export { type Headline, headlineOf } from "./headline.ts";
export type { Intervals } from "./measured.ts";
export { QUALITY_OPTIONS, type QualityOptions, unusable } from "./options.ts";
export { addRow, emptyPart, meanOf, type Part, studentPValue } from "./parts.ts";
export { prepare, type Prepared, type PreparedClassifier } from "./prepare.ts";
export { resample } from "./resample.ts";
export { FEWEST_SLICE_ROWS, selectionOf } from "./slice-values.ts";
