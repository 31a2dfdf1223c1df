// A declared processing made ready for one model: checked against its signature once, then applied to records.
import { SlipwayError } from "#base";
import { concatRows, type NamedTensor, type Signature, type Tensor } from "#tensor";
import { type AnswerPlan, answerRecords, planAnswer, type RecordAnswer } from "./answer.ts";
import { planImage } from "./image.ts";
import type { InputPlan, InputRecord } from "./inputs.ts";
import { planInstance } from "./instance.ts";
import type { Processing } from "./schema.ts";
import { shapeText } from "./values.ts";

/** A processing that fits its model. */
export interface CompiledProcessing {
  /** What its records are. An image may also come as an instance: lists of its pixels, [height][width] or with channels. */
  readonly takes: InputRecord["kind"];
  /** How many records a request must hold, where the model's batch axis is fixed or missing; null for any number. */
  readonly batchSize: number | null;
  /** The model outputs that `answer` needs. */
  readonly outputs: readonly string[];
  /**
   * The model's inputs from records, which become rows in their order.
   * @throws SlipwayError RECORD_INVALID naming the record and what was wrong with it
   */
  prepare(records: readonly InputRecord[]): NamedTensor[];
  /**
   * An answer for each record, in their order, from the model's outputs.
   * @param count how many records were prepared
   * @throws SlipwayError PROCESSING_INVALID where the outputs do not have what the signature promised or left open
   */
  answer(outputs: readonly NamedTensor[], count: number): RecordAnswer[];
}

/**
 * Checks a processing against a model's signature and makes it ready to run.
 * @throws SlipwayError PROCESSING_INVALID naming the step, and what of the signature it does not fit
 * @example
 * const compiled = compileProcessing(parseProcessing(manifest), signature);
 * const inputs = compiled.prepare([{ kind: "image", pixels }]);
 * const answers = compiled.answer(await session.run(inputs, compiled.outputs), 1);
 */
export function compileProcessing(processing: Processing, signature: Signature): CompiledProcessing {
  const isImage = processing.before[0]?.step === "decode-image";
  const input = isImage ? planImage(processing, signature) : planInstance(processing, signature);
  const answer: AnswerPlan = planAnswer(processing, signature, input.isBatched);
  return {
    takes: input.takes,
    batchSize: input.batchSize,
    outputs: answer.outputs,
    prepare: (records) => prepareRecords(input, records),
    answer: (outputs, count) => answerRecords(answer, outputs, count),
  };
}

function prepareRecords(plan: InputPlan, records: readonly InputRecord[]): NamedTensor[] {
  if (records.length === 0) throw new SlipwayError("RECORD_INVALID", "There are no records; send at least one.");
  if (plan.batchSize !== null && records.length !== plan.batchSize) {
    throw new SlipwayError(
      "RECORD_INVALID",
      `The request has ${records.length} records; this model takes exactly ${plan.batchSize} at a time.`,
    );
  }
  const prepared = records.map((record, index) =>
    plan.prepare(record, (problem) => {
      throw new SlipwayError("RECORD_INVALID", `Record ${index}: ${problem}.`, { details: { record: index } });
    }),
  );
  if (!plan.isBatched) return prepared[0]!;
  return prepared[0]!.map((first, port) => {
    const rows = prepared.map((tensors) => tensors[port]!);
    return { name: first.name, ...stacked(first, rows) };
  });
}

function stacked({ name, shape }: NamedTensor, rows: readonly NamedTensor[]): Tensor {
  const odd = rows.findIndex((row) => row.shape.some((length, axis) => length !== shape[axis]));
  if (odd >= 0) {
    throw new SlipwayError(
      "RECORD_INVALID",
      `Record ${odd}: its "${name}" has the shape ${shapeText(rows[odd]!.shape)}, and that of record 0 ` +
        `${shapeText(shape)}; records sent together need the same shape.`,
      { details: { record: odd } },
    );
  }
  return concatRows(rows.map(({ dtype, shape, data }) => ({ dtype, shape: [1, ...shape], data })));
}
