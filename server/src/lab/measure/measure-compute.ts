// What one run of a model computes, and the memory its activations take, counted from the shapes of all its values.
import { z } from "zod";
import type { JsonObject } from "#registry";
import { type ComputeReport, examineInProcess, INPUT_SHAPES, withOpenAxes } from "./compute/index.ts";
import { exact, undefinedValue } from "./exact.ts";
import { measurement } from "./measurement.ts";

const SCHEMA = 1;
/** Nodes and steps that are kept with it; those of larger graphs are kept by operator alone. */
const MOST_STEPS = 5000;

/**
 * `macs` and `flops` count one run at the shapes in `settings.inputs`, by the convention of core's `countGraph`: two operations
 * for each multiply-accumulate. `activations` is the most bytes of intermediate values alive at once, none reused in place.
 * Where a node's work or a value's size is not known, what would hold it is undefined, and `details` say which.
 */
export const compute = measurement({
  about:
    "What one run computes and holds: multiply-accumulates, operations, activations at once; operator by operator.",
  needsRows: false,
  needsRival: false,
  isTimed: false,
  options: z.strictObject({ shapes: INPUT_SHAPES }),
  run: async ({ model, files }, { shapes }, { clock, environment, code }, { signal }) => {
    const inputs = withOpenAxes(model.scan.signature, shapes);
    const report = await examineInProcess({ files, inputs, findDuplicates: false, clock, signal, environment });
    const { cost, activations, parameters } = report;
    const open = incompleteness(report);
    const counted = (value: number, unit: string) =>
      open === null ? exact(value, unit, "counted node by node") : undefinedValue(open, unit, "counted node by node");
    return {
      kind: "compute",
      schema: SCHEMA,
      values: {
        macs: counted(cost.macs, "MAC"),
        flops: counted(cost.flops, "FLOP"),
        activations:
          activations.unknownValues.length === 0
            ? exact(activations.peakBytes, "B", "liveness in topological order, nothing reused in place")
            : undefinedValue(
                `the sizes of ${activations.unknownValues.length} values are not known`,
                "B",
                "liveness in topological order",
              ),
        weights: exact(parameters.sizeBytes, "B", "bytes of stored tensors, each once"),
      },
      details: detailsOf(report),
      dataset: null,
      machine: null,
      settings: { inputs: report.inputs },
      method: "Shapes from the engine, arithmetic and memory from the shapes.",
      code,
    };
  },
});

/** Why the totals do not hold all work; null where they do. */
function incompleteness({ cost }: ComputeReport): string | null {
  if (cost.isComplete) return null;
  const parts = [
    ...cost.unknownOperators.map(({ operator, nodes }) => `${nodes} of ${operator} are not counted`),
    ...(cost.iterations.length === 0 ? [] : [`${cost.iterations.length} loops have an unknown number of iterations`]),
  ];
  const uncounted = cost.nodes.filter((node) => node.uncounted !== null && node.times !== 0).length;
  if (parts.length === 0) parts.push(`${uncounted} nodes are not counted`);
  return parts.slice(0, 5).join("; ");
}

function detailsOf({ cost, activations, parameters, summary, unknownShapes, seenInRun }: ComputeReport): JsonObject {
  const hasSteps = cost.nodes.length <= MOST_STEPS;
  const details = {
    summary,
    operators: cost.operators,
    countedMacs: cost.macs,
    countedFlops: cost.flops,
    unknownOperators: cost.unknownOperators,
    loops: cost.iterations,
    unknownShapes: unknownShapes.slice(0, MOST_STEPS),
    shapesSeenInRun: seenInRun.length,
    peakNode: activations.peakPlace,
    nodes: hasSteps ? cost.nodes : [],
    liveBytes: hasSteps ? activations.steps.map(({ liveBytes }) => liveBytes) : [],
    parametersByDType: parameters.byDType,
  };
  return JSON.parse(JSON.stringify(details)) as JsonObject;
}
