// What is sent: a request of one row, as JSON or with binary tensors, the same bytes for every contender.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { encodeRequest, sampleInputs, seededRandom } from "../server/src/load/index.ts";
import { MODELS, type ModelName } from "./models.ts";

export const WIRES = ["json", "binary"] as const;
export type Wire = (typeof WIRES)[number];

/** A body as a file, since load generators are processes of their own, and the headers it goes with. */
export interface Payload {
  readonly file: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Writes the request for a model into a directory. */
export async function writePayload(directory: string, model: ModelName, wire: Wire): Promise<Payload> {
  const ports = [{ name: "x", datatype: "FP32", shape: [-1, MODELS[model].width] }];
  const isBinary = wire === "binary";
  const { body, headers } = encodeRequest(sampleInputs(ports, 1, seededRandom(1)), {
    isBinary,
    isBinaryAnswer: isBinary,
  });
  const file = path.join(directory, `${model}-${wire}`);
  await writeFile(file, body);
  return { file, headers };
}
