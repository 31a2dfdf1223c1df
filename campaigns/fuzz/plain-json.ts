// A second reader of JSON, as plain as can be, to hold the product's against: it reads text and regular expressions where
// that reads bytes, keeps every key of an object in order, and knows the tokens NaN, Inf and Infinity where asked to.

export type PlainValue =
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, PlainValue])[] }
  | { readonly kind: "array"; readonly items: readonly PlainValue[] }
  | { readonly kind: "number"; readonly text: string; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "literal"; readonly value: boolean | null };

/** The deepest nesting the product reads, and the longest number. */
const DEEPEST = 64;
const LONGEST_NUMBER = 2 ** 16;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NOT_FINITE = /-?(?:NaN|Infinity|Inf)/y;
// oxlint-disable-next-line no-control-regex -- control characters are what it excludes
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The value of a JSON text; null where it is none. */
export function plainJson(bytes: Uint8Array, { hasNonFinite }: { readonly hasNonFinite: boolean }): PlainValue | null {
  try {
    const reading = new Reading(decoder.decode(bytes), hasNonFinite);
    const value = reading.value(0);
    reading.skip(SPACE);
    return reading.at === reading.text.length ? value : null;
  } catch (error) {
    if (error instanceof NotJson || error instanceof TypeError) return null;
    throw error;
  }
}

class NotJson extends Error {}

class Reading {
  readonly text: string;
  readonly #hasNonFinite: boolean;
  at = 0;

  constructor(text: string, hasNonFinite: boolean) {
    this.text = text;
    this.#hasNonFinite = hasNonFinite;
  }

  /** Moves over what a pattern matches here; answers it. */
  skip(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }

  value(depth: number): PlainValue {
    if (depth > DEEPEST) throw new NotJson();
    this.skip(SPACE);
    switch (this.text.charAt(this.at)) {
      case "{":
        return { kind: "object", entries: this.#list("}", () => this.#entry(depth)) };
      case "[":
        return { kind: "array", items: this.#list("]", () => this.value(depth + 1)) };
      case '"':
        return { kind: "string", value: this.#string() };
      default:
        return this.#literal() ?? this.#number();
    }
  }

  #list<T>(close: string, item: () => T): T[] {
    this.at++;
    this.skip(SPACE);
    const items: T[] = [];
    if (this.#take(close)) return items;
    for (;;) {
      items.push(item());
      this.skip(SPACE);
      if (this.#take(close)) return items;
      if (!this.#take(",")) throw new NotJson();
    }
  }

  #entry(depth: number): readonly [string, PlainValue] {
    this.skip(SPACE);
    const key = this.#string();
    this.skip(SPACE);
    if (!this.#take(":")) throw new NotJson();
    return [key, this.value(depth + 1)];
  }

  #take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  #string(): string {
    const found = this.skip(STRING);
    if (found === null) throw new NotJson();
    const value = JSON.parse(found) as string;
    if (!value.isWellFormed()) throw new NotJson(); // a deliberate difference: names are UTF-8 everywhere else
    return value;
  }

  #literal(): PlainValue | null {
    for (const value of [true, false, null]) {
      if (!this.text.startsWith(String(value), this.at)) continue;
      this.at += String(value).length;
      return { kind: "literal", value };
    }
    return null;
  }

  #number(): PlainValue {
    const notFinite = this.#hasNonFinite ? this.skip(NOT_FINITE) : null;
    if (notFinite !== null)
      return { kind: "number", text: notFinite, value: Number(notFinite.replace(/Inf$/, "Infinity")) };
    const text = this.skip(NUMBER);
    if (text === null) throw new NotJson();
    if (text.length > LONGEST_NUMBER && !isExact(text)) throw new NotJson();
    return { kind: "number", text, value: Number(text) };
  }
}

function isExact(text: string): boolean {
  return /^-?0(?:\.0*)?$/.test(text);
}
