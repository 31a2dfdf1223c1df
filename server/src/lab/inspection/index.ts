// Inspections: what is in a dataset, what its columns tell of the target, and what would make a model look better than it is.
export { measureText } from "./findings.ts";
export { inspectDataset, type InspectOptions } from "./inspect.ts";
export {
  type Association,
  type DatasetInspection,
  type Distribution,
  type Duplicates,
  type Finding,
  type FindingKind,
  GRAVITIES,
  type ImageDuplicates,
  type InspectedColumn,
  type InspectedTarget,
  MEASURES,
  type NearDuplicates,
  type NumberDistribution,
  type TextDistribution,
} from "./inspection.ts";
