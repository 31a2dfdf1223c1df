// What is said of networks that can't be built: which layer, what it was given, what is wrong and what to do.
import { describe, expect, it } from "vitest";
import {
  activation,
  batchNorm,
  build,
  type BuildOptions,
  classToken,
  cnn,
  concatenate,
  conv,
  type ConvolutionOptions,
  convTranspose,
  dropout,
  embedding,
  feedForward,
  firstToken,
  flatten,
  globalAveragePool,
  globalMaxPool,
  groupNorm,
  type Initialization,
  type Input,
  languageModelHead,
  layerNorm,
  type Layers,
  linear,
  maxPool,
  mlp,
  named,
  patchEmbedding,
  positionEmbedding,
  relu,
  residual,
  selfAttention,
  softmax,
  squeezeExcitation,
  transformerBlock,
  transformerEncoder,
  upsample,
} from "./index.ts";

const INPUTS = {
  rows: { kind: "features", features: 4 },
  image: { kind: "image", channels: 3, height: 32, width: 32 },
  signal: { kind: "signal", channels: 2, length: 5 },
  sequence: { kind: "sequence", features: 6 },
  tokens: { kind: "tokens", vocabulary: 7 },
} as const satisfies Readonly<Record<string, Input>>;

const GIVEN = {
  rows: "given features [N, 4]",
  image: "given an image [N, 3, 32, 32]",
  signal: "given a signal [N, 2, 5]",
  sequence: "given a sequence [N, length, 6]",
  tokens: "given tokens [N, length]",
} as const;

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ code: "NETWORK_INVALID" });
    return (error as Error).message;
  }
  return "nothing was wrong";
}

const messageFor = (layers: Layers, input: Input): string => messageOf(() => build(layers, { input, seed: 1 }));

/** What a file may hold that no compiler has seen. */
const untyped = <T>(value: unknown): T => value as T;

const square = (channels: number, options: Partial<ConvolutionOptions> = {}): Layers =>
  conv({ channels, kernel: 3, ...options });
const begins = (initialization: unknown): Layers =>
  linear(3, { initialization: untyped<Initialization>(initialization) });

