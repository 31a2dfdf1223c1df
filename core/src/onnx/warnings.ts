// What will not run, or not well, as far as a file tells. A warning never refuses a model: loading it has the last word.
import {
  attributeValue,
  describeNode,
  type Initializer,
  initializerElementCount,
  intsOf,
  type Model,
  type Node,
  nodesOfModel,
  tensorFromInitializer,
  tensorsOfModel,
} from "#graph";
import { DTYPES, type Signature, type Tensor, typeText, type ValueType } from "#tensor";
import { EARLIEST_SURE_OPSET, LATEST_IR_VERSION, OPERATOR_SETS, operatorSince } from "./operators.ts";

export type ScanWarningKind =
  | "ir-unsupported"
  | "opset-unsupported"
  | "opset-old"
  | "domain-unknown"
  | "operator-unknown"
  | "port-unsupported"
  | "large-output"
  | "loop-unbounded"
  | "external-data";

export interface ScanWarning {
  readonly kind: ScanWarningKind;
  /** What was seen and what follows from it. */
  readonly message: string;
}

/** Outputs whose size is known to be over this are warned of; it is also the cap on constant folding. */
const LARGE_OUTPUT_BYTES = 64 * 2 ** 20;
/** Iterations of a Loop that are taken for bounded. */
const BOUNDED_ITERATIONS = 1_000_000;
/** Warnings of one kind that are listed one by one. */
const MAX_OF_A_KIND = 10;

/** Everything to warn of. */
export function warningsOf(model: Model, signature: Signature): ScanWarning[] {
  const warnings = [...versionWarnings(model), ...portWarnings(signature), ...nodeWarnings(model)];
  for (const { tensor } of tensorsOfModel(model)) {
    if (tensor.data.kind !== "external") continue;
    const { location } = tensor.data.reference;
    warnings.push({
      kind: "external-data",
      message: `Weights lie in other files, such as '${location}'; import them too.`,
    });
    break;
  }
  return abridged(warnings);
}

function abridged(warnings: readonly ScanWarning[]): ScanWarning[] {
  const counts = new Map<ScanWarningKind, number>();
  const kept: ScanWarning[] = [];
  for (const warning of warnings) {
    const count = (counts.get(warning.kind) ?? 0) + 1;
    counts.set(warning.kind, count);
    if (count <= MAX_OF_A_KIND) kept.push(warning);
  }
  for (const [kind, count] of counts) {
    if (count > MAX_OF_A_KIND) kept.push({ kind, message: `${count - MAX_OF_A_KIND} more warnings of this kind.` });
  }
  return kept;
}

function* versionWarnings(model: Model): Generator<ScanWarning> {
  if (model.irVersion > LATEST_IR_VERSION) {
    yield {
      kind: "ir-unsupported",
      message: `The file is of IR version ${model.irVersion}; ONNX Runtime loads up to ${LATEST_IR_VERSION}.`,
    };
  }
  const ownDomains = new Set(model.functions.map(({ domain }) => domain));
  for (const [domain, version] of model.opsets) {
    const known = OPERATOR_SETS.get(domain);
    const name = domain === "" ? "ai.onnx" : domain;
    if (known === undefined) {
      if (!ownDomains.has(domain))
        yield { kind: "domain-unknown", message: `The operator set '${name}' is not known.` };
    } else if (version > known.latest) {
      yield {
        kind: "opset-unsupported",
        message: `Operator set '${name}' has version ${version}; versions up to ${known.latest} are supported.`,
      };
    } else if (domain === "" && version < EARLIEST_SURE_OPSET) {
      yield {
        kind: "opset-old",
        message: `Operator set '${name}' has version ${version}; from ${EARLIEST_SURE_OPSET} on models are sure to run.`,
      };
    }
  }
}

function* portWarnings(signature: Signature): Generator<ScanWarning> {
  for (const role of ["inputs", "outputs"] as const) {
    for (const { name, type } of signature[role]) {
      if (isServable(type)) continue;
      const what = role === "inputs" ? "Input" : "Output";
      yield {
        kind: "port-unsupported",
        message: `${what} '${name}' is ${typeText(type)}, which the inference protocols can't carry.`,
      };
    }
  }
}

