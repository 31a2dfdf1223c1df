// The gradient of attention. Its scores are computed again rather than kept, as in Dao et al., arXiv 2205.14135, section 3.1.
import type { DType } from "#tensor";
import type { Operand } from "../emitter.ts";
import { once } from "../once.ts";
import { type InputGradients, type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** Inputs by their places. */
const [QUERY, KEY, VALUE, MASK, PAST_KEY, PAST_VALUE, LENGTHS] = [0, 1, 2, 3, 4, 5, 6];

/** Where a key may not be looked at, its score is the least number there is. */
const LEAST: Partial<Record<DType, number>> = {
  float64: -Number.MAX_VALUE,
  float32: -3.402_823_466_385_288_6e38,
  bfloat16: -3.389_531_389_251_535_5e38,
  float16: -65_504,
};

const attention = rule(
  "with S = scale · Q · Kᵀ, soft-capped, + mask, P = softmax S: dV = Pᵀ · G; dS = P · (G · Vᵀ − Σ P · (G · Vᵀ)); dQ = scale · dS · K; dK = scale · dSᵀ · Q; dmask = Σ dS",
  (call): InputGradients => {
    if (call.upstream(3) !== null)
      throw call.unavailable("hands out scores that are differentiated too, which has no gradient here");
    if (call.hasInput(LENGTHS))
      throw call.unavailable("is told how long keys are (nonpad_kv_seqlen), which has no gradient here");
    const heads = new Heads(call);
    const all = once(() => heads.gradients());
    const past = (index: number): string => call.e.lengthOf(call.x(index), 2);
    const first = (whole: string, index: number): string => call.e.slice(whole, 2, 0, past(index));
    const rest = (whole: string, index: number): string => {
      if (!call.hasInput(index)) return whole;
      return call.e.slice(whole, 2, past(index), Number.MAX_SAFE_INTEGER);
    };
    return [
      () => heads.joined(all().query, QUERY),
      () => heads.joined(rest(all().key, PAST_KEY), KEY),
      () => heads.joined(rest(all().value, PAST_VALUE), VALUE),
      () => all().mask,
      () => first(all().key, PAST_KEY),
      () => first(all().value, PAST_VALUE),
    ];
  },
  "not by its scores, nor with nonpad_kv_seqlen",
);

interface HeadGradients {
  /** [N, heads, T, width] */
  readonly query: string;
  /** [N, heads of keys, all keys, width], what is past among them */
  readonly key: string;
  readonly value: string;
  readonly mask: string | null;
}

/** The attention of a call, with its heads in an axis of their own. */
class Heads {
  readonly #call: OperatorCall;
  readonly #isApart: boolean;
  readonly #queryHeads: number;
  readonly #keyHeads: number;

  constructor(call: OperatorCall) {
    this.#call = call;
    this.#isApart = call.rank(QUERY) === 4;
    this.#queryHeads = this.#isApart ? call.fixed(1, QUERY) : call.int("q_num_heads", 1);
    this.#keyHeads = this.#isApart ? call.fixed(1, KEY) : call.int("kv_num_heads", 1);
  }

  /** A gradient by an input that has its heads apart, as the input has them. */
  joined(gradient: string, index: number): string {
    if (this.#isApart) return gradient;
    return this.#call.inShapeOf(this.#call.e.transpose(gradient, [0, 2, 1, 3]), index);
  }

  gradients(): HeadGradients {
    const call = this.#call;
    const { e } = call;
    // Queries of heads that look at the same keys stand one after the other: [N, heads of keys, queries, width].
    const query = this.#byKey(this.#apart(call.x(QUERY), this.#queryHeads));
    const key = this.#withPast(KEY, PAST_KEY);
    const value = this.#withPast(VALUE, PAST_VALUE);
    const g = this.#byKey(this.#apart(call.g, this.#queryHeads));
    const turned = (x: string): string => e.transpose(x, [0, 1, 3, 2]);
    const scale = this.#scale();
    const scores = this.#byQuery(e.mul(scale, e.matMul(query, turned(key))));
    const { capped, through } = this.#capped(scores);
    const shares = e.op("Softmax", [this.#masked(this.#added(capped))], { axis: -1 });
    const byShare = this.#byQuery(e.matMul(g, turned(value)));
    const byMasked = e.mul(shares, e.sub(byShare, e.sum(e.mul(shares, byShare), [3])));
    const grouped = this.#byKey(through(byMasked));
    const plus = (gradient: string, output: number): string => {
      const upstream = call.upstream(output);
      return upstream === null ? gradient : e.add(gradient, upstream);
    };
    return {
      query: this.#byQuery(e.mul(scale, e.matMul(grouped, key))),
      key: plus(e.mul(scale, e.matMul(turned(grouped), query)), 1),
      value: plus(e.matMul(turned(this.#byKey(shares)), g), 2),
      mask: this.#hasAddedMask() ? this.#toMask(byMasked) : null,
    };
  }

  #apart(x: string, heads: number): string {
    const { e } = this.#call;
    return this.#isApart ? x : e.transpose(e.reshape(x, e.ints([0, 0, heads, -1])), [0, 2, 1, 3]);
  }

  #withPast(index: number, past: number): string {
    const own = this.#apart(this.#call.x(index), this.#keyHeads);
    return this.#call.hasInput(past) ? this.#call.e.concat([this.#call.x(past), own], 2) : own;
  }

  /** [N, heads, T, …] as [N, heads of keys, heads to each · T, …]. */
  #byKey(x: string): string {
    if (this.#queryHeads === this.#keyHeads) return x;
    const { e } = this.#call;
    const lengths = [e.ints([0, this.#keyHeads]), e.ints([-1]), e.slice(e.op("Shape", [x]), 0, 3, 4)];
    return e.reshape(x, e.concat(lengths, 0));
  }

  #byQuery(x: string): string {
    if (this.#queryHeads === this.#keyHeads) return x;
    const { e } = this.#call;
    const lengths = [e.ints([0, this.#queryHeads]), e.ints([-1]), e.slice(e.op("Shape", [x]), 0, 3, 4)];
    return e.reshape(x, e.concat(lengths, 0));
  }

  #scale(): Operand {
    const call = this.#call;
    const given = call.float("scale", 0);
    if (given !== 0) return given;
    const last = call.axes(QUERY)?.at(-1);
    if (typeof last === "number") return 1 / Math.sqrt(this.#isApart ? last : last / this.#queryHeads);
    const { e } = call;
    const width = e.reshape(e.cast(e.lengthOf(call.x(QUERY), call.rank(QUERY) - 1)), e.ints([]));
    return e.op("Reciprocal", [e.sqrt(e.div(width, this.#isApart ? 1 : this.#queryHeads))]);
  }

  #hasAddedMask(): boolean {
    return this.#call.hasInput(MASK) && this.#call.e.dtypeOf(this.#call.x(MASK)) !== "bool";
  }

  #added(scores: string): string {
    return this.#hasAddedMask() ? this.#call.e.add(scores, this.#call.x(MASK)) : scores;
  }

  /** c · tanh(S / c), and how a gradient goes back through it. */
  #capped(scores: string): { readonly capped: string; readonly through: (gradient: string) => string } {
    const { e } = this.#call;
    const cap = this.#call.float("softcap", 0);
    if (cap === 0) return { capped: scores, through: (gradient) => gradient };
    const bent = e.tanh(e.div(scores, cap));
    return { capped: e.mul(cap, bent), through: (gradient) => e.mul(gradient, e.sub(1, e.square(bent))) };
  }

  /** The scores without those of keys that may not be looked at. */
  #masked(scores: string): string {
    const call = this.#call;
    const { e } = call;
    const least = LEAST[e.dtype] ?? LEAST.float32!;
    const isBool = call.hasInput(MASK) && !this.#hasAddedMask();
    const shown = isBool ? e.where(call.x(MASK), scores, least) : scores;
    if (call.int("is_causal", 0) === 0) return shown;
    const int = e.of("int64");
    const scalar = (length: string): string => int.reshape(length, int.ints([]));
    const count = (axis: number): string => scalar(int.slice(int.op("Shape", [scores]), 0, axis, axis + 1));
    const places = (length: string): string => int.op("Range", [0, length, 1]);
    const before = call.hasInput(PAST_KEY) ? scalar(e.lengthOf(call.x(PAST_KEY), 2)) : int.number(0);
    const rows = int.unsqueeze(int.add(places(count(2)), before), [1]);
    return e.where(e.atMost(places(count(3)), rows), shown, least);
  }

  /** A gradient by the scores, [N, heads, T, keys], summed to the mask that was broadcast to them. */
  #toMask(byScore: string): string {
    const { e } = this.#call;
    return e.sumToShape(byScore, e.shapeOf(this.#call.x(MASK)));
  }
}

export const ATTENTION: Readonly<Record<string, OperatorGradient>> = { Attention: attention };
