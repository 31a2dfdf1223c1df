// Reads objects of named fields against a table, so that each refusal names the field, the value seen and what it takes.
import { type ErrorCode, SlipwayError } from "#base";

/** How one field is read. */
export interface Field<T> {
  /** What it takes, for people: "a whole number from 1 to 8192". */
  readonly takes: string;
  /** The value as its type, or undefined where it is not one. */
  readonly read: (value: unknown) => T | undefined;
  /** What stands in for a field that was left out. Without it, the field is required. */
  readonly fallback?: T;
}

/** A field for every key of `T`. */
export type Fields<T> = { readonly [Key in keyof T]-?: Field<T[Key]> };

/**
 * Reads an object by its table of fields.
 * @throws SlipwayError with `code`, for what is not an object, and for unknown, missing and wrong fields
 */
export function readFields<T extends object>(value: unknown, where: string, fields: Fields<T>, code: ErrorCode): T {
  if (!isObject(value)) throw new SlipwayError(code, `${where} is ${show(value)}; it takes an object.`);
  const keys = Object.keys(fields) as (keyof T & string)[];
  for (const key of Object.keys(value)) {
    if (!(keys as string[]).includes(key)) {
      throw new SlipwayError(code, `${where} has no key ${show(key)}; its keys are ${keys.join(", ")}.`);
    }
  }
  const result: Partial<T> = {};
  for (const key of keys) {
    const field = fields[key];
    const given: unknown = Object.hasOwn(value, key) ? value[key] : undefined;
    const read = given === undefined ? field.fallback : field.read(given);
    if (read === undefined) {
      const seen = given === undefined ? "is missing" : `is ${show(given)}`;
      throw new SlipwayError(code, `${where}: "${key}" ${seen}; it takes ${field.takes}.`);
    }
    result[key] = read;
  }
  return result as T;
}

export const boolean: Field<boolean> = {
  takes: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

export const text: Field<string> = {
  takes: "a text",
  read: (value) => (typeof value === "string" ? value : undefined),
};

export function wholeNumber(least: number, most: number): Field<number> {
  return {
    takes: `a whole number from ${least} to ${most}`,
    read: (value) =>
      Number.isInteger(value) && isWithin(value as number, least, most) ? (value as number) : undefined,
  };
}

export function finiteNumber(least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): Field<number> {
  return {
    takes: Number.isFinite(least) ? `a number from ${least} to ${most}` : "a finite number",
    read: (value) => (Number.isFinite(value) && isWithin(value as number, least, most) ? (value as number) : undefined),
  };
}

export const nonZero: Field<number> = {
  takes: "a finite number other than 0",
  read: (value) => (Number.isFinite(value) && value !== 0 ? (value as number) : undefined),
};

export function literal<const T extends string | number>(only: T): Field<T> {
  return { takes: show(only), read: (value) => (value === only ? only : undefined) };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Field<T> {
  return {
    takes: `one of ${choices.map(show).join(", ")}`,
    read: (value) => choices.find((choice) => choice === value),
  };
}

export function list<T>(element: Field<T>, least: number, most: number): Field<readonly T[]> {
  return {
    takes: `a list of ${least} to ${most} elements, each ${element.takes}`,
    read: (value) => {
      if (!Array.isArray(value) || !isWithin(value.length, least, most)) return undefined;
      const read: T[] = [];
      for (const item of value as unknown[]) {
        const one = element.read(item);
        if (one === undefined) return undefined;
        read.push(one);
      }
      return read;
    },
  };
}

/** An object all of whose fields are required. */
export function object<T extends object>(fields: Fields<T>): Field<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return {
    takes: `an object of ${keys.map((key) => `"${key}": ${fields[key].takes}`).join(", ")}`,
    read: (value) => {
      if (!isObject(value) || Object.keys(value).some((key) => !(keys as string[]).includes(key))) return undefined;
      const result: Partial<T> = {};
      for (const key of keys) {
        const read = fields[key].read(value[key]);
        if (read === undefined) return undefined;
        result[key] = read;
      }
      return result as T;
    },
  };
}

export function anyOf<T>(...fields: readonly Field<T>[]): Field<T> {
  return {
    takes: fields.map((field) => field.takes).join(", or "),
    read: (value) => {
      for (const field of fields) {
        const read = field.read(value);
        if (read !== undefined) return read;
      }
      return undefined;
    },
  };
}

/** Takes null too. */
export function optional<T>(field: Field<T>): Field<T | null> {
  return { takes: `${field.takes}, or null`, read: (value) => (value === null ? null : field.read(value)) };
}

/** A field that may be left out, and what it is then. */
export function filled<T>(field: Field<T>, fallback: T): Field<T> {
  return { takes: field.takes, read: field.read, fallback };
}

/** A value as it is shown in messages: JSON, cut short. */
export function show(value: unknown): string {
  const whole = (typeof value === "number" ? undefined : JSON.stringify(value)) ?? String(value);
  return whole.length > 60 ? `${whole.slice(0, 57)}…` : whole;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
