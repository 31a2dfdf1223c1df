// What a caller is answered for each record: labels with their scores, or the model's outputs as they are.
import { SlipwayError } from "#base";
import { elementCount, type NamedTensor, type Signature, sliceRows, type Tensor, type TensorType } from "#tensor";
import { tensorType } from "./inputs.ts";
import { elementOf, isComputable, type JsonValue, numbersFromTensor } from "./elements.ts";
import { nestedFromTensor } from "./nested.ts";
import type { AfterStep, LabelsStep, Processing, SoftmaxStep } from "./schema.ts";
import { bestLabels, type LabelScore } from "./steps/labels.ts";
import { softmax } from "./steps/softmax.ts";
import { shapeText } from "./values.ts";

/** The answer to one record. */
export type RecordAnswer =
  | { readonly kind: "labels"; readonly labels: readonly LabelScore[] }
  /** Each output's row as nested lists; NaN, infinities and whole numbers beyond 2^53 as text. */
  | { readonly kind: "outputs"; readonly outputs: Readonly<Record<string, JsonValue>> };

/** How outputs become answers; every step names its output. */
export interface AnswerPlan {
  readonly outputs: readonly string[];
  readonly isBatched: boolean;
  readonly softmaxes: readonly (SoftmaxStep & { readonly output: string })[];
  readonly labels: (LabelsStep & { readonly output: string }) | null;
}

/** @throws SlipwayError PROCESSING_INVALID */
export function planAnswer(processing: Processing, signature: Signature, isBatched: boolean): AnswerPlan {
  const softmaxes: AnswerPlan["softmaxes"][number][] = [];
  let labels: AnswerPlan["labels"] = null;
  processing.after.forEach((step, index) => {
    const refuse = (problem: string): never => {
      throw new SlipwayError("PROCESSING_INVALID", `Processing after[${index}] (${step.step}) ${problem}.`);
    };
    if (labels !== null) refuse(`comes after "labels", which has to be the last step`);
    const { output, type } = scoresOf(step, signature, refuse);
    if (step.step === "softmax") {
      checkAxis(step.axis, type, isBatched, refuse);
      softmaxes.push({ ...step, output });
    } else {
      checkLabels(step, type, refuse);
      labels = { ...step, output };
    }
  });
  const answered = signature.outputs.filter(
    ({ type }) => type.kind === "tensor" && elementOf(type.dtype) !== undefined,
  );
  // The assertion is TypeScript's: it does not see that the callback above assigns.
  const last = labels as AnswerPlan["labels"];
  return {
    outputs: last === null ? answered.map(({ name }) => name) : [last.output],
    isBatched,
    softmaxes,
    labels: last,
  };
}

/** The output a step works on, and its type. */
function scoresOf(
  { output }: AfterStep,
  { outputs }: Signature,
  refuse: (problem: string) => never,
): { output: string; type: TensorType } {
  const names = outputs.map((port) => port.name).join(", ");
  const port = output === null ? outputs[0] : outputs.find(({ name }) => name === output);
  if (output === null && outputs.length !== 1) refuse(`has to name its "output"; the model has ${names}`);
  if (port === undefined) return refuse(`names the output "${output}"; the model has ${names}`);
  const type = tensorType(port, "output");
  if (!isComputable(type.dtype)) refuse(`needs numbers; the output "${port.name}" is ${type.dtype}`);
  return { output: port.name, type };
}

function checkAxis(axis: number, { shape }: TensorType, isBatched: boolean, refuse: (problem: string) => never): void {
  if (shape === null) return;
  const { length: rank } = shape;
  if (axis < -rank || axis >= rank) refuse(`has the axis ${axis}; the output has ${rank} axes`);
  if (isBatched && (axis + rank) % rank === 0) refuse(`has the axis ${axis}, along which the records lie`);
}

function checkLabels({ labels, top }: LabelsStep, { shape }: TensorType, refuse: (problem: string) => never): void {
  const last = shape?.at(-1);
  if (typeof last === "number" && last !== labels.length) {
    refuse(`has ${labels.length} labels; the output's last axis has ${last}`);
  }
  if (top !== null && top > labels.length) refuse(`has a "top" of ${top} for ${labels.length} labels`);
}

/** @throws SlipwayError PROCESSING_INVALID where the outputs are not what the signature promised or left open */
export function answerRecords(plan: AnswerPlan, outputs: readonly NamedTensor[], count: number): RecordAnswer[] {
  const named = new Map<string, Tensor>();
  for (const name of plan.outputs) {
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) throw broken(`the output "${name}" did not come`);
    named.set(name, output);
  }
  for (const { output, axis } of plan.softmaxes) {
    const tensor = named.get(output);
    // With labels, only their output is asked for; what is done to others would not be seen.
    if (tensor === undefined) continue;
    const { length: rank } = tensor.shape;
    if (axis < -rank || axis >= rank) throw broken(`the output "${output}" has ${rank} axes, none of them ${axis}`);
    named.set(output, softmax(tensor, (axis + rank) % rank));
  }
  return Array.from({ length: count }, (_none, row): RecordAnswer => {
    const { labels } = plan;
    if (labels !== null)
      return { kind: "labels", labels: labelled(labels, rowOf(plan, labels.output, named, row, count)) };
    const rows = plan.outputs.map((name) => [name, nestedFromTensor(rowOf(plan, name, named, row, count))] as const);
    return { kind: "outputs", outputs: Object.fromEntries(rows) };
  });
}

function rowOf(plan: AnswerPlan, name: string, named: ReadonlyMap<string, Tensor>, row: number, count: number): Tensor {
  const tensor = named.get(name)!;
  if (!plan.isBatched) return tensor;
  if (tensor.shape[0] !== count) {
    throw broken(
      `the output "${name}" has the shape ${shapeText(tensor.shape)}, which has no row for each of ${count} records`,
    );
  }
  const { dtype, shape, data } = sliceRows(tensor, row, row + 1);
  return { dtype, shape: shape.slice(1), data };
}

function labelled({ output, labels, top }: AnswerPlan["labels"] & object, row: Tensor): readonly LabelScore[] {
  if (elementCount(row.shape) !== labels.length) {
    throw broken(`the output "${output}" has ${elementCount(row.shape)} scores for ${labels.length} labels`);
  }
  return bestLabels(numbersFromTensor(row), labels, top ?? labels.length);
}

function broken(problem: string): SlipwayError {
  return new SlipwayError("PROCESSING_INVALID", `Processing does not fit what the model answered: ${problem}.`);
}
