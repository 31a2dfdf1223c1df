// How large a model is: its files, what is left of them compressed, its weights.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import type { MeasuredValue, Model, NewEvidence } from "#registry";
import type { MeasurePorts } from "./measure.ts";

const SCHEMA = 1;

/**
 * Sizes are exact, so they have no intervals. `gzip` is what a transfer with `Content-Encoding: gzip` costs (RFC 1952,
 * level 6, each file by itself); `parameters` counts the elements of stored tensors but those of int64, bool and string.
 */
export async function measureSize(
  model: Model,
  { stream, code }: Pick<MeasurePorts, "stream" | "code">,
  signal: AbortSignal,
): Promise<NewEvidence> {
  const files = [];
  let gzipBytes = 0;
  for (const { path, hash, sizeBytes } of model.files) {
    const compressed = await gzipSize(stream(hash), signal);
    gzipBytes += compressed;
    files.push({ path, sizeBytes, gzipBytes: compressed });
  }
  const { parameterCount, tensorBytes, nodeCount } = model.scan;
  return {
    kind: "size",
    schema: SCHEMA,
    values: {
      file: exact(model.sizeBytes, "B", "bytes of all files"),
      gzip: exact(gzipBytes, "B", "gzip, level 6"),
      weights: exact(tensorBytes, "B", "bytes of stored tensors"),
      parameters: exact(parameterCount, "1", "elements of stored tensors, without int64, bool and string"),
      nodes: exact(nodeCount, "1", "nodes, in bodies and functions too"),
    },
    details: { files, operators: model.scan.operators.map(({ domain, opType, count }) => ({ domain, opType, count })) },
    dataset: null,
    machine: null,
    settings: {},
    method: "Read off the stored files; nothing is run.",
    code,
  };
}

function exact(value: number, unit: string, method: string): MeasuredValue {
  return { value, reason: null, unit, interval: null, method, count: null };
}

/** Bytes that are left of a stream compressed, without keeping any. */
async function gzipSize(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  let total = 0;
  await pipeline(
    Readable.from(bytes, { objectMode: false }),
    createGzip({ level: constants.Z_DEFAULT_COMPRESSION }),
    async (compressed: AsyncIterable<Uint8Array>) => {
      for await (const chunk of compressed) total += chunk.byteLength;
    },
    { signal },
  );
  return total;
}
