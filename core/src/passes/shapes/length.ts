// Lengths that are known, or known to depend on others: whole numbers and polynomials over the names of open axes, with what a
// window or a slice makes of them. Two that are written alike are alike.
import { assert } from "#base";
import type { Dimension } from "#tensor";

/** What a length is made of besides numbers. */
type Atom =
  /** An open axis by its name. */
  | { readonly kind: "name"; readonly text: string }
  /** One nothing is known of; no other is the same. */
  | { readonly kind: "unknown"; readonly text: string }
  /** A polynomial too long to be carried on, by a hash of what it is made of. */
  | { readonly kind: "opaque"; readonly text: string }
  | { readonly kind: "floor"; readonly text: string; readonly of: Length; readonly by: number }
  | { readonly kind: "max" | "min"; readonly text: string; readonly of: readonly [Length, Length] };

interface Term {
  readonly factor: number;
  /** Sorted by their text; none in a constant. */
  readonly atoms: readonly Atom[];
}

/** More terms, and longer texts, are not carried on: a hostile model can square a length at every node. */
const MOST_TERMS = 24;
const LONGEST_TEXT = 400;

/** A number, or a polynomial over lengths that are told only when the model runs. */
export class Length {
  readonly #terms: readonly Term[];
  /** The polynomial in its one form: `N`, `2*N*H`, `floor((W + 1)/2) - 3`. */
  readonly text: string;

  private constructor(terms: readonly Term[]) {
    this.#terms = terms;
    this.text = textOf(terms);
  }

  static of(value: number): Length {
    return value === 0 ? ZERO : new Length([{ factor: value, atoms: [] }]);
  }

  /** An open axis. A name that is written like a polynomial is taken to be that one. */
  static named(name: string): Length {
    return Length.#atom({ kind: "name", text: name });
  }

  /** One that nothing is known of. @param number that no other has */
  static unknown(number: number): Length {
    return Length.#atom({ kind: "unknown", text: `?${number}` });
  }

