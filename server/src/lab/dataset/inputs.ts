// Which columns become which of a model's inputs: as the description says, else by name, else whatever is left for the one
// input that is left.
import { SlipwayError } from "@slipway/core/base";
import { NO_PROCESSING, parseProcessing, type Processing } from "@slipway/core/processing";
import { type Dimension, type DType, elementCount, type Port, type Signature, typeText } from "@slipway/core/tensor";
import type { DatasetDescription } from "./description.ts";
import { conversionTo } from "./elements.ts";
import type { RowSource } from "./source.ts";

/** How an input is filled. */
export type InputBinding = {
  readonly input: string;
  readonly dtype: DType;
  /** Of one row, without the axis that counts rows; null where the model does not say. */
  readonly shape: readonly Dimension[] | null;
} & (
  | {
      readonly kind: "columns";
      readonly columns: readonly string[];
      /** What becomes of a missing value: an error, NaN among numbers, "" among texts. */
      readonly missing: "refuse" | "nan" | "empty";
      /** Whether dates and times become seconds since the Unix epoch. */
      readonly isTime?: boolean;
      /** Whether infinite numbers are refused. */
      readonly isFinite?: boolean;
    }
  | { readonly kind: "image"; readonly columns: readonly [string]; readonly before: Processing["before"] }
);

type InputSource = DatasetDescription["inputs"][string];

/**
 * @param taken columns that are label, weight or decide the split, and so no feature unless it is said
 * @param processing of the version; says how images become inputs where the description does not
 * @throws SlipwayError INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, INPUT_DTYPE_MISMATCH, DATASET_INVALID
 */
export function bindInputs(
  { inputs: described }: Pick<DatasetDescription, "inputs">,
  source: RowSource,
  signature: Signature,
  taken: ReadonlySet<string>,
  processing: unknown,
): readonly InputBinding[] {
  const ports = signature.inputs;
  const unknown = Object.keys(described).find((name) => !ports.some((port) => port.name === name));
  if (unknown !== undefined) {
    throw new SlipwayError("INPUT_UNKNOWN", `The model has no input "${unknown}"; it takes ${namesOf(ports)}.`);
  }
  const columns = new Set(source.columns.map(({ name }) => name));
  const found = new Map<string, InputBinding>();
  for (const port of ports) {
    const said = described[port.name];
    if (said !== undefined) found.set(port.name, bindingFrom(port, said, source, processing));
    else if (columns.has(port.name) && !taken.has(port.name)) {
      found.set(port.name, bindingFrom(port, port.name, source, processing));
    }
  }
  const open = ports.filter(({ name, isOptional }) => !found.has(name) && isOptional !== true);
  if (open.length > 1) {
    throw new SlipwayError(
      "INPUT_MISSING",
      `The rows have no columns named ${namesOf(open)}, which the model takes. Say under "inputs" which columns they are: ${listed([...columns])}.`,
    );
  }
  if (open.length === 1) {
    const used = new Set([...taken, ...[...found.values()].flatMap((binding) => binding.columns)]);
    found.set(open[0]!.name, bindingFrom(open[0]!, featuresFor(open[0]!, source, used), source, processing));
  }
  return [...found.values()];
}

/** What is left for an input nobody spoke of. */
function featuresFor(port: Port, source: RowSource, used: ReadonlySet<string>): InputSource {
  const left = source.columns.map(({ name }) => name).filter((name) => !used.has(name));
  const image = left.find((name) => source.kindOf(name) === "image");
  if (image !== undefined) return image;
  const { dtype, shape } = tensorOf(port);
  const kinds = dtype === "string" ? ["text"] : ["number", "whole", "truth", "list"];
  const fitting = left.filter((name) => kinds.includes(source.kindOf(name)));
  const widths = fitting.map((name) => source.shapeOf(name));
  const width = fixedWidth(shape);
  const has = widths.reduce<number | null>(
    (sum, one) => (sum === null || one === null ? null : sum + elementCount(one)),
    0,
  );
  const mayFit = width === null || has === null || has === width;
  if (mayFit && (fitting.length === 1 || (fitting.length > 1 && has !== null))) return fitting;
  const takes = width === null ? typeText(port.type) : `${width} ${width === 1 ? "value" : "values"} a row`;
  const others = left.filter((name) => !fitting.includes(name));
  throw new SlipwayError(
    "INPUT_MISSING",
    `The model's input "${port.name}" takes ${takes}, and the rows have ${fitting.length} ${dtype === "string" ? "text" : "numeric"} columns for it${
      fitting.length === 0 ? "" : ` (${listed(fitting)})`
    }${others.length === 0 ? "" : `, beside ${listed(others)}`}. Say under "inputs" which columns it is.`,
  );
}