/** The last layer of each is at fault, and named by its kind. */
const CASES: readonly (readonly [keyof typeof INPUTS, kind: string, Layers, fault: string])[] = [
  ["image", "linear", linear(10), "it takes features or a sequence; put flatten() or globalAveragePool() before it"],
  ["tokens", "linear", linear(10), "it takes features or a sequence; put embedding() before it"],
  [
    "rows",
    "linear",
    linear(3, { inputs: 5 }),
    "it expects 5 inputs and got 4; change inputs, or the layer before to give 5",
  ],
  ["rows", "linear", linear(0), "outputs is 0; give a whole number of at least 1"],
  ["rows", "linear", linear(2.5), "outputs is 2.5; give a whole number of at least 1"],
  ["rows", "linear", linear(untyped(undefined)), "outputs is undefined; give a whole number of at least 1"],
  [
    "rows",
    "linear",
    linear(2 ** 31),
    "its weight would be [4, 2147483648], of more than 4294967296 numbers; make it smaller",
  ],
  [
    "image",
    "conv",
    square(4, { groups: 2 }),
    "the 3 channels it is given can't be divided into 2 groups; change groups or channels",
  ],
  [
    "image",
    "conv",
    square(5, { groups: 3 }),
    "the 5 channels it is made can't be divided into 3 groups; change groups or channels",
  ],
  [
    "image",
    "conv",
    square(4, { kernel: 20, dilation: 2, padding: "valid" }),
    "its window reaches over 39 places of an axis that has 32 with its padding; make kernel smaller, or pad more",
  ],
  [
    "image",
    "conv",
    square(4, { kernel: [3, 3, 3] }),
    "kernel has 3 lengths for 2 axes; give one number, or one for each",
  ],
  [
    "signal",
    "conv",
    square(4, { stride: [1, 1] }),
    "stride has 2 lengths for 1 axis; give one number, or one for each",
  ],
  ["image", "conv", square(4, { stride: 0 }), "stride is 0; give a whole number of at least 1"],
  ["image", "conv", square(4, { padding: -1 }), "padding is -1; give a whole number of at least 0"],
  [
    "image",
    "conv",
    square(4, { padding: untyped("some") }),
    "there is no padding 'some'; did you mean 'same'? There are same, valid",
  ],
  [
    "image",
    "conv",
    square(4, untyped({ pading: 1 })),
    "there is no option 'pading'; did you mean 'padding'? There are initialization, biasInitialization, bias, kernel, stride, padding, dilation, channels, inputChannels, groups",
  ],
  ["rows", "conv", square(4), "it takes an image or a signal; give the network such an input, or leave the layer out"],
  [
    "sequence",
    "conv",
    square(4),
    "it takes an image or a signal; give the network a signal, whose channels come first",
  ],
  [
    "signal",
    "maxPool",
    maxPool({ size: 9 }),
    "its window reaches over 9 places of an axis that has 5 with its padding; make size smaller, or pad more",
  ],
  [
    "image",
    "maxPool",
    maxPool({ size: 2, padding: 2 }),
    "its padding is as wide as its window of 2, so some windows see nothing else; pad less",
  ],
  [
    "image",
    "convTranspose",
    convTranspose({ channels: 4, kernel: 2, stride: 2, outputPadding: 2 }),
    "outputPadding is 2 at a stride of 2; it must be less",
  ],
  [
    "signal",
    "convTranspose",
    convTranspose({ channels: 4, kernel: 2, padding: 3 }),
    "its padding of 3 cuts off all that it makes; pad less",
  ],
  ["image", "upsample", upsample({ factor: 0 }), "factor is 0; give a whole number of at least 1"],
  [
    "image",
    "upsample",
    upsample({ factor: 2, mode: untyped("cubic") }),
    "there is no mode 'cubic'; there are nearest, linear",
  ],
  ["sequence", "globalMaxPool", globalMaxPool(), "it takes an image or a signal; take globalAveragePool()"],
  [
    "tokens",
    "globalAveragePool",
    globalAveragePool(),
    "it takes numbers, not those of words; put embedding() before it",
  ],
  [
    "image",
    "residual",
    residual([square(8)]),
    "its branch makes an image [N, 8, 32, 32] and its shortcut an image [N, 3, 32, 32], which can't be added; say shortcut: 'projection', or make the branch keep its shape",
  ],
  [
    "image",
    "residual",
    residual([square(3, { stride: 2 })]),
    "its branch makes an image [N, 3, 16, 16] and its shortcut an image [N, 3, 32, 32], which can't be added; say shortcut: 'projection', or make the branch keep its shape",
  ],
  [
    "image",
    "residual",
    residual([square(8, { kernel: 5, stride: 2, padding: "valid" })], { shortcut: "projection" }),
    "its branch makes an image [N, 8, 14, 14] and its shortcut an image [N, 3, 32, 32], which can't be added; make the branch keep its shape, or give layers as the shortcut",
  ],
  [
    "rows",
    "residual",
    residual(linear(3)),
    "its branch makes features [N, 3] and its shortcut features [N, 4], which can't be added; end the branch with a layer that makes as many features as it is given",
  ],
  [
    "image",
    "residual",
    residual(square(3), { shortcut: untyped("none") }),
    "there is no shortcut 'none'; there are identity, projection",
  ],
  ["image", "residual", residual([]), "its branch does nothing; put layers into it, or leave it out"],
  ["image", "concatenate", concatenate([]), "it has no branches; give at least one"],
  [
    "image",
    "concatenate",
    concatenate([square(2), square(2, { stride: 2 })]),
    "its branches make an image [N, 2, 32, 32] and an image [N, 2, 16, 16], which can't be joined; make them alike but for channels",
  ],
  ["tokens", "concatenate", concatenate([[], []]), "tokens can't be joined; put embedding() into its branches"],
  [
    "sequence",
    "squeezeExcitation",
    squeezeExcitation(),
    "it takes an image or a signal; give the network a signal, whose channels come first",
  ],
  ["image", "groupNorm", groupNorm({ groups: 2 }), "its 3 channels can't be divided into 2 groups; change groups"],
  [
    "rows",
    "groupNorm",
    groupNorm({ groups: 2 }),
    "it takes an image or a signal; take layerNorm() for rows and sequences",
  ],
  ["image", "layerNorm", layerNorm(), "it takes features or a sequence; take batchNorm(), or groupNorm({ groups: 1 })"],
  ["sequence", "batchNorm", batchNorm(), "it takes an image or a signal or features; take layerNorm() for sequences"],
  ["image", "batchNorm", batchNorm({ momentum: 1 }), "momentum is 1; it must be at least 0 and less than 1"],
  ["image", "batchNorm", batchNorm({ epsilon: 0 }), "epsilon is 0; it must be positive"],
  ["rows", "dropout", dropout(1), "rate is 1; it must be at least 0 and less than 1"],
  [
    "rows",
    "activation",
    activation(untyped("gelutanh")),
    "there is no activation 'gelutanh'; did you mean 'gelu-tanh'? There are relu, relu6, leaky-relu, elu, selu, gelu, gelu-tanh, silu, mish, hard-swish, hard-sigmoid, sigmoid, tanh, softplus, softsign",
  ],
  [
    "rows",
    "activation",
    activation("relu", { slope: 1 }),
    "'relu' has no slope; leave it out, or take 'leaky-relu' or 'elu'",
  ],
  ["rows", "activation", activation("elu", { slope: -1 }), "slope is -1; it must be positive"],
  ["tokens", "activation", relu(), "tokens are numbers of words, not quantities; put embedding() before it"],
  ["image", "softmax", softmax(), "it takes features or a sequence; put flatten() or globalAveragePool() before it"],
  [
    "sequence",
    "flatten",
    flatten(),
    "the length of its sequence is known only when it runs; give the input a length, or take globalAveragePool() or firstToken()",
  ],
  ["rows", "embedding", embedding({ width: 3 }), "it takes tokens; embeddings belong right behind an input of tokens"],
  ["tokens", "embedding", embedding({ width: 0 }), "width is 0; give a whole number of at least 1"],
  [
    "tokens",
    "positionEmbedding",
    positionEmbedding({ maximumLength: 4 }),
    "it takes a sequence; put embedding() before it",
  ],
  [
    "sequence",
    "positionEmbedding",
    positionEmbedding({ maximumLength: 4, positions: untyped("rotary") }),
    "there is no kind of positions 'rotary'; there are learned, sinusoidal",
  ],
  [
    "image",
    "patchEmbedding",
    patchEmbedding({ size: 5, width: 4 }),
    "patches of 5 do not divide its 32 places; take a size that does",
  ],
  ["rows", "classToken", classToken(), "it takes a sequence; put embedding() or patchEmbedding() before it"],
  ["rows", "firstToken", firstToken(), "it takes a sequence; it belongs behind a sequence"],
  [
    "sequence",
    "selfAttention",
    selfAttention({ heads: 4 }),
    "its 6 features can't be divided among 4 heads; change heads or the width",
  ],
  [
    "image",
    "selfAttention",
    selfAttention({ heads: 1 }),
    "it takes a sequence; put patchEmbedding() before it, or give the network a sequence",
  ],
  ["tokens", "feedForward", feedForward({ width: 4 }), "it takes a sequence or features; put embedding() before it"],
  [
    "sequence",
    "transformerBlock",
    transformerBlock({ heads: 2, norm: untyped("both") }),
    "there is no place of the norm 'both'; there are pre, post",
  ],
  [
    "sequence",
    "languageModelHead",
    languageModelHead(),
    "the network has 0 embeddings to share weights with; say tied: false",
  ],
  [
    "sequence",
    "languageModelHead",
    languageModelHead({ tied: false }),
    "no embedding tells how many tokens there are; say vocabulary",
  ],
  [
    "rows",
    "linear",
    begins("he-nromal"),
    "there is no initialization 'he-nromal'; did you mean 'he-normal'? There are zeros, ones, constant, torch-default, uniform, normal, truncated-normal, glorot-uniform, glorot-normal, orthogonal, he-uniform, he-normal, lecun-uniform, lecun-normal",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "truncated-normal", bound: 0.1 }),
    "the initialization 'truncated-normal' of its weight has the bound 0.1; give at least 0.5 deviations, or take 'uniform'",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "uniform", low: 1, high: 1 }),
    "the initialization 'uniform' of its weight goes from 1 to 1; low must be less than high",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "normal", deviation: 0 }),
    "the initialization 'normal' of its weight has the deviation 0; it must be positive",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "he-normal", fan: "both" }),
    "the initialization 'he-normal' of its weight has the fan 'both'; it is 'in' or 'out'",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "constant" }),
    "the initialization 'constant' of its weight has no value; give the number",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "glorot-normal", gain: Number.NaN }),
    "the initialization 'glorot-normal' of its weight has the gain NaN; give a number",
  ],
  [
    "rows",
    "linear",
    begins({ kind: "he-normal", gain: 2 }),
    "the initialization 'he-normal' of its weight has no option 'gain'; it may have fan and negativeSlope",
  ],
];

