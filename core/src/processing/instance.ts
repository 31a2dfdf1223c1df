// How a JSON instance becomes a model's inputs: each input from the value of its name, or the only one from the value
// itself; the declared steps change the one they name.
import { SlipwayError } from "#base";
import { createData, type Dimension, type DType, type NamedTensor, type Signature, type Tensor } from "#tensor";
import { type InputPlan, type InputRecord, targetInput, tensorType } from "./inputs.ts";
import { isComputable, type JsonValue, writeNumbers } from "./elements.ts";
import { show } from "./fields.ts";
import { tensorFromNested } from "./nested.ts";
import type { BeforeStep, Processing } from "./schema.ts";
import { applySteps, inferSteps } from "./steps.ts";
import { secondsOfTime } from "./time.ts";
import { type Refuse, shapeText } from "./values.ts";

interface InputSlot {
  readonly name: string;
  readonly dtype: DType;
  /** Axes of one record's value; null where not even their number is known. */
  readonly dims: readonly Dimension[] | null;
  readonly isOptional: boolean;
  readonly steps: readonly BeforeStep[];
  /** What stands for a missing value; null where there has to be one. */
  readonly missing: JsonValue;
  /** Whether a time may be given as text. */
  readonly isTime: boolean;
}

/** @throws SlipwayError PROCESSING_INVALID */
export function planInstance(processing: Processing, signature: Signature): InputPlan {
  const { before } = processing;
  const target = before.length > 0 || processing.input !== null ? targetInput(processing, signature) : undefined;
  const batch = batchOf(signature);
  const slots = signature.inputs.map((port): InputSlot => {
    const { dtype, shape } = tensorType(port, "input");
    const dims = batch.isBatched ? (shape?.slice(1) ?? null) : shape;
    const steps = port === target ? before : [];
    if (steps.length > 0) checkSteps(port.name, dtype, dims, steps);
    const missing = processing.instances === "rows" ? missingOf(port.name, dtype, dims) : null;
    const isTime = processing.times.includes(port.name);
    if (isTime) checkTime(port.name, dtype);
    return { name: port.name, dtype, dims, isOptional: port.isOptional === true, steps, missing, isTime };
  });
  for (const name of processing.times)
    if (!slots.some((slot) => slot.name === name))
      throw new SlipwayError(
        "PROCESSING_INVALID",
        `Processing: "times" names "${name}"; the model's inputs are ${slots.map((slot) => slot.name).join(", ")}.`,
      );
  return { takes: "instance", ...batch, prepare: (record, refuse) => prepareInstance(slots, record, refuse) };
}

