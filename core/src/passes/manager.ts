// Passes one after the other: what each asks for is checked before, what it promises after, and what it did is written down.
import { assert, SlipwayError } from "#base";
import { type Graph, type Model, nodesOf, verifyModel } from "#graph";
import { typeText } from "#tensor";
import type { Pass, PassEngine } from "./pass.ts";
import { hasProperty, MODEL_PROPERTIES } from "./properties.ts";

export interface RunPassesOptions {
  /** Milliseconds, of any clock that runs forward; without it no times are told. */
  readonly now?: () => number;
  /** Gives up before the next pass; an AbortSignal is one. */
  readonly signal?: { readonly aborted: boolean };
  /** Told before each pass runs. */
  readonly onPass?: (pass: Pass) => void;
}

/** What a pass did to a model. */
export interface PassTrace {
  readonly name: string;
  readonly changed: boolean;
  /** null without a clock. */
  readonly milliseconds: number | null;
  /** Nodes, those of bodies among them. */
  readonly nodes: { readonly before: number; readonly after: number };
  /** Tensors the graph stores. */
  readonly initializers: { readonly before: number; readonly after: number };
  /** How many more nodes there are of an operator. */
  readonly added: Readonly<Record<string, number>>;
  /** How many fewer. */
  readonly removed: Readonly<Record<string, number>>;
  /** What else is new: the operator set, types of inputs, outputs and values in between. */
  readonly others: readonly string[];
  /** Why nothing changed, where the pass says so. */
  readonly idleReason: string | null;
}

export interface PassedModel {
  readonly model: Model;
  readonly trace: readonly PassTrace[];
}

/**
 * Runs passes over a model, in the order given.
 * @throws SlipwayError PASS_REFUSED where a pass asks for what does not hold; what a pass throws, with its name; INTERRUPTED
 *   where the signal gives up; MODEL_INVALID for a graph that broke ONNX's rules from the start
 */
export async function runPasses(
  model: Model,
  passes: readonly Pass[],
  engine: PassEngine,
  { now, signal, onPass }: RunPassesOptions = {},
): Promise<PassedModel> {
  verifyModel(model);
  const trace: PassTrace[] = [];
  let current = model;
  for (const pass of passes) {
    if (signal?.aborted === true) throw new SlipwayError("INTERRUPTED", `Given up before the pass '${pass.name}'.`);
    requireProperties(current, pass);
    onPass?.(pass);
    const startedAt = now?.();
    const made = await applied(current, pass, engine);
    const milliseconds = now === undefined || startedAt === undefined ? null : now() - startedAt;
    const idleReason = made === current ? (pass.idleReason?.(made) ?? null) : null;
    trace.push({ name: pass.name, milliseconds, ...difference(current, made), idleReason });
    current = made;
  }
  return { model: current, trace };
}

function requireProperties(model: Model, { name, requires }: Pass): void {
  const missing = requires.find((property) => !hasProperty(model, property));
  if (missing === undefined) return;
  const { means, madeBy } = MODEL_PROPERTIES[missing];
  throw new SlipwayError(
    "PASS_REFUSED",
    `The pass '${name}' takes a model that ${means}, and this one does not. ${madeBy === null ? "No pass makes it so." : `Run '${madeBy}' before it.`}`,
  );
}

async function applied(model: Model, pass: Pass, engine: PassEngine): Promise<Model> {
  const made = await failingBy(pass, async () => await pass.run(model, engine));
  for (const property of pass.ensures)
    assert(hasProperty(made, property), `The pass '${pass.name}' promises '${property}', which does not hold.`);
  if (made === model) return model;
  try {
    verifyModel(made);
  } catch (error) {
    throw new Error(`The pass '${pass.name}' broke the graph. This is a bug.`, { cause: error });
  }
  return made;
}

async function failingBy<T>(pass: Pass, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SlipwayError)
      throw new SlipwayError(error.code, `The pass '${pass.name}' can't be applied: ${error.message}`, {
        cause: error,
        ...(error.details === undefined ? {} : { details: error.details }),
      });
    throw new Error(`The pass '${pass.name}' failed.`, { cause: error });
  }
}

function difference(before: Model, after: Model): Omit<PassTrace, "name" | "milliseconds" | "idleReason"> {
  const [operatorsBefore, operatorsAfter] = [operatorsOf(before), operatorsOf(after)];
  const [added, removed]: Record<string, number>[] = [{}, {}];
  for (const operator of new Set([...operatorsBefore.keys(), ...operatorsAfter.keys()])) {
    const more = (operatorsAfter.get(operator) ?? 0) - (operatorsBefore.get(operator) ?? 0);
    if (more > 0) added![operator] = more;
    if (more < 0) removed![operator] = -more;
  }
  const count = (operators: ReadonlyMap<string, number>): number =>
    Array.from(operators.values()).reduce((sum, one) => sum + one, 0);
  return {
    changed: after !== before,
    nodes: { before: count(operatorsBefore), after: count(operatorsAfter) },
    initializers: { before: before.graph.initializers.length, after: after.graph.initializers.length },
    added: added!,
    removed: removed!,
    others: [
      ...opsetChanges(before, after),
      ...portChanges(before.graph, after.graph),
      ...statedChanges(before.graph, after.graph),
    ],
  };
}

function operatorsOf({ graph }: Model): ReadonlyMap<string, number> {
  const operators = new Map<string, number>();
  for (const { node } of nodesOf(graph.nodes)) {
    const name = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
    operators.set(name, (operators.get(name) ?? 0) + 1);
  }
  return operators;
}

function opsetChanges(before: Model, after: Model): readonly string[] {
  return Array.from(after.opsets)
    .filter(([domain, version]) => before.opsets.get(domain) !== version)
    .map(([domain, version]) => {
      const name = domain === "" ? "ai.onnx" : domain;
      return `operator set ${name} ${before.opsets.get(domain) ?? "–"} → ${version}`;
    });
}

function statedChanges({ valueInfo: before }: Graph, { valueInfo: after }: Graph): readonly string[] {
  const old = new Map(before.map(({ name, type }) => [name, type]));
  const count = after.filter(({ name, type }) => type !== null && type !== old.get(name)).length;
  return count === 0 ? [] : [`types of ${count === 1 ? "1 value" : `${count} values`}`];
}

function portChanges(before: Graph, after: Graph): readonly string[] {
  const texts = ({ inputs, outputs }: Graph): ReadonlyMap<string, string> =>
    new Map([...inputs, ...outputs].map(({ name, type }) => [name, type === null ? "?" : typeText(type)]));
  const [old, now] = [texts(before), texts(after)];
  return Array.from(now)
    .filter(([name, text]) => old.get(name) !== text)
    .map(([name, text]) => `${name}: ${old.get(name) ?? "–"} → ${text}`);
}
