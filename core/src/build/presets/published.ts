// Published networks for images, layer by layer as torchvision has them, in any width.
import type { Model } from "#graph";
import { build } from "../build.ts";
import { type Layer, type Layers, named } from "../layer.ts";
import { residual } from "../layers/combination.ts";
import { conv, depthwiseConv } from "../layers/convolution.ts";
import { activation, dropout, linear, relu } from "../layers/dense.ts";
import { batchNorm } from "../layers/normalization.ts";
import { globalAveragePool, maxPool } from "../layers/pooling.ts";
import { basicBranch, HE } from "./cnn.ts";
import { checkOptions, type OptionTable } from "./options.ts";

export interface PublishedOptions {
  /** 1000 unless said. */
  readonly classes?: number;
  /** 3 unless said. */
  readonly channels?: number;
  /** 224 unless said. */
  readonly height?: number;
  /** 224 unless said. */
  readonly width?: number;
  readonly seed: number | bigint;
}

const PUBLISHED = {
  classes: "optional",
  channels: "optional",
  height: "optional",
  width: "optional",
  seed: "needed",
} as const satisfies OptionTable<PublishedOptions>;

export interface ResNetOptions extends PublishedOptions {
  /** Channels of the first stage, which each stage doubles; 64 unless said. */
  readonly stem?: number;
  /**
   * For images of 64 pixels and less: begins with a convolution of 3 × 3 instead of one of 7 × 7 and a pool, which divide
   * height and width by four.
   */
  readonly isForSmallImages?: boolean;
}

/**
 * ResNet-18: 11,689,512 parameters for 1000 classes. `input` [N, channels, height, width] to `logits` [N, classes]. Parameters:
 * `stem.conv.weight`, `stage1.block1.conv1.weight`, `stage2.block1.shortcut.conv.weight`, …, `head.weight`.
 * Source: He et al., arXiv 1512.03385; biases, padding and first values as in torchvision.
 * @throws SlipwayError as `build`
 */
export function resNet18(options: ResNetOptions): Model {
  checkOptions("resNet18", options, { ...PUBLISHED, stem: "optional", isForSmallImages: "optional" });
  return build(resNet18Layers(options), { input: imageOf(options), seed: options.seed, name: "resnet18" });
}

/** The layers of `resNet18`. */
export function resNet18Layers(options: Pick<ResNetOptions, "classes" | "stem" | "isForSmallImages">): Layers {
  const { classes = 1000, stem = 64, isForSmallImages = false } = options;
  const first = isForSmallImages
    ? [conv({ channels: stem, kernel: 3, bias: false, initialization: HE }), batchNorm(), relu()]
    : [
        conv({ channels: stem, kernel: 7, stride: 2, bias: false, initialization: HE }),
        batchNorm(),
        relu(),
        maxPool({ size: 3, stride: 2, padding: 1 }),
      ];
  return [
    named("stem", first),
    ...[1, 2, 4, 8].map((factor, index) =>
      named(`stage${index + 1}`, [
        basicBlock("block1", stem * factor, index === 0 ? 1 : 2),
        basicBlock("block2", stem * factor, 1),
      ]),
    ),
    globalAveragePool(),
    named("head", linear(classes)),
  ];
}

function basicBlock(name: string, channels: number, stride: number): Layer {
  const shortcut = [conv({ channels, kernel: 1, stride, bias: false, initialization: HE }), batchNorm()];
  const options = stride === 1 ? {} : { shortcut };
  return named(name, residual(basicBranch(channels, stride), { ...options, activation: "relu" }));
}

export interface MobileNetOptions extends PublishedOptions {
  /** Of all channels; 1 unless said. */
  readonly multiplier?: number;
}

/** Expansion, channels, blocks and the first one's stride of each stage. Source: Sandler et al., arXiv 1801.04381, table 2. */
const MOBILENET_STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * MobileNetV2: 3,504,872 parameters for 1000 classes. `input` [N, channels, height, width] to `logits` [N, classes]. Parameters:
 * `stem.conv.weight`, `stage2.block1.expand.conv.weight`, `….depthwise.conv.weight`, `….project.conv.weight`, …, `head.weight`.
 * Source: Sandler et al., arXiv 1801.04381; rounding of channels and first values as in torchvision.
 * @throws SlipwayError as `build`
 */
export function mobileNetV2(options: MobileNetOptions): Model {
  checkOptions("mobileNetV2", options, { ...PUBLISHED, multiplier: "optional" });
  return build(mobileNetV2Layers(options), { input: imageOf(options), seed: options.seed, name: "mobilenet_v2" });
}

/** The layers of `mobileNetV2`. */
export function mobileNetV2Layers({
  classes = 1000,
  multiplier = 1,
}: Pick<MobileNetOptions, "classes" | "multiplier">): Layers {
  const stem = inEights(32 * multiplier);
  const last = inEights(1280 * Math.max(1, multiplier));
  let given = stem;
  const stages = MOBILENET_STAGES.map(([expansion, channels, count, stride], index) => {
    const made = inEights(channels * multiplier);
    const blocks = Array.from({ length: count }, (_, at) => {
      const branch = invertedBottleneck(given, expansion, made, at === 0 ? stride : 1);
      const isResidual = given === made && (at > 0 || stride === 1);
      given = made;
      return named(`block${at + 1}`, isResidual ? residual(branch) : branch);
    });
    return named(`stage${index + 1}`, blocks);
  });
  return [
    named("stem", [
      conv({ channels: stem, kernel: 3, stride: 2, bias: false, initialization: HE }),
      batchNorm(),
      relu6(),
    ]),
    ...stages,
    named("last", pointwise(last)),
    globalAveragePool(),
    dropout(0.2),
    named("head", linear(classes, { initialization: { kind: "normal", deviation: 0.01 } })),
  ];
}

const relu6 = (): Layer => activation("relu6");

function pointwise(channels: number): readonly Layers[] {
  return [conv({ channels, kernel: 1, bias: false, initialization: HE }), batchNorm(), relu6()];
}

function invertedBottleneck(given: number, expansion: number, made: number, stride: number): readonly Layers[] {
  return [
    expansion === 1 ? [] : named("expand", pointwise(given * expansion)),
    named("depthwise", [depthwiseConv({ kernel: 3, stride, bias: false, initialization: HE }), batchNorm(), relu6()]),
    named("project", [conv({ channels: made, kernel: 1, bias: false, initialization: HE }), batchNorm()]),
  ];
}

/** To the nearest multiple of 8, but not down by more than a tenth. */
function inEights(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

function imageOf({ channels = 3, height = 224, width = 224 }: PublishedOptions) {
  return { kind: "image", channels, height, width } as const;
}
