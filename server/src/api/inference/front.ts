// What all exchanges of one listener share.
import type { Clock } from "@slipway/core/base";
import type { Settings } from "#config";
import type { Serving } from "#serve";
import type { Connection } from "./connection.ts";
import type { Inflater } from "./content-encoding.ts";
import type { InferencePorts } from "./ports.ts";

export interface Front {
  readonly serving: Serving;
  readonly ports: InferencePorts;
  readonly clock: Clock;
  readonly server: Settings["server"];
  readonly queue: Pick<Settings["queue"], "defaultTimeoutMs" | "maxTimeoutMs" | "maxRequests" | "priorityLevels">;
  /** Of Slipway, for GET /v2. */
  readonly version: string;
  readonly nextInferenceId: () => string;
  readonly inflater: Inflater;
  /** Bytes of request bodies that arrived and are not decoded yet, over all connections. */
  heldBytes: number;
  readonly maxHeldBytes: number;
  readonly connections: Set<Connection>;
  /** Exchanges that are not answered. */
  inFlight: number;
  isClosing: boolean;
  /** Called when `inFlight` falls to 0. */
  onIdle: () => void;
}
