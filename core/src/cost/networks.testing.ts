// Published networks from their papers' and torchvision's architectures, and the shapes of all their values, worked out here
// as they are built. Weights are named and have shapes, but no numbers: counting needs none.
import { createInitializer, float, type GraphBuilder, graphBuilder, type Model } from "#graph";
import { createData, type DType } from "#tensor";
import { type ValueShape, type ValueShapes, volume } from "./shapes.ts";

export interface Network {
  readonly model: Model;
  readonly shapes: ValueShapes;
}

type Attributes = Parameters<GraphBuilder["op"]>[2];

/** A graph builder that knows the shape of every value. */
class NetworkBuilder {
  readonly #graph = graphBuilder({ opset: 17 });
  readonly #shapes = new Map<string, ValueShape>();
  #weights = 0;

  input(name: string, dtype: DType, dims: readonly number[], symbols: readonly (string | number)[] = dims): string {
    this.#shapes.set(name, { dtype, dims });
    return this.#graph.input(name, dtype, symbols);
  }

  dims(value: string): readonly number[] {
    return this.#shapes.get(value)!.dims;
  }

  /** A stored tensor of zeros that are made when somebody asks. */
  weight(...shape: number[]): string {
    const length = volume(shape);
    const decode = () => createData("float32", length);
    const data = { kind: "deferred", length, sizeBytes: 4 * length, decode } as const;
    return this.#graph.initializer(createInitializer({ name: `w${this.#weights++}`, dtype: "float32", shape, data }));
  }

  ints(...values: number[]): string {
    return this.#graph.values("int64", values);
  }

  scalar(value: number): string {
    return this.#graph.values("float32", [value], []);
  }

  /** A node with one output of this shape. */
  op(opType: string, inputs: readonly string[], dims: readonly number[], attributes: Attributes = {}): string {
    const output = this.#graph.op(opType, inputs, attributes);
    this.#shapes.set(output, { dtype: "float32", dims });
    return output;
  }

  like(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.op(opType, inputs, this.dims(inputs[0]!), attributes);
  }

  conv(
    x: string,
    channels: number,
    kernel: number,
    stride = 1,
    { groups = 1, bias = false, pad = kernel >> 1 } = {},
  ): string {
    const [batch, inputs, height, width] = this.dims(x) as [number, number, number, number];
    const out = (length: number) => Math.floor((length + 2 * pad - kernel) / stride) + 1;
    const weights = [this.weight(channels, inputs / groups, kernel, kernel), ...(bias ? [this.weight(channels)] : [])];
    return this.op("Conv", [x, ...weights], [batch, channels, out(height), out(width)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    });
  }

  batchNorm(x: string): string {
    const channels = this.dims(x)[1]!;
    const weights = [1, 2, 3, 4].map(() => this.weight(channels));
    return this.like("BatchNormalization", [x, ...weights], { epsilon: float(1e-5) });
  }

  relu(x: string): string {
    return this.like("Relu", [x]);
  }

  /** [N, C, H, W] to [N, C], by the mean. */
  pooled(x: string): string {
    const [batch, channels] = this.dims(x) as [number, number];
    const mean = this.op("GlobalAveragePool", [x], [batch, channels, 1, 1]);
    return this.op("Flatten", [mean], [batch, channels]);
  }

  /** A fully connected layer over rows. */
  gemm(x: string, outputs: number): string {
    const [rows, inputs] = this.dims(x) as [number, number];
    return this.op("Gemm", [x, this.weight(outputs, inputs), this.weight(outputs)], [rows, outputs], { transB: 1 });
  }

  /** A fully connected layer over the last axis. */
  linear(x: string, outputs: number): string {
    const dims = this.dims(x);
    const product = this.op("MatMul", [x, this.weight(dims.at(-1)!, outputs)], [...dims.slice(0, -1), outputs]);
    return this.like("Add", [product, this.weight(outputs)]);
  }

