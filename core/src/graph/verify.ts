// The rules of ONNX that a graph must keep, whatever its operators mean. Source: onnx/docs/IR.md, onnx/checker.cc.
import { LIMITS, SlipwayError } from "#base";
import { describeNode } from "./attributes.ts";
import { createGraph, type Graph, type Model, type ModelFunction, type Node, type OpsetImports } from "./model.ts";
import { subgraphsOf } from "./names.ts";
import { definedNames, nodesOf, nodesOfModel, sortedNodes } from "./walk.ts";

/**
 * Checks a model: every value defined once and before it is read, in bodies too; outputs that exist; nodes in order,
 * without cycles; imports for the domains used; functions that do not call themselves; nesting within limits.
 * @throws SlipwayError MODEL_INVALID naming the node or value; MODEL_TOO_LARGE over a limit
 */
export function verifyModel(model: Model): void {
  if (model.opsets.size === 0) throw invalid("The model imports no operator set.");
  const context: Context = { opsets: model.opsets, attributes: null };
  verifyGraph(model.graph, context, null, 0);
  for (const { initialization, algorithm } of model.training) {
    if (initialization !== null) verifyGraph(initialization, context, null, 0);
    // The training algorithm also sees what the model's own graph defines.
    if (algorithm !== null) verifyGraph(algorithm, context, scopeOf(model.graph), 0);
  }
  for (const made of model.functions) verifyFunction(made);
  verifyCalls(model);
}

/** What holds for every node of a graph or function. */
interface Context {
  readonly opsets: OpsetImports;
  /** Attributes of the function around, which references may name; null outside of functions. */
  readonly attributes: ReadonlySet<string> | null;
}

/** The names defined so far in a graph, and in the graphs around it. */
class Scope {
  readonly outer: Scope | null;
  readonly nodes: readonly Node[];
  readonly names = new Set<string>();

  constructor(outer: Scope | null, nodes: readonly Node[]) {
    this.outer = outer;
    this.nodes = nodes;
  }

  has(name: string): boolean {
    return this.names.has(name) || (this.outer?.has(name) ?? false);
  }
}

/** Everything a graph defines, as the scope around another. */
function scopeOf(graph: Graph): Scope {
  const scope = new Scope(null, graph.nodes);
  for (const name of definedNames(graph)) scope.names.add(name);
  return scope;
}

function verifyGraph(graph: Graph, context: Context, outer: Scope | null, depth: number): void {
  if (depth > LIMITS.modelDepth) {
    throw new SlipwayError("MODEL_TOO_LARGE", `Body '${graph.name}' lies more than ${LIMITS.modelDepth} bodies deep.`);
  }
  const where = outer === null ? "the graph" : `body '${graph.name}'`;
  const scope = new Scope(outer, graph.nodes);
  defineInputs(
    graph.inputs.map(({ name }) => name),
    scope,
    where,
  );
  defineInitializers(graph, scope, where);
  for (const node of graph.nodes) verifyNode(node, context, scope, depth);
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!scope.names.has(name)) {
      const hint = outer?.has(name) === true ? "; pass a value from around the body through an Identity node" : "";
      throw invalid(`Output '${name}' of ${where} is made by no node, input or initializer of it${hint}.`);
    }
    if (outputs.has(name)) throw invalid(`Two outputs of ${where} are named '${name}'.`);
    outputs.add(name);
  }
}

function defineInputs(names: readonly string[], scope: Scope, where: string): void {
  for (const name of names) {
    if (name === "") throw invalid(`An input of ${where} has no name.`);
    if (scope.names.has(name)) throw invalid(`Two inputs of ${where} are named '${name}'.`);
    scope.names.add(name);
  }
}

/** An initializer may share its name with an input, whose default it is, but not with another initializer. */
function defineInitializers(graph: Graph, scope: Scope, where: string): void {
  const stored = new Set<string>();
  for (const { name } of [...graph.initializers, ...graph.sparseInitializers.map(({ values }) => values)]) {
    if (name === "") throw invalid(`An initializer of ${where} has no name.`);
    if (stored.has(name)) throw invalid(`Two initializers of ${where} are named '${name}'.`);
    stored.add(name);
    scope.names.add(name);
  }
}

