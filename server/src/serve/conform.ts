// Whether a request fits a model's signature, and how many rows it brings. The signature is compiled once, so that
// checking a request that fits allocates nothing but the answer.
import { assert, LIMITS, SlipwayError } from "@slipway/core/base";
import {
  type Dimension,
  type DType,
  DTYPES,
  type NamedTensor,
  type NumericData,
  type Port,
  type Signature,
  storedLength,
  type TensorType,
  typeText,
  type ValueType,
} from "@slipway/core/tensor";
import type { BatchingPlan } from "#runtime";
import type { InferenceRequest } from "./serving.ts";

/** What a request that fits amounts to. */
export interface Conforming {
  /** The outputs to answer, in order. */
  readonly outputs: readonly string[];
  /** Rows it adds to a batch: the inputs' first axis where the model is batched, else 1. */
  readonly rows: number;
  /** Bytes of its inputs in memory; a string counts two bytes a UTF-16 unit. */
  readonly sizeBytes: number;
}

/**
 * Checks a request.
 * @throws SlipwayError INPUT_MISSING, INPUT_UNKNOWN, INPUT_DUPLICATE, INPUT_DTYPE_MISMATCH, INPUT_SHAPE_MISMATCH,
 * INPUT_DATA_MISMATCH, OUTPUT_UNKNOWN or REQUEST_MALFORMED, naming the input, what was seen and what the model takes
 */
export type Conformance = (request: InferenceRequest) => Conforming;

/** An axis as a number: a fixed length; FREE; or a symbol, as -2 minus its index. */
type Axis = number;
const FREE: Axis = -1;
const axisOfSymbol = (symbol: number): Axis => -2 - symbol;
const symbolOfAxis = (axis: Axis): number => -2 - axis;

interface InputPlan {
  readonly name: string;
  /** Null for what is no dense tensor, which can only be left out. */
  readonly dtype: DType | null;
  readonly type: ValueType;
  readonly isOptional: boolean;
  readonly shape: readonly Dimension[] | null;
  readonly axes: readonly Axis[] | null;
}

/**
 * Compiles the check of requests against a signature.
 * @throws SlipwayError MODEL_UNSUPPORTED when an input requests can't leave out, or every output, is no dense tensor
 */