describe("a layer that does not fit is named, with what it is given", () => {
  it.each(CASES)("%s, %s: %j", (input, kind, layers, fault) => {
    expect(messageFor(layers, INPUTS[input])).toBe(`Layer 1 '${kind}' (${kind}), ${GIVEN[input]}: ${fault}.`);
  });

  it("by its place and path in the network", () => {
    const layers = [
      named("block1", [square(32), relu()]),
      named("block2", [square(64), batchNorm(), square(64, { inputChannels: 32 })]),
    ];
    expect(messageFor(layers, INPUTS.image)).toBe(
      "Layer 3 'block2.conv2' (conv), given an image [N, 64, 32, 32]: it expects 32 channels and got 64; change inputChannels, or the layer before to give 32.",
    );
    expect(messageFor([named("block", transformerBlock({ heads: 4 }))], INPUTS.sequence)).toContain(
      "'block.attention' (selfAttention)",
    );
    expect(
      messageFor([embedding({ width: 3 }), positionEmbedding({ maximumLength: 5 })], { ...INPUTS.tokens, length: 9 }),
    ).toBe(
      "Layer 2 'positionEmbedding' (positionEmbedding), given a sequence [N, 9, 3]: its sequence has 9 places and maximumLength is 5; make it at least 9.",
    );
    expect(messageFor([embedding({ width: 4 }), linear(5), languageModelHead()], INPUTS.tokens)).toContain(
      "it is given 5 features and the embeddings it shares weights with have 4; say tied: false, or put linear(4) before it",
    );
    expect(
      messageFor([linear(5), positionEmbedding({ maximumLength: 9, positions: "sinusoidal" })], INPUTS.sequence),
    ).toContain("sinusoidal positions come in pairs, and 5 is odd; take an even width");
  });

  it("by its name, where that is none or taken", () => {
    expect(messageFor([named("a", linear(2)), named("a", linear(2))], INPUTS.rows)).toBe(
      "Layer 2 'a' (linear), given features [N, 2]: there is a parameter 'a.weight' already; give one of the two layers another name.",
    );
    expect(messageFor(named("a.b", linear(2)), INPUTS.rows)).toContain(
      "'a.b' is no name; take letters, digits, '_' and '-', beginning with a letter, and dots nowhere.",
    );
  });

  it("of presets, too", () => {
    expect(messageOf(() => mlp({ inputs: 4, hidden: [3, 0], outputs: 2, seed: 1 }))).toContain(
      "'hidden2.linear' (linear)",
    );
    const options = {
      channels: 1,
      height: 8,
      width: 8,
      classes: 2,
      seed: 1,
      block: untyped<"plain">("dense"),
    } as const;
    expect(messageOf(() => cnn(options))).toBe("There is no block 'dense'; take one of residual, plain, separable.");
    const text = { vocabulary: 5, maximumLength: 4, classes: 2, seed: 1 };
    const encoder = (more: object) => messageOf(() => transformerEncoder({ ...text, ...more }));
    expect(encoder({ pool: "last" })).toBe("There is no pool 'last'; take 'mean' or 'first'.");
    expect(encoder({ dropuot: 0.1 })).toContain("transformerEncoder has no option 'dropuot'; did you mean 'dropout'?");
    expect(encoder({ length: 9 })).toContain("its sequence has 9 places and maximumLength is 4");
    const rows = { inputs: 4, hidden: [3], outputs: 2, seed: 1 };
    const perceptron = (more: object) => messageOf(() => mlp({ ...rows, ...more }));
    expect(perceptron({ hidden: undefined })).toBe("mlp needs the option 'hidden'.");
    expect(perceptron({ hidden: 64 })).toBe("The option hidden of mlp is 64; give a list of numbers.");
    expect(perceptron({ normalization: "group" })).toBe("There is no normalization 'group'; take 'batch' or 'layer'.");
  });
});

