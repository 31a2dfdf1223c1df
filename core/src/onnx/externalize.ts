// Moving weights out of a model into a file beside it, which models over protobuf's 2 GiB need to run anywhere.
import { SlipwayError } from "#base";
import {
  type ByteSource,
  byteSourceFromBytes,
  type Initializer,
  initializerSizeBytes,
  type Model,
  requireFilled,
} from "#graph";
import { bytesFromData, type NumericData } from "#tensor";
import { EXTERNAL_ALIGNMENT_BYTES, unsafeReason } from "./external-data.ts";

export interface ExternalizeOptions {
  /** Relative path of the file of weights, from the model's directory. */
  readonly location: string;
  /** Initializers of fewer bytes stay in the model. */
  readonly minimumBytes: number;
}

export interface ExternalizedModel {
  readonly model: Model;
  /** Bytes of the file of weights. */
  readonly sizeBytes: number;
  /** The file of weights, to be written one chunk after the other. */
  chunks(): Generator<Uint8Array, void, undefined>;
}

const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * A model whose large initializers lie in one file, each at a multiple of 4096 bytes so that it can be mapped. Those of
 * bodies and those external already stay where they are.
 * @throws SlipwayError MODEL_UNSAFE for a location that is not a plain relative path, MODEL_INVALID when a tensor's data
 *   does not fill its shape
 */
export function externalizeWeights(model: Model, options: ExternalizeOptions): ExternalizedModel {
  const { location, minimumBytes } = options;
  const reason = unsafeReason(location);
  if (reason !== null)
    throw new SlipwayError("MODEL_UNSAFE", `External data can't go to '${location}', which ${reason}.`);
  const placed: { readonly offset: number; readonly bytes: ByteSource }[] = [];
  let end = 0;
  const initializers = model.graph.initializers.map((initializer): Initializer => {
    const length = initializerSizeBytes(initializer);
    const bytes = length === null || length < minimumBytes ? undefined : bytesOf(initializer);
    if (bytes === undefined || length === null) return initializer;
    requireFilled(initializer);
    const offset = Math.ceil(end / EXTERNAL_ALIGNMENT_BYTES) * EXTERNAL_ALIGNMENT_BYTES;
    placed.push({ offset, bytes });
    end = offset + length;
    const reference = { location, offset, length, checksum: null, others: new Map<string, string>() };
    return { ...initializer, data: { kind: "external", reference } };
  });
  return {
    model: placed.length === 0 ? model : { ...model, graph: { ...model.graph, initializers } },
    sizeBytes: end,
    *chunks() {
      let position = 0;
      for (const { offset, bytes } of placed) {
        if (offset > position) yield new Uint8Array(offset - position);
        for (let start = 0; start < bytes.sizeBytes; start += CHUNK_BYTES) {
          yield bytes.read(start, Math.min(start + CHUNK_BYTES, bytes.sizeBytes));
        }
        position = offset + bytes.sizeBytes;
      }
    },
  };
}

function bytesOf({ data }: Initializer): ByteSource | undefined {
  switch (data.kind) {
    case "bytes":
      return data.bytes;
    case "values":
      return byteSourceFromBytes(bytesFromData(data.values as NumericData));
    case "deferred":
      return byteSourceFromBytes(bytesFromData(data.decode() as NumericData));
    case "external":
      return undefined;
  }
}
