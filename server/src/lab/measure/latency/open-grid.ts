// A grid of settings, loaded and warm: one load for each combination of threads and runners, a target for each point.
import { z } from "zod";
import type { InputShapes } from "../compute/index.ts";
import type { MeasurePorts } from "../measurement.ts";
import { executorTarget } from "./executor-target.ts";
import { type GridPoint, placesByLoad, settingsOf } from "./grid.ts";
import { httpTarget } from "./http-target.ts";
import type { ServerTarget, Target } from "./target.ts";
import { timedRequest } from "./timed-request.ts";
import { type WarmUp, warmUp } from "./warm-up.ts";

/** What requests go through. */
export const THROUGH_OPTIONS = {
  through: z
    .enum(["executor", "server"])
    .default("executor")
    .describe("executor: the runners alone; server: HTTP as well, on a listener of its own"),
  wire: z
    .enum(["json", "binary"])
    .default("json")
    .describe("server: numbers in JSON, or raw bytes, in requests and answers"),
};

export interface Passage {
  readonly through: "executor" | "server";
  readonly wire: "json" | "binary";
}

export interface OpenGrid {
  /** One for each point, in their order. */
  readonly targets: readonly (Target | ServerTarget)[];
  readonly warmUps: readonly WarmUp[];
  readonly close: () => Promise<void>;
}

/**
 * Loads and warms up every point of a grid.
 * @throws SlipwayError as loading does, PARAMETER_INVALID and INPUT_SHAPE_MISMATCH for inputs that don't fit, RUN_FAILED and
 *   the like where the model refuses made-up inputs; the signal's reason. Then nothing is left loaded
 */
export async function openGrid(
  points: readonly GridPoint[],
  passage: Passage,
  shapes: InputShapes,
  ports: Pick<MeasurePorts, "clock" | "load" | "serve">,
  signal: AbortSignal,
): Promise<OpenGrid> {
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closing.reverse()) await one();
  };
  const targets: (Target | ServerTarget)[] = [];
  try {
    for (const places of placesByLoad(points)) {
      const changes = settingsOf(points[places[0]!]!);
      const targetFor = await load(passage, shapes, changes, ports, signal, closing);
      for (const place of places) targets[place] = targetFor(points[place]!);
    }
    const warmUps: WarmUp[] = [];
    for (const target of targets) warmUps.push(await warmUp(target, ports.clock, signal));
    return { targets, warmUps, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function load(
  { through, wire }: Passage,
  shapes: InputShapes,
  changes: ReturnType<typeof settingsOf>,
  { clock, load: loadExecutor, serve }: Pick<MeasurePorts, "clock" | "load" | "serve">,
  signal: AbortSignal,
  closing: (() => Promise<void>)[],
): Promise<(point: GridPoint) => Target | ServerTarget> {
  if (through === "executor") {
    const executor = await loadExecutor(changes, signal);
    closing.push(() => executor.close());
    return ({ batch }) => executorTarget(executor, timedRequest(executor, batch, shapes), clock);
  }
  const served = await serve(changes, signal);
  closing.push(served.close);
  return ({ batch }) => {
    const target = httpTarget(served, timedRequest(served, batch, shapes), wire === "binary");
    closing.push(target.close);
    return target;
  };
}
