// One text for one JSON value, so that hashes of it can be compared: RFC 8785 (keys sorted by UTF-16 code units, numbers
// as ECMAScript writes them, no blanks).
import { createHash } from "node:crypto";
import { assert } from "@slipway/core/base";
import type { JsonValue } from "./types.ts";

export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== "object") {
    assert(typeof value !== "number" || Number.isFinite(value), `${String(value)} is no JSON number.`);
    const text = JSON.stringify(value) as string | undefined;
    assert(text !== undefined, `A ${typeof value} is no JSON value.`);
    return text;
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as JsonValue)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of a text's UTF-8 bytes, in hexadecimal. */
export function textHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
