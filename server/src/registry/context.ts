// What the registry's operations stand on, handed from one to the next.
import { type Clock, isName, LIMITS, SlipwayError } from "@slipway/core/base";
import type { BlobStore, Database } from "#store";
import type { BlobLeases } from "./leases.ts";
import type { ScanStoredModel } from "./scan.ts";

/** Queries inside or outside a transaction. */
export type Queries = Database;

export interface RegistryContext {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly leases: BlobLeases;
  readonly clock: Pick<Clock, "wall">;
  readonly tenant: string;
  readonly newId: () => string;
  readonly scan: ScanStoredModel;
}

/** Now, in whole milliseconds. */
export function timestamp(context: RegistryContext): number {
  return Math.floor(context.clock.wall());
}

/** @throws SlipwayError NAME_INVALID */
export function assertName(name: string, what: string): void {
  if (isName(name)) return;
  throw new SlipwayError(
    "NAME_INVALID",
    `${JSON.stringify(name.slice(0, 200))} can't be the name of ${what}. Use letters, digits, ".", "_" and "-", at most ${LIMITS.nameLength}, starting with a letter or digit.`,
  );
}
