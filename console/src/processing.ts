// A version's processing, as core reads it. The API passes on what the version's manifest declares.
import { parseProcessing, type Processing } from "@slipway/core/processing";
import type { VersionView } from "./api.ts";

/** The declared steps with their defaults; null where there are none, or where a newer server declares what this console does not know. */
export function processingOf({ processing }: Pick<VersionView, "processing">): Processing | null {
  if (processing === null || processing === undefined) return null;
  try {
    return parseProcessing(processing);
  } catch {
    return null;
  }
}
