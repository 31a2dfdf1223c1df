// One requirement of a launch policy, as people write it:
//
//   quality.accuracy.lower >= 0.97 on digits/test
//   latency.p99 <= 20ms on this machine fresh within 7d
//   size <= 5 MB
//   comparison.accuracy.difference.lower >= -0.01 against digits@1
//
// what is measured, which of its numbers, a comparison, a number with its unit, then in any order what it was measured on
// and how old it may be.
import { SlipwayError } from "@slipway/core/base";
import { type Quantity, toBase, unitNamed, unitNames } from "./units.ts";

/** Which number of a result: the estimate, or an end of its interval. */
export type Bound = "value" | "lower" | "upper";
export type Comparison = ">=" | ">" | "<=" | "<";

export interface Requirement {
  /** As it was written, blanks collapsed. */
  readonly text: string;
  /** What was measured: "quality", "latency", "size", … */
  readonly kind: string;
  /** The result's name within it, "accuracy" or "accuracy.difference"; null for the one the kind is known for. */
  readonly metric: string | null;
  readonly bound: Bound;
  readonly comparison: Comparison;
  /** In the base unit of `quantity`. */
  readonly threshold: number;
  /** null where the number was written without a unit: then the result may have any. */
  readonly quantity: Quantity | null;
  /** Of the unit it was written with, for answers in the same; "1" without. */
  readonly unit: string;
  readonly dataset: { readonly name: string; readonly split: string | null } | null;
  /** What it was compared with: a version, or with number null any of the name. */
  readonly against: { readonly name: string; readonly number: number | null } | null;
  /** "this" is the machine that asks. */
  readonly machine: "this" | { readonly name: string } | null;
  /** Evidence older than this does not count; null takes any age the policy does. */
  readonly freshWithinMs: number | null;
}

const NAME = "[A-Za-z0-9][A-Za-z0-9_-]*";
/** A metric may single out one class or slice: recall[7], accuracy[country=CA]; a backslash keeps what follows it as it is. */
const SELECTION = "\\[(?:[^\\]\\\\]|\\\\.)*\\]";
const SUBJECT = new RegExp(`^(${NAME})((?:\\.${NAME}(?:${SELECTION})?)*)`);
const PART = new RegExp(`\\.(${NAME}(?:${SELECTION})?)`, "g");
const COMPARISON = /^(>=|<=|>|<)/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/;
const UNIT = /^(?:%|\/s|[A-Za-zµ]+)(?![A-Za-z0-9])/;
const ON_THIS_MACHINE = /^on this machine(?![A-Za-z0-9])/;
const ON_MACHINE = new RegExp(`^on machine (${NAME}(?:\\.${NAME})*)`);
const ON_DATASET = new RegExp(`^on (${NAME}(?:\\.${NAME})*)(?:/(${NAME}))?`);
const AGAINST = new RegExp(`^against (${NAME}(?:\\.${NAME})*)(?:@([1-9]\\d{0,8})(?!\\d))?`);
const FRESH = /^fresh within (\d+(?:\.\d+)?) ?(min|h|d)(?![A-Za-z0-9])/;
const BOUNDS: readonly string[] = ["value", "lower", "upper"] satisfies readonly Bound[];

/**
 * Reads a requirement.
 * @throws SlipwayError POLICY_INVALID, saying what was expected where
 */
export function parseRequirement(written: string): Requirement {
  const text = written.trim().replaceAll(/\s+/g, " ");
  const rest = new Rest(text);
  const [, kind, path] = rest.take(SUBJECT, 'what is measured, such as "quality.accuracy"');
  const parts = splitPath(path!);
  const bound = (BOUNDS.includes(parts.at(-1) ?? "") ? parts.pop()! : "value") as Bound;
  if (parts.length > 2 || parts.some((part) => BOUNDS.includes(part))) {
    throw rest.error(`"${kind}${path}" has too many parts; write KIND.METRIC, KIND.METRIC.PART or either with .lower`);
  }
  const [comparison] = rest.take(COMPARISON, "one of >=, >, <=, <");
  const [digits] = rest.take(NUMBER, "a number");
  const unit = rest.takeUnit();
  const when: Conditions = { dataset: null, against: null, machine: null, freshWithinMs: null };
  while (!rest.isEmpty) takeCondition(rest, when);
  return {
    text,
    kind: kind!,
    metric: parts.length === 0 ? null : parts.join("."),
    bound,
    comparison: comparison as Comparison,
    threshold: unit === undefined ? Number(digits) : toBase(Number(digits), unit),
    quantity: unit?.quantity ?? null,
    unit: unit?.name ?? "1",
    ...when,
  };
}

