// Which variant a request goes to: the one place where that is decided, and pure, so that experiments and canaries can
// weigh variants here later without anything else knowing.
import { SlipwayError } from "@slipway/core/base";
import type { Variant } from "./serving.ts";

/** What routing looks at. */
export interface RoutingState {
  readonly endpoint: string;
  /** The variant that answers, or null while none does. */
  readonly live: Variant | null;
  /** Why nothing is live, for people. */
  readonly reason: string;
}

/**
 * Chooses the variant.
 * @param version pins a version; null takes what is live
 * @throws SlipwayError VERSION_NOT_SERVED or ENDPOINT_NOT_READY
 */
export function chooseVariant({ endpoint, live, reason }: RoutingState, version: string | null): Variant {
  if (live === null) throw new SlipwayError("ENDPOINT_NOT_READY", `"${endpoint}" can't answer: ${reason}.`);
  if (version === null || live.version === version) return live;
  throw new SlipwayError(
    "VERSION_NOT_SERVED",
    `"${endpoint}" does not serve version ${JSON.stringify(version.slice(0, 40))}; version ${live.version} is live.`,
  );
}
