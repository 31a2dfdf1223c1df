// Datasets: rows from files, in batches typed for a model.
export type {
  BatchOptions,
  Dataset,
  DatasetColumn,
  DatasetFile,
  DatasetManifest,
  Labels,
  RowBatch,
} from "./dataset.ts";
export { DatasetDescription } from "./description.ts";
export { openDataset, type OpenDataset, type OpenDatasetOptions, type RowsWanted } from "./open.ts";
export { BAD_ROW_CHOICES, type BadRowChoice, BadRows, joinedSkips, type SkippedRows } from "./bad-rows.ts";
export { classBalance, type ClassBalance } from "./balance.ts";
export { type FoldOptions, foldRows, foldsOf } from "./folds.ts";
export { fractionOfText, murmur32 } from "./murmur.ts";
export { placeText } from "./source.ts";
export type { InputBinding } from "./inputs.ts";
export { classText, type LabelPlan } from "./labels.ts";
export { OrderStatistics } from "./order-statistics.ts";
export {
  COLUMN_ROLES,
  type ColumnRole,
  DECIDES_SPLIT,
  MOSTLY_READ,
  inferRoles,
  type KnownRoles,
  type RoleDecision,
  roleFlag,
} from "./roles.ts";
export {
  isMomentText,
  isNumberText,
  momentsFromTexts,
  numbersFromTexts,
  type SampledColumn,
  type SampleOptions,
  sampleTable,
  type TableSample,
} from "./table-sample.ts";
export { type DatasetSummary, summariseDataset } from "./summary.ts";
export { DatasetOrder, datasetOrder, type DatasetNaming, type RegisteredDescription } from "./order.ts";