  layerNorm(x: string): string {
    const width = this.dims(x).at(-1)!;
    return this.like("LayerNormalization", [x, this.weight(width), this.weight(width)], { axis: -1 });
  }

  gelu(x: string): string {
    const scaled = this.like("Div", [x, this.scalar(Math.SQRT2)]);
    const raised = this.like("Add", [this.like("Erf", [scaled]), this.scalar(1)]);
    return this.like("Mul", [this.like("Mul", [x, raised]), this.scalar(0.5)]);
  }

  /** Self-attention over [N, S, D], with its four projections. */
  selfAttention(x: string, heads: number, mask: string | null): string {
    const [batch, length, width] = this.dims(x) as [number, number, number];
    const depth = width / heads;
    const split = (value: string, perm: number[], dims: number[]) => {
      const apart = this.op("Reshape", [value, this.ints(0, 0, heads, depth)], [batch, length, heads, depth]);
      return this.op("Transpose", [apart], dims, { perm });
    };
    const query = split(this.linear(x, width), [0, 2, 1, 3], [batch, heads, length, depth]);
    const key = split(this.linear(x, width), [0, 2, 3, 1], [batch, heads, depth, length]);
    const value = split(this.linear(x, width), [0, 2, 1, 3], [batch, heads, length, depth]);
    const products = this.op("MatMul", [query, key], [batch, heads, length, length]);
    const scaled = this.like("Div", [products, this.scalar(Math.sqrt(depth))]);
    const scores = mask === null ? scaled : this.like("Add", [scaled, mask]);
    const weights = this.like("Softmax", [scores], { axis: -1 });
    const mixed = this.op("MatMul", [weights, value], [batch, heads, length, depth]);
    const back = this.op("Transpose", [mixed], [batch, length, heads, depth], { perm: [0, 2, 1, 3] });
    return this.linear(this.op("Reshape", [back, this.ints(0, 0, width)], [batch, length, width]), width);
  }

  network(outputs: Readonly<Record<string, string>>): Network {
    for (const [name, value] of Object.entries(outputs)) {
      this.#shapes.set(name, this.#shapes.get(value)!);
      this.#graph.output(name, value, "float32", [null, ...this.dims(value).slice(1)]);
      this.#shapes.delete(value); // the node that makes it writes to the output's name
    }
    return { model: this.#graph.model(), shapes: this.#shapes };
  }
}

/** He et al., Deep Residual Learning for Image Recognition, 2015, with the stride at the 3×3 convolution (torchvision). */
function resNet(blocks: readonly number[], isBottleneck: boolean): Network {
  const b = new NetworkBuilder();
  const image = b.input("image", "float32", [1, 3, 224, 224], ["N", 3, 224, 224]);
  const stem = b.relu(b.batchNorm(b.conv(image, 64, 7, 2)));
  let x = b.op("MaxPool", [stem], [1, 64, 56, 56], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const [stage, count] of blocks.entries()) {
    const width = 64 * 2 ** stage;
    const outputs = isBottleneck ? 4 * width : width;
    for (let block = 0; block < count; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const isSame = stride === 1 && b.dims(x)[1] === outputs;
      const beside = isSame ? x : b.batchNorm(b.conv(x, outputs, 1, stride));
      let y = x;
      if (isBottleneck) {
        y = b.relu(b.batchNorm(b.conv(y, width, 1)));
        y = b.relu(b.batchNorm(b.conv(y, width, 3, stride)));
        y = b.batchNorm(b.conv(y, outputs, 1));
      } else {
        y = b.relu(b.batchNorm(b.conv(y, width, 3, stride)));
        y = b.batchNorm(b.conv(y, width, 3));
      }
      x = b.relu(b.like("Add", [y, beside]));
    }
  }
  return b.network({ logits: b.gemm(b.pooled(x), 1000) });
}

export const resNet18 = (): Network => resNet([2, 2, 2, 2], false);
export const resNet50 = (): Network => resNet([3, 4, 6, 3], true);

/** Sandler et al., MobileNetV2, 2018, table 2. */
export function mobileNetV2(): Network {
  const b = new NetworkBuilder();
  const relu6 = (x: string) => b.like("Clip", [x, b.scalar(0), b.scalar(6)]);
  const layer = (x: string, channels: number, kernel: number, stride = 1, groups = 1) =>
    relu6(b.batchNorm(b.conv(x, channels, kernel, stride, { groups })));
  let x = layer(b.input("image", "float32", [1, 3, 224, 224], ["N", 3, 224, 224]), 32, 3, 2);
  const table = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  for (const [expansion, channels, repeats, firstStride] of table) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const stride = repeat === 0 ? firstStride : 1;
      const inputs = b.dims(x)[1]!;
      const wide = inputs * expansion;
      const expanded = expansion === 1 ? x : layer(x, wide, 1);
      const y = b.batchNorm(b.conv(layer(expanded, wide, 3, stride, wide), channels, 1));
      x = stride === 1 && inputs === channels ? b.like("Add", [x, y]) : y;
    }
  }
  return b.network({ logits: b.gemm(b.pooled(layer(x, 1280, 1)), 1000) });
}

