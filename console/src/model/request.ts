// Requests to copy: a version's first request in three languages, over the Open Inference Protocol's tensors and, where
// the version has processing, over records.
import type { Processing } from "@slipway/core/processing";
import type { SignatureView } from "../api.ts";
import { BINARY_BYTES, sampleInputs } from "./sample.ts";
import * as curl from "./request-curl.ts";
import * as python from "./request-python.ts";
import * as typescript from "./request-typescript.ts";

export const LANGUAGES = ["curl", "TypeScript", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];
/** `image` and `instances` go through the version's processing, `tensors` straight to the model. */
export type RequestForm = "image" | "instances" | "tensors";

export interface RequestOptions {
  /** Of the inference listener, such as `http://127.0.0.1:8000`. */
  readonly address: string;
  readonly endpoint: string;
  readonly signature: SignatureView;
  readonly processing: Processing | null;
}

export type Snippets = Readonly<Record<Language, string>>;

const LANGUAGE_WRITERS = { curl, TypeScript: typescript, Python: python } as const;

/** The forms a version can be asked in, the simplest first. */
export function requestForms({ signature, processing }: RequestOptions): readonly RequestForm[] {
  const forms: RequestForm[] = [];
  if (processing?.before[0]?.step === "decode-image") forms.push("image");
  const inputs = sampleInputs(signature);
  if (inputs !== null) forms.push("tensors");
  return forms;
}

/** The address of an endpoint's route for a form. */
export function requestAddress({ address, endpoint }: RequestOptions, form: RequestForm): string {
  const route = form === "tensors" ? "infer" : "predict";
  return `${address.replace(/\/$/, "")}/v2/models/${encodeURIComponent(endpoint)}/${route}`;
}

/**
 * A request in each language.
 * @param form one of `requestForms(options)`
 */
export function requestSnippets(options: RequestOptions, form: RequestForm): Snippets {
  const url = requestAddress(options, form);
  const snippets = {} as Record<Language, string>;
  const inputs = form === "tensors" ? sampleInputs(options.signature) : null;
  const outputs = options.signature.outputs;
  const isBinary =
    inputs?.some(({ datatype }) => datatype in BINARY_BYTES) ||
    outputs.some(({ datatype }) => datatype !== null && datatype in BINARY_BYTES);
  for (const language of LANGUAGES) {
    const writer = LANGUAGE_WRITERS[language];
    if (inputs === null) snippets[language] = writer.imageRequest(url);
    else if (isBinary) snippets[language] = writer.binaryRequest(url, inputs);
    else snippets[language] = writer.tensorRequest(url, inputs);
  }
  return snippets;
}
