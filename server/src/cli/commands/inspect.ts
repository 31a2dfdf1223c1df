// `slipway inspect`: what a model is, from its file or from the registry.
import type { ModelScan } from "@slipway/core/onnx";
import { DTYPES, type Port, typeText } from "@slipway/core/tensor";
import type { PortView } from "slipway/client";
import type { Command } from "../command.ts";
import { modelSource, scanFile } from "../model-files.ts";
import { findModel, modelReference } from "../model-reference.ts";
import { type ModelFacts, modelText } from "../model-text.ts";

export const inspect: Command = {
  about:
    "Shows what a model takes and gives, its operator sets, parameters, size and operators, and warns of what will not run here. A file is examined without running it and needs no server.",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [],
  examples: [
    { line: "slipway inspect model.onnx", says: "a file" },
    { line: "slipway inspect digits@2 --json", says: "a registered version, for programs" },
  ],
  run: async (context) => {
    const reference = modelReference(context.arguments[0]!);
    if (reference.kind !== "path") {
      const { client } = await context.connect();
      const model = await findModel(client, reference);
      return context.answer(model, () => modelText(model));
    }
    const source = modelSource(context.environment.workingDirectory, reference.path, undefined);
    const facts = factsFromScan(await scanFile(source.file));
    context.answer(facts, () => modelText(facts));
  },
};

/** What a scan found, in the form the administration API shows models in. */
function factsFromScan(scan: ModelScan): ModelFacts {
  const external = scan.externalFiles.reduce((sum, file) => sum + file.minimumBytes, 0);
  return {
    hash: null,
    sizeBytes: scan.sizeBytes + external,
    signature: { inputs: scan.signature.inputs.map(portView), outputs: scan.signature.outputs.map(portView) },
    irVersion: scan.irVersion,
    opsets: [...scan.opsets],
    producer: `${scan.producerName} ${scan.producerVersion}`.trim(),
    parameterCount: scan.parameterCount,
    operators: scan.operators.map(({ domain, opType, count }) => ({
      name: domain === "" ? opType : `${domain}.${opType}`,
      count,
    })),
    warnings: scan.warnings.map((warning) => warning.message),
  };
}

function portView({ name, type, isOptional }: Port): PortView {
  return {
    name,
    type: typeText(type),
    datatype: type.kind === "tensor" ? DTYPES[type.dtype].oip : null,
    shape: type.kind === "tensor" && type.shape !== null ? [...type.shape] : null,
    isOptional: isOptional === true,
  };
}
