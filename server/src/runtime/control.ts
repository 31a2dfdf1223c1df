// The control messages between a server and its runner: few, never in the way of a request, and so plain JSON.
import type { SessionSettings } from "@slipway/core/backend";
import { ERRORS, type ErrorCode, SlipwayError } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import type { LengthGrouping } from "./batcher.ts";
import type { BatchingPlan } from "./executor.ts";
import { frameError } from "./frames.ts";
import type { ModelFiles } from "./model-files.ts";

/** What a runner is asked to load, and how to run it. */
export interface LoadOrder {
  readonly files: ModelFiles;
  readonly session: SessionSettings;
  readonly batching: BatchingOrder;
  readonly warmUpRuns: number;
  /** Asks for memory messages, where the server can't see the runner's memory itself. */
  readonly reportsMemory: boolean;
}

/** What is asked of batching; whether the model allows it is found out at load. */
export interface BatchingOrder {
  readonly mode: "auto" | "off";
  readonly maxRows: number;
  readonly padAxis: number | null;
  /** What inputs are padded with, by name; 0 where not named. */
  readonly padValues: Readonly<Record<string, number>>;
  /** The input that is made for requests that leave it out. */
  readonly maskInput: string | null;
  readonly grouping: LengthGrouping;
}

/** What became of a load. */
export interface LoadedModel {
  readonly signature: Signature;
  readonly batching: BatchingPlan;
  readonly backend: string;
}

export type ControlMessage =
  /** `isShared` where other fronts will have links too: the runner then says of every stream when it runs. */
  | { readonly type: "load"; readonly order: LoadOrder; readonly isShared: boolean }
  | { readonly type: "loaded"; readonly model: LoadedModel }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string }
  /** Batching had to be given up after load. */
  | { readonly type: "batching"; readonly plan: BatchingPlan }
  /** Sent now and then, where the load asked for it. */
  | { readonly type: "memory"; readonly residentBytes: number }
  /** To be answered with a pong, which a runner does between runs. */
  | { readonly type: "ping" }
  | { readonly type: "pong" }
  /** How many fronts lately had anything at the runner; each takes its share of what may be in flight. */
  | { readonly type: "fronts"; readonly active: number }
  /** How many requests of one row this runner may be given at once, by what runs have taken. */
  | { readonly type: "credits"; readonly requests: number };

/** Most requests a front hands over to a runner at once, whatever the runner says. */
export const MOST_CREDITS = 8192;

const TYPES: ReadonlySet<unknown> = new Set([
  "load",
  "loaded",
  "refused",
  "batching",
  "memory",
  "ping",
  "pong",
  "fronts",
  "credits",
]);

/**
 * A control message from JSON. What the other side is made of is ours, but it runs models: what is reckoned with here is
 * checked.
 * @throws SlipwayError RUNNER_PROTOCOL
 */
export function controlMessage(value: unknown): ControlMessage {
  const message = recordOf(value);
  if (!TYPES.has(message["type"])) throw frameError("it is no control message");
  if (message["type"] === "loaded") {
    const { signature, batching } = recordOf(message["model"]);
    const { inputs, outputs } = recordOf(signature);
    if (!Array.isArray(inputs) || !Array.isArray(outputs)) throw frameError("its signature is malformed");
    checkPlan(batching);
  }
  if (message["type"] === "batching") checkPlan(message["plan"]);
  if (message["type"] === "refused") failureOf(message);
  if (message["type"] === "fronts") checkCount(message["active"]);
  if (message["type"] === "credits") checkCount(message["requests"], MOST_CREDITS);
  return message as unknown as ControlMessage;
}

/**
 * The error a failure frame carries.
 * @throws SlipwayError RUNNER_PROTOCOL
 */
export function failureOf(value: unknown): SlipwayError {
  const { code, message } = recordOf(value);
  if (typeof code !== "string" || !Object.hasOwn(ERRORS, code) || typeof message !== "string") {
    throw frameError("its error is malformed");
  }
  return new SlipwayError(code as ErrorCode, message);
}

/** How much may be in flight follows from these. */
function checkPlan(value: unknown): void {
  const { mode, maxRows } = recordOf(value);
  if (mode !== "dynamic" && mode !== "off") throw frameError("its batching has no mode");
  checkCount(maxRows);
}

function checkCount(value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  const isCount = Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;
  if (!isCount) throw frameError(`${String(value)} is no count`);
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw frameError("its JSON is no object");
  return value as Record<string, unknown>;
}
