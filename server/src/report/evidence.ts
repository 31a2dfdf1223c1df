// What a report is made from: evidence as the registry keeps it and as the API answers it, without the columns that say
// whose it is.
import type { Evidence } from "#registry";

export type ReportEvidence = Omit<Evidence, "tenant" | "modelHash" | "processingHash">;

/** "digits/test"; null where it was measured on no data. */
export function datasetText({ dataset }: Pick<ReportEvidence, "dataset">): string | null {
  if (dataset === null) return null;
  return dataset.split === null ? dataset.name : `${dataset.name}/${dataset.split}`;
}

/** What two pieces of evidence have in common where the newer stands for the older. */
export function subjectOf({ kind, dataset, machine, settings }: ReportEvidence): string {
  return JSON.stringify([kind, dataset?.name, dataset?.split, machine?.fingerprint, settings]);
}

/** What two pieces of evidence have in common where a newer form of the measurement stands for an older one. */
export function formOf({ kind, dataset, machine }: ReportEvidence): string {
  return JSON.stringify([kind, dataset?.name, dataset?.split, machine?.fingerprint]);
}
