// The records route's work: records become a variant's inputs, its outputs become answers. Images are prepared in a
// process of their own; everything else takes microseconds and happens here.
import { type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { CompiledProcessing, JsonValue, RecordAnswer } from "@slipway/core/processing";
import type { NamedTensor } from "@slipway/core/tensor";
import { processingOf, type ServedProcessing } from "#launch";
import type { ImagePreparer, PrepareOptions } from "#runtime";
import type { RequestContext, Serving, Variant } from "#serve";
import type { AdminServerOptions } from "./admin/server.ts";
import { predictAnswer, recordsFromBody } from "./inference/predict.ts";
import type { PredictOutcome, PredictRecord, RecordsPort } from "./inference/index.ts";

export function createRecords(images: ImagePreparer): RecordsPort {
  return {
    predict(variant, records, context, done) {
      const call = new PredictCall(variant, context, done);
      void call.start(images, records);
      return () => call.cancel();
    },
  };
}

class PredictCall {
  readonly #variant: Variant;
  readonly #context: RequestContext;
  readonly #done: (outcome: PredictOutcome) => void;
  #isWanted = true;
  /** Gives the decoding up; null where there are no images. */
  #decoding: AbortController | null = null;
  #cancelRun: () => void = () => {};

  constructor(variant: Variant, context: RequestContext, done: (outcome: PredictOutcome) => void) {
    this.#variant = variant;
    this.#context = context;
    this.#done = done;
  }

  async start(images: ImagePreparer, records: readonly PredictRecord[]): Promise<void> {
    // Decoding is awaited between routing and submitting; a version switched meanwhile must still answer this.
    const letGo = this.#variant.hold();
    try {
      const served = processingOf(this.#variant);
      const compiled = compiledOf(served, this.#variant);
      const inputs = await prepared(images, served, compiled, this.#variant, records, () => this.#whileWanted());
      if (this.#isWanted) this.#submit(compiled, inputs, records.length);
    } catch (error) {
      this.#end({ ok: false, error: slipwayErrorFrom(error) });
    } finally {
      letGo();
    }
  }

  cancel(): void {
    this.#isWanted = false;
    this.#decoding?.abort();
    this.#cancelRun();
  }

  #whileWanted(): PrepareOptions {
    this.#decoding = new AbortController();
    return { deadline: this.#context.deadline, signal: this.#decoding.signal };
  }

  #submit(compiled: CompiledProcessing, inputs: readonly NamedTensor[], count: number): void {
    this.#cancelRun = this.#variant.submit({ inputs, outputs: compiled.outputs }, this.#context, (outcome) => {
      if (!outcome.ok) return this.#end(outcome);
      try {
        this.#end({ ok: true, predictions: compiled.answer(outcome.outputs, count).map(predictionFrom) });
      } catch (error) {
        this.#end({ ok: false, error: slipwayErrorFrom(error) });
      }
    });
  }

  #end(outcome: PredictOutcome): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#done(outcome);
  }
}

function compiledOf(served: ServedProcessing, variant: Variant): CompiledProcessing {
  if (served.compiled !== null) return served.compiled;
  throw new SlipwayError(
    "RECORD_INVALID",
    `"${variant.endpoint}" version ${variant.version} takes no records: ${served.reason} Send tensors to its infer route, or declare processing.`,
  );
}

async function prepared(
  images: ImagePreparer,
  { processing }: ServedProcessing,
  compiled: CompiledProcessing,
  variant: Variant,
  records: readonly PredictRecord[],
  whileWanted: () => PrepareOptions,
): Promise<readonly NamedTensor[]> {
  const files = records.filter((record) => record.kind === "image");
  if (files.length === 0) {
    return compiled.prepare(
      records.map((record) => ({ kind: "instance", value: (record as { value: unknown }).value as JsonValue })),
    );
  }
  if (compiled.takes !== "image") {
    throw new SlipwayError(
      "RECORD_INVALID",
      `"${variant.endpoint}" version ${variant.version} takes JSON instances, not images: its processing has no decode-image step.`,
    );
  }
  if (files.length < records.length) {
    const odd = records.findIndex((record) => record.kind !== "image");
    throw new SlipwayError(
      "RECORD_INVALID",
      `Record ${odd} is no encoded image, and others of the request are; send one kind at a time.`,
    );
  }
  const { before, input } = processing;
  return await images.prepare(
    { before, input, signature: variant.signature },
    files.map(({ bytes }) => bytes),
    whileWanted(),
  );
}

function predictionFrom(answer: RecordAnswer): unknown {
  return answer.kind === "labels" ? { labels: answer.labels } : answer.outputs;
}

export interface PredictPorts {
  readonly serving: Serving;
  readonly records: RecordsPort;
  readonly clock: Clock;
  readonly randomBytes: (sizeBytes: number) => Buffer;
  readonly timeoutMs: number;
}

/** The console's way to the records route: the same admission, queue and record as any other request. */
export function createPredict({
  serving,
  records,
  clock,
  randomBytes,
  timeoutMs,
}: PredictPorts): AdminServerOptions["predict"] {
  return (endpoint, contentType, body, signal) => {
    const variant = serving.route(endpoint, null);
    const arrivedAt = clock.now();
    const context: RequestContext = {
      inferenceId: `console-${randomBytes(8).toString("hex")}`,
      tenant: "default",
      principal: null,
      purpose: "console",
      priority: 0,
      arrivedAt,
      deadline: arrivedAt + timeoutMs,
      traceparent: null,
    };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const cancel = records.predict(variant, recordsFromBody(contentType, body), context, (outcome) => {
      if (!outcome.ok) reject(outcome.error);
      else resolve(predictAnswer(variant, context.inferenceId, outcome.predictions));
    });
    signal.addEventListener("abort", () => {
      cancel();
      reject(new SlipwayError("REQUEST_CANCELLED", "The page went away before the answer."));
    });
    return promise;
  };
}