  static #atom(atom: Atom): Length {
    if (atom.kind !== "name" && atom.text.length > LONGEST_TEXT) return Length.#opaque(atom.text);
    return new Length([{ factor: 1, atoms: [atom] }]);
  }

  static #opaque(text: string): Length {
    return new Length([{ factor: 1, atoms: [{ kind: "opaque", text: `?#${hashOf(text)}` }] }]);
  }

  static #from(terms: readonly Term[]): Length {
    const byText = new Map<string, Term>();
    for (const { factor, atoms } of terms) {
      const key = atoms.map(({ text }) => text).join("*");
      const before = byText.get(key);
      byText.set(key, { factor: factor + (before?.factor ?? 0), atoms });
    }
    const left = Array.from(byText).filter(([, { factor }]) => factor !== 0);
    // Longer products first, the number last.
    left.sort(([a, one], [b, other]) => other.atoms.length - one.atoms.length || (a < b ? -1 : 1));
    const made = new Length(left.map(([, term]) => term));
    return left.length > MOST_TERMS || made.text.length > LONGEST_TEXT ? Length.#opaque(made.text) : made;
  }

  /** The number it is; null where it depends on others. */
  get number(): number | null {
    if (this.#terms.length === 0) return 0;
    const [only, ...others] = this.#terms;
    return others.length === 0 && only!.atoms.length === 0 ? only!.factor : null;
  }

  is(value: number): boolean {
    return this.number === value;
  }

  /** Whether it is the same as another, whatever lengths open axes have. */
  equals(other: Length): boolean {
    return this.text === other.text;
  }

  plus(other: Length | number): Length {
    return Length.#from([...this.#terms, ...lengthFrom(other).#terms]);
  }

  minus(other: Length | number): Length {
    return this.plus(lengthFrom(other).times(-1));
  }

  times(other: Length | number): Length {
    const { number } = this;
    const others = lengthFrom(other);
    if (number !== null && others.number !== null) return Length.of(number * others.number);
    if (this.#terms.length * others.#terms.length > MOST_TERMS * 4)
      return Length.#opaque(`(${this.text})*(${others.text})`);
    return Length.#from(
      this.#terms.flatMap((a) =>
        others.#terms.map((b) => ({
          factor: a.factor * b.factor,
          atoms: [...a.atoms, ...b.atoms].sort((one, two) => (one.text < two.text ? -1 : one.text > two.text ? 1 : 0)),
        })),
      ),
    );
  }

  /** What times `other` is this; null where there is no such polynomial of whole factors. */
  dividedBy(other: Length): Length | null {
    const [divisor, ...more] = other.#terms;
    if (divisor === undefined) return null;
    if (more.length > 0) return this.equals(other) ? Length.of(1) : this.#dividedByFactor(other);
    const terms: Term[] = [];
    for (const { factor, atoms } of this.#terms) {
      const left = [...atoms];
      for (const { text } of divisor.atoms) {
        const at = left.findIndex((atom) => atom.text === text);
        if (at < 0) return null;
        left.splice(at, 1);
      }
      if (factor % divisor.factor !== 0) return null;
      terms.push({ factor: factor / divisor.factor, atoms: left });
    }
    return Length.#from(terms);
  }

  /** Division by a sum: found by dividing the leading terms as long as something is left. */
  #dividedByFactor(other: Length): Length | null {
    const leading = new Length(other.#terms.slice(0, 1));
    let quotient = ZERO;
    for (let steps = 0; steps < 16; steps++) {
      const rest = this.minus(quotient.times(other));
      if (rest.is(0)) return quotient;
      const part = new Length(rest.#terms.slice(0, 1)).dividedBy(leading);
      if (part === null) return null;
      quotient = quotient.plus(part);
    }
    return null;
  }

  /** ⌊this / by⌋ for a whole number `by` > 0. */
  floorDividedBy(by: number): Length {
    assert(Number.isInteger(by) && by > 0, `A length is divided by ${by}.`);
    const exact = this.#terms.filter(({ factor, atoms }) => atoms.length > 0 && factor % by === 0);
    const rest = new Length(this.#terms.filter((term) => !exact.includes(term)));
    const whole = Length.#from(exact.map(({ factor, atoms }) => ({ factor: factor / by, atoms })));
    const { number } = rest;
    if (number !== null) return whole.plus(Math.floor(number / by));
    // Whole parts of the number come out as well: ⌊(H + 5)/2⌋ = ⌊(H + 1)/2⌋ + 2.
    const constant = rest.#terms.find(({ atoms }) => atoms.length === 0)?.factor ?? 0;
    const out = Math.floor(constant / by);
    const inside = rest.minus(out * by);
    const nested = inside.#nestedFloor(constant - out * by, by);
    if (nested !== null) return whole.plus(nested).plus(out);
    const text = `floor(${inside.#terms.length > 1 ? `(${inside.text})` : inside.text}/${by})`;
    // Negative inside only where the tensor would have no elements.
    return whole.plus(Length.#atom({ kind: "floor", text, of: inside, by })).plus(out);
  }

  /** ⌊(⌊a / b⌋ + c) / d⌋ = ⌊(a + b·c) / (b·d)⌋; null where this is no such sum. */
  #nestedFloor(constant: number, by: number): Length | null {
    const [first, ...others] = this.#terms;
    const [atom, ...atoms] = first?.atoms ?? [];
    if (atom?.kind !== "floor" || atoms.length > 0 || first!.factor !== 1) return null;
    if (others.length > (constant === 0 ? 0 : 1)) return null;
    return atom.of.plus(atom.by * constant).floorDividedBy(atom.by * by);
  }

  /** ⌈this / by⌉ for a whole number `by` > 0. */
  ceilDividedBy(by: number): Length {
    return this.plus(by - 1).floorDividedBy(by);
  }

  /** The larger of two. */
  max(other: Length | number): Length {
    const two = lengthFrom(other);
    const difference = this.minus(two);
    if (difference.isNeverNegative) return this;
    if (two.minus(this).isNeverNegative) return two;
    return Length.#atom({ kind: "max", text: `max(${two.text}, ${this.text})`, of: [two, this] });
  }

  /** The smaller of two. */
  min(other: Length | number): Length {
    const two = lengthFrom(other);
    if (this.minus(two).isNeverNegative) return two;
    if (two.minus(this).isNeverNegative) return this;
    return Length.#atom({ kind: "min", text: `min(${two.text}, ${this.text})`, of: [two, this] });
  }

  /** Whether it is at least 0 for all lengths; false where that is not certain. */
  get isNeverNegative(): boolean {
    return this.#terms.every(({ factor, atoms }) => factor >= 0 && atoms.every((atom) => isNeverNegative(atom)));
  }

  /** Whether it is a whole number for all lengths. */
  get isWhole(): boolean {
    return this.#terms.every(({ factor }) => Number.isInteger(factor));
  }

  /** Whether it depends, or may depend, on the length of this open axis. */
  dependsOn(name: string): boolean {
    return this.#terms.some(({ atoms }) =>
      atoms.some((atom) => {
        if (atom.kind === "floor") return atom.of.dependsOn(name);
        if (atom.kind === "max" || atom.kind === "min") return atom.of.some((one) => one.dependsOn(name));
        return atom.kind === "opaque" || (atom.kind === "name" && atom.text === name);
      }),
    );
  }

  /** Whether it depends on something nothing is known of. */
  get isUnknown(): boolean {
    return this.#terms.some(({ atoms }) =>
      atoms.some((atom) => {
        if (atom.kind === "floor") return atom.of.isUnknown;
        if (atom.kind === "max" || atom.kind === "min") return atom.of.some(({ isUnknown }) => isUnknown);
        return atom.kind === "unknown" || atom.kind === "opaque";
      }),
    );
  }

  /** What it is for given lengths of open axes; null where one of them is not given. */
  at(lengths: ReadonlyMap<string, number>): number | null {
    let sum = 0;
    for (const { factor, atoms } of this.#terms) {
      let product = factor;
      for (const atom of atoms) {
        const value = atomAt(atom, lengths);
        if (value === null) return null;
        product *= value;
      }
      sum += product;
    }
    return sum;
  }

  /** As a type says it. */
  get dimension(): Dimension {
    const { number } = this;
    // No tensor has a negative length, and a file can't say one that is no whole number.
    if (number !== null) return Number.isSafeInteger(number) && number >= 0 ? number : null;
    return this.isUnknown ? null : this.text;
  }
}

