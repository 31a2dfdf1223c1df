// What a version can be asked about an image, as its processing says.
import type { LabelsStep, Processing } from "@slipway/core/processing";

export interface ImageTask {
  readonly labels: readonly string[];
  /** Whether what a pen can draw is what the model expects. */
  readonly isDrawable: boolean;
}

/** What a version with this processing can be asked about an image; null where it does not label images. */
export function imageTaskOf(processing: Processing | null): ImageTask | null {
  const first = processing?.before[0];
  const labels = processing?.after.find((step): step is LabelsStep => step.step === "labels");
  if (first?.step !== "decode-image" || labels === undefined) return null;
  const isFitted = processing?.before.some(({ step }) => step === "fit-content") ?? false;
  return { labels: labels.labels, isDrawable: first.channels === "grey" && isFitted };
}
