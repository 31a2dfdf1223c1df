// Options of a measurement as a form has them: fields read from their JSON Schema, and what was typed as the JSON that the
// schema asks for. What is left empty is left out, so that the server's default holds.

export interface OptionField {
  /** With dots within an option that has parts: `shapes.symbols`. */
  readonly name: string;
  readonly about: string;
  readonly form: OptionForm;
  /** What holds where nothing is said, as it would be typed; null where there is none. */
  readonly byDefault: string | null;
  readonly isRequired: boolean;
}

export type OptionForm =
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "flag" }
  | { readonly kind: "number"; readonly isInteger: boolean; readonly min: number | null; readonly max: number | null }
  | { readonly kind: "text" }
  /** Several, with commas between. */
  | { readonly kind: "list"; readonly of: "number" | "text" }
  /** Numbers by names: `N=1, sequence=128`. */
  | { readonly kind: "pairs" }
  | { readonly kind: "json" };

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** @param schema JSON Schema of an object */
export function fieldsOf(schema: Readonly<Record<string, unknown>>): readonly OptionField[] {
  return fieldsWithin(schema, "");
}

/** @param before names of the options these are parts of */
function fieldsWithin(schema: Schema, before: string): readonly OptionField[] {
  const { properties = {} } = schema;
  // What has a default as a whole needs none of its parts.
  const required = before !== "" && schema.default !== undefined ? [] : (schema.required ?? []);
  return Object.entries(properties).flatMap(([part, property]): readonly OptionField[] => {
    const name = before + part;
    if (property.properties !== undefined) return fieldsWithin(property, `${name}.`);
    const byDefault = property.default === undefined ? null : textOf(property.default);
    const isRequired = required.includes(part) && property.default === undefined;
    return [{ name, about: aboutOf(property), form: formOf(property), byDefault, isRequired }];
  });
}

/** Values of options by the names of their fields, as the options they belong to. */
export function nested(values: readonly (readonly [name: string, value: unknown])[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const parts = name.split(".");
    let within = options;
    for (const part of parts.slice(0, -1)) within = (within[part] ??= {}) as Record<string, unknown>;
    within[parts.at(-1)!] = value;
  }
  return options;
}

function aboutOf(property: Schema): string {
  return (
    property.description ?? property.anyOf?.find(({ description }) => description !== undefined)?.description ?? ""
  );
}

/** null is said by leaving a field empty; what remains decides how it is written. */
function formOf(property: Schema): OptionForm {
  const others = property.anyOf?.filter(({ type }) => type !== "null");
  if (others !== undefined) return others.length === 1 ? formOf(others[0]!) : { kind: "json" };
  if (property.enum?.every((one) => typeof one === "string") === true)
    return { kind: "choice", choices: property.enum };
  switch (property.type) {
    case "boolean":
      return { kind: "flag" };
    case "integer":
    case "number":
      return {
        kind: "number",
        isInteger: property.type === "integer",
        min: property.minimum ?? property.exclusiveMinimum ?? null,
        max: property.maximum ?? property.exclusiveMaximum ?? null,
      };
    case "string":
      return { kind: "text" };
    case "array": {
      const of = property.items?.type;
      if (of === "integer" || of === "number") return { kind: "list", of: "number" };
      return of === "string" ? { kind: "list", of: "text" } : { kind: "json" };
    }
    case undefined:
    default: {
      const each = property.additionalProperties;
      const isNumbers = typeof each === "object" && (each.type === "integer" || each.type === "number");
      return { kind: isNumbers ? "pairs" : "json" };
    }
  }
}

/** A default as it would be typed. */
function textOf(value: unknown): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  const text = JSON.stringify(value);
  return text === "{}" ? "" : text;
}

export type Typed = { readonly value: unknown } | { readonly wrong: string } | null;

/** What was typed, as JSON; null where nothing was, and what is wrong where it can't be that. */
export function valueTyped({ form }: OptionField, text: string): Typed {
  const bare = text.trim();
  if (bare === "") return null;
  switch (form.kind) {
    case "choice":
    case "text":
      return { value: bare };
    case "flag":
      return { value: bare === "true" };
    case "number":
      return numberTyped(form, bare);
    case "list": {
      const parts = bare.split(",").map((part) => part.trim());
      if (form.of === "text") return { value: parts.filter((part) => part !== "") };
      const numbers = parts.map(Number);
      if (parts.includes("") || numbers.some(Number.isNaN)) return { wrong: "Numbers, with commas between them." };
      return { value: numbers };
    }
    case "pairs":
      return pairsTyped(bare);
    case "json":
      try {
        return { value: JSON.parse(bare) as unknown };
      } catch {
        return { wrong: 'JSON, such as {"N": 1}.' };
      }
  }
}

function pairsTyped(text: string): Typed {
  const pairs = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()));
  const isPair = ([name, number, more]: readonly string[]): boolean =>
    name !== "" && number !== undefined && number !== "" && !Number.isNaN(Number(number)) && more === undefined;
  if (!pairs.every(isPair)) return { wrong: "Numbers by names, such as N=1, with commas between them." };
  return { value: Object.fromEntries(pairs.map(([name, number]) => [name, Number(number)])) };
}

function numberTyped(form: OptionForm & { kind: "number" }, text: string): Typed {
  const value = Number(text);
  if (Number.isNaN(value)) return { wrong: "A number." };
  if (form.isInteger && !Number.isInteger(value)) return { wrong: "A whole number." };
  const { min, max } = form;
  if (min !== null && value < min) return { wrong: `At least ${min}.` };
  if (max !== null && value > max) return { wrong: `At most ${max}.` };
  return { value };
}
