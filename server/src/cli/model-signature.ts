// What a model takes, from its file or from the registry, with its processing: for commands that look whether rows fit it.
import { type DType, dtypeFromOip, type Port, type Signature } from "@slipway/core/tensor";
import type { PortView } from "slipway/client";
import type { CommandContext } from "./command.ts";
import { modelSource, readProcessing, scanFile } from "./model-files.ts";
import { findVersion, findModel, modelReference } from "./model-reference.ts";

export interface ModelToFit {
  readonly signature: Signature;
  /** null where none is declared, or a model is named and no version of it. */
  readonly processing: unknown;
}

/** @throws SlipwayError USAGE, FILE_UNREADABLE, MODEL_*, VERSION_NOT_FOUND */
export async function signatureOfModel(context: CommandContext, named: string): Promise<ModelToFit> {
  const { workingDirectory } = context.environment;
  const reference = modelReference(named);
  if (reference.kind === "path") {
    const source = modelSource(workingDirectory, reference.path, undefined);
    const { signature } = await scanFile(source.file);
    return {
      signature,
      processing: source.processingFile === null ? null : await readProcessing(source.processingFile),
    };
  }
  const { client } = await context.connect();
  if (reference.kind === "hash") {
    const { signature } = await findModel(client, reference);
    return { signature: signatureFrom(signature), processing: null };
  }
  const { model, processing } = await findVersion(client, reference, workingDirectory);
  return { signature: signatureFrom(model.signature), processing };
}

function signatureFrom({ inputs, outputs }: { inputs: readonly PortView[]; outputs: readonly PortView[] }): Signature {
  return { inputs: inputs.map(portFrom), outputs: outputs.map(portFrom) };
}

/** What is no tensor is shown as text alone; such an input takes no rows whatever it is. */
function portFrom({ name, datatype, shape, isOptional }: PortView): Port {
  const dtype: DType | undefined = datatype === null ? undefined : dtypeFromOip(datatype);
  if (dtype !== undefined) return { name, type: { kind: "tensor", dtype, shape }, isOptional };
  return { name, type: { kind: "sequence", element: { kind: "tensor", dtype: "float32", shape: null } }, isOptional };
}
