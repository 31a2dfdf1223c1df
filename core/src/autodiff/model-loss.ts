// A loss that is a model of its own, put behind the model that it judges.
import { SlipwayError } from "#base";
import {
  createValueInfo,
  extendModel,
  type Graph,
  type Model,
  signatureFromModel,
  spliceGraph,
  type ValueInfo,
} from "#graph";
import { upgradeOpset } from "#passes";
import { DTYPES, type DType, type Port, type TensorType } from "#tensor";
import type { LossNames } from "./loss-site.ts";
import { inGradientWords } from "./prepare.ts";

interface Judged extends LossNames {
  readonly output: string;
  readonly type: TensorType;
  readonly dtypes: ReadonlyMap<string, DType>;
}

/**
 * The model with a loss model behind one of its outputs.
 * @throws SlipwayError PARAMETER_INVALID where its inputs or its output are not those of a loss, or do not fit the output that is
 *   judged; MODEL_UNSUPPORTED where both need different versions of an operator set
 */
export function joinLossModel(model: Model, loss: Model, judged: Judged): Model {
  const worded = inGradientWords(loss);
  const { prediction, target, sampleWeights, output } = portsOf(worded, judged.sampleWeights !== null);
  checkPrediction(prediction, judged);
  const opset = Math.max(model.opsets.get("") ?? 1, worded.opsets.get("") ?? 1);
  const [judgedModel, lossModel] = [upgradeOpset(model, opset), upgradeOpset(worded, opset)];
  const types = new Map(lossModel.graph.inputs.map(({ name, type }) => [name, type]));
  const inputs = new Map([
    [prediction.name, judged.output],
    [target.name, judged.target],
  ]);
  const taken: ValueInfo[] = [createValueInfo(judged.target, types.get(target.name)!)];
  if (judged.sampleWeights !== null && sampleWeights !== null) {
    inputs.set(sampleWeights.name, judged.sampleWeights);
    taken.push(createValueInfo(judged.sampleWeights, types.get(sampleWeights.name)!));
  }
  const open: Graph = { ...judgedModel.graph, inputs: [...judgedModel.graph.inputs, ...taken] };
  const joined = spliceGraph(open, lossModel.graph, { inputs, prefix: "loss/", place: "end" });
  const opsets = joinedOpsets(judgedModel, lossModel);
  const dtypes = new Map([...judged.dtypes, [joined.outputs.get(output.name)!, judged.type.dtype]]);
  const irVersion = Math.max(judgedModel.irVersion, lossModel.irVersion);
  return extendModel({ ...judgedModel, irVersion, opsets, graph: joined.graph }, dtypes, (g) => {
    const shape = output.type.kind === "tensor" ? output.type.shape : null;
    g.output(judged.loss, joined.outputs.get(output.name)!, judged.type.dtype, shape);
    if (judged.weight === null) return;
    // What the mean divides by, the loss model keeps to itself: a part counts by its samples.
    const samples = g.op("Gather", [g.op("Shape", [judged.output]), g.values("int64", [0], [])]);
    const counted =
      judged.sampleWeights === null
        ? g.op("Cast", [samples], { to: DTYPES[judged.type.dtype].onnx })
        : g.op("ReduceSum", [judged.sampleWeights], { keepdims: 0 });
    g.output(judged.weight, counted, judged.type.dtype, []);
  });
}

interface LossPorts {
  readonly prediction: Port;
  readonly target: Port;
  readonly sampleWeights: Port | null;
  readonly output: Port;
}

function portsOf(loss: Model, isWeighted: boolean): LossPorts {
  const { inputs, outputs } = signatureFromModel(loss);
  const required = inputs.filter(({ isOptional }) => isOptional !== true);
  const named = (name: string): Port | null => required.find((port) => port.name === name) ?? null;
  const sampleWeights = named("sample_weights");
  const others = required.filter((port) => port !== sampleWeights);
  const has = `it has ${required.map(({ name }) => `'${name}'`).join(", ") || "none"}`;
  if (others.length !== 2)
    throw invalid(`A loss takes the prediction and the target, and perhaps 'sample_weights', as inputs; ${has}.`);
  if (isWeighted && sampleWeights === null)
    throw invalid(`The loss has no input 'sample_weights', so it can't be told what samples count for; ${has}.`);
  if (!isWeighted && sampleWeights !== null)
    throw invalid("The loss needs 'sample_weights', which this use of it does not send; ask for sample weights.");
  const isNamed = named("prediction") !== null && named("target") !== null;
  const [first, second] = isNamed ? [named("prediction")!, named("target")!] : [others[0]!, others[1]!];
  const output = outputs[0];
  if (outputs.length !== 1 || output === undefined)
    throw invalid(`A loss has one output, one number; it has ${outputs.map(({ name }) => `'${name}'`).join(", ")}.`);
  const { type } = output;
  if (type.kind === "tensor" && type.shape?.some((length) => typeof length !== "number" || length !== 1) === true)
    throw invalid(
      `The loss's output '${output.name}' has the shape [${type.shape.map((length) => length ?? "?").join(", ")}]; a loss is one number. Reduce it to one, such as by its mean.`,
    );
  return { prediction: first, target: second, sampleWeights, output };
}

function checkPrediction({ name, type }: Port, { output, type: judged }: Judged): void {
  if (type.kind !== "tensor" || type.dtype !== judged.dtype)
    throw invalid(
      `The loss takes ${type.kind === "tensor" ? type.dtype : `a ${type.kind}`} as '${name}', and '${output}' holds ${judged.dtype}.`,
    );
  const [wanted, given] = [type.shape, judged.shape];
  if (wanted === null || given === null) return;
  const fits =
    wanted.length === given.length &&
    wanted.every(
      (length, axis) => typeof length !== "number" || typeof given[axis] !== "number" || length === given[axis],
    );
  const text = (shape: typeof wanted): string => `[${shape.map((length) => length ?? "?").join(", ")}]`;
  if (!fits)
    throw invalid(`The loss takes '${name}' of the shape ${text(wanted)}, and '${output}' has ${text(given)}.`);
}

/** The operator sets of both. */
function joinedOpsets(model: Model, loss: Model): ReadonlyMap<string, number> {
  const opsets = new Map(model.opsets);
  for (const [domain, version] of loss.opsets) {
    const own = opsets.get(domain);
    if (own !== undefined && own !== version)
      throw new SlipwayError(
        "MODEL_UNSUPPORTED",
        `The loss uses version ${version} of the operator set '${domain}', the model version ${own}; export both for the same.`,
      );
    opsets.set(domain, version);
  }
  return opsets;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}
