// Checks gradients by sample against those of every sample in a batch of its own.
import {
  gradient,
  type Loss,
  type LossModel,
  prepareForGradient,
  sampleGradient,
  type SampleGradientModel,
  type ValueTypes,
  withLoss,
} from "@slipway/core/autodiff";
import { type Model, verifyModel } from "@slipway/core/graph";
import { Tensor } from "onnxruntime-node";
import { answersOf, engineOn, type Feeds, tensorOf } from "./gradient-check.ts";

export interface SampleCheck {
  readonly model: Model;
  readonly wrt: readonly string[];
  readonly loss: Loss;
  readonly axis?: number;
  /** What the model takes, samples along the first axis of each. */
  readonly feeds: Feeds;
  readonly target: Tensor;
  /** ‖g − g*‖ over the largest norm of a gradient of that sample; 1e-4 unless said. */
  readonly tolerance?: number;
}

/** @throws Error naming what differs; answers both forms as they were made */
export async function checkSampleGradients(
  check: SampleCheck,
): Promise<Record<"gradients" | "norms", SampleGradientModel>> {
  const { model: read, wrt, loss, axis = 1, feeds, target, tolerance = 1e-4 } = check;
  const prepared = await prepareForGradient(read, wrt, engineOn(feeds));
  const judged = withLoss(prepared.model, { loss, axis, isPerSample: true, types: prepared.types });
  const types = await engineOn({ ...feeds, [judged.target]: target }).typesOf(judged.model);
  const count = target.dims[0]!;
  const one = withLoss(prepared.model, { loss, axis, types: prepared.types });
  const alone = gradient(one.model, { wrt, of: one.loss, types });
  // A model that takes no other number of samples can't be run on one; its losses are differentiated one after the other.
  const isFixed = read.graph.inputs.some(({ type }) => type?.kind === "tensor" && type.shape?.[0] === count);
  const chosen = isFixed ? lossByLoss(judged, wrt, types) : null;
  const expected: Float32Array[][] = [];
  for (let at = 0; at < count; at++) {
    const sample = Object.fromEntries(
      Object.entries({ ...feeds, [one.target]: target }).map(([name, all]) => [name, rowOf(all, at)]),
    );
    const answers =
      chosen === null
        ? await answersOf(alone.model, sample)
        : await answersOf(chosen, {
            ...feeds,
            [judged.target]: target,
            [`grad_${judged.loss}`]: tensorOf(
              "float32",
              Array.from({ length: count }, (_, place) => Number(place === at)),
              [count],
            ),
          });
    expected.push(wrt.map((name) => Float32Array.from(answers[`grad_${name}`]!.data as Float32Array)));
  }
  const made = Object.fromEntries(
    (["gradients", "norms"] as const).map((form) => [
      form,
      sampleGradient(judged.model, { wrt, of: judged.loss, form, types }),
    ]),
  ) as Record<"gradients" | "norms", SampleGradientModel>;
  const answersBy = async ({ model }: SampleGradientModel) => {
    verifyModel(model);
    return await answersOf(model, { ...feeds, [judged.target]: target });
  };
  const [rows, norms] = [await answersBy(made.gradients), await answersBy(made.norms)];
  for (let at = 0; at < count; at++) {
    const own = expected[at]!;
    const largest = Math.max(...own.map(norm), 1e-12);
    for (const [index, name] of wrt.entries()) {
      const output = rows[made.gradients.gradients.get(name)!]!;
      const size = own[index]!.length;
      const found = (output.data as Float32Array).slice(at * size, (at + 1) * size);
      if (output.dims[0] !== count || (output.data as Float32Array).length !== size * count)
        throw new Error(`${name} has gradients of the shape [${output.dims.join()}] for ${count} samples`);
      const off = norm(found.map((value, place) => value - own[index]![place]!)) / largest;
      if (!(off <= tolerance)) throw new Error(`sample ${at}, ${name}: differs by ${off} of the largest norm`);
      const size_ = Number(norms[made.norms.gradients.get(name)!]!.data[at]);
      const wanted = norm(own[index]!);
      if (!(Math.abs(size_ - wanted) <= 10 * tolerance * largest))
        throw new Error(`sample ${at}, ${name}: has the norm ${wanted}, found ${size_}`);
    }
    const all = Math.hypot(...own.map(norm));
    const total = Number(norms[made.norms.norm!]!.data[at]);
    if (!(Math.abs(total - all) <= tolerance * all + 1e-12))
      throw new Error(`sample ${at}: all gradients have the norm ${all}, found ${total}`);
  }
  return made;
}

/** The model whose gradient by each loss is sent in. */
function lossByLoss(judged: LossModel, wrt: readonly string[], types: ValueTypes): Model {
  const { graph } = judged.model;
  const outputs = graph.outputs.filter(({ name }) => name === judged.loss);
  return gradient({ ...judged.model, graph: { ...graph, outputs } }, { wrt, types }).model;
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function rowOf({ type, data, dims }: Tensor, at: number): Tensor {
  const size = dims.slice(1).reduce((product, length) => product * length, 1);
  return new Tensor(type as "float32", (data as Float32Array).slice(at * size, (at + 1) * size), [1, ...dims.slice(1)]);
}
