// Where a step went wrong whose loss is no number: the step once more, answering every value in between, until the first that holds
// NaN or an infinity.
import { type Backend, DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { createValueInfo, subgraphsOf } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import type { StepInside } from "./step-engine.ts";

export interface NonFinite {
  /** The first value of a step that holds one, and what computes it; null where that is given. */
  readonly tensor: string;
  readonly operator: string | null;
  readonly value: number;
  /** Rows of the batch that hold one, where the first axis counts rows; null where it does not. */
  readonly rowsOfBatch: readonly number[] | null;
}

/** Looks a step through. Null where, done once more, all of it is finite. */
export async function firstNonFinite(
  { model, inputs }: StepInside,
  rows: number,
  backend: Backend,
): Promise<NonFinite | null> {
  for (const input of inputs) {
    const found = lookThrough(input, rows);
    if (found !== null) return { tensor: input.name, operator: null, ...found };
  }
  const { graph } = model;
  const nodes = graph.nodes.filter((node) => subgraphsOf(node).length === 0);
  const values = nodes.flatMap(({ outputs, opType }) =>
    outputs.filter((name) => name !== "").map((name) => ({ name, opType })),
  );
  const session = await backend.load(
    {
      model: bytesFromModel({
        ...model,
        graph: { ...graph, outputs: values.map(({ name }) => createValueInfo(name, null)) },
      }),
      externalData: new Map(),
    },
    { ...DEFAULT_SESSION_SETTINGS, graphOptimizationLevel: "disabled" },
  );
  try {
    const wanted = values.map(({ name }) => name);
    const seen: readonly NamedTensor[] = await session.run(inputs, wanted);
    for (const [at, tensor] of seen.entries()) {
      const found = lookThrough(tensor, rows);
      if (found !== null) return { tensor: tensor.name, operator: values[at]!.opType, ...found };
    }
    return null;
  } finally {
    await session.unload();
  }
}

function lookThrough({ dtype, shape, data }: Tensor, rows: number): Pick<NonFinite, "value" | "rowsOfBatch"> | null {
  if (dtype !== "float32" && dtype !== "float64") return null;
  const numbers = data as Float32Array | Float64Array;
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return null;
  if (shape[0] !== rows) return { value: numbers[at]!, rowsOfBatch: null };
  const width = numbers.length / rows;
  const rowsOfBatch: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (numbers.subarray(row * width, (row + 1) * width).some((value) => !Number.isFinite(value)))
      rowsOfBatch.push(row);
  }
  return { value: numbers[at]!, rowsOfBatch };
}

export interface DivergedAt {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Places of the batch's rows among those that are trained by. */
  readonly places: Int32Array;
  readonly found: NonFinite | null;
  /** The step of the last checkpoint; null where there is none. */
  readonly checkpointStep: number | null;
}

const SHOWN = 12;

export function divergedError({
  step,
  epoch,
  loss,
  learningRate,
  places,
  found,
  checkpointStep,
}: DivergedAt): SlipwayError {
  const rows = found?.rowsOfBatch?.map((row) => places[row]!) ?? null;
  const where =
    found === null
      ? "Looked at once more, all of the step is finite"
      : `The first tensor that is not finite is '${found.tensor}'${found.operator === null ? ", which goes into the step" : ` of ${found.operator}`}: it holds ${found.value}${rows === null ? "" : ` in training rows ${listed(rows)}`}`;
  const kept =
    checkpointStep === null ? "There is no checkpoint yet." : `The checkpoint of step ${checkpointStep} stays.`;
  return new SlipwayError(
    "TRAINING_DIVERGED",
    `The loss of step ${step} (epoch ${epoch}) is ${loss}, at a learning rate of ${Number(learningRate.toPrecision(4))}, over training rows ${listed(places)}. ${where}. ${kept} Lower the learning rate, clip gradients, or look at these rows.`,
    {
      details: {
        step,
        epoch,
        learningRate,
        rows: Array.from(places),
        tensor: found?.tensor ?? null,
        operator: found?.operator ?? null,
        rowsOfTensor: rows,
      },
    },
  );
}

/** Where training went well by its own loss, and the rows that are validated by never had one. */
export function neverFiniteError(epochs: number, loss: number, checkpointStep: number | null): SlipwayError {
  const kept = checkpointStep === null ? "" : ` The checkpoint of step ${checkpointStep} stays.`;
  return new SlipwayError(
    "TRAINING_DIVERGED",
    `The validation loss was not finite after any of ${epochs} epochs (${loss} at last), so there are no weights to serve.${kept} Look for values in these rows that are far larger than those trained by, or lower the learning rate.`,
    { details: { epochs, validationLoss: String(loss) } },
  );
}

function listed(rows: ArrayLike<number>): string {
  const shown = Array.from(rows).slice(0, SHOWN).join(", ");
  return rows.length <= SHOWN ? shown : `${shown} and ${rows.length - SHOWN} more`;
}
