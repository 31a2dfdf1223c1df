// The place where a layer becomes nodes: it knows the layer's path, makes its nodes and parameters under it, and words its errors.
import { LIMITS, nearestWords, SlipwayError } from "#base";
import { type AttributeInput, createInitializer, type GraphBuilder, type NameScope } from "#graph";
import { createRandom, type SplittableRandom, splitMix64 } from "#stats";
import type { Dimension } from "#tensor";
import { describeForm, describeKinds, type Form, type FormKind, type Value } from "./form.ts";
import { drawInitial, type Fans, faultOf, type Initialization, INITIALIZATION_KINDS, lawOf } from "./initialization.ts";
import type { Layers } from "./layer.ts";

/** What all layers of a network share. */
export interface Shared {
  readonly graph: GraphBuilder;
  readonly seed: bigint;
  readonly nodeNames: NameScope;
  /** Masks of attention, by what they depend on. */
  readonly masks: Map<string, string>;
  /** Tables of token embeddings, for a head that shares one. */
  readonly embeddings: { readonly weight: string; readonly vocabulary: number; readonly width: number }[];
  /** Names of stored tensors that were made. */
  readonly stored: Set<string>;
  /** Shapes of values, for who reads the model and for what is built on it: engines infer less where lengths are open. */
  readonly shapes: Map<string, readonly Dimension[]>;
  /** What became of each layer, those inside after the one they are in. */
  readonly summaries: LayerSummary[];
  /** Puts layers behind a value; `emit.ts` does it. */
  readonly emit: (shared: Shared, layers: Layers, x: Value, under: Under) => Value;
}

/** What became of a layer. */
export interface LayerSummary {
  /** Names from the outermost on, with dots between. */
  readonly path: string;
  readonly kind: string;
  /** How many layers it is inside of. */
  readonly depth: number;
  /** What it answers. */
  readonly shape: readonly Dimension[];
  /** Numbers that learn, of all layers inside; running statistics are none. */
  readonly parameters: number;
}

/** What layers are in. */
export interface Under {
  /** Names from the outermost on, with dots between; "" for the network. */
  readonly path: string;
  /** How many layers that are. */
  readonly depth: number;
}

/** Where in its network a layer stands. */
export interface Place extends Under {
  readonly kind: string;
  /** Which of its sequence it is, from 1. */
  readonly number: number;
  /** What it is given. */
  readonly given: Form;
}

type Attributes = Readonly<Record<string, AttributeInput>>;

export class Site {
  readonly shared: Shared;
  readonly #place: Place;
  #parameters = 0;

  constructor(shared: Shared, place: Place) {
    this.shared = shared;
    this.#place = place;
  }

  /** A node with one output, named for the layer, and for its role where the layer has several. */
  op(opType: string, inputs: readonly string[], attributes: Attributes = {}, role = ""): string {
    return this.ops(opType, inputs, 1, attributes, role)[0]!;
  }