export function compileConformance(signature: Signature, batching: BatchingPlan): Conformance {
  const symbols = new Map<string, number>();
  const inputs = signature.inputs.map((port) => planInput(port, symbols));
  const inputIndex = new Map(inputs.map((plan, index) => [plan.name, index]));
  const allOutputs = signature.outputs.filter((port) => port.type.kind === "tensor").map((port) => port.name);
  if (allOutputs.length === 0) throw unservableOutputs(signature);
  const outputIndex = new Map(allOutputs.map((name, index) => [name, index]));
  const symbolNames = [...symbols.keys()];
  const isBatched = batching.mode === "dynamic";

  // Scratch: an entry counts only when it carries the current request's stamp, so nothing is cleared in between.
  let stamp = 0;
  const seenInput = new Float64Array(inputs.length);
  const seenOutput = new Float64Array(allOutputs.length);
  const seenSymbol = new Float64Array(symbols.size);
  const symbolLength = new Float64Array(symbols.size);

  return (request) => {
    stamp++;
    const sent = request.inputs;
    let sizeBytes = 0;
    let rows = -1;
    for (let i = 0; i < sent.length; i++) {
      const tensor = sent[i]!;
      const index = inputs[i]?.name === tensor.name ? i : inputIndex.get(tensor.name);
      if (index === undefined) throw unknownInput(tensor.name, inputs);
      if (seenInput[index] === stamp)
        throw new SlipwayError("INPUT_DUPLICATE", `Input ${quoted(tensor.name)} was sent twice.`);
      seenInput[index] = stamp;
      const plan = inputs[index]!;
      if (tensor.dtype !== plan.dtype) throw wrongDType(tensor, plan);
      sizeBytes += checkData(tensor, checkShape(tensor, plan, sent));
      if (!isBatched) continue;
      if (rows === -1 && tensor.shape.length > 0) rows = tensor.shape[0]!;
      else if (tensor.shape[0] !== rows) throw unequalRows(sent, tensor, rows);
    }
    if (sent.length < inputs.length) checkMissing();
    const outputs = request.outputs === null || request.outputs.length === 0 ? allOutputs : request.outputs;
    if (outputs !== allOutputs) checkOutputs(outputs);
    return { outputs, rows: rows === -1 ? 1 : rows, sizeBytes };
  };

  /** Answers the number of elements. */
  function checkShape(tensor: NamedTensor, plan: InputPlan, sent: readonly NamedTensor[]): number {
    const { shape } = tensor;
    const { axes } = plan;
    if (shape.length > LIMITS.tensorRank || (axes !== null && shape.length !== axes.length))
      throw wrongShape(tensor, plan, "");
    let count = 1;
    let isEmpty = false;
    for (let axis = 0; axis < shape.length; axis++) {
      const length = shape[axis]!;
      if (!Number.isSafeInteger(length) || length < 0)
        throw wrongShape(tensor, plan, ` Axis ${axis} is ${length}; axis lengths are whole numbers from 0.`);
      if (length === 0) isEmpty = true;
      else if ((count *= length) > LIMITS.tensorElements)
        throw wrongShape(tensor, plan, ` A tensor may have at most ${LIMITS.tensorElements} elements.`);
      const expected = axes === null ? FREE : axes[axis]!;
      if (expected === FREE || expected === length) continue;
      if (expected >= 0) throw wrongShape(tensor, plan, "");
      const symbol = symbolOfAxis(expected);
      if (seenSymbol[symbol] !== stamp) {
        seenSymbol[symbol] = stamp;
        symbolLength[symbol] = length;
      } else if (symbolLength[symbol] !== length) {
        throw wrongShape(tensor, plan, ` ${symbolSeen(symbol, sent)}, and ${length} here.`);
      }
    }
    return isEmpty ? 0 : count;
  }

  /** Where a symbol got its length in this request. */
  function symbolSeen(symbol: number, sent: readonly NamedTensor[]): string {
    const name = symbolNames[symbol]!;
    for (const tensor of sent) {
      const axis = inputs[inputIndex.get(tensor.name)!]!.axes?.indexOf(axisOfSymbol(symbol)) ?? -1;
      if (axis !== -1) return `${name} is ${tensor.shape[axis]} in axis ${axis} of input ${quoted(tensor.name)}`;
    }
    return `${name} is ${symbolLength[symbol]} elsewhere`;
  }

  function checkMissing(): void {
    for (let index = 0; index < inputs.length; index++) {
      const plan = inputs[index]!;
      if (seenInput[index] !== stamp && !plan.isOptional) throw missingInput(plan);
    }
  }

  function checkOutputs(names: readonly string[]): void {
    for (const name of names) {
      const index = outputIndex.get(name);
      if (index === undefined) throw unknownOutput(name, signature, allOutputs);
      if (seenOutput[index] === stamp)
        throw new SlipwayError("REQUEST_MALFORMED", `Output ${quoted(name)} is asked for twice.`);
      seenOutput[index] = stamp;
    }
  }
}

function planInput(port: Port, symbols: Map<string, number>): InputPlan {
  const isOptional = port.isOptional === true || port.type.kind === "optional";
  const type = port.type.kind === "optional" ? port.type.element : port.type;
  if (type.kind !== "tensor") {
    if (!isOptional) throw unservableInput(port);
    return { name: port.name, dtype: null, type, isOptional, shape: null, axes: null };
  }
  const axes = planAxes(type, symbols);
  return { name: port.name, dtype: type.dtype, type, isOptional, shape: type.shape, axes };
}

function planAxes({ shape }: TensorType, symbols: Map<string, number>): readonly Axis[] | null {
  if (shape === null) return null;
  return shape.map((dimension) => {
    if (typeof dimension === "number") return dimension;
    if (dimension === null || dimension === "") return FREE;
    if (!symbols.has(dimension)) symbols.set(dimension, symbols.size);
    return axisOfSymbol(symbols.get(dimension)!);
  });
}

/** Checks that the data fills the shape, and answers its bytes. */
function checkData(tensor: NamedTensor, count: number): number {
  const { data, dtype } = tensor;
  const expected = storedLength(dtype, count);
  if (data.length !== expected) {
    throw new SlipwayError(
      "INPUT_DATA_MISMATCH",
      `Input ${quoted(tensor.name)} has ${data.length} values; its shape ${shapeText(tensor.shape)} of ${dtype} takes ${expected}.`,
      { details: { input: tensor.name, values: data.length, expected } },
    );
  }
  if (dtype !== "string") {
    const { byteLength } = data as NumericData;
    const { bits } = DTYPES[dtype];
    assert(bits < 8 || byteLength * 8 === count * bits, `The array of a ${dtype} input has elements of another width.`);
    return byteLength;
  }
  let units = 0;
  for (const text of data as readonly string[]) units += text.length;
  return 2 * units;
}

