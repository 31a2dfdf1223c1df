// What is served of a trained network: one ONNX file from a row's columns to its answer. What turns columns into features, the
// network, and what turns its numbers into labels or into the target's unit are one graph, so there is no second code path.
import { assert, SlipwayError } from "@slipway/core/base";
import { createValueInfo, extendModel, type Model, renameValues, spliceGraph, verifyModel } from "@slipway/core/graph";
import { upgradeOpset } from "@slipway/core/passes";
import type { DType } from "@slipway/core/tensor";
import type { JsonObject } from "#registry";
import type { PreparedRows } from "./prepared-rows.ts";
import type { Task } from "./task.ts";

export interface ServedModelOptions {
  /** From columns to features; null where the network takes what is served. */
  readonly encoder: Model | null;
  readonly network: Model;
  readonly task: Task;
  /** How its records become inputs. */
  readonly records: PreparedRows["records"];
  /** Facts the file carries about itself. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface ServedModel {
  readonly model: Model;
  /** The output that holds the answer, called as the target: a label, string [N], or a number, float32 [N]. */
  readonly answer: string;
  /** The output with a probability for each class, float32 [N, classes]; null for numbers. */
  readonly probabilities: string | null;
  /** What a version declares with it: that instances are rows, and how labels are answered. */
  readonly processing: JsonObject;
}

/** The fact of a file that says what names of its network begin with, where an encoder stands before it. */
export const NETWORK_KEY = "slipway.network";
export const NETWORK_PREFIX = "network.";

/**
 * Puts encoder, network and head together.
 * @throws SlipwayError MODEL_UNSUPPORTED where the network has other inputs than the encoder gives
 */
export function servedModel({ encoder, network, task, records, metadata }: ServedModelOptions): ServedModel {
  const joined = encoder === null ? network : joinedModel(encoder, network);
  const scores = joined.graph.outputs[0]!.name;
  const columns = joined.graph.inputs.map(({ name }) => name);
  // What every object has, such as "toString", ONNX Runtime takes for a tensor that it is given.
  const isTaken = (name: string): boolean => columns.includes(name) || name in {};
  // The answer is called as the target, whatever has that name inside.
  const plain = (name: string): string => (isTaken(name) ? plain(`${name}_answer`) : name);
  const answer = plain(task.target);
  const probabilities =
    task.kind === "classification" ? plain(answer === "probabilities" ? "class_probabilities" : "probabilities") : null;
  const names = [answer, ...(probabilities === null ? [] : [probabilities])];
  const inner = new Map(names.map((name) => [name, `${name}_inside`]));
  const graph = renameValues(joined.graph, presentOf(joined, inner));
  const renamed = { ...joined, graph };
  const logits = inner.get(scores) ?? scores;
  const extended = extendModel(renamed, new Map<string, DType>([[logits, "float32"]]), (g) => {
    if (task.kind === "classification") {
      const shares = g.op("Softmax", [logits], { axis: -1 });
      const best = g.op("ArgMax", [logits], { axis: 1, keepdims: 0 });
      const label = g.op("Gather", [g.values("string", task.labels), best], { axis: 0 });
      g.output(answer, label, "string", ["N"]);
      g.output(probabilities!, shares, "float32", ["N", task.labels.length]);
      return;
    }
    const number = (value: number) => g.values("float32", [value], []);
    const flat = g.op("Reshape", [logits, g.values("int64", [-1])]);
    const scaled = g.op("Add", [g.op("Mul", [flat, number(task.scale)]), number(task.mean)]);
    g.output(answer, scaled, "float32", ["N"]);
  });
  // What the network itself answered is no output any more.
  const outputs = extended.graph.outputs.filter(({ name }) => names.includes(name));
  const model: Model = { ...extended, metadata, graph: { ...extended.graph, outputs } };
  verifyModel(model);
  const after = task.kind === "classification" ? [{ step: "labels", output: probabilities, labels: task.labels }] : [];
  return { model, answer, probabilities, processing: { schemaVersion: 1, ...records, after } };
}

/** Those of the names that the graph has. */
function presentOf({ graph }: Model, names: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const there = new Set([
    ...graph.initializers.map(({ name }) => name),
    ...graph.outputs.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  return new Map(Array.from(names).filter(([name]) => there.has(name)));
}

/** The network behind the encoder. */
function joinedModel(encoder: Model, network: Model): Model {
  const [input, ...more] = network.graph.inputs;
  if (input === undefined || more.length > 0) {
    const names = network.graph.inputs.map(({ name }) => name).join(", ");
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `The network takes ${names === "" ? "nothing" : names}; to learn from columns it has to take one input of features, float32 [N, width].`,
    );
  }
  const opset = Math.max(encoder.opsets.get("") ?? 1, network.opsets.get("") ?? 1);
  const [before, behind] = [upgradeOpset(encoder, opset), upgradeOpset(network, opset)];
  const [features] = before.graph.outputs;
  assert(features !== undefined, "The encoder has no output.");
  const { graph, outputs } = spliceGraph(before.graph, behind.graph, {
    inputs: new Map([[input.name, features.name]]),
    prefix: NETWORK_PREFIX,
    place: "end",
  });
  const scores = outputs.get(behind.graph.outputs[0]!.name)!;
  const shown = createValueInfo(scores, behind.graph.outputs[0]!.type);
  return {
    ...before,
    irVersion: Math.max(before.irVersion, behind.irVersion),
    opsets: new Map([...before.opsets, ...behind.opsets]),
    functions: [...before.functions, ...behind.functions],
    graph: { ...graph, outputs: [shown] },
  };
}