/** The element that says that a row has no value in a column, as tables' encoders take it. */
function missingOf(name: string, dtype: DType, dims: readonly Dimension[] | null): JsonValue {
  if (dims !== null && !dims.every((length) => length === 1)) {
    throw new SlipwayError(
      "PROCESSING_INVALID",
      `Processing: "instances" are "rows", and the input "${name}" takes ${shapeText(dims)} of each row; a column has one value.`,
    );
  }
  if (dtype === "string") return "";
  if (dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16") return "NaN";
  throw new SlipwayError(
    "PROCESSING_INVALID",
    `Processing: "instances" are "rows", and the input "${name}" is ${dtype}, which has nothing that stands for a missing value.`,
  );
}

function checkTime(name: string, dtype: DType): void {
  if (dtype === "float64" || dtype === "int64") return;
  throw new SlipwayError(
    "PROCESSING_INVALID",
    `Processing: "times" names "${name}", which is ${dtype}; seconds since the epoch take a float64 or int64.`,
  );
}

/** Records are rows where every input that must be given has a first axis of the same fixed, or an open, length. */
function batchOf({ inputs }: Signature): { isBatched: boolean; batchSize: number | null } {
  const shapes = inputs.filter((port) => port.isOptional !== true).map((port) => tensorType(port, "input").shape);
  const firsts = shapes.map((shape) => (shape === null ? null : shape[0]));
  const isOpen = firsts.every((first) => first === null || typeof first === "string");
  if (isOpen) return { isBatched: true, batchSize: null };
  const [first] = firsts;
  if (typeof first === "number" && firsts.every((other) => other === first)) {
    return { isBatched: true, batchSize: first };
  }
  return { isBatched: false, batchSize: 1 };
}

function checkSteps(name: string, dtype: DType, dims: readonly Dimension[] | null, steps: readonly BeforeStep[]): void {
  if (!isComputable(dtype)) {
    throw new SlipwayError("PROCESSING_INVALID", `Processing: the input "${name}" is ${dtype}; steps work on numbers.`);
  }
  // A reshape says what comes in; without one the values have the shape of the input.
  const isReshaped = steps.some((step) => step.step === "reshape");
  const known =
    isReshaped || dims === null ? [null] : dims.map((length) => (typeof length === "number" ? length : null));
  const { shape } = inferSteps(steps, { stage: "numbers", shape: known });
  if (dims === null) return;
  const fits =
    shape.length === dims.length &&
    dims.every((length, axis) => typeof length !== "number" || shape[axis] === null || shape[axis] === length);
  if (!fits) {
    throw new SlipwayError(
      "PROCESSING_INVALID",
      `Processing: the steps make ${shapeText(shape)} of a record; the input "${name}" takes ${shapeText(dims)} of each.`,
    );
  }
}

function prepareInstance(slots: readonly InputSlot[], record: InputRecord, refuse: Refuse): NamedTensor[] {
  if (record.kind !== "instance") return refuse("it is an image; this version takes JSON instances");
  const values = namedValues(slots, record.value, refuse);
  const tensors: NamedTensor[] = [];
  for (const slot of slots) {
    const given = valueOf(slot, values.get(slot.name));
    const value = slot.isTime && typeof given === "string" ? timeOf(slot.name, given, refuse) : given;
    if (value !== undefined) tensors.push({ name: slot.name, ...prepareValue(slot, value, refuse) });
    else if (!slot.isOptional) refuse(`the input "${slot.name}" is missing`);
  }
  return tensors;
}

/** A time in seconds; texts that stand for numbers ("NaN") stay. */
function timeOf(name: string, text: string, refuse: Refuse): JsonValue {
  const seconds = secondsOfTime(text);
  if (seconds !== null) return seconds;
  if (text === "") return "NaN";
  if (/^-?(?:NaN|Infinity)$/.test(text)) return text;
  return refuse(
    `"${name}" is ${show(text)}; it takes a time such as "2026-11-26" or "2026-11-26T08:30:00Z", or seconds since 1970`,
  );
}

/** A row's value as the input's datatype has it. */
function valueOf({ dtype, missing }: InputSlot, value: JsonValue | undefined): JsonValue | undefined {
  if (missing === null) return value;
  if (value === undefined || value === null) return missing;
  if (dtype === "string") return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  return typeof value === "boolean" ? Number(value) : value;
}

function namedValues(slots: readonly InputSlot[], value: JsonValue, refuse: Refuse): ReadonlyMap<string, JsonValue> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value as { readonly [name: string]: JsonValue });
    const unknown = entries.find(([name]) => !slots.some((slot) => slot.name === name));
    if (unknown !== undefined) {
      refuse(`the model has no input ${show(unknown[0])}; it has ${slots.map((slot) => slot.name).join(", ")}`);
    }
    return new Map(entries);
  }
  const required = slots.filter((slot) => !slot.isOptional);
  if (required.length !== 1) {
    refuse(`it is ${show(value)}; it takes an object with ${slots.map((slot) => show(slot.name)).join(", ")}`);
  }
  return new Map([[required[0]!.name, value]]);
}

function prepareValue(slot: InputSlot, value: JsonValue, refuse: Refuse): Tensor {
  const { dtype, dims, steps } = slot;
  const name = `"${slot.name}"`;
  if (steps.length === 0) return tensorFromNested(value, dtype, dims, name, refuse);
  const isReshaped = steps.some((step) => step.step === "reshape");
  const numbers = tensorFromNested(value, "float64", isReshaped ? null : dims, name, refuse);
  const made = applySteps(steps, { shape: numbers.shape, data: numbers.data as Float64Array }, refuse);
  if (!isComputable(dtype)) return refuse(`${name} is ${dtype}, not numbers`);
  const data = createData(dtype, made.data.length);
  writeNumbers(dtype, made.data, data);
  return { dtype, shape: made.shape, data };
}
