// Flags that say which network is trained, and what is sent of one that lies in a file.
import { createHash } from "node:crypto";
import path from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { SlipwayError } from "@slipway/core/base";
import { buildNetwork, type Network, type NetworkModule } from "@slipway/core/build";
import { bytesFromModel } from "@slipway/core/onnx";
import { describeRows, TrainOrder } from "#lab/train";
import { createOnnxRuntimeBackend, systemClock } from "#runtime";
import type { Client } from "slipway/client";
import { type CommandContext, type OptionFact, textOption } from "./command.ts";
import { readNamedFile } from "./files.ts";
import { malformed } from "./measure-flags.ts";
import { storeFile } from "./model-files.ts";
import { numberOption } from "./option-values.ts";
import type { TrainOrderInput } from "./train-flags.ts";

export const NETWORK_FLAGS: readonly OptionFact[] = [
  {
    flags: "--net <network>",
    description:
      "mlp, cnn, a .ts file that defines one (docs/build.md), or an ONNX file that takes features and answers scores; by the rows if left out",
  },
  { flags: "--hidden <units,...>", description: "mlp: units of each hidden layer; 128,64 if left out" },
  { flags: "--dropout <share>", description: "mlp, cnn: share of units that are dropped in training" },
];

/** @throws SlipwayError USAGE, FILE_UNREADABLE, NETWORK_INVALID, and as reading the rows does */
export async function networkFrom(
  context: CommandContext,
  client: Client,
  order: Omit<TrainOrderInput, "network">,
): Promise<NonNullable<TrainOrderInput["network"]> | null> {
  const { options, environment } = context;
  const named = textOption(options, "net");
  const hidden = textOption(options, "hidden");
  const dropout = numberOption(options, "dropout", 0, 0.95);
  const units = hidden?.split(",").map(Number);
  if (units !== undefined && !units.every((unit) => Number.isSafeInteger(unit) && unit > 0))
    throw malformed("hidden", hidden!, "128,64");
  if (named !== undefined && named !== "mlp" && named !== "cnn") {
    if (hidden !== undefined || dropout !== undefined)
      throw new SlipwayError("USAGE", "--hidden and --dropout are for mlp and cnn; a network of a file is as it is.");
    const of = path.basename(named);
    if (/\.onnx$/i.test(named)) {
      const hash = await storeFile(client, environment.workingDirectory, named, context.progress);
      return { kind: "model", hash, of };
    }
    if (/\.[cm]?[jt]s$/i.test(named))
      return { kind: "model", hash: await builtFrom(context, client, named, order), of };
    throw new SlipwayError("USAGE", `--net is "${named}"; it takes mlp, cnn, or a file ending in .onnx, .ts or .js.`);
  }
  if (named === "cnn") {
    if (units !== undefined) throw new SlipwayError("USAGE", "--hidden is for mlp.");
    return { kind: "cnn", ...(dropout === undefined ? {} : { dropout }) };
  }
  if (named === undefined && units === undefined) return dropout === undefined ? null : { kind: "default", dropout };
  return {
    kind: "mlp",
    ...(units === undefined ? {} : { hidden: units }),
    ...(dropout === undefined ? {} : { dropout }),
  };
}

/**
 * Builds the network a file defines for these rows, and stores it. The file is code, so it runs here, with whoever calls the
 * command, and never in a server: what is sent is the model.
 */
async function builtFrom(
  context: CommandContext,
  client: Client,
  file: string,
  given: Omit<TrainOrderInput, "network">,
): Promise<string> {
  const { environment, progress, signal } = context;
  const full = path.resolve(environment.workingDirectory, file);
  await readNamedFile(environment.workingDirectory, file);
  const order = TrainOrder.parse(given);
  progress.step(`Looking at the rows for ${path.basename(file)} …`);
  const { input, outputs } = await describeRows(
    order,
    { backend: createOnnxRuntimeBackend(), clock: systemClock, environment: {}, readBlob: unread },
    { signal, report: ({ text }) => progress.update(text) },
  );
  progress.end();
  let defined: Partial<NetworkModule>;
  try {
    defined = (await import(pathToFileURL(full).href)) as Partial<NetworkModule>;
  } catch (error) {
    throw new SlipwayError("FILE_UNREADABLE", `${file} can't be run: ${(error as Error).message}`, { cause: error });
  }
  const model = buildNetwork(defined.network as Network, { input, outputs, seed: order.settings.seed });
  const bytes = bytesFromModel(model);
  const hash = createHash("sha256").update(bytes).digest("hex");
  await client.putBlob({ params: { hash }, body: Readable.from([bytes]) as never });
  return hash;
}

const unread = (): never => {
  throw new SlipwayError("INTERNAL", "Rows were looked at with a model in mind. This is a bug.");
};
