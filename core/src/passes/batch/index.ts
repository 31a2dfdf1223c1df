// Opening a batch of fixed size.
export type { BatchOptions } from "./batch-axes.ts";
export { symboliseBatch, symboliseBatchPass } from "./symbolise-batch.ts";
