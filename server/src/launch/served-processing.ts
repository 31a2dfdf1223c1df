// What a variant carries besides its model: the processing of its version, compiled for its signature. Serving knows
// nothing of it; launch attaches it, and the records route takes it off again.
import {
  type CompiledProcessing,
  compileProcessing,
  NO_PROCESSING,
  parseProcessing,
  type Processing,
} from "@slipway/core/processing";
import { SlipwayError } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import type { Variant } from "#serve";

export class ServedProcessing {
  /** As it was given, to be made again elsewhere. */
  readonly declared: unknown;
  readonly signature: Signature;
  readonly processing: Processing;
  /** Null where the model's inputs or outputs can't be records, and nothing is declared; then `reason` says why. */
  readonly compiled: CompiledProcessing | null;
  readonly reason: string | null;

  /**
   * @param declared the version's manifest, or null
   * @throws SlipwayError PROCESSING_INVALID when what is declared does not suit the model
   */
  constructor(declared: unknown, signature: Signature) {
    this.declared = declared;
    this.signature = signature;
    this.processing = declared === null ? NO_PROCESSING : parseProcessing(declared);
    let compiled: CompiledProcessing | null = null;
    let reason: string | null = null;
    try {
      compiled = compileProcessing(this.processing, signature);
    } catch (error) {
      if (declared !== null || !(error instanceof SlipwayError)) throw error;
      reason = error.message;
    }
    this.compiled = compiled;
    this.reason = reason;
  }

  /** Class names of an output by index, where the version declares them. */
  labels(output: string): readonly string[] | null {
    for (const step of this.processing.after) {
      if (step.step === "labels" && (step.output === output || step.output === null)) return step.labels;
    }
    return null;
  }
}

/**
 * What callers that send records to `live` would miss at `next`, in words; null where nothing. Which labels there are may
 * change from version to version; that images are taken and labels answered may not.
 */
export function lostRecords(live: ServedProcessing, next: ServedProcessing): string | null {
  if (live.compiled?.takes === "image" && next.compiled?.takes !== "image") return "it no longer takes images";
  const answersLabels = ({ processing }: ServedProcessing) => processing.after.some(({ step }) => step === "labels");
  return answersLabels(live) && !answersLabels(next) ? "it no longer answers labels" : null;
}

/** The processing launch attached to a variant. */
export function processingOf(variant: Pick<Variant, "attachment">): ServedProcessing {
  return variant.attachment as ServedProcessing;
}
