// Requests to copy: a version's first request in three languages, over the Open Inference Protocol's tensors and, where
// the version has processing, over records.
import type { JsonValue, Processing } from "@slipway/core/processing";
import type { SignatureView } from "../api.ts";
import { sampleInstances } from "./instances.ts";
import * as curl from "./request-curl.ts";
import * as python from "./request-python.ts";
import * as typescript from "./request-typescript.ts";
import { BINARY_BYTES, type SampleInput, sampleInputs } from "./sample.ts";

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

/** What each language can write. */
interface LanguageWriter {
  imageRequest(url: string): string;
  instancesRequest(url: string, instances: readonly JsonValue[]): string;
  tensorRequest(url: string, inputs: readonly SampleInput[]): string;
  /** For tensors that JSON can't carry. */
  binaryRequest(url: string, inputs: readonly SampleInput[]): string;
}

const LANGUAGE_WRITERS: Readonly<Record<Language, LanguageWriter>> = { curl, TypeScript: typescript, Python: python };

/** The forms a version can be asked in, the simplest first. */
export function requestForms({ signature, processing }: RequestOptions): readonly RequestForm[] {
  const forms: RequestForm[] = [];
  if (processing?.before[0]?.step === "decode-image") forms.push("image");
  else if (processing !== null && sampleInstances(signature, processing) !== null) forms.push("instances");
  if (sampleInputs(signature) !== null) forms.push("tensors");
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
  const write = requestWriter(options, form);
  const snippets = {} as Record<Language, string>;
  for (const language of LANGUAGES) snippets[language] = write(LANGUAGE_WRITERS[language]);
  return snippets;
}

function requestWriter(options: RequestOptions, form: RequestForm): (writer: LanguageWriter) => string {
  const url = requestAddress(options, form);
  const { signature, processing } = options;
  switch (form) {
    case "image":
      return (writer) => writer.imageRequest(url);
    case "instances": {
      const instances = (processing === null ? null : sampleInstances(signature, processing)) ?? [];
      return (writer) => writer.instancesRequest(url, instances);
    }
    case "tensors": {
      const inputs = sampleInputs(signature) ?? [];
      const datatypes = [...inputs, ...signature.outputs].map(({ datatype }) => datatype ?? "");
      const isBinary = datatypes.some((datatype) => datatype in BINARY_BYTES);
      return (writer) => (isBinary ? writer.binaryRequest(url, inputs) : writer.tensorRequest(url, inputs));
    }
  }
}