function isServable(type: ValueType): boolean {
  return type.kind === "tensor" && DTYPES[type.dtype].oip !== null;
}

function* nodeWarnings(model: Model): Generator<ScanWarning> {
  const ownOperators = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const seen = new Set<string>();
  const constants = new Constants(model);
  for (const { node } of nodesOfModel(model)) {
    const key = `${node.domain}:${node.opType}`;
    if (!seen.has(key) && !ownOperators.has(key)) {
      seen.add(key);
      const warning = operatorWarning(node, model.opsets.get(node.domain) ?? 0);
      if (warning !== undefined) yield warning;
    }
    if (node.domain !== "") continue;
    const sizeBytes = knownOutputBytes(node, constants);
    if (sizeBytes > LARGE_OUTPUT_BYTES) {
      const size = `${Math.round(sizeBytes / 2 ** 20)} MiB`;
      yield { kind: "large-output", message: `The output of ${describeNode(node)} takes ${size} at every run.` };
    }
    if (node.opType === "Loop" && !isBounded(node, constants)) {
      yield {
        kind: "loop-unbounded",
        message: `How often ${describeNode(node)} repeats is not bounded by the model; only the time limit of a run ends it.`,
      };
    }
  }
}

function operatorWarning(node: Node, version: number): ScanWarning | undefined {
  const since = operatorSince(node.domain, node.opType);
  if (since === null) return undefined;
  const kind = "operator-unknown";
  const domain = node.domain === "" ? "ai.onnx" : node.domain;
  if (since === undefined) return { kind, message: `Operator '${node.opType}' is not one of '${domain}'.` };
  if (since <= version) return undefined;
  return {
    kind,
    message: `Operator '${node.opType}' came with version ${since} of '${domain}'; the model imports ${version}.`,
  };
}

/** Small constant tensors by name, for what can be told from them. */
class Constants {
  readonly #tensors = new Map<string, Initializer>();

  constructor(model: Model) {
    for (const { tensor, place } of tensorsOfModel(model)) {
      if (place === "initializer") this.#tensors.set(tensor.name, tensor);
    }
    for (const { node } of nodesOfModel(model)) {
      if (node.opType !== "Constant" || node.domain !== "") continue;
      const value = node.attributes.find(({ name }) => name === "value");
      if (value?.kind === "tensor" && node.outputs[0] !== undefined) this.#tensors.set(node.outputs[0], value.value);
    }
  }

  /** The tensor of a name, where it is constant, in the file and small. */
  get(name: string | undefined): Tensor | undefined {
    const stored = this.#tensors.get(name ?? "");
    if (stored === undefined || stored.data.kind === "external" || initializerElementCount(stored) > 64)
      return undefined;
    return tensorFromInitializer(stored);
  }

  /** The numbers of such a tensor of integers or floats. */
  numbers(name: string | undefined): readonly number[] | undefined {
    const tensor = this.get(name);
    if (tensor === undefined || tensor.dtype === "string" || tensor.dtype === "float16") return undefined;
    return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  }
}

/** Bytes of a node's output where its shape is constant, else 0. A type that is not known counts 4 bytes an element. */
function knownOutputBytes(node: Node, constants: Constants): number {
  const elements = (shape: readonly number[] | undefined) => shape?.reduce((count, length) => count * length, 1) ?? 0;
  switch (node.opType) {
    case "ConstantOfShape": {
      const bits = DTYPES[attributeValue(node, "value", "tensor")?.dtype ?? "float32"].bits;
      return (elements(constants.numbers(node.inputs[0])) * bits) / 8;
    }
    case "RandomNormal":
    case "RandomUniform":
      return 4 * elements(intsOf(node, "shape", undefined));
    case "Expand":
    case "Tile":
      return 4 * elements(constants.numbers(node.inputs[1]));
    case "Range": {
      const [start, limit, step] = node.inputs.map((name) => constants.numbers(name)?.[0]);
      if (start === undefined || limit === undefined || step === undefined || step === 0) return 0;
      return 4 * Math.max(0, Math.ceil((limit - start) / step));
    }
    default:
      return 0;
  }
}

function isBounded(node: Node, constants: Constants): boolean {
  const trips = constants.numbers(node.inputs[0])?.[0];
  return trips !== undefined && trips <= BOUNDED_ITERATIONS;
}
