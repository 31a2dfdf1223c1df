// A convolutional network for small images, of blocks with shortcuts.
import { SlipwayError } from "#base";
import type { Model } from "#graph";
import { build } from "../build.ts";
import type { Initialization } from "../initialization.ts";
import { type Layers, named } from "../layer.ts";
import { residual } from "../layers/combination.ts";
import { conv, separableConv } from "../layers/convolution.ts";
import { linear, relu } from "../layers/dense.ts";
import { batchNorm } from "../layers/normalization.ts";
import { globalAveragePool } from "../layers/pooling.ts";
import { dropped } from "./mlp.ts";
import { checkOptions, type OptionTable, widthsOf } from "./options.ts";

export interface CnnOptions {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  /** Channels of each stage; each after the first has half the height and width of the one before. [32, 64, 128] unless said. */
  readonly stages?: readonly number[];
  /** Blocks in each stage; 1 unless said. */
  readonly blocks?: number;
  /**
   * What a block is: two convolutions with a shortcut (`residual`, unless said), two without (`plain`), or two separable ones
   * (`separable`), for devices.
   */
  readonly block?: "residual" | "plain" | "separable";
  /** Before the head, in training; 0 unless said. */
  readonly dropout?: number;
  readonly seed: number | bigint;
}

const CNN_OPTIONS: OptionTable<CnnOptions> = {
  channels: "needed",
  height: "needed",
  width: "needed",
  classes: "needed",
  stages: "optional",
  blocks: "optional",
  block: "optional",
  dropout: "optional",
  seed: "needed",
};

/**
 * `input` [N, channels, height, width] to `logits` [N, classes]: a stem, stages of blocks, the mean of each channel, a head.
 * Parameters: `stem.conv.weight`, `stage1.block1.conv1.weight`, …, `head.weight`.
 * @throws SlipwayError as `build`
 */
export function cnn(options: CnnOptions): Model {
  checkOptions("cnn", options, CNN_OPTIONS);
  const { channels, height, width, seed } = options;
  return build(cnnLayers(options), { input: { kind: "image", channels, height, width }, seed, name: "cnn" });
}

/** The layers of `cnn`. */
export function cnnLayers(options: Omit<CnnOptions, "channels" | "height" | "width" | "seed">): Layers {
  const { stages = [32, 64, 128], blocks = 1, block = "residual" } = options;
  if (!Object.hasOwn(BLOCKS, block))
    throw new SlipwayError(
      "NETWORK_INVALID",
      `There is no block '${block}'; take one of ${Object.keys(BLOCKS).join(", ")}.`,
    );
  const stage = (channels: number, stride: number): Layers =>
    Array.from({ length: blocks }, (_, index) =>
      named(`block${index + 1}`, BLOCKS[block](channels, index === 0 ? stride : 1)),
    );
  return [
    named("stem", [
      conv({ channels: stages[0] ?? 32, kernel: 3, bias: false, initialization: HE }),
      batchNorm(),
      relu(),
    ]),
    ...widthsOf("cnn", "stages", stages).map((channels, index) =>
      named(`stage${index + 1}`, [stage(channels, index === 0 ? 1 : 2)]),
    ),
    globalAveragePool(),
    dropped(options.dropout ?? 0),
    named("head", linear(options.classes)),
  ];
}

/** As torchvision begins its convolutions: what goes backwards keeps its size. */
export const HE: Initialization = { kind: "he-normal", fan: "out" };

/** Two convolutions of 3 × 3 with normalisations, as ResNet has them. */
export function basicBranch(channels: number, stride: number): Layers {
  const same = { kernel: 3, bias: false, initialization: HE } as const;
  return [conv({ channels, stride, ...same }), batchNorm(), relu(), conv({ channels, ...same }), batchNorm()];
}

const BLOCKS: {
  readonly [K in NonNullable<CnnOptions["block"]>]: (channels: number, stride: number) => Layers;
} = {
  residual: (channels, stride) =>
    residual(basicBranch(channels, stride), { shortcut: "projection", activation: "relu" }),
  plain: (channels, stride) => [basicBranch(channels, stride), relu()],
  separable: (channels, stride) => [
    separableConv({ channels, kernel: 3, stride, initialization: "he-normal" }),
    separableConv({ channels, kernel: 3, initialization: "he-normal" }),
  ],
};