const ZERO: Length = Length.of(1).minus(1);

/** The length itself, or the number as one. */
export function lengthFrom(value: Length | number): Length {
  return typeof value === "number" ? Length.of(value) : value;
}

/** All of them multiplied: how many elements a tensor of these axes has. */
export function productOf(lengths: readonly Length[]): Length {
  return lengths.reduce((product, length) => product.times(length), Length.of(1));
}

function isNeverNegative(atom: Atom): boolean {
  switch (atom.kind) {
    case "name":
    case "unknown":
      return true;
    case "opaque":
      return false;
    case "floor":
      return atom.of.isNeverNegative;
    case "max":
      return atom.of.some((one) => one.isNeverNegative);
    case "min":
      return atom.of.every((one) => one.isNeverNegative);
  }
}

function atomAt(atom: Atom, lengths: ReadonlyMap<string, number>): number | null {
  switch (atom.kind) {
    case "name":
      return lengths.get(atom.text) ?? null;
    case "unknown":
    case "opaque":
      return null;
    case "floor": {
      const value = atom.of.at(lengths);
      return value === null ? null : Math.floor(value / atom.by);
    }
    case "max":
    case "min": {
      const [one, two] = [atom.of[0].at(lengths), atom.of[1].at(lengths)];
      if (one === null || two === null) return null;
      return atom.kind === "max" ? Math.max(one, two) : Math.min(one, two);
    }
  }
}

/** 53 bits of a text. Source: the hash cyrb53 by bryc, in the public domain. */
function hashOf(text: string): string {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    one = Math.imul(one ^ code, 2_654_435_761);
    two = Math.imul(two ^ code, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & two) + (one >>> 0)).toString(36);
}

function textOf(terms: readonly Term[]): string {
  if (terms.length === 0) return "0";
  return terms
    .map(({ factor, atoms }, index) => {
      const size = Math.abs(factor);
      const parts = atoms.map(({ text }) => text);
      if (size !== 1 || parts.length === 0) parts.unshift(String(size));
      const sign = index === 0 ? (factor < 0 ? "-" : "") : factor < 0 ? " - " : " + ";
      return `${sign}${parts.join("*")}`;
    })
    .join("");
}