/** How old evidence may be, from "fresh within 30d"; null where this is no such line. */
export function parseFreshness(written: string): number | null {
  const text = written.trim().replaceAll(/\s+/g, " ");
  const found = FRESH.exec(text);
  return found !== null && found[0].length === text.length ? milliseconds(found) : null;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Conditions = Pick<Writable<Requirement>, "dataset" | "against" | "machine" | "freshWithinMs">;

function takeCondition(rest: Rest, when: Conditions): void {
  const fresh = rest.tryTake(FRESH);
  if (fresh !== null) {
    if (when.freshWithinMs !== null) throw rest.error('"fresh within" is there twice');
    when.freshWithinMs = milliseconds(fresh);
    return;
  }
  const machine = rest.tryTake(ON_THIS_MACHINE) ?? rest.tryTake(ON_MACHINE);
  if (machine !== null) {
    if (when.machine !== null) throw rest.error("two machines are named");
    when.machine = machine[1] === undefined ? "this" : { name: machine[1] };
    return;
  }
  const against = rest.tryTake(AGAINST);
  if (against !== null) {
    if (when.against !== null) throw rest.error("two versions to compare with are named");
    when.against = { name: against[1]!, number: against[2] === undefined ? null : Number(against[2]) };
    return;
  }
  const [, name, split] = rest.take(
    ON_DATASET,
    '"on DATASET", "on DATASET/SPLIT", "against NAME@VERSION", "on this machine", "on machine NAME" or "fresh within 30d"',
  );
  if (when.dataset !== null) throw rest.error("two datasets are named");
  when.dataset = { name: name!, split: split ?? null };
}

function milliseconds([, count, unit]: RegExpExecArray): number {
  return toBase(Number(count), unitNamed(unit!)!);
}

/** The parts of ".recall[a.b].lower": dots within brackets belong to what they single out. */
function splitPath(path: string): string[] {
  return [...path.matchAll(PART)].map(([, part]) => part!);
}

/**
 * The name of a result for one class or slice, as requirements are written and evidence names it: recall[7],
 * accuracy[country=CA]. Blanks are collapsed, as in requirements; a bracket that ends and a backslash get a backslash before them.
 */
export function selectedMetric(metric: string, selection: string): string {
  const text = selection.trim().replaceAll(/\s+/g, " ");
  return `${metric}[${text.replaceAll(/[\\\]]/g, "\\$&")}]`;
}

/** What is left to read of a requirement. */
class Rest {
  readonly #whole: string;
  #at = 0;

  constructor(whole: string) {
    this.#whole = whole;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#whole.length;
  }

  tryTake(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.#whole.slice(this.#at));
    if (found === null) return null;
    this.#at += found[0].length;
    while (this.#whole[this.#at] === " ") this.#at++;
    return found;
  }

  take(pattern: RegExp, expected: string): RegExpExecArray {
    const found = this.tryTake(pattern);
    if (found === null) throw this.error(`${this.#here()} should be ${expected}`);
    return found;
  }

  takeUnit(): ReturnType<typeof unitNamed> {
    const before = this.#at;
    const [name] = this.tryTake(UNIT) ?? [];
    if (name === undefined) return undefined;
    const unit = unitNamed(name);
    if (unit !== undefined) return unit;
    if (name === "on" || name === "fresh" || name === "against") {
      this.#at = before;
      return undefined;
    }
    this.#at = before;
    throw this.error(`${this.#here()} is no unit; there are ${unitNames().join(", ")}`);
  }

  error(what: string): SlipwayError {
    return new SlipwayError("POLICY_INVALID", `The requirement ${JSON.stringify(this.#whole)} can't be read: ${what}.`);
  }

  #here(): string {
    return this.isEmpty ? "what follows its end" : JSON.stringify(this.#whole.slice(this.#at, this.#at + 40));
  }
}
