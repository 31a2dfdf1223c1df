// What the inference listener needs from the rest of the platform. The composition root hands it over.
import type { ErrorCode, SlipwayError } from "@slipway/core/base";
import type { ModelStatistics, RepositoryEntry } from "@slipway/core/wire";
import type { RequestContext, Variant } from "#serve";

/** One record of a predict request: an encoded image, or a JSON value. */
export type PredictRecord =
  | { readonly kind: "image"; readonly bytes: Uint8Array }
  | { readonly kind: "instance"; readonly value: unknown };

export type PredictOutcome =
  /** A JSON value per record, in order. */
  | { readonly ok: true; readonly predictions: readonly unknown[] }
  | { readonly ok: false; readonly error: SlipwayError };

/** Turns records into a variant's inputs, runs it, and turns its outputs into answers. */
export interface RecordsPort {
  /**
   * `done` is called exactly once; refusals come through it too. Answers how to cancel: after that `done` is not
   * called.
   */
  predict(
    variant: Variant,
    records: readonly PredictRecord[],
    context: RequestContext,
    done: (outcome: PredictOutcome) => void,
  ): () => void;
}

/** The part of a structured log that is used here. */
export interface FrontLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface InferencePorts {
  readonly records: RecordsPort;
  /** Statistics of what is loaded: of one endpoint and version, or null for all. */
  readonly statistics: (endpoint: string | null, version: string | null) => Promise<readonly ModelStatistics[]>;
  /** Every model there is, loaded or not. */
  readonly repository: () => Promise<readonly RepositoryEntry[]>;
  /** Class names of an output by index, for the classification extension. */
  readonly labels: (variant: Variant, output: string) => readonly string[] | null;
  readonly log: FrontLog;
  /** Told of every answer; `code` is null for a good one. Called on the request path: must be quick and not throw. */
  readonly onAnswer?: (route: string, status: number, code: ErrorCode | null) => void;
}