  /** As `op`, with several outputs. */
  ops(opType: string, inputs: readonly string[], count: number, attributes: Attributes = {}, role = ""): string[] {
    const name = this.shared.nodeNames.fresh(this.#named(role));
    return this.shared.graph.opOutputs(opType, inputs, count, attributes, { name });
  }

  /** States the shape of a value; answers the value. */
  shaped(value: string, shape: readonly Dimension[]): string {
    this.shared.shapes.set(value, shape);
    return value;
  }

  /** A stored scalar: no parameter, since those have axes. */
  scalar(value: number): string {
    return this.shared.graph.values("float32", [value], []);
  }

  /** A stored list of integers, int64. */
  ints(values: readonly number[]): string {
    return this.shared.graph.values("int64", values);
  }

  /**
   * A parameter, float32, named by the layer's path and its role. What it begins with depends on the seed and this name alone, so
   * that other layers may come and go. It is drawn when it is first read.
   * @param learns false for what training renews by itself
   */
  parameter(role: string, shape: readonly number[], initialization: Initialization, fans: Fans, learns = true): string {
    const kind = typeof initialization === "string" ? initialization : initialization.kind;
    if (!INITIALIZATION_KINDS.includes(kind)) throw this.unknown("initialization", kind, INITIALIZATION_KINDS);
    const fault = faultOf(initialization);
    if (fault !== null) throw this.fault(`the initialization '${kind}' of its ${role} ${fault}`);
    const name = this.#named(role);
    if (this.shared.stored.has(name))
      throw this.fault(`there is a parameter '${name}' already; give one of the two layers another name`);
    const length = shape.reduce((product, axis) => product * axis, 1);
    if (length > LIMITS.tensorElements)
      throw this.fault(
        `its ${role} would be [${shape.join(", ")}], of more than ${LIMITS.tensorElements} numbers; make it smaller`,
      );
    let values: Float32Array<ArrayBuffer> | null = null;
    const decode = () => (values ??= drawInitial(lawOf(initialization, fans), shape, streamOf(this.shared.seed, name)));
    this.shared.stored.add(name);
    if (learns) this.#parameters += length;
    const data = { kind: "deferred", length, sizeBytes: 4 * length, decode } as const;
    return this.shared.graph.initializer(createInitializer({ name, dtype: "float32", shape: [...shape], data }));
  }

  /** Numbers that learn of the layer itself, so far. */
  get parameters(): number {
    return this.#parameters;
  }

  /** A number for an operator that draws, so that it draws the same in each session. */
  operatorSeed(role = ""): number {
    return streamOf(this.shared.seed, this.#named(role)).bits() >>> 1;
  }

  /**
   * Layers inside this one, under its path and a name, at which a single layer stands itself; without a name right under its
   * path.
   */
  inside(name: string, layers: Layers, x: Value): Value {
    const under = { path: this.#named(name), depth: this.#place.depth + 1 };
    return this.shared.emit(this.shared, name === "" ? [layers] : layers, x, under);
  }

  /** Refuses a value of another kind. */
  require<K extends FormKind>(x: Value, kinds: readonly K[], remedy: string): Extract<Form, { kind: K }> {
    if ((kinds as readonly FormKind[]).includes(x.form.kind)) return x.form as Extract<Form, { kind: K }>;
    throw this.fault(`it takes ${describeKinds(kinds)}; ${remedy}`);
  }

  /** Refuses what is no whole number from `least` on. */
  whole(option: string, value: number, least = 1): number {
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw this.fault(`${option} is ${String(value)}; give a whole number of at least ${least}`);
  }

  /** Refuses what is not from `least` to below `end`. */
  share(option: string, value: number, least = 0, end = 1): number {
    if (value >= least && value < end) return value;
    throw this.fault(`${option} is ${String(value)}; it must be at least ${least} and less than ${end}`);
  }

  /** Refuses what is not above 0. */
  positive(option: string, value: number): number {
    if (value > 0 && Number.isFinite(value)) return value;
    throw this.fault(`${option} is ${String(value)}; it must be positive`);
  }

  /** A word that is none of those there are. */
  unknown(what: string, given: unknown, known: readonly string[]): SlipwayError {
    const word = String(given);
    const near = nearestWords(word, known, 1)[0];
    const meant = near === undefined ? "there" : `did you mean '${near}'? There`;
    return this.fault(`there is no ${what} '${word}'; ${meant} are ${known.length === 0 ? "none" : known.join(", ")}`);
  }

  /** An error about this layer: what is wrong, and after a semicolon what to do. */
  fault(message: string): SlipwayError {
    const { number, path, kind, given } = this.#place;
    const name = path === "" ? "" : ` '${path}'`;
    return new SlipwayError(
      "NETWORK_INVALID",
      `Layer ${number}${name} (${kind}), given ${describeForm(given)}: ${message}.`,
    );
  }

  #named(role: string): string {
    const { path } = this.#place;
    return role === "" || path === "" ? `${path}${role}` : `${path}.${role}`;
  }
}

/** A stream of its own for each name: FNV-1a of its UTF-8 bytes with the seed. */
function streamOf(seed: bigint, name: string): SplittableRandom {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return createRandom(splitMix64(seed)() ^ hash);
}
