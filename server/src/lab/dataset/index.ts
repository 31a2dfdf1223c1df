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
export { openDataset, type OpenDataset, type OpenDatasetOptions } from "./open.ts";
export { type DatasetSummary, summariseDataset } from "./summary.ts";
export { DatasetOrder, datasetOrder, type DatasetNaming, type RegisteredDescription } from "./order.ts";
