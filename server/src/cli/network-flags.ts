// Flags that say which network is trained, and what is sent of one that lies in a file.
import { SlipwayError } from "@slipway/core/base";
import type { Client } from "slipway/client";
import { type CommandContext, type OptionFact, textOption } from "./command.ts";
import { malformed } from "./measure-flags.ts";
import { storeFile } from "./model-files.ts";
import { numberOption } from "./option-values.ts";
import type { TrainOrderInput } from "./train-flags.ts";

export const NETWORK_FLAGS: readonly OptionFact[] = [
  {
    flags: "--net <network>",
    description: "mlp, cnn, or an ONNX file that takes features and answers scores; by the rows if left out",
  },
  { flags: "--hidden <units,...>", description: "mlp: units of each hidden layer; 128,64 if left out" },
  { flags: "--dropout <share>", description: "mlp, cnn: share of units that are dropped in training" },
];

/** @throws SlipwayError USAGE, FILE_UNREADABLE */
export async function networkFrom(
  context: CommandContext,
  client: Client,
  _order: Omit<TrainOrderInput, "network">,
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
    if (!named.toLowerCase().endsWith(".onnx"))
      throw new SlipwayError("USAGE", `--net is "${named}"; it takes mlp, cnn or an ONNX file.`);
    return { kind: "model", hash: await storeFile(client, environment.workingDirectory, named, context.progress) };
  }
  if (named === "cnn") {
    if (units !== undefined) throw new SlipwayError("USAGE", "--hidden is for mlp.");
    return { kind: "cnn", ...(dropout === undefined ? {} : { dropout }) };
  }
  if (named === undefined && units === undefined && dropout === undefined) return null;
  return {
    kind: "mlp",
    ...(units === undefined ? {} : { hidden: units }),
    ...(dropout === undefined ? {} : { dropout }),
  };
}
