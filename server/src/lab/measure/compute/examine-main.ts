// The process that examines one stored model: which files and shapes comes on standard input, the report goes out, both as
// JSON. Files are read where they are looked at, so large weights are not read at all.
import { closeSync, openSync, readSync } from "node:fs";
import { text } from "node:stream/consumers";
import { type ContainedAnswer, createOnnxRuntimeBackend, type ModelFile, readModelFiles } from "#runtime";
import { SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { ByteRange, type ByteSource, byteSourceFromFile, type ExternalReference } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { type ComputeReport, examineCompute } from "./examine.ts";
import type { ExamineOrder } from "./examine-process.ts";

async function examine(order: ExamineOrder): Promise<ContainedAnswer<ComputeReport>> {
  const { files, inputs, inferOnly, trueWeights, findDuplicates, openFlags } = order;
  const descriptors: number[] = [];
  const open = ({ path, offset, sizeBytes }: ModelFile): ByteSource => {
    const descriptor = openSync(path, openFlags);
    descriptors.push(descriptor);
    return byteSourceFromFile(sizeBytes, (target, position) =>
      readSync(descriptor, target, { position: offset + position }),
    );
  };
  try {
    const sources = new Map(files.externalData.map((file) => [file.name, open(file)]));
    const report = await examineCompute(createOnnxRuntimeBackend(), {
      model: modelFromBytes(open(files.model)),
      inputs,
      inferOnly,
      trueWeights,
      findDuplicates,
      external: (reference) => partOf(sources, reference),
      externalFiles: async () => (await readModelFiles(files)).externalData,
    });
    return { answer: report };
  } catch (error) {
    const { code, message } = slipwayErrorFrom(error);
    return { code, message };
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function partOf(sources: ReadonlyMap<string, ByteSource>, { location, offset, length }: ExternalReference): ByteSource {
  const source = sources.get(location);
  const file = `the file ${JSON.stringify(location)}`;
  if (source === undefined) {
    throw new SlipwayError("MODEL_UNSAFE", `The model refers to ${file}, which is not part of it.`);
  }
  const end = length === null ? source.sizeBytes : offset + length;
  if (offset > end || end > source.sizeBytes) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `The model needs bytes ${offset} to ${end} of ${file}, which has ${source.sizeBytes}.`,
    );
  }
  return new ByteRange(source, offset, end);
}

process.stdout.write(JSON.stringify(await examine(JSON.parse(await text(process.stdin)) as ExamineOrder)));
