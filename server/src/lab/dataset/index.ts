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
