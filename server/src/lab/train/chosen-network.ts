// Which network is fitted, with its first weights, and what of it stays as it is.
import { inGradientWords, type ParameterGroup, parametersOf } from "@slipway/core/autodiff";
import { SlipwayError } from "@slipway/core/base";
import {
  batchNorm,
  build,
  cnnLayers,
  conv,
  dropout,
  flatten,
  globalAveragePool,
  type Layers,
  linear,
  mlpLayers,
  named,
  relu,
} from "@slipway/core/build";
import type { Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { HEAD } from "./base-model.ts";
import type { TunedRows } from "./fine-tune.ts";
import type { BaseOrder, NetworkOrder, TrainOrder } from "./order.ts";
import type { PreparedRows } from "./prepared-rows.ts";
import { chosenDropout, chosenHidden } from "./settings.ts";
import { outputsOf } from "./task.ts";

/** Channels of a network of pictures: what two cores train in minutes. */
const STAGES = [16, 32, 64];

export interface ChosenNetwork {
  readonly kind: Exclude<NetworkOrder["kind"], "default">;
  /** For people: "128, 64". */
  readonly text: string;
  readonly model: Model;
}

/**
 * What stays as it is; a new last layer never does.
 * @throws SlipwayError PARAMETER_INVALID for a pattern that no parameter matches
 */
export function frozenBy(
  base: BaseOrder | null,
  networkPrefix: string | null,
  network: Model,
): readonly ParameterGroup[] {
  if (base === null) return [];
  const patterns = base.freeze.map((one) => one.split("*").map(escaped).join(".*"));
  const parameters = parametersOf(inGradientWords(network));
  const idle = patterns.findIndex((one) => !parameters.some((name) => new RegExp(`^(?:${one})$`).test(name)));
  if (idle >= 0) {
    const names = parameters.filter((name) => networkPrefix === null || name.startsWith(networkPrefix));
    const shown = names.slice(0, 12).join(", ");
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `"${base.freeze[idle]}" is to stay as it is, and no parameter of the model is called so; there is ${shown}${names.length > 12 ? ` and ${names.length - 12} more` : ""}.`,
    );
  }
  // What an encoder was fitted to is no weight.
  if (networkPrefix !== null && parameters.some((name) => !name.startsWith(networkPrefix)))
    patterns.push(`(?!${escaped(networkPrefix)}).*`);
  if (patterns.length === 0) return [];
  const names = new RegExp(`^(?:${patterns.join("|")})$`);
  return [...(base.isHeadNew ? [{ names: HEAD }] : []), { names, isFrozen: true }];
}

/** A text as a regular expression that matches it. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/**
 * The network of an order, with its first weights.
 * @throws SlipwayError PARAMETER_INVALID for one that does not learn from such rows; MODEL_* for a stored one that can't be read
 */
export async function chosenNetwork(
  order: TrainOrder,
  rows: PreparedRows | TunedRows,
  readBlob: (hash: string) => Promise<Uint8Array>,
): Promise<ChosenNetwork> {
  const { input, task } = rows;
  if ("network" in rows) return { kind: "model", text: `from ${order.base!.of}`, model: rows.network };
  const wanted = wantedNetwork(order, input);
  const { seed } = order.settings;
  const outputs = outputsOf(task);
  switch (wanted.kind) {
    case "mlp": {
      const hidden = chosenHidden(wanted);
      const dropped = chosenDropout(wanted, rows.training.rows);
      const layers = mlpLayers({ hidden, outputs, dropout: dropped });
      const flat = input.kind === "features" ? [] : [flatten()];
      const model = build([...flat, ...[layers].flat()], { input, seed, name: "mlp" });
      const text = `hidden layers of ${hidden.join(", ")}${dropped === 0 ? "" : `, dropout ${dropped}`}`;
      return { kind: "mlp", text, model };
    }
    case "cnn": {
      if (input.kind === "image") {
        const layers = cnnLayers({ classes: outputs, stages: STAGES, dropout: wanted.dropout });
        const model = build(layers, { input, seed, name: "cnn" });
        return { kind: "cnn", text: `of pictures ${input.channels} × ${input.height} × ${input.width}`, model };
      }
      if (input.kind === "signal") {
        const model = build(signalLayers(outputs, wanted.dropout), { input, seed, name: "cnn" });
        return { kind: "cnn", text: `of signals ${input.channels} × ${input.length}`, model };
      }
      throw new SlipwayError(
        "PARAMETER_INVALID",
        "A cnn learns from pictures and signals, and these rows are columns; use mlp.",
      );
    }
    case "model": {
      const model = modelFromBytes(await readBlob(wanted.hash));
      return { kind: "model", text: `of ${wanted.of}`, model };
    }
  }
}

/** What was asked for, or what is fitted to such rows where nobody asked. */
function wantedNetwork({ network }: TrainOrder, { kind }: PreparedRows["input"]) {
  if (network !== null && network.kind !== "default") return network;
  const dropout = network?.dropout ?? null;
  if (kind === "features") return { kind: "mlp", hidden: null, dropout } as const;
  return { kind: "cnn", dropout: dropout ?? 0 } as const;
}

/** Convolutions over time, each of which halves it, and the mean of what they find. */
function signalLayers(outputs: number, share: number): Layers {
  const stage = (channels: number, at: number): Layers =>
    named(`stage${at + 1}`, [
      conv({ channels, kernel: 5, stride: 2, bias: false, initialization: "he-normal" }),
      batchNorm(),
      relu(),
    ]);
  return [
    ...[32, 64, 128].map(stage),
    globalAveragePool(),
    ...(share === 0 ? [] : [dropout(share)]),
    named("head", linear(outputs)),
  ];
}
