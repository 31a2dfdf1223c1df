// What may be asked of a differentiation: names that are there and have derivatives, and a loss that is a number.
import { nearestWords, SlipwayError } from "#base";
import type { Graph } from "#graph";
import type { Dimension, TensorType } from "#tensor";
import { isDifferentiable } from "./value-types.ts";

/** @throws SlipwayError PARAMETER_INVALID for names that are not there or have no derivative, and for none */
export function checkNames(graph: Graph, types: ReadonlyMap<string, TensorType>, names: readonly string[]): void {
  if (names.length === 0)
    throw new SlipwayError(
      "PARAMETER_INVALID",
      "Nothing is named to differentiate by; name an input or a stored tensor.",
    );
  for (const name of names) {
    const type = types.get(name);
    if (type === undefined) throw unknown(graph, name);
    if (!isDifferentiable(type)) {
      throw new SlipwayError(
        "PARAMETER_INVALID",
        `'${name}' holds ${type.dtype}, which has no derivative; name a value of a floating-point type.`,
      );
    }
  }
}

/** @throws SlipwayError PARAMETER_INVALID where the output is not there or is not one floating-point number */
export function checkScalarLoss(graph: Graph, types: ReadonlyMap<string, TensorType>, loss: string): void {
  const type = lossType(graph, types, loss);
  const isScalar = type.shape?.every((length) => length === 1) === true;
  if (isScalar && isDifferentiable(type)) return;
  const what = isDifferentiable(type) ? `has the shape ${shapeText(type.shape)}` : `holds ${type.dtype}`;
  throw invalid(
    `Output '${loss}' ${what}; a loss is one floating-point number. Reduce it to one, such as by its mean.`,
  );
}

/** @throws SlipwayError PARAMETER_INVALID where the output is not there or is not one floating-point number for each sample */
export function checkSampleLosses(graph: Graph, types: ReadonlyMap<string, TensorType>, losses: string): void {
  const type = lossType(graph, types, losses);
  if (type.shape?.length === 1 && isDifferentiable(type)) return;
  const what = isDifferentiable(type) ? `has the shape ${shapeText(type.shape)}` : `holds ${type.dtype}`;
  throw invalid(
    `Output '${losses}' ${what}; gradients by sample need a loss of its own for each, [N]. Put the loss behind the model with \`isPerSample\`.`,
  );
}

/** @throws SlipwayError PARAMETER_INVALID for names of no inputs that are given, and of those without an axis */
export function checkSampleInputs(
  graph: Graph,
  types: ReadonlyMap<string, TensorType>,
  samples: readonly string[],
): void {
  const stored = new Set(graph.initializers.map(({ name }) => name));
  const given = graph.inputs.map(({ name }) => name).filter((name) => !stored.has(name));
  for (const name of samples) {
    if (!given.includes(name))
      throw invalid(
        `The model has no input '${name}' to carry samples; its inputs are ${listed(given)}.${hinted(name, given)}`,
      );
    if (types.get(name)?.shape?.length === 0)
      throw invalid(`Input '${name}' is a single number; samples lie along the first axis of an input.`);
  }
}

function lossType(graph: Graph, types: ReadonlyMap<string, TensorType>, loss: string): TensorType {
  const type = types.get(loss);
  const names = graph.outputs.map(({ name }) => name);
  if (names.includes(loss) && type !== undefined) return type;
  throw invalid(`The model has no output '${loss}' to differentiate; its outputs are ${listed(names)}.`);
}

/** Shorter names are like all others that are short. */
const LEAST_HINTED = 3;

function unknown(graph: Graph, name: string): SlipwayError {
  const inputs = graph.inputs.map((input) => input.name);
  const stored = graph.initializers.map((one) => one.name);
  if (graph.nodes.some((node) => node.outputs.includes(name)))
    return invalid(`The type of '${name}' is not known, so nothing can be differentiated by it.`);
  const values = [...inputs, ...stored, ...graph.nodes.flatMap((node) => node.outputs)].filter((one) => one !== "");
  return invalid(
    `The model has no value '${name}' to differentiate by; its inputs are ${listed(inputs)}, its stored tensors ${listed(stored)}.${hinted(name, values)}`,
  );
}

function hinted(name: string, values: readonly string[]): string {
  const near = name.length < LEAST_HINTED ? [] : nearestWords(name, values, 1);
  return near.map((one) => ` Did you mean '${one}'?`).join("");
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}

/** A few names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => `'${name}'`);
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`);
  return shown.length === 0 ? "none" : shown.join(", ");
}

function shapeText(shape: readonly Dimension[] | null): string {
  return shape === null ? "unknown" : `[${shape.map((length) => length ?? "?").join(", ")}]`;
}
