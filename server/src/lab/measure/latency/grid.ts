// The grid of settings something is timed at: rows of a request, threads of a run, runners side by side. The first point is
// always the model as it is served, asked for one row; the others are named by what differs from it.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";
import type { RuntimeSettings } from "#config";
import { planThreads } from "#runtime";

export interface GridPoint {
  /** Rows of each request. */
  readonly batch: number;
  readonly threads: number;
  readonly instances: number;
  /** What differs from the served settings: "" for these, "[batch=8,threads=2]". */
  readonly suffix: string;
}

/** Every point loads a model of its own, and its time is added to the whole. */
const MOST_POINTS = 24;
const MOST_LOADED = 8;

const amounts = (most: number) => z.array(z.number().int().min(1).max(most)).max(MOST_POINTS).default([]);

export const GRID_OPTIONS = {
  batch: amounts(65_536).describe("rows of a request, beside 1"),
  threads: amounts(1024).describe("threads of a run, beside those it is served with"),
  instances: amounts(256).describe("runners, beside as many as it is served with"),
};

/**
 * All combinations, the served settings first.
 * @throws SlipwayError PARAMETER_INVALID for too many, CONFIG_INVALID for more threads than cores
 */
export function gridOf(
  wanted: {
    readonly batch: readonly number[];
    readonly threads: readonly number[];
    readonly instances: readonly number[];
  },
  settings: RuntimeSettings,
  cores: number,
): readonly GridPoint[] {
  const batches = distinct(1, wanted.batch);
  const points = distinct(settings.instances, wanted.instances).flatMap((instances) => {
    // Unless they are fixed, each number of runners divides the cores in its own way.
    const served = planThreads({ instances, intraOpThreads: settings.intraOpThreads }, cores).intraOpThreads;
    return distinct(served, wanted.threads).flatMap((threads) =>
      batches.map((batch) => {
        const named = [
          ...(batch === 1 ? [] : [`batch=${batch}`]),
          ...(threads === served ? [] : [`threads=${threads}`]),
          ...(instances === settings.instances ? [] : [`instances=${instances}`]),
        ];
        return { batch, threads, instances, suffix: named.length === 0 ? "" : `[${named.join()}]` };
      }),
    );
  });
  const loaded = placesByLoad(points).length;
  if (points.length > MOST_POINTS || loaded > MOST_LOADED) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `${points.length} combinations of batch, threads and instances were asked for, with the model loaded ${loaded} times side by side; at most ${MOST_POINTS} and ${MOST_LOADED} are measured at once. Ask for fewer, in several measurements.`,
    );
  }
  for (const { threads, instances } of points) planThreads({ instances, intraOpThreads: threads }, cores);
  return points;
}

/** What a point changes of the settings a model is served with. */
export function settingsOf({ threads, instances }: GridPoint): Pick<RuntimeSettings, "intraOpThreads" | "instances"> {
  return { intraOpThreads: threads, instances };
}

/** Points that share a load, since they differ in rows alone: by the places they have. */
export function placesByLoad(points: readonly GridPoint[]): readonly (readonly number[])[] {
  const places = new Map<string, number[]>();
  for (const [place, { threads, instances }] of points.entries()) {
    const known = places.get(`${threads}/${instances}`);
    if (known === undefined) places.set(`${threads}/${instances}`, [place]);
    else known.push(place);
  }
  return [...places.values()];
}

function distinct(first: number, others: readonly number[]): readonly number[] {
  return [...new Set([first, ...others])];
}
