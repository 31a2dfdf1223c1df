// Processing in words: each declared step with what it was given.
import type { JsonObject, JsonValue } from "#registry";

const MOST_NAMED = 6;

export function processingSteps(processing: JsonObject | null): {
  readonly before: readonly string[];
  readonly after: readonly string[];
} {
  return { before: steps(processing?.["before"]), after: steps(processing?.["after"]) };
}

/** Names of the classes, where the last step has them. */
export function classesOf(processing: JsonObject | null): readonly string[] | null {
  const after = processing?.["after"];
  if (!Array.isArray(after)) return null;
  const labels = (after as readonly JsonObject[]).map((step) => step["labels"]).find((one) => Array.isArray(one));
  return labels === undefined ? null : (labels as readonly JsonValue[]).map(String);
}

function steps(list: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly JsonObject[]).map(({ step, ...given }) => {
    const name = valueText(step ?? null);
    const what = Object.entries(given).map(([key, value]) => `${key} ${valueText(value)}`);
    return what.length === 0 ? name : `${name}: ${what.join(", ")}`;
  });
}

function valueText(value: JsonValue): string {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  const shown = value.slice(0, MOST_NAMED).map((one: JsonValue) => valueText(one));
  return `[${shown.join(", ")}${value.length > MOST_NAMED ? `, … ${value.length} in all` : ""}]`;
}