function verifyNode(node: Node, context: Context, scope: Scope, depth: number): void {
  if (node.opType === "") throw invalid(`${subject(node)} has no operator.`);
  if (!context.opsets.has(node.domain)) {
    const domain = node.domain === "" ? "ai.onnx" : node.domain;
    throw invalid(`${subject(node)} is of domain '${domain}', whose operator set is not imported.`);
  }
  verifyAttributes(node, context);
  for (const name of node.inputs) if (name !== "" && !scope.has(name)) throw undefinedValue(node, name, scope);
  for (const body of subgraphsOf(node)) verifyGraph(body, context, scope, depth + 1);
  for (const name of node.outputs) {
    if (name === "") continue;
    if (scope.has(name)) throw invalid(`${subject(node)} makes '${name}', which is defined already.`);
    scope.names.add(name);
  }
}

function verifyAttributes(node: Node, context: Context): void {
  const names = new Set<string>();
  for (const attribute of node.attributes) {
    const { name, kind } = attribute;
    if (name === "") throw invalid(`An attribute of ${describeNode(node)} has no name.`);
    if (names.has(name)) throw invalid(`${subject(node)} has the attribute '${name}' twice.`);
    names.add(name);
    if (kind !== "reference") continue;
    if (context.attributes === null) {
      throw invalid(`Attribute '${name}' of ${describeNode(node)} refers to one of a function, but is in none.`);
    }
    if (!context.attributes.has(attribute.value)) {
      throw invalid(
        `Attribute '${name}' of ${describeNode(node)} refers to '${attribute.value}', not of its function.`,
      );
    }
  }
}

/** Says whether an undefined value comes too late, is part of a cycle, or is nowhere. */
function undefinedValue(node: Node, name: string, scope: Scope): SlipwayError {
  for (let around: Scope | null = scope; around !== null; around = around.outer) {
    const maker = around.nodes.find(({ outputs }) => outputs.includes(name));
    if (maker === undefined) continue;
    try {
      sortedNodes(createGraph({ nodes: around.nodes }));
    } catch (error) {
      if (error instanceof SlipwayError) return error;
      throw error;
    }
    return invalid(
      `${subject(node)} reads '${name}' before ${describeNode(maker)} makes it; nodes must stand in topological order.`,
    );
  }
  return invalid(`${subject(node)} reads '${name}', which nothing defines.`);
}

function verifyFunction(made: ModelFunction): void {
  const where = `function '${made.name}'`;
  if (made.name === "") throw invalid("A function has no name.");
  const attributes = new Set(made.attributes);
  for (const { name } of made.attributeDefaults) {
    if (attributes.has(name)) throw invalid(`Attribute '${name}' of ${where} is given twice.`);
    attributes.add(name);
  }
  const scope = new Scope(null, made.nodes);
  defineInputs(made.inputs, scope, where);
  for (const node of made.nodes) verifyNode(node, { opsets: made.opsets, attributes }, scope, 0);
  for (const name of made.outputs) {
    if (!scope.names.has(name)) throw invalid(`Output '${name}' of ${where} is made by no node or input of it.`);
  }
}

/** Functions are defined once, and never call themselves, not even through others: engines inline them. */
function verifyCalls(model: Model): void {
  const functions = new Map<string, ModelFunction>();
  for (const made of model.functions) {
    const key = callKey(made.domain, made.name, made.overload);
    if (functions.has(key)) throw invalid(`The function '${made.name}' of domain '${made.domain}' is defined twice.`);
    functions.set(key, made);
  }
  const state = new Map<ModelFunction, "open" | "done">();
  const visit = (made: ModelFunction, depth: number): void => {
    if (depth > LIMITS.modelDepth) {
      throw new SlipwayError("MODEL_TOO_LARGE", `Functions call each other more than ${LIMITS.modelDepth} deep.`);
    }
    state.set(made, "open");
    for (const { node } of nodesOf(made.nodes)) {
      const called = functions.get(callKey(node.domain, node.opType, node.overload));
      if (called === undefined) continue;
      if (state.get(called) === "open")
        throw invalid(`Function '${called.name}' calls itself through ${describeNode(node)}.`);
      if (!state.has(called)) visit(called, depth + 1);
    }
    state.set(made, "done");
  };
  for (const made of model.functions) if (!state.has(made)) visit(made, 0);
  let count = 0;
  for (const _ of nodesOfModel(model)) count++;
  if (count > LIMITS.modelNodes) {
    throw new SlipwayError(
      "MODEL_TOO_LARGE",
      `The model has ${count} nodes; at most ${LIMITS.modelNodes} are supported.`,
    );
  }
}

function callKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain, name, overload]);
}

function subject(node: Node): string {
  const text = describeNode(node);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("MODEL_INVALID", message);
}
