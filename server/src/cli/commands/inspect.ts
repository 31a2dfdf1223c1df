// `slipway inspect`: what a model is, from its file or from the registry.
import { SlipwayError } from "@slipway/core/base";
import type { ModelScan } from "@slipway/core/onnx";
import { DTYPES, type Port, typeText } from "@slipway/core/tensor";
import type { PortView } from "slipway/client";
import type { Command } from "../command.ts";
import { modelSource, scanFile } from "../model-files.ts";
import { DIRECTIONS, drawGraph, PICTURE_THEMES } from "../model-picture.ts";
import { findModel, modelReference } from "../model-reference.ts";
import { type ModelFacts, modelText } from "../model-text.ts";

export const inspect: Command = {
  about:
    "Shows what a model takes and gives, its operator sets, parameters, size and operators, and warns of what will not run here. A file is examined without running it and needs no server. --graph draws the model's graph as an SVG picture instead: blocks that repeat are drawn once, and what computes constants and shapes is said where it is read (--whole draws every node).",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    { flags: "--graph", description: "Draw the graph, as SVG" },
    { flags: "-o, --out <file>", description: "--graph: the SVG file to write; standard output if left out" },
    { flags: "--beside <model>", description: "--graph: another model to draw beside it, with what differs framed" },
    { flags: "--around <name>", description: "--graph: only what is near the node or value of this name" },
    { flags: "--steps <count>", description: "--around: how many nodes away; 6 if left out" },
    { flags: "--whole", description: "--graph: every node, also of blocks that repeat" },
    { flags: "--direction <way>", description: "--graph: which way values go; down if left out", choices: DIRECTIONS },
    {
      flags: "--theme <name>",
      description: "--graph: colours; auto, if left out, follows what the reader prefers",
      choices: PICTURE_THEMES,
    },
  ],
  examples: [
    { line: "slipway inspect model.onnx", says: "a file" },
    { line: "slipway inspect digits@2 --json", says: "a registered version, for programs" },
    { line: "slipway inspect model.onnx --graph -o model.svg", says: "a picture of its graph" },
    {
      line: "slipway inspect before.onnx --graph --beside after.onnx -o both.svg",
      says: "two models side by side, with what differs framed",
    },
  ],
  run: async (context) => {
    if (context.options["graph"] === true) return await drawGraph(context);
    const stray = PICTURE_OPTIONS.find((name) => context.options[name] !== undefined);
    if (stray !== undefined)
      throw new SlipwayError("USAGE", `--${stray} is about a picture of the graph; say --graph too.`);
    const { workingDirectory } = context.environment;
    const reference = modelReference(context.arguments[0]!);
    if (reference.kind !== "path") {
      const { client } = await context.connect();
      const model = await findModel(client, reference, workingDirectory);
      return context.answer(model, () => modelText(model));
    }
    const source = modelSource(workingDirectory, reference.path, undefined);
    const facts = factsFromScan(await scanFile(source.file));
    context.answer(facts, () => modelText(facts));
  },
};

const PICTURE_OPTIONS = ["out", "beside", "around", "steps", "whole", "direction", "theme"] as const;

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
