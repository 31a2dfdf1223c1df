// Opening a batch of fixed size.
export { type BatchOptions, symboliseBatch, symboliseBatchPass } from "./symbolise-batch.ts";
