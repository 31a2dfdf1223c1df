// An inference answer of the Open Inference Protocol v2: one JSON text, and the bytes of the outputs asked for in binary.
import { SlipwayError } from "#base";
import { DTYPES, type NamedTensor, type Signature } from "#tensor";
import { binaryFromTensor } from "./binary.ts";
import { classify } from "./classification.ts";
import type { InferRequest, RequestedOutput } from "./request.ts";
import { dataText, quoted, requireJsonForm } from "./text.ts";

export interface InferResponse {
  readonly request: Pick<InferRequest, "id" | "outputs" | "isBinaryDefault">;
  readonly modelName: string;
  readonly modelVersion: string;
  /** The server's own id of this inference; answered as the parameter `inference_id`. */
  readonly inferenceId: string;
  /** In the order they were asked for. */
  readonly outputs: readonly NamedTensor[];
  /** The class names of an output by index, for the classification extension; null where it has none. */
  readonly labelsOf: (output: string) => readonly string[] | null;
}

export interface EncodedResponse {
  readonly json: string;
  /** What follows the JSON, in order; empty for a plain JSON answer. */
  readonly binaries: readonly Uint8Array[];
}

/**
 * Encodes an answer.
 * @throws SlipwayError PARAMETER_INVALID for an output that can't be answered in the form asked for
 */
export function encodeInferResponse(response: InferResponse): EncodedResponse {
  const { request, outputs } = response;
  let json = request.id === null ? '{"model_name":' : `{"id":${quoted(request.id)},"model_name":`;
  json += `${quoted(response.modelName)},"model_version":${quoted(response.modelVersion)}`;
  json += `,"parameters":{"inference_id":${quoted(response.inferenceId)}},"outputs":[`;
  const binaries: Uint8Array[] = [];
  for (let i = 0; i < outputs.length; i++) {
    const wanted = request.outputs?.[i];
    const output =
      wanted !== undefined && isClassified(wanted)
        ? classify(outputs[i]!, wanted.classification, response.labelsOf(wanted.name))
        : outputs[i]!;
    json += `${i === 0 ? "" : ","}{"name":${quoted(output.name)},"shape":[${output.shape.join()}]`;
    json += `,"datatype":"${datatypeOf(output)}"`;
    if (wanted?.isBinary ?? request.isBinaryDefault) {
      const bytes = binaryFromTensor(output);
      binaries.push(bytes);
      json += `,"parameters":{"binary_data_size":${bytes.length}}}`;
    } else json += `,"data":${dataText(output, output.name)}}`;
  }
  return { json: `${json}]}`, binaries };
}

/**
 * Refuses, before anything runs, outputs the answer could not carry in the form asked for.
 * @throws SlipwayError PARAMETER_INVALID
 */
export function checkRequestedForms(
  request: Pick<InferRequest, "outputs" | "isBinaryDefault">,
  signature: Signature,
): void {
  for (const { name, type } of signature.outputs) {
    const wanted = request.outputs?.find((output) => output.name === name);
    if (request.outputs !== null && wanted === undefined) continue;
    if (type.kind !== "tensor") continue;
    const isText = !(wanted?.isBinary ?? request.isBinaryDefault) && !isClassified(wanted);
    if (isText) requireJsonForm(name, type.dtype);
  }
}

function isClassified(wanted: RequestedOutput | undefined): boolean {
  return wanted !== undefined && wanted.classification > 0;
}

function datatypeOf(output: NamedTensor): string {
  const { oip } = DTYPES[output.dtype];
  if (oip !== null) return oip;
  throw new SlipwayError(
    "MODEL_UNSUPPORTED",
    `Output "${output.name}" is ${output.dtype}, which the Open Inference Protocol has no datatype for.`,
  );
}
