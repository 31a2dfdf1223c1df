// The shapes of all values of a model, asked of the engine that will run it, so that no shape inference of our own can
// disagree with it. What it costs: one load for what the engine infers; where that leaves values open, or there are bodies,
// a second load, and where shapes depend on data, one run, unoptimised, of made-up inputs. Large weights take part as zeros.
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { bodyScope, type ValueShape, type ValueShapes } from "@slipway/core/cost";
import {
  createValueInfo,
  type ExternalLookup,
  type Graph,
  type Model,
  type Node,
  outputDType,
  subgraphsOf,
} from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { Dimension, DType, NamedTensor, Signature } from "@slipway/core/tensor";
import { sampleInputs } from "#runtime";
import { boundShapes, type InputShapes, pinInputs } from "./input-shapes.ts";
import { filled } from "./made-up-inputs.ts";
import { withoutWeights } from "./placeholders.ts";
import { bodyDimsOf, dimsOf, mayBeTensors, type Probe, type ProbedModel, probeModel } from "./probes.ts";

/** A value whose shape is not known, and why. */
export interface UnknownShape {
  /** With its scope; see `ValueShapes`. */
  readonly value: string;
  readonly reason: string;
}

export interface FoundShapes {
  readonly shapes: ValueShapes;
  /** Values whose shape the engine does not infer: theirs were seen in a run of made-up inputs, and others may differ. */
  readonly seenInRun: readonly string[];
  readonly unknown: readonly UnknownShape[];
  /** What finding them took. */
  readonly loads: number;
  readonly runs: number;
}

export interface ShapeQuestion {
  readonly model: Model;
  readonly inputs: InputShapes;
  /** Finds external data, for small tensors that others' shapes may depend on. */
  readonly external?: ExternalLookup;
  /** Whether the model is not run, which may take long for a large one: what the engine does not infer stays unknown. */
  readonly inferOnly?: boolean;
  /** Whether runs use the true weights, which shapes that depend on what a model answers may need; zeros unless said. */
  readonly trueWeights?: boolean;
  /** Reads the files of external data, should the true weights be needed. */
  readonly externalFiles?: () => Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Loads that search for values the engine can't hand over; each takes about as long as the first. */
const MOST_LOADS = 48;

/**
 * Finds the shape of every value of a model at given input shapes.
 * @throws SlipwayError as `boundShapes`; MODEL_* where the engine can't load the model
 */
export async function findShapes(backend: Backend, question: ShapeQuestion): Promise<FoundShapes> {
  const pinned = pinInputs(question.model, boundShapes(question.model, question.inputs));
  const light = question.trueWeights === true ? null : withoutWeights(pinned, question.external);
  if (light !== null) {
    try {
      const search = new Search(backend, question, pinned, light, new Map());
      const found = await search.find();
      if (!search.isRefused) return found;
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
    }
    // Some operators want stored weights, and some models do not run on zeros.
  }
  const files = (await question.externalFiles?.()) ?? new Map<string, Uint8Array>();
  return await new Search(backend, question, pinned, pinned, files).find();
}

class Search {
  readonly #backend: Backend;
  readonly #fills: Readonly<Record<string, number>>;
  readonly #inferOnly: boolean;
  /** Whose values are asked for. */
  readonly #graph: Graph;
  /** What is loaded for it: the same, or the same without weights. */
  readonly #model: Model;
  readonly #externalData: ReadonlyMap<string, Uint8Array>;
  readonly #shapes = new Map<string, ValueShape>();
  readonly #dtypes = new Map<string, DType>();
  readonly #unknown = new Map<string, string>();
  readonly #seenInRun: string[] = [];
  #loads = 0;
  #runs = 0;
  /** The model refused to run. */
  isRefused = false;

  constructor(
    backend: Backend,
    { inputs, inferOnly = false }: ShapeQuestion,
    { graph }: Model,
    model: Model,
    externalData: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#backend = backend;
    this.#fills = inputs.fills ?? {};
    this.#inferOnly = inferOnly;
    this.#graph = graph;
    this.#model = model;
    this.#externalData = externalData;
  }

