// Convolutions over images and signals.
import type { Value } from "../form.ts";
import { convolutionFans } from "../initialization.ts";
import type { Layers } from "../layer.ts";
import type { Site } from "../site.ts";
import { batchNorm } from "./normalization.ts";
import { biasesOf, relu, weightsOf, type WeightOptions } from "./dense.ts";
import { type Lengths, type Padding, perAxis, spatialOf, windowOver } from "./window.ts";

export interface KernelOptions extends WeightOptions {
  /** Lengths of the kernel. */
  readonly kernel: Lengths;
  /** 1 unless said. */
  readonly stride?: Lengths;
  /** `same` unless said. */
  readonly padding?: Padding;
  /** 1 unless said. */
  readonly dilation?: Lengths;
}

export interface ConvolutionOptions extends KernelOptions {
  /** Channels it makes. */
  readonly channels: number;
  /** Channels it must be given, where that should be checked. */
  readonly inputChannels?: number;
  /** Into how many groups channels are divided that know nothing of each other; 1 unless said. */
  readonly groups?: number;
}

export interface Convolution extends ConvolutionOptions {
  readonly kind: "conv";
}

/**
 * A convolution over an image or a signal, whichever it is given. Parameters, as PyTorch has them: `weight` [channels, input
 * channels / groups, …kernel] and `bias` [channels].
 */
export function conv(options: ConvolutionOptions): Convolution {
  return { kind: "conv", ...options };
}

export function emitConvolution(site: Site, layer: Convolution, x: Value): Value {
  const { channels: inputs } = spatialOf(site, x);
  const channels = site.whole("channels", layer.channels);
  if (layer.inputChannels !== undefined && layer.inputChannels !== inputs)
    throw site.fault(
      `it expects ${layer.inputChannels} channels and got ${inputs}; change inputChannels, or the layer before to give ${layer.inputChannels}`,
    );
  const groups = site.whole("groups", layer.groups ?? 1);
  for (const [what, count] of [
    ["given", inputs],
    ["made", channels],
  ] as const) {
    if (count % groups !== 0)
      throw site.fault(
        `the ${count} channels it is ${what} can't be divided into ${groups} groups; change groups or channels`,
      );
  }
  return convolved(site, layer, x, channels, groups);
}

export interface DepthwiseConvolutionOptions extends KernelOptions {
  /** Channels made of each; 1 unless said. */
  readonly multiplier?: number;
}

export interface DepthwiseConvolution extends DepthwiseConvolutionOptions {
  readonly kind: "depthwiseConv";
}

/** A convolution of each channel on its own. Parameters: `weight` [channels · multiplier, 1, …kernel] and `bias`. */
export function depthwiseConv(options: DepthwiseConvolutionOptions): DepthwiseConvolution {
  return { kind: "depthwiseConv", ...options };
}

export function emitDepthwiseConvolution(site: Site, layer: DepthwiseConvolution, x: Value): Value {
  const { channels } = spatialOf(site, x);
  return convolved(site, layer, x, channels * site.whole("multiplier", layer.multiplier ?? 1), channels);
}

/**
 * A depthwise convolution and one of 1 × 1 that mixes its channels, each normalised and rectified, for a fraction of the
 * weights and work of a full one. Source: Howard et al., arXiv 1704.04861, figure 3.
 */
export function separableConv({
  channels,
  initialization,
  ...spatial
}: Omit<ConvolutionOptions, "groups" | "bias" | "inputChannels">): Layers {
  const begins = initialization === undefined ? {} : { initialization };
  return [
    depthwiseConv({ ...spatial, ...begins, bias: false }),
    batchNorm(),
    relu(),
    conv({ channels, kernel: 1, ...begins, bias: false }),
    batchNorm(),
    relu(),
  ];
}

function convolved(site: Site, layer: KernelOptions, x: Value, channels: number, groups: number): Value {
  const { channels: inputs, lengths, formOf } = spatialOf(site, x);
  const { kernel, stride = 1, dilation = 1, padding = "same" } = layer;
  const window = windowOver(site, lengths, { size: kernel, stride, dilation, padding }, "kernel");
  const shape = [channels, inputs / groups, ...window.size];
  const fans = convolutionFans(shape);
  const weight = site.parameter("weight", shape, weightsOf(layer), fans);
  const bias = layer.bias === false ? [] : [site.parameter("bias", [channels], biasesOf(layer), fans)];
  const name = site.op("Conv", [x.name, weight, ...bias], {
    kernel_shape: window.size,
    strides: window.strides,
    dilations: window.dilations,
    pads: window.pads,
    group: groups,
  });
  return { ...x, name, form: formOf(channels, window.places) };
}

export interface TransposedConvolutionOptions extends WeightOptions {
  /** Channels it makes. */
  readonly channels: number;
  /** Lengths of the kernel. */
  readonly kernel: Lengths;
  /** How far apart it puts the kernel's copies; 1 unless said. */
  readonly stride?: Lengths;
  /** How much is cut off on either side; 0 unless said. */
  readonly padding?: Lengths;
  /** How much is added behind, less than the stride; 0 unless said. */
  readonly outputPadding?: Lengths;
}

export interface TransposedConvolution extends TransposedConvolutionOptions {
  readonly kind: "convTranspose";
}

/**
 * What a convolution would be the way back of: each place adds a multiple of the kernel, so that an axis gets (length − 1) ·
 * stride + kernel − 2 · padding + outputPadding places. With kernel and stride of 2 an image gets twice its height and width.
 * Parameters, as PyTorch has them: `weight` [input channels, channels, …kernel] and `bias` [channels].
 */
export function convTranspose(options: TransposedConvolutionOptions): TransposedConvolution {
  return { kind: "convTranspose", ...options };
}

export function emitTransposedConvolution(site: Site, layer: TransposedConvolution, x: Value): Value {
  const { channels: inputs, lengths, formOf } = spatialOf(site, x);
  const channels = site.whole("channels", layer.channels);
  const kernel = perAxis(site, "kernel", layer.kernel, lengths.length);
  const strides = perAxis(site, "stride", layer.stride ?? 1, lengths.length);
  const pads = perAxis(site, "padding", layer.padding ?? 0, lengths.length, 0);
  const added = perAxis(site, "outputPadding", layer.outputPadding ?? 0, lengths.length, 0);
  const places = lengths.map((length, axis) => {
    if (added[axis]! >= strides[axis]!)
      throw site.fault(`outputPadding is ${added[axis]} at a stride of ${strides[axis]}; it must be less`);
    const made = (length - 1) * strides[axis]! + kernel[axis]! - 2 * pads[axis]! + added[axis]!;
    if (made < 1) throw site.fault(`its padding of ${pads[axis]} cuts off all that it makes; pad less`);
    return made;
  });
  const shape = [inputs, channels, ...kernel];
  const fans = convolutionFans(shape);
  const weight = site.parameter("weight", shape, weightsOf(layer), fans);
  const bias = layer.bias === false ? [] : [site.parameter("bias", [channels], biasesOf(layer), fans)];
  const name = site.op("ConvTranspose", [x.name, weight, ...bias], {
    kernel_shape: kernel,
    strides,
    pads: [...pads, ...pads],
    output_padding: added,
  });
  return { ...x, name, form: formOf(channels, places) };
}
