// Nodes that scale and shift each channel by stored numbers, read as that: what can be folded into the weights of what is in front
// of them. Numbers are combined in float64 and rounded once, to the weights' type.
import { AttributeReader, type Initializer, type Node, tensorFromInitializer } from "#graph";

/** y[c] = scale[c] · x[c] + shift[c] for each channel c. */
export interface ChannelAffine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The value a node scales and shifts. */
export interface AffineSite {
  readonly name: string;
  readonly channels: number;
  /** Axes behind that of the channels. */
  readonly axesBehind: number;
  /** All axes; null where that is not known. */
  readonly rank: number | null;
}

type Stored = ReadonlyMap<string, Initializer>;

/** What a node does to each channel of a value; null where it does something else, or with numbers that are not stored. */
export function channelAffineOf(node: Node, site: AffineSite, stored: Stored): ChannelAffine | null {
  if (node.domain !== "") return null;
  if (node.opType === "BatchNormalization") return normalizationOf(node, site, stored);
  const place = node.inputs.indexOf(site.name);
  const other = node.inputs[1 - place];
  if (node.inputs.length !== 2 || other === undefined || other === site.name) return null;
  const values = channelValues(stored.get(other), site);
  if (values === null) return null;
  const [zeros, ones] = [new Float64Array(site.channels), new Float64Array(site.channels).fill(1)];
  switch (node.opType) {
    case "Add":
      return { scale: ones, shift: values };
    case "Sub":
      return place === 0
        ? { scale: ones, shift: values.map((value) => -value) }
        : { scale: ones.map((one) => -one), shift: values };
    case "Mul":
      return { scale: values, shift: zeros };
    case "Div":
      return place === 0 ? { scale: values.map((value) => 1 / value), shift: zeros } : null;
    default:
      return null;
  }
}

/** BatchNormalization by stored statistics: y = (x − mean) · scale / √(variance + ε) + bias. Its channels are axis 1. */
function normalizationOf(node: Node, site: AffineSite, stored: Stored): ChannelAffine | null {
  const attributes = new AttributeReader(node);
  const isTraining = attributes.int("training_mode", 0) !== 0 || node.outputs.slice(1).some((name) => name !== "");
  if (isTraining || attributes.int("spatial", 1) !== 1 || site.rank !== site.axesBehind + 2) return null;
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => numbersIn(stored.get(name)));
  if (!scale || !bias || !mean || !variance || scale.length !== site.channels) return null;
  const epsilon = attributes.float("epsilon", 1e-5);
  const factor = scale.map((value, channel) => value / Math.sqrt(variance[channel]! + epsilon));
  return { scale: factor, shift: bias.map((value, channel) => value - mean[channel]! * factor[channel]!) };
}

/** Stored numbers that are broadcast to a value as one for each channel, or one for all; null where they are not. */
function channelValues(stored: Initializer | undefined, site: AffineSite): Float64Array | null {
  if (stored === undefined) return null;
  const { shape } = stored;
  // More axes than the value has would give the result more.
  if (shape.length > (site.rank ?? site.axesBehind + 1)) return null;
  const axis = shape.length - 1 - site.axesBehind;
  if (shape.some((length, index) => length !== 1 && (index !== axis || length !== site.channels))) return null;
  const values = numbersIn(stored);
  return values?.length === 1 ? new Float64Array(site.channels).fill(values[0]!) : values;
}

/** The elements of a stored tensor of float32 or float64; null for others, and for what lies in another file. */
export function numbersIn(stored: Initializer | undefined): Float64Array | null {
  if (stored === undefined || stored.data.kind === "external") return null;
  if (stored.dtype !== "float32" && stored.dtype !== "float64") return null;
  return Float64Array.from(tensorFromInitializer(stored).data as Float32Array | Float64Array);
}
