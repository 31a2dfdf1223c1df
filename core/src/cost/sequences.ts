// Recurrent layers and attention: operators that hold several matrix products and what lies between them.
import { SIGMOID_FLOPS, SOFTMAX_FLOPS, TANH_FLOPS } from "./convention.ts";
import { macs, type OperatorCall, type OperatorRule, type Work } from "./operator-call.ts";
import { volume } from "./shapes.ts";

/** What one step of a recurrent layer computes for each hidden unit besides its matrix products. */
interface Cell {
  /** Rows of the weights for each hidden unit. */
  readonly gates: number;
  /** Activations by their defaults, and the arithmetic that joins them. */
  readonly others: number;
  /** Weights that look at the cell's own state. */
  readonly peepholes: number;
}

const LSTM: Cell = { gates: 4, others: 3 * SIGMOID_FLOPS + 2 * TANH_FLOPS + 4, peepholes: 3 };
const GRU: Cell = { gates: 3, others: 2 * SIGMOID_FLOPS + TANH_FLOPS + 5, peepholes: 0 };
const RNN: Cell = { gates: 1, others: TANH_FLOPS, peepholes: 0 };

/** gates·T·B·H·(I + H) for each direction: all T steps of the padded sequence, whatever lengths are given. */
const recurrent =
  ({ gates, others, peepholes }: Cell, isTransposed = false): OperatorRule =>
  (call) => {
    const [first = 0, second = 0, inputSize = 0] = call.input(0);
    const [directions = 0, ...recurrence] = call.input(2);
    const hidden = (isTransposed ? recurrence[0] : recurrence[1]) ?? 0;
    const units = first * second * directions * hidden;
    const biases = call.hasInput(3) ? gates : 0;
    const peeping = call.hasInput(7) ? peepholes : 0;
    return macs(units * (gates * (inputSize + hidden) + peeping), units * (others + biases));
  };

/** What an attention takes to be counted. Heads that share keys and values are counted as if each had its own. */
interface AttentionSize {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  /** Query heads. */
  readonly heads: number;
  /** Widths of all query heads together, of what is compared and of what is mixed. */
  readonly queryWidth: number;
  readonly valueWidth: number;
  /** Operations on each score besides scaling and softmax. */
  readonly scoreFlops: number;
}

/** B·S·L·(h·d + h·dv) with all scores, also those a causal mask discards, as engines and papers count it. */
function attention({ batch, queries, keys, heads, queryWidth, valueWidth, scoreFlops }: AttentionSize): Work {
  const scores = batch * heads * queries * keys;
  return macs(batch * queries * keys * (queryWidth + valueWidth), scores * (SOFTMAX_FLOPS + 1 + scoreFlops));
}

/** Attention of ONNX (23): heads are an axis, or lie side by side in the last one. */
function standardAttention(call: OperatorCall): Work {
  const [query, key, value] = [call.input(0), call.input(1), call.input(2)];
  const split = query.length === 4;
  const heads = split ? query[1]! : call.neededInt("q_num_heads");
  const valueHeads = split ? value[1]! : call.neededInt("kv_num_heads");
  const headWidth = split ? value[3]! : value[2]! / valueHeads;
  return attention({
    batch: query[0]!,
    queries: query.at(-2)!,
    keys: key.at(-2)! + (call.hasInput(4) ? call.input(4).at(-2)! : 0),
    heads,
    queryWidth: split ? heads * query[3]! : query[2]!,
    valueWidth: heads * headWidth,
    scoreFlops: call.hasInput(3) ? 1 : 0,
  });
}

/** Of ONNX Runtime: the projections to queries, keys and values are part of it. `past` is [2, B, heads, P, width]. */
const projectingAttention =
  (maskInput: number, pastInput: number): OperatorRule =>
  (call) => {
    const [batch = 0, queries = 0, inputWidth = 0] = call.input(0);
    const width = call.input(1).at(-1)!;
    const [queryWidth = width / 3, , valueWidth = width / 3] = call.ints("qkv_hidden_sizes") ?? [];
    const past = call.hasInput(pastInput) ? call.input(pastInput)[3]! : 0;
    const work = attention({
      batch,
      queries,
      keys: queries + past,
      heads: call.neededInt("num_heads"),
      queryWidth,
      valueWidth,
      scoreFlops: call.hasInput(maskInput) ? 1 : 0,
    });
    const projected = batch * queries * width;
    return macs(work.macs + projected * inputWidth, work.others + (call.hasInput(2) ? projected : 0));
  };

/** Of ONNX Runtime: queries, keys and values side by side, by heads, or packed along an axis. */
function multiHeadAttention(call: OperatorCall): Work {
  const query = call.input(0);
  const key = call.hasInput(1) ? call.input(1) : query;
  const byHeads = key.length === 4;
  const past = call.hasInput(6) && !byHeads ? call.input(6).at(-2)! : 0;
  const heads = call.neededInt("num_heads");
  const work = attention({
    batch: query[0]!,
    queries: query[1]!,
    keys: (byHeads ? key[2]! : key[1]!) + past,
    heads,
    queryWidth: query.length === 5 ? heads * query[4]! : query[2]!,
    valueWidth: call.output().at(-1)!,
    scoreFlops: (call.hasInput(4) ? 1 : 0) + (call.hasInput(5) ? 1 : 0),
  });
  const biased = call.hasInput(3) ? query[0]! * query[1]! * volume(call.input(3)) : 0;
  return macs(work.macs, work.others + biased);
}

/** Of ONNX Runtime: as many keys as the present state has, without a window. */
function groupQueryAttention(call: OperatorCall): Work {
  const [batch = 0, queries = 0] = call.input(0);
  const width = call.output().at(-1)!;
  const past = call.hasInput(3) ? call.input(3)[2]! : 0;
  const keys = call.hasOutput(1) ? call.output(1)[2]! : queries + past;
  const heads = call.neededInt("num_heads");
  return attention({ batch, queries, keys, heads, queryWidth: width, valueWidth: width, scoreFlops: 0 });
}

/** Rules by operator; those of other domains with the domain before the name. */
export const SEQUENCE_RULES: Readonly<Record<string, OperatorRule>> = {
  LSTM: recurrent(LSTM),
  GRU: recurrent(GRU),
  RNN: recurrent(RNN),
  Attention: standardAttention,
  "com.microsoft.DynamicQuantizeLSTM": recurrent(LSTM, true),
  "com.microsoft.Attention": projectingAttention(3, 4),
  "com.microsoft.QAttention": projectingAttention(5, 8),
  "com.microsoft.MultiHeadAttention": multiHeadAttention,
  "com.microsoft.GroupQueryAttention": groupQueryAttention,
};
