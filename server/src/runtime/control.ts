// The control messages between a server and its runner: few, never in the way of a request, and so plain JSON.
import type { SessionSettings } from "@slipway/core/backend";
import type { ErrorCode } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import type { BatchingPlan } from "./executor.ts";
import type { ModelFiles } from "./model-files.ts";

/** What a runner is asked to load, and how to run it. */
export interface LoadOrder {
  readonly files: ModelFiles;
  readonly session: SessionSettings;
  readonly batching: BatchingOrder;
  readonly warmUpRuns: number;
}

/** What is asked of batching; whether the model allows it is found out at load. */
export interface BatchingOrder {
  readonly mode: "auto" | "off";
  readonly maxRows: number;
  readonly padAxis: number | null;
}

/** What became of a load. */
export interface LoadedModel {
  readonly signature: Signature;
  readonly batching: BatchingPlan;
  readonly backend: string;
}

export type ControlMessage =
  | { readonly type: "load"; readonly order: LoadOrder }
  | { readonly type: "loaded"; readonly model: LoadedModel }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string }
  /** Batching had to be given up after load. */
  | { readonly type: "batching"; readonly plan: BatchingPlan }
  /** Sent now and then where the server can't see the runner's memory itself. */
  | { readonly type: "memory"; readonly residentBytes: number };