describe("what is no layer is refused", () => {
  it.each<[unknown, string]>([
    [[relu], "A layer of the network is the function relu; call it: relu()."],
    [[undefined], "A layer of the network is undefined; give [] for no layer."],
    [[residual(untyped(null))], "A layer of 'residual' is null; give [] for no layer."],
    [[], "The network has no layers that do anything; give it some."],
    [[flatten()], "The network has no layers that do anything; give it some."],
  ])("%j", (layers, message) => {
    expect(messageFor(untyped(layers), INPUTS.rows)).toBe(message);
  });

  it("by its kind", () => {
    expect(messageFor(untyped({ kind: "cnov" }), INPUTS.rows)).toMatch(
      /there is no layer 'cnov'; did you mean 'conv'\?/,
    );
  });

  it("where arrays or names are too deep", () => {
    let [arrays, names]: [Layers, Layers] = [linear(2), linear(2)];
    for (let depth = 0; depth < 70; depth++) [arrays, names] = [[arrays], named("a", [names])];
    for (const layers of [arrays, names]) expect(messageFor(layers, INPUTS.rows)).toContain("nested deeper than 64");
  });
});

describe("an input or a seed that can't be is refused", () => {
  it.each<[unknown, string]>([
    [{ kind: "table", features: 2 }, "is of the kind 'table'; it may be of features, image, signal, sequence, tokens"],
    [{ kind: "features" }, "has the features undefined; give a whole number of at least 1"],
    [{ ...INPUTS.image, height: 0 }, "has the height 0; give a whole number of at least 1"],
    [{ ...INPUTS.sequence, length: 1.5 }, "has the length 1.5; give a whole number of at least 1"],
    [
      { ...INPUTS.sequence, padding: "none" },
      "has the padding 'none'; give 'mask', or for tokens { token } below the vocabulary",
    ],
    [
      { ...INPUTS.sequence, padding: { token: 1 } },
      "has the padding token 1; give 'mask', or for tokens { token } below the vocabulary",
    ],
    [
      { ...INPUTS.tokens, padding: { token: 7 } },
      "has the padding token 7; give 'mask', or for tokens { token } below the vocabulary",
    ],
  ])("%j", (input, fault) => {
    expect(messageFor(linear(2), untyped(input))).toBe(`The input ${fault}.`);
  });

  it.each([0.5, Number.NaN, undefined])("seed %s", (seed) => {
    const options = untyped<BuildOptions>({ input: INPUTS.rows, seed });
    expect(messageOf(() => build(linear(2), options))).toBe(
      `The seed is ${seed}; give a whole number of at most 2^53 − 1, or a bigint.`,
    );
  });
});

it("who has a compiler is told before", () => {
  // @ts-expect-error -- there is no such activation
  expect(messageFor(activation("gelu-tan"), INPUTS.rows)).toContain("did you mean 'gelu-tanh'?");
  // @ts-expect-error -- there is no such option
  expect(messageFor(conv({ channels: 4, kernel: 3, paddding: 1 }), INPUTS.image)).toContain("did you mean 'padding'?");
  // @ts-expect-error -- channels must be said
  expect(messageFor(conv({ kernel: 3 }), INPUTS.image)).toContain("channels is undefined");
  // @ts-expect-error -- of a constant there is a value to say
  expect(messageFor(linear(2, { initialization: "constant" }), INPUTS.rows)).toContain("has no value; give the number");
  // @ts-expect-error -- an image has channels
  expect(messageFor(conv({ channels: 4, kernel: 3 }), { kind: "image", height: 4, width: 4 })).toContain("channels");
});
