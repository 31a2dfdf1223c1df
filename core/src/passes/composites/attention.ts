// Attention in products and a softmax. Source: ONNX, Operators.md, Attention of operator set 23, with its errata: a row that may look
// at nothing is zero.
import { type DType, dtypeFromOnnx } from "#tensor";
import type { CompositeCall, Decomposition } from "./call.ts";

/** Inputs by their places. */
const [QUERY, KEY, VALUE, MASK, PAST_KEY, PAST_VALUE, LENGTHS] = [0, 1, 2, 3, 4, 5, 6];

/** What a score is where a key may not be looked at: the least number there is, whose share is 0 and which makes no NaN. */
const LEAST: Partial<Record<DType, number>> = {
  float64: -Number.MAX_VALUE,
  float32: -3.402_823_466_385_288_6e38,
  bfloat16: -3.389_531_389_251_535_5e38,
  float16: -65_504,
};

export const attention: Decomposition = (call) => {
  if (call.hasInput(LENGTHS) || call.int("left_window_size", -1) >= 0 || call.int("right_window_size", -1) >= 0)
    return null;
  const heads = headsOf(call);
  const least = LEAST[call.dtype];
  if (heads === null || least === undefined) return null;
  const apart = (index: number, count: number): string => {
    if (!heads.isJoined) return call.x(index);
    const split = call.g.op("Reshape", [call.x(index), call.integers([0, 0, count, -1])]);
    return call.op("Transpose", [split], { perm: [0, 2, 1, 3] });
  };
  const withPast = (index: number, past: number): string => {
    const own = apart(index, heads.keys);
    return call.hasInput(past) ? call.op("Concat", [call.x(past), own], { axis: 2 }) : own;
  };
  const query = apart(QUERY, heads.queries);
  const [presentKey, presentValue] = [withPast(KEY, PAST_KEY), withPast(VALUE, PAST_VALUE)];
  // Several heads of queries look at one of keys.
  const places = Array.from({ length: heads.queries }, (_, head) => Math.floor((head * heads.keys) / heads.queries));
  const shared = (value: string): string =>
    heads.queries === heads.keys ? value : call.op("Gather", [value, call.integers(places)], { axis: 1 });
  const raw = scoresOf(call, query, shared(presentKey));
  const cap = call.float("softcap", 0);
  const capped = cap > 0 ? call.mul(call.op("Tanh", [call.div(raw, cap)]), cap) : raw;
  const { scores, allowed } = maskedScores(call, capped, query, presentKey, least);
  const shares = sharesOf(call, scores, allowed, least);
  const made = call.op("MatMul", [shares, shared(presentValue)]);
  const y = heads.isJoined
    ? call.g.op("Reshape", [call.op("Transpose", [made], { perm: [0, 2, 1, 3] }), call.integers([0, 0, -1])])
    : made;
  const shown = [
    () => raw,
    () => capped,
    () => (allowed === null ? scores : call.op("Where", [allowed, scores, Number.NEGATIVE_INFINITY])),
    () => shares,
  ][call.int("qk_matmul_output_mode", 0)];
  return [y, presentKey, presentValue, call.hasOutput(3) ? (shown?.() ?? null) : null];
};

interface Heads {
  readonly queries: number;
  readonly keys: number;
  /** Whether heads stand in one axis with what each holds: [N, T, heads · width] instead of [N, heads, T, width]. */
  readonly isJoined: boolean;
}

/** null where their number is not known. */
function headsOf(call: CompositeCall): Heads | null {
  const [query, key] = [call.shape(QUERY), call.shape(KEY)];
  if (query?.length === 3) {
    const [queries, keys] = [call.int("q_num_heads", 0), call.int("kv_num_heads", 0)];
    return queries > 0 && keys > 0 ? { queries, keys, isJoined: true } : null;
  }
  const [queries, keys] = [query?.[1], key?.[1]];
  if (typeof queries !== "number" || typeof keys !== "number") return null;
  return { queries, keys, isJoined: false };
}

/** Products of queries and keys, [N, heads, T, S]. Each is multiplied by the root of the scale, so that none gets too large. */
function scoresOf(call: CompositeCall, query: string, key: string): string {
  const given = call.float("scale", 0);
  const turned = call.op("Transpose", [key], { perm: [0, 1, 3, 2] });
  if (given > 0) {
    const root = Math.sqrt(given);
    return call.op("MatMul", [call.mul(query, root), call.mul(turned, root)]);
  }
  // The scale is 1/√width: its root is the width's, and that of the width again.
  const width = call.cast(call.g.op("Shape", [query], { start: 3, end: 4 }), call.dtype);
  const root = call.op("Sqrt", [call.op("Sqrt", [width])]);
  return call.op("MatMul", [call.div(query, root), call.div(turned, root)]);
}

/** Scores where they count, and which of them do; null where all do. */
function maskedScores(
  call: CompositeCall,
  capped: string,
  query: string,
  key: string,
  least: number,
): { readonly scores: string; readonly allowed: string | null } {
  const allowed: string[] = [];
  let scores = capped;
  if (call.hasInput(MASK)) {
    const mask = call.x(MASK);
    if (call.dtypeOf(mask) === "bool") allowed.push(mask);
    else {
      scores = call.add(scores, call.op("Max", [mask, least]));
      allowed.push(call.op("Greater", [mask, least]));
    }
  }
  if (call.int("is_causal", 0) !== 0) allowed.push(causalMask(call, query, key));
  const [first, second] = allowed;
  if (first === undefined) return { scores, allowed: null };
  return { scores, allowed: second === undefined ? first : call.op("And", [first, second]) };
}

/** Whether a query may look at a key: at those up to its own place, what is past among them; bool [T, S]. */
function causalMask(call: CompositeCall, query: string, key: string): string {
  const { g } = call;
  const length = (value: string): string => g.op("Shape", [value], { start: 2, end: 3 });
  const shape = g.op("Concat", [length(query), length(key)], { axis: 0 });
  const ones = g.op("ConstantOfShape", [shape], {
    value: { dtype: "float32", shape: [1], data: Float32Array.of(1) },
  });
  const past = call.hasInput(PAST_KEY) ? [g.op("Squeeze", [length(call.x(PAST_KEY))])] : [];
  return call.cast(g.op("Trilu", [ones, ...past], { upper: 0 }), "bool");
}

/** The share of each key, which are together 1, or 0 where none may be looked at. */
function sharesOf(call: CompositeCall, scores: string, allowed: string | null, least: number): string {
  const code = call.int("softmax_precision", 0);
  const precision = code === 0 ? call.dtype : (dtypeFromOnnx(code) ?? call.dtype);
  const counted = allowed === null ? scores : call.op("Where", [allowed, scores, least]);
  const shares = call.cast(call.op("Softmax", [call.cast(counted, precision)], { axis: -1 }), call.dtype);
  // Where a query may look at its own place, there is something to look at.
  if (allowed === null || !call.hasInput(MASK)) return shares;
  const isAny = call.cast(call.largest(call.cast(allowed, "float32")), "bool");
  return call.op("Where", [isAny, shares, 0]);
}