  async find(): Promise<FoundShapes> {
    const graph = this.#graph;
    for (const { name, type } of graph.inputs) {
      if (type?.kind !== "tensor") continue;
      this.#dtypes.set(name, type.dtype);
      this.#shapes.set(name, { dtype: type.dtype, dims: type.shape as readonly number[] });
    }
    for (const { name, dtype } of graph.initializers) this.#dtypes.set(name, dtype);
    const values: string[] = [];
    for (const node of graph.nodes) {
      const isTensor = mayBeTensors(node);
      for (const name of node.outputs) {
        if (name === "") continue;
        if (isTensor) values.push(name);
        else this.#unknown.set(name, "It is no tensor.");
      }
    }
    const open = values.length === 0 ? [] : await this.#infer(values);
    const bodies = graph.nodes.some((node) => subgraphsOf(node).length > 0);
    if (open.length > 0 || bodies) await this.#probe(open, bodies);
    return {
      shapes: this.#shapes,
      seenInRun: this.#seenInRun,
      unknown: Array.from(this.#unknown, ([value, reason]) => ({ value, reason })),
      loads: this.#loads,
      runs: this.#runs,
    };
  }

  /** Takes over what the engine infers, and answers the values it leaves open. */
  async #infer(values: readonly string[]): Promise<string[]> {
    const open: string[] = [];
    for (const { name, type } of await this.#portsOf(values)) {
      if (type.kind !== "tensor") continue;
      this.#dtypes.set(name, type.dtype);
      if (isFixed(type.shape)) this.#shapes.set(name, { dtype: type.dtype, dims: type.shape });
      else open.push(name);
    }
    return open;
  }