function bindingFrom(port: Port, said: InputSource, source: RowSource, processing: unknown): InputBinding {
  const { dtype, shape } = tensorOf(port);
  const one = { input: port.name, dtype, shape };
  if (typeof said === "object" && "image" in said) {
    checkColumns([said.image], port.name, source);
    return { ...one, kind: "image", columns: [said.image], before: stepsOf(port.name, said.before, processing) };
  }
  const named = typeof said === "object" && "columns" in said ? said.columns : said;
  const columns = typeof named === "string" ? [named] : (named as readonly string[]);
  const missing = typeof said === "object" && "columns" in said ? said.missing : "refuse";
  checkColumns(columns, port.name, source);
  if (columns.length === 1 && source.kindOf(columns[0]!) === "image") {
    return { ...one, kind: "image", columns: [columns[0]!], before: stepsOf(port.name, null, processing) };
  }
  if (missing === "nan" && !dtype.startsWith("float") && dtype !== "bfloat16") {
    throw new SlipwayError(
      "DATASET_INVALID",
      `"inputs.${port.name}.missing" is "nan", and the model takes ${dtype}, which has no NaN.`,
    );
  }
  const other = columns.find((name) => ["other", "image", "moment"].includes(source.kindOf(name)));
  if (other !== undefined) {
    const { type } = source.columns.find(({ name }) => name === other)!;
    throw new SlipwayError(
      "INPUT_DTYPE_MISMATCH",
      `The column "${other}" is ${type}, of which no input "${port.name}" (${typeText(port.type)}) is made.`,
    );
  }
  checkWidth(port, columns, source);
  return { ...one, kind: "columns", columns, missing };
}

function checkWidth(port: Port, columns: readonly string[], source: RowSource): void {
  const width = fixedWidth(tensorOf(port).shape);
  let has = 0;
  for (const column of columns) {
    const shape = source.shapeOf(column);
    if (shape === null) return;
    has += elementCount(shape);
  }
  if (width === null || has === width) return;
  throw new SlipwayError(
    "INPUT_SHAPE_MISMATCH",
    `The model's input "${port.name}" takes ${width} values a row, ${typeText(port.type)}; ${listed(columns)} ${columns.length === 1 ? "has" : "have"} ${has}.`,
  );
}

/** Elements of a row, where every axis of it is fixed. */
function fixedWidth(shape: readonly Dimension[] | null): number | null {
  if (shape === null || !shape.every((length) => typeof length === "number")) return null;
  return elementCount(shape);
}

function tensorOf(port: Port): { readonly dtype: DType; readonly shape: readonly Dimension[] | null } {
  const { name, type } = port;
  if (type.kind !== "tensor" || (type.dtype !== "string" && conversionTo(type.dtype) === undefined)) {
    throw new SlipwayError(
      "INPUT_DTYPE_MISMATCH",
      `The model's input "${name}" is ${typeText(type)}; rows of files fill tensors of numbers, truth values or texts.`,
    );
  }
  if (type.shape?.length === 0) {
    throw new SlipwayError(
      "INPUT_SHAPE_MISMATCH",
      `The model's input "${name}" is a scalar, ${typeText(type)}; a batch of rows needs an axis for them.`,
    );
  }
  return { dtype: type.dtype, shape: type.shape?.slice(1) ?? null };
}

/** The steps from an image to an input. */
function stepsOf(input: string, before: readonly unknown[] | null, processing: unknown): Processing["before"] {
  const declared = processing === null ? NO_PROCESSING : parseProcessing(processing);
  const own = declared.input === null || declared.input === input ? declared.before : [];
  const steps = before === null ? own : describedSteps(input, before);
  if (steps[0]?.step === "decode-image") return steps;
  throw new SlipwayError(
    "DATASET_INVALID",
    `Nothing says how images become the input "${input}": the version declares no image processing. Say it under "inputs.${input}.before", beginning with {"step": "decode-image"}.`,
  );
}

function describedSteps(input: string, before: readonly unknown[]): Processing["before"] {
  try {
    return parseProcessing({ schemaVersion: 1, before }).before;
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "PROCESSING_INVALID") throw error;
    throw new SlipwayError("DATASET_INVALID", `"inputs.${input}": ${error.message}`, { cause: error });
  }
}

/** Whether the steps that are described are steps, before anybody asks for a model. @throws SlipwayError DATASET_INVALID */
export function checkSteps({ inputs }: Pick<DatasetDescription, "inputs">): void {
  for (const [input, said] of Object.entries(inputs)) {
    if (typeof said === "object" && "image" in said && said.before !== null) describedSteps(input, said.before);
  }
}

function checkColumns(columns: readonly string[], input: string, source: RowSource): void {
  const names = source.columns.map(({ name }) => name);
  const missing = columns.find((column) => !names.includes(column));
  if (missing === undefined) return;
  throw new SlipwayError(
    "DATASET_INVALID",
    `"inputs.${input}": there is no column "${missing}"; there is ${listed(names)}.`,
  );
}

function namesOf(ports: readonly Port[]): string {
  return ports.map(({ name, type }) => `"${name}" (${typeText(type)})`).join(", ");
}

function listed(names: readonly string[]): string {
  return names.length <= 12 ? names.join(", ") : `${names.slice(0, 12).join(", ")} and ${names.length - 12} more`;
}