function unknownInput(name: string, inputs: readonly InputPlan[]): SlipwayError {
  return new SlipwayError(
    "INPUT_UNKNOWN",
    `The model has no input ${quoted(name)}; it takes ${list(inputs.map((plan) => plan.name))}.`,
    { details: { input: name } },
  );
}

function missingInput({ name, type }: InputPlan): SlipwayError {
  return new SlipwayError(
    "INPUT_MISSING",
    `Input ${quoted(name)} was not sent; the model takes it as ${typeText(type)}.`,
    { details: { input: name } },
  );
}

function wrongDType({ name, dtype }: NamedTensor, plan: InputPlan): SlipwayError {
  const expected = plan.dtype === null ? typeText(plan.type) : dtypeText(plan.dtype);
  return new SlipwayError(
    "INPUT_DTYPE_MISMATCH",
    `Input ${quoted(name)} is ${dtypeText(dtype)}; the model takes ${expected}.`,
    { details: { input: name, dtype, expected: plan.dtype ?? expected } },
  );
}

function wrongShape(tensor: NamedTensor, plan: InputPlan, more: string): SlipwayError {
  const expected = shapeText(plan.shape);
  return new SlipwayError(
    "INPUT_SHAPE_MISMATCH",
    `Input ${quoted(tensor.name)} has shape ${shapeText(tensor.shape)}; the model takes ${expected}.${more}`,
    { details: { input: tensor.name, shape: tensor.shape.slice(0, LIMITS.tensorRank), expected } },
  );
}

function unequalRows(sent: readonly NamedTensor[], tensor: NamedTensor, rows: number): SlipwayError {
  const first = sent[0]!;
  return new SlipwayError(
    "INPUT_SHAPE_MISMATCH",
    tensor.shape.length === 0
      ? `Input ${quoted(tensor.name)} is a scalar; its first axis must be the batch.`
      : `Input ${quoted(tensor.name)} has ${tensor.shape[0]} rows and input ${quoted(first.name)} ${rows}; ` +
          "the first axis is the batch and must be the same for all inputs.",
    { details: { input: tensor.name, shape: tensor.shape } },
  );
}

function unknownOutput(name: string, signature: Signature, servable: readonly string[]): SlipwayError {
  const port = signature.outputs.find((output) => output.name === name);
  const answers = `; it answers ${list(servable)}.`;
  return new SlipwayError(
    "OUTPUT_UNKNOWN",
    port === undefined
      ? `The model has no output ${quoted(name)}${answers}`
      : `Output ${quoted(name)} is ${typeText(port.type)}, which no protocol can carry${answers}`,
    { details: { output: name } },
  );
}

function unservableInput(port: Port): SlipwayError {
  return new SlipwayError(
    "MODEL_UNSUPPORTED",
    `Input ${quoted(port.name)} of the model is ${typeText(port.type)}; requests carry dense tensors only.`,
  );
}

function unservableOutputs(signature: Signature): SlipwayError {
  const types = signature.outputs.map((port) => `${quoted(port.name)}: ${typeText(port.type)}`);
  return new SlipwayError(
    "MODEL_UNSUPPORTED",
    `The model has no output that is a dense tensor${types.length === 0 ? "" : ` (${types.slice(0, 8).join(", ")})`}.`,
  );
}

/** An element type by our name and the protocol's. */
function dtypeText(dtype: DType): string {
  const { oip } = DTYPES[dtype];
  return oip === null ? dtype : `${dtype} (${oip})`;
}

/** A shape as people write it, short enough for a message. */
function shapeText(shape: readonly Dimension[] | null): string {
  if (shape === null) return "[…]";
  const shown = shape.slice(0, 16).map((length) => (length === null || length === "" ? "?" : length));
  return `[${shown.join(", ")}${shape.length > 16 ? `, … ${shape.length} axes` : ""}]`;
}

/** A name from outside, quoted, and short enough for a message. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

function list(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, 8).map(quoted).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
