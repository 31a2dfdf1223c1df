// What throughput is measured at: each point of the grid, with so many clients or such a share of what can be had.
import { SlipwayError } from "@slipway/core/base";
import type { GridPoint } from "./latency/index.ts";

/** How requests come. */
export type Drive =
  | { readonly kind: "clients"; readonly clients: number }
  /** At random times, at this share of the most that can be had. */
  | { readonly kind: "offered"; readonly share: number };

export interface Series extends GridPoint {
  /** Of its point in the grid. */
  readonly place: number;
  readonly drive: Drive;
}

const MOST_SERIES = 60;

/** Every point with each number of clients and each share. @throws SlipwayError PARAMETER_INVALID for too many */
export function seriesOf(
  points: readonly GridPoint[],
  clients: readonly number[],
  offered: readonly number[],
): readonly Series[] {
  const drives: readonly Drive[] = [
    ...[...new Set(clients)].map((count) => ({ kind: "clients", clients: count }) as const),
    ...[...new Set(offered)].map((share) => ({ kind: "offered", share }) as const),
  ];
  const all = points.flatMap((point, place) => drives.map((drive) => ({ ...point, place, drive })));
  if (all.length > MOST_SERIES) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `${all.length} combinations of batch, threads, instances, clients and offered shares were asked for; at most ${MOST_SERIES} are measured at once. Ask for fewer, in several measurements.`,
    );
  }
  return all;
}

/** What tells it from the others: "[batch=8,clients=4]". */
export function nameOf({ suffix, drive }: Pick<Series, "suffix" | "drive">): string {
  const point = suffix === "" ? [] : [suffix.slice(1, -1)];
  return `[${[...point, drive.kind === "clients" ? `clients=${drive.clients}` : `offered=${drive.share}`].join()}]`;
}
