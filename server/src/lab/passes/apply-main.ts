// The process that applies passes to one model: which ones comes on standard input, the model goes out, both as JSON.
import { createOnnxRuntimeBackend, type ModelFiles, readModelFiles, sampleInputs } from "#runtime";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { passesNamed, runPasses } from "@slipway/core/passes";
import type { AppliedPasses, ApplyOrder } from "./apply.ts";
import { answerOrder } from "./ask-about-model.ts";
import { differencesBetween } from "./compare-answers.ts";
import { createPassEngine } from "./engine.ts";

async function apply(order: ApplyOrder & { readonly files: ModelFiles }): Promise<AppliedPasses> {
  const { passes, settings, checks, seed } = order;
  const wanted = passesNamed(passes, settings);
  const bytes = await readModelFiles(order.files);
  const backend = createOnnxRuntimeBackend();
  const engine = createPassEngine({
    backend,
    externalData: bytes.externalData,
    inputs: (signature) => sampleInputs(signature, { rows: 2, freeLength: 8, scale: 1, seed }),
  });
  const read = modelFromBytes(bytes.model);
  const { model, trace } = await runPasses(read, wanted, engine, { now: () => performance.now() });
  const made = bytesFromModel(model);
  const differences =
    checks === 0
      ? null
      : await differencesBetween(backend, bytes, { model: made, externalData: bytes.externalData }, checks, seed);
  return { model: Buffer.from(made).toString("base64"), trace, differences };
}

await answerOrder(apply);