/** Devlin et al., BERT, 2018: base, without a head but with its pooler. */
export function bertBase(length = 128): Network {
  const b = new NetworkBuilder();
  const [batch, width] = [1, 768];
  const ids = b.input("input_ids", "int64", [batch, length], ["batch", "sequence"]);
  const types = b.input("token_type_ids", "int64", [batch, length], ["batch", "sequence"]);
  const mask = b.input("mask", "float32", [batch, 1, 1, length], ["batch", 1, 1, "sequence"]);
  const embed = (rows: number, indices: string) =>
    b.op("Gather", [b.weight(rows, width), indices], [batch, length, width]);
  const words = b.like("Add", [embed(30522, ids), embed(2, types)]);
  const positions = b.op("Slice", [b.weight(512, width), b.ints(0), b.ints(length), b.ints(0)], [length, width]);
  let x = b.layerNorm(b.like("Add", [words, positions]));
  for (let layer = 0; layer < 12; layer++) {
    x = b.layerNorm(b.like("Add", [x, b.selfAttention(x, 12, mask)]));
    x = b.layerNorm(b.like("Add", [x, b.linear(b.gelu(b.linear(x, 4 * width)), width)]));
  }
  const first = b.op("Gather", [x, b.ints(0)], [batch, 1, width], { axis: 1 });
  const pooled = b.like("Tanh", [b.gemm(b.op("Flatten", [first], [batch, width]), width)]);
  return b.network({ hidden: x, pooled });
}

/** Dosovitskiy et al., An Image is Worth 16x16 Words, 2020: base, patches of 16. */
export function vitB16(): Network {
  const b = new NetworkBuilder();
  const [width, tokens] = [768, 197];
  const image = b.input("image", "float32", [1, 3, 224, 224], ["N", 3, 224, 224]);
  const patches = b.conv(image, width, 16, 16, { bias: true, pad: 0 });
  const flat = b.op("Reshape", [patches, b.ints(0, width, -1)], [1, width, 196]);
  const rows = b.op("Transpose", [flat], [1, 196, width], { perm: [0, 2, 1] });
  const joined = b.op("Concat", [b.weight(1, 1, width), rows], [1, tokens, width], { axis: 1 });
  let x = b.like("Add", [joined, b.weight(1, tokens, width)]);
  for (let layer = 0; layer < 12; layer++) {
    x = b.like("Add", [x, b.selfAttention(b.layerNorm(x), 12, null)]);
    x = b.like("Add", [x, b.linear(b.gelu(b.linear(b.layerNorm(x), 4 * width)), width)]);
  }
  const first = b.op("Gather", [b.layerNorm(x), b.ints(0)], [1, 1, width], { axis: 1 });
  return b.network({ logits: b.gemm(b.op("Flatten", [first], [1, width]), 1000) });
}