  /**
   * The types of values, as outputs of the model. Some can't be outputs, being no tensors or of a type that can't be passed;
   * they are searched for by halves.
   */
  async #portsOf(values: readonly string[]): Promise<Signature["outputs"]> {
    try {
      return await this.#signatureWith(values);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      // A model that does not load whatever it is asked for, is refused.
      if (this.#loads === 1) await this.#signatureWith(values.slice(0, 1)).catch(() => this.#signatureWith([]));
      if (values.length === 1 || this.#loads >= MOST_LOADS) {
        for (const value of values) this.#unknown.set(value, `The engine does not hand it over. ${error.message}`);
        return [];
      }
      const half = Math.ceil(values.length / 2);
      return [...(await this.#portsOf(values.slice(0, half))), ...(await this.#portsOf(values.slice(half)))];
    }
  }

  async #signatureWith(values: readonly string[]): Promise<Signature["outputs"]> {
    const { graph } = this.#model;
    const outputs = values.length === 0 ? graph.outputs : values.map((name) => createValueInfo(name, null));
    const session = await this.#load({ ...graph, outputs });
    await session.unload();
    return session.signature.outputs;
  }

  async #load(graph: Graph): Promise<Session> {
    this.#loads++;
    const bytes = { model: bytesFromModel({ ...this.#model, graph }), externalData: this.#externalData };
    // Folding constants would compute what is only to be described, and fuse what is to be counted.
    return this.#backend.load(bytes, { ...DEFAULT_SESSION_SETTINGS, graphOptimizationLevel: "disabled" });
  }

  /** Asks probes: the shapes of their own outputs tell ranks, and a run the rest. Bodies are left out where they hinder. */
  async #probe(open: readonly string[], bodies: boolean): Promise<void> {
    for (const withinBodies of bodies && open.length > 0 ? [true, false] : [bodies]) {
      const probed = probeModel(this.#model, open, withinBodies);
      if (probed.probes.length === 0) return;
      const session = await this.#load(probed.model.graph).catch((error: unknown) =>
        this.#giveUp(probed.probes, error),
      );
      if (session === null) continue;
      for (const { value } of probed.probes) this.#unknown.delete(value);
      try {
        const left = this.#ranks(probed, session.signature);
        if (!this.#inferOnly) await this.#run(session, left);
        else
          for (const { value } of left)
            this.#unknown.set(value, "The engine does not infer its shape, and was not to run.");
      } finally {
        await session.unload();
      }
      return;
    }
  }

  #giveUp(probes: readonly Probe[], error: unknown): null {
    if (!(error instanceof SlipwayError)) throw error;
    for (const { value } of probes) this.#unknown.set(value, `The engine does not report its shape. ${error.message}`);
    return null;
  }

  /** A probe of no elements is that of a scalar. */
  #ranks({ probes }: ProbedModel, { outputs }: Signature): Probe[] {
    const ports = new Map(outputs.map(({ name, type }) => [name, type]));
    return probes.filter(({ output, value, isInBody }) => {
      const type = ports.get(output);
      const isScalar = !isInBody && type?.kind === "tensor" && type.shape?.length === 1 && type.shape[0] === 0;
      if (isScalar) this.#shapes.set(value, { dtype: this.#dtypes.get(value)!, dims: [] });
      return !isScalar;
    });
  }

  async #run(session: Session, probes: readonly Probe[]): Promise<void> {
    if (probes.length === 0) return;
    const answers = await this.#answers(session, probes);
    if (answers instanceof SlipwayError) {
      this.isRefused = true;
      for (const { value } of probes) {
        this.#unknown.set(value, `It depends on data, and the model refuses made-up inputs. ${answers.message}`);
      }
      return;
    }
    const dims = new Map<string, readonly number[]>();
    for (const [index, { value, isInBody }] of probes.entries()) {
      const { data } = answers[index]!;
      const lengths = isInBody ? bodyDimsOf(data) : dimsOf(data);
      if (lengths === null) this.#unknown.set(value, "Its body was not run by made-up inputs.");
      else dims.set(value, lengths);
    }
    const dtypes = new Map(this.#dtypes);
    addBodyTypes(this.#graph, "", dtypes);
    for (const [value, lengths] of dims) {
      const dtype = dtypes.get(value);
      if (dtype === undefined) this.#unknown.set(value, "The element type of this value in a body is not known.");
      else {
        this.#shapes.set(value, { dtype, dims: lengths });
        this.#seenInRun.push(value);
      }
    }
  }

  async #answers(session: Session, probes: readonly Probe[]): Promise<NamedTensor[] | SlipwayError> {
    let refusal: SlipwayError | null = null;
    // Zeros are in range where other numbers are not.
    for (const scale of [1, 0]) {
      this.#runs++;
      try {
        const made = sampleInputs(session.signature, { rows: 1, freeLength: 1, scale, seed: 1 });
        const inputs = made.map((tensor) => filled(tensor, this.#fills));
        return await session.run(
          inputs,
          probes.map(({ output }) => output),
        );
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        refusal ??= error;
      }
    }
    return refusal!;
  }
}

function isFixed(shape: readonly Dimension[] | null): shape is readonly number[] {
  return shape?.every((length) => typeof length === "number") === true;
}

/**
 * Adds the element types of values in bodies, under their scopes, as far as stated types and operators' rules tell.
 * @param around types of the values a body sees around it
 * @param given types of the body's inputs, by what its node reads
 */
function addBodyTypes(
  graph: Graph,
  scope: string,
  types: Map<string, DType>,
  around: ReadonlyMap<string, DType> = new Map(),
  given: readonly (DType | undefined)[] = [],
): void {
  const local = new Map(around);
  const define = (name: string, dtype: DType | undefined): void => {
    if (name === "" || dtype === undefined) return;
    local.set(name, dtype);
    types.set(scope + name, dtype);
  };
  for (const { name, dtype } of graph.initializers) define(name, dtype);
  for (const [index, { name, type }] of graph.inputs.entries())
    define(name, type?.kind === "tensor" ? type.dtype : given[index]);
  for (const node of graph.nodes) {
    for (const [index, body] of subgraphsOf(node).entries())
      addBodyTypes(body, bodyScope(scope, node, index), types, local, bodyInputTypes(node, local));
    for (const [index, name] of node.outputs.entries()) {
      const made = types.get(scope + name) ?? outputDType(node, index, local);
      define(name, made ?? bodyOutputType(node, index, scope, types, local));
    }
  }
}

/** What a body hands out where it does not state its type: a value of its own, or one from around it. */
function bodyOutputType(
  node: Node,
  index: number,
  scope: string,
  types: ReadonlyMap<string, DType>,
  around: ReadonlyMap<string, DType>,
): DType | undefined {
  for (const [number, body] of subgraphsOf(node).entries()) {
    const name = body.outputs[node.opType === "Loop" ? index + 1 : index]?.name ?? "";
    const dtype = types.get(bodyScope(scope, node, number) + name) ?? around.get(name);
    if (dtype !== undefined) return dtype;
  }
  return undefined;
}

/** A Loop's body takes its turn and its condition before what the node reads. */
function bodyInputTypes({ opType, inputs }: Node, types: ReadonlyMap<string, DType>): (DType | undefined)[] {
  if (opType === "If") return [];
  const read = inputs.map((name) => types.get(name));
  return opType === "Loop" ? ["int64", "bool", ...read.slice(2)] : read;
}
