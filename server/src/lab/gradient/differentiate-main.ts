// The process that differentiates one model: what to do comes on standard input, the model goes out, both as JSON.
import { answerOrder, createPassEngine, type LocatedFiles } from "#lab/passes";
import { readModelFiles } from "#runtime";
import {
  gradient,
  type GradientModel,
  inGradientWords,
  type Loss,
  type ModelLoss,
  parametersOf,
  prepareForGradient,
  sampleGradient,
  type SampleGradientModel,
  type ValueTypes,
  withLoss,
} from "@slipway/core/autodiff";
import { SlipwayError } from "@slipway/core/base";
import type { Model } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import type { DifferentiateBy, DifferentiatedModel, DifferentiateOrder } from "./differentiate.ts";

async function differentiate(order: DifferentiateOrder & LocatedFiles): Promise<DifferentiatedModel> {
  const bytes = await readModelFiles(order.files);
  const read = inGradientWords(modelFromBytes(bytes.model));
  const wrt = namesFrom(read, order.by);
  const startedAt = performance.now();
  const engine = createPassEngine({ externalData: bytes.externalData });
  const prepared = await prepareForGradient(read, wrt, engine);
  let { model, types } = prepared;
  let judged: DifferentiatedModel["loss"] = null;
  const loss = await lossOf(order);
  if (loss !== null) {
    const { output, axis, perSample } = order;
    const made = withLoss(model, {
      loss,
      axis,
      types,
      isPerSample: perSample !== null,
      ...(output === null ? {} : { output }),
    });
    model = made.model;
    judged = { output: made.loss, target: made.target };
    types = await engine.typesOf(model);
  }
  const preparedAt = performance.now();
  const made = differentiated(model, { wrt, types }, judged, order);
  return {
    model: Buffer.from(bytesFromModel(made.model)).toString("base64"),
    gradients: Object.fromEntries(made.gradients),
    upstream: Object.fromEntries(made.upstream),
    detached: made.detached,
    norm: made.norm,
    looped: made.looped,
    loss: judged,
    nodes: { before: read.graph.nodes.length, after: made.model.graph.nodes.length },
    milliseconds: { prepare: preparedAt - startedAt, differentiate: performance.now() - preparedAt },
  };
}

function differentiated(
  model: Model,
  by: { readonly wrt: readonly string[]; readonly types: ValueTypes },
  loss: DifferentiatedModel["loss"],
  { perSample, samples }: DifferentiateOrder,
): SampleGradientModel & Pick<GradientModel, "upstream"> {
  if (loss === null) return { ...gradient(model, by), norm: null, looped: [] };
  const { output: of, target } = loss;
  if (perSample === null) return { ...gradient(model, { ...by, of }), norm: null, looped: [] };
  const carried = samples === null ? {} : { samples: [...samples, target] };
  return { ...sampleGradient(model, { ...by, of, form: perSample, ...carried }), upstream: new Map() };
}

async function lossOf({ loss, others }: DifferentiateOrder & LocatedFiles): Promise<Loss | ModelLoss | null> {
  const [lossFile] = others;
  if (lossFile === undefined) return loss;
  const { model } = await readModelFiles({ model: lossFile, externalData: [] });
  return { kind: "model", model: modelFromBytes(model) };
}

function namesFrom(model: Model, { inputs, parameters, names }: DifferentiateBy): readonly string[] {
  return [...(inputs ? floatingInputsOf(model) : []), ...(parameters ? parametersOf(model) : []), ...names];
}

function floatingInputsOf(model: Model): readonly string[] {
  const stored = new Set(model.graph.initializers.map(({ name }) => name));
  const names = model.graph.inputs
    .filter(({ name, type }) => type?.kind === "tensor" && /^(?:b?float)/.test(type.dtype) && !stored.has(name))
    .map(({ name }) => name);
  if (names.length > 0) return names;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    "No input of the model holds floating-point numbers, so there is none to differentiate by. Name a value, such as an embedding's output.",
  );
}

await answerOrder(differentiate);
